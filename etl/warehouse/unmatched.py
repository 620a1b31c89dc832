"""What stayed unmatched on both sides, each with its likely cause."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, func, select

from etl.warehouse.append import read_frame
from etl.warehouse.derive_acquisition import NOT_ACQUIRED
from etl.warehouse.keys import NO_EXAM
from etl.warehouse.local_time import dates, local_days, microsecond, microseconds
from etl.warehouse.match import EXAM, IMAGES, SCORED
from etl.warehouse.parameters import Parameters
from etl.warehouse.tables import fact_acquisition, fact_exam, match_node

COLUMNS = ("side", "cause", "site_code", "scanner_code", "modality", "exam_key", "begin_at", "local_date", "score")
CAUSES = {  # code -> in words
    "ambiguous": "several exams fit equally well",
    "other_site": "images of another site: the station belongs to a scanner there",
    "too_old": "older than everything the other side tells of",
    "no_ris": "no order of this site is known at all",
    "patient_unknown": "study without order: patient and accession are unknown to the RIS",
    "patient_elsewhen": "study without order: the patient is known, but has no exam within 12 h",
    "has_images": "second study: the patient's exam at this time already has images",
    "weak": "the patient's exam at this time fits too badly (modality, scanner or time)",
    "no_image_feed": "no images of this modality and site ever come",
    "scanner_silent": "exam without images: its scanner sent nothing that day",
    "wrong_entry": "images filed under another exam ran during this one: wrong worklist entry?",
    "never_sent": "exam without images, though its scanner sent others that day",
}
SETTLED = timedelta(days=1)  # images may be on their way for so long
NEAR = timedelta(hours=12)


def derive_unmatched(connection: Connection, parameters: Parameters, data_at: datetime) -> pd.DataFrame:
    """Return fact_unmatched rows: images without exam, and exams performed a day ago or more without images."""
    frames = [_images(connection, parameters), _exams(connection, data_at)]
    rows = pd.concat([f for f in frames if len(f)] or frames[:1], ignore_index=True)
    if rows.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    day, _ = local_days(microseconds(rows["begin_at"]), rows["site_code"], parameters.zones)
    return rows.assign(local_date=dates(day)).reindex(columns=list(COLUMNS))


def _images(connection: Connection, parameters: Parameters) -> pd.DataFrame:
    nodes = select(match_node).where(match_node.c.side == IMAGES, match_node.c.reason != SCORED)
    rows = read_frame(connection, nodes)
    if rows.empty:
        return rows
    begun = fact_exam.c.exam_begin_at
    ordered = select(fact_exam.c.site_code, func.min(fact_exam.c.order_entered_at).label("first")).group_by(
        fact_exam.c.site_code
    )
    first = read_frame(connection, ordered).set_index("site_code")["first"]
    names = [fact_exam.c[n] for n in ("patient_key", "site_code", "exam_key", "has_images", "appointment_at")]
    patients = select(match_node.c.patient_key).where(match_node.c.side == IMAGES)
    exams = read_frame(connection, select(*names, begun.label("begun")).where(fact_exam.c.patient_key.in_(patients)))
    own = set(rows["exam_key"]) - {NO_EXAM}
    exams = exams[~exams["exam_key"].isin(own)]
    return rows.assign(cause=[_why_no_exam(row, exams, first, parameters) for row in rows.to_dict("records")])


def _why_no_exam(row: dict[Hashable, Any], exams: pd.DataFrame, first: pd.Series, parameters: Parameters) -> str:
    if row["reason"] == "ambiguous":
        return "ambiguous"
    if pd.isna(row["scanner_code"]) and _is_elsewhere(row, parameters):
        return "other_site"
    since = first.get(row["site_code"])
    if since is None or pd.isna(since):
        return "no_ris"
    mine = exams[(exams["patient_key"] == row["patient_key"]) & (exams["site_code"] == row["site_code"])]
    if mine.empty:
        return "too_old" if row["begin_at"] < since else "patient_unknown"
    at = mine["begun"].where(mine["begun"].notna(), mine["appointment_at"])
    apart = np.abs(microseconds(at) - microsecond(row["begin_at"]))
    near = mine[apart <= NEAR // timedelta(microseconds=1)]
    if near.empty:
        return "too_old" if row["begin_at"] < since else "patient_elsewhen"
    return "has_images" if near["has_images"].any() else "weak"


def _is_elsewhere(row: dict[Hashable, Any], parameters: Parameters) -> bool:
    """Whether the station is a scanner of another site."""
    name = str(row["station_name"]).strip().upper()
    return any(
        name in {n.strip().upper() for n in (s.code, *s.station_names)}
        for s in parameters.scanners
        if s.site != row["site_code"]
    )


def _exams(connection: Connection, data_at: datetime) -> pd.DataFrame:
    e = fact_exam.c
    names = [e[n] for n in ("exam_key", "site_code", "scanner_code", "modality", "exam_begin_at", "exam_end_at")]
    lacking = select(*names).where(e.is_performed, ~e.has_images, e.exam_end_at < data_at - SETTLED)
    rows = read_frame(connection, lacking.where(e.modality.is_(None) | e.modality.not_in(sorted(NOT_ACQUIRED))))
    coverage = _coverage(connection)
    rows = rows[rows["site_code"].isin(coverage["site_code"])].reset_index(drop=True)
    if rows.empty:
        return rows
    rows = rows.merge(coverage, how="left", on=["site_code", "modality"])
    cause = np.select(
        [
            rows["first"].isna(),
            rows["exam_begin_at"] < rows["first"],
            _is_silent(rows, connection),
            rows["exam_key"].isin(_covered_by_others(rows, connection)),
        ],
        ["no_image_feed", "too_old", "scanner_silent", "wrong_entry"],
        default="never_sent",
    )
    return rows.rename(columns={"exam_begin_at": "begin_at"}).assign(side=EXAM, cause=cause)


def _coverage(connection: Connection) -> pd.DataFrame:
    """Return when the images of each site and modality begin (`first`)."""
    a = fact_acquisition.c
    return read_frame(
        connection,
        select(a.site_code, a.modality, func.min(a.begin_at).label("first")).group_by(a.site_code, a.modality),
    )


def _is_silent(rows: pd.DataFrame, connection: Connection) -> pd.Series:
    a = fact_acquisition.c
    scanners = sorted(rows["scanner_code"].dropna().unique())
    sent = read_frame(
        connection, select(a.scanner_code, a.begin_at).where(a.scanner_code.in_(scanners)).order_by(a.begin_at)
    )
    days = set(zip(sent["scanner_code"], sent["begin_at"].dt.floor("D"), strict=True))
    asked = zip(rows["scanner_code"], rows["exam_begin_at"].dt.floor("D"), strict=True)
    return pd.Series([pair not in days for pair in asked], index=rows.index)


def _covered_by_others(rows: pd.DataFrame, connection: Connection) -> set[int]:
    """Return exams during which their scanner made images of an exam that lies wholly outside of that time."""
    a, e = fact_acquisition.c, fact_exam.c
    other = select(a.scanner_code, a.begin_at, e.exam_begin_at.label("since"), e.exam_end_at.label("until")).where(
        a.exam_key == e.exam_key,
        a.scanner_code.in_(sorted(rows["scanner_code"].dropna().unique())),
        (e.exam_begin_at > a.begin_at) | (e.exam_end_at < a.begin_at),
        e.exam_begin_source == "ris",
    )
    both = rows.merge(read_frame(connection, other), on="scanner_code", suffixes=("", "_image"))
    inside = (both["begin_at"] >= both["exam_begin_at"]) & (both["begin_at"] <= both["exam_end_at"])
    apart = (both["since"] > both["exam_end_at"]) | (both["until"] < both["exam_begin_at"])
    return set(both.loc[inside & apart, "exam_key"])
