"""Report versions: one row a preliminary, final or corrected report."""

from __future__ import annotations

import numpy as np
import pandas as pd

from etl.records import EventType as E
from etl.warehouse.event_set import TYPE_CODE
from etl.warehouse.local_time import dates, local_days, times
from etl.warehouse.milestones import Milestones
from etl.warehouse.parameters import Parameters

VERSIONS = {E.PRELIM: "prelim", E.FINAL: "final", E.ADDENDUM: "addendum"}


def derive_report_versions(exams: pd.DataFrame, found: Milestones, parameters: Parameters) -> pd.DataFrame:
    """Return fact_report_version rows of the exams, in the order of signing."""
    names = {TYPE_CODE[kind]: name for kind, name in VERSIONS.items()}
    used = np.isin(found.type, list(names))
    exam = found.exam[used]
    rows = exams[["exam_key", "site_code", "modality"]].iloc[exam].reset_index(drop=True)
    day, _ = local_days(found.at[used], rows["site_code"], parameters.zones)
    return rows.assign(
        version=[names[code] for code in found.type[used].tolist()],
        signed_at=times(found.at[used]),
        reader=found.rows.loc[used, "reader_token"].reset_index(drop=True),
        local_date=dates(day),
    )
