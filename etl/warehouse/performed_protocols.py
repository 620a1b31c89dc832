"""What was acquired against what the site's standard asks for: the protocols' names and the number of images."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pandas as pd
from sqlalchemy import Connection, select

from etl.warehouse.append import read_frame
from etl.warehouse.care_rules import StandardRule, is_about
from etl.warehouse.parameters import Parameters
from etl.warehouse.reference import pattern_key
from etl.warehouse.tables import fact_acquisition

OF = ["site_code", "procedure_code", "procedure_group"]
COLUMNS = ["exam_key", "images", "protocol_images", "extra_images", "protocol_name", "is_standard_protocol"]


def against_standard(connection: Connection, exams: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Return COLUMNS of the exams with images that a rule of the standard is about."""
    if not parameters.standards:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in zip(COLUMNS, KINDS, strict=True)})
    asked = _asked(exams, parameters.standards)
    s = fact_acquisition.c
    series = read_frame(
        connection,
        select(s.exam_key, s.protocol_name, s.instances)
        .where(s.exam_key != 0)
        .order_by(s.exam_key, s.begin_at, s.series_key),
    )
    series = series.merge(exams[["exam_key", *OF]].merge(asked, on=OF), on="exam_key")
    series["off"] = _off_standard(series, parameters.standards)
    return _by_exam(series)


KINDS = ("int64", "Int64", "Int64", "Int64", "str", "boolean")


def _asked(exams: pd.DataFrame, standards: tuple[StandardRule, ...]) -> pd.DataFrame:
    """Return for each procedure of the exams whether any protocol is named for it, and the images asked for."""
    kinds = exams[OF].drop_duplicates().reset_index(drop=True)
    found = [_rules(row, standards) for row in kinds.itertuples(index=False, name=None)]
    images = [next((rule.images for rule in rules if rule.images is not None), None) for rules in found]
    kinds["protocol_images"] = pd.Series(images, dtype="Int64")
    kinds["named"] = [any(rule.protocol for rule in rules) for rules in found]
    return kinds[kinds["named"] | kinds["protocol_images"].notna()]


def _rules(procedure: tuple[str, ...], standards: tuple[StandardRule, ...]) -> list[StandardRule]:
    site, code, group = procedure
    return [rule for rule in standards if is_about(rule.site, rule.procedure, site, code, group)]


def _off_standard(series: pd.DataFrame, standards: tuple[StandardRule, ...]) -> pd.Series:
    """Return which series' protocols are in no rule of their procedure; NULL where none is named or known."""
    kinds = series[[*OF, "protocol_name"]].drop_duplicates()
    known = {
        row: all(not fnmatchcase(pattern_key(row[3]), rule.protocol) for rule in _rules(row[:3], standards))
        for row in kinds.itertuples(index=False, name=None)
        if isinstance(row[3], str)
    }
    off = [known.get(row) for row in series[[*OF, "protocol_name"]].itertuples(index=False, name=None)]
    return pd.Series(off, index=series.index, dtype="boolean").where(series["named"])


def _by_exam(series: pd.DataFrame) -> pd.DataFrame:
    exams = series.groupby("exam_key", sort=True)
    found = exams.agg(
        images=("instances", "sum"), protocol_images=("protocol_images", "first"), known=("off", "count"),
        off=("off", "sum"),
    )  # fmt: skip
    first = series.sort_values("off", ascending=False, kind="stable", na_position="last").drop_duplicates("exam_key")
    found["protocol_name"] = first.set_index("exam_key")["protocol_name"]
    found["extra_images"] = (found["images"] - found["protocol_images"]).clip(lower=0)
    found["is_standard_protocol"] = found["off"].eq(0).astype("boolean").where(found["known"] > 0)
    return found.reset_index()[COLUMNS]
