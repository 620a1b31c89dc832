"""Which later exam of a patient did what was recommended, where no feed says so.

The rule, visible in the facts as completed_by = 'exam': the same patient after merges, a modality of the same family
(any, where none was named), a body region in common (of the recommending exam, where none is named or one that
body_regions.csv does not know), performed once a share of the interval had passed and not too long after the due date.
The earliest such exam counts. Without an interval there is no window, so nothing is matched.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sqlalchemy import Connection, select

from etl.warehouse.append import read_frame
from etl.warehouse.local_time import DAY_US, NO_TIME, microseconds
from etl.warehouse.parameters import Parameters
from etl.warehouse.tables import fact_exam


def matching_exams(connection: Connection, wanted: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Return by row of `wanted` the exam_key and begin (microseconds) of the exam that did it, NULL without one.

    `wanted` has exam_key, patient_key, wanted_modality, wanted_region, procedure_group, recommended and due
    (microseconds).
    """
    asked = wanted.reset_index(drop=True).assign(place=np.arange(len(wanted)))
    asked = asked[(asked["due"] != NO_TIME) & asked["patient_key"].notna()]
    shown = {group: regions.split() for group, regions in parameters.regions.items()}
    known = {region for regions in shown.values() for region in regions}
    own = [
        [region] if region in known else shown.get(group, [])
        for region, group in zip(asked["wanted_region"], asked["procedure_group"], strict=True)
    ]
    family = _family(asked["wanted_modality"], parameters)
    asked = asked.assign(region=pd.Series(own, index=asked.index, dtype=object), family=family).explode("region")
    done = _performed(connection, shown, parameters)
    pairs = asked[["place", "exam_key", "patient_key", "region", "family", "recommended", "due"]].merge(
        done, on=["patient_key", "region"], suffixes=("", "_done")
    )
    pairs = pairs[pairs["family"].isna() | (pairs["family"] == pairs["family_done"])]
    pairs = pairs[(pairs["exam_key"] != pairs["exam_key_done"]) & _in_window(pairs, parameters)]
    first = pairs.sort_values(["place", "at", "exam_key_done"]).drop_duplicates("place").set_index("place")
    found = first.reindex(np.arange(len(wanted)))
    return pd.DataFrame({"exam_key": found["exam_key_done"].astype("Int64"), "at": found["at"].astype("Int64")})


def _family(modality: pd.Series, parameters: Parameters) -> pd.Series:
    """Return the family of each modality, the modality itself where the table has none."""
    return modality.map(dict(parameters.modality_families)).astype(object).fillna(modality)


def _in_window(pairs: pd.DataFrame, parameters: Parameters) -> pd.Series:
    early = parameters.rules.followup_early_share * (pairs["due"] - pairs["recommended"])
    late = round(parameters.rules.followup_late_days * DAY_US)
    opened = pairs["recommended"] + early.round().astype("int64")
    return (pairs["at"] >= opened) & (pairs["at"] <= pairs["due"] + late)


def _performed(connection: Connection, shown: Mapping[str, list[str]], parameters: Parameters) -> pd.DataFrame:
    """Return performed exams of patients with a recommendation, one row a body region."""
    x = fact_exam.c
    patients = select(x.patient_key).where(x.followup_recommended_at.is_not(None), x.patient_key.is_not(None))
    query = select(x.exam_key, x.patient_key, x.modality, x.procedure_group, x.exam_begin_at)
    rows = read_frame(connection, query.where(x.is_performed.is_(True), x.patient_key.in_(patients)))
    done = rows.assign(
        region=rows["procedure_group"].map(shown),
        family=_family(rows["modality"], parameters),
        at=microseconds(rows["exam_begin_at"]),
    )
    done = done.rename(columns={"exam_key": "exam_key_done", "family": "family_done"})
    return done.explode("region").dropna(subset=["region"])
