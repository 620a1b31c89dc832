"""Critical findings: one row an exam and class, with when it was found, told, acknowledged, handed on and closed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sqlalchemy import Connection, select

from etl.records import EntryKind
from etl.records import EventType as E
from etl.warehouse.append import read_frame
from etl.warehouse.care_events import earliest, first_times, happenings
from etl.warehouse.intervals import MINUTE_US, Floats
from etl.warehouse.keys import Ints, stable_keys
from etl.warehouse.local_time import NO_TIME, dates, hours, local_days, times
from etl.warehouse.parameters import Parameters
from etl.warehouse.reference_match import phase_targets
from etl.warehouse.tables import fact_critical_result, fact_entry, fact_exam
from etl.warehouse.tables.columns import exam_dimensions

STEPS = (E.CRIT_IDENTIFIED, E.CRIT_NOTIFIED, E.CRIT_ACK, E.CRIT_DELEGATED, E.CRIT_CLOSED)
COLUMNS = ("identified_at", "notified_at", "acknowledged_at", "delegated_at", "closed_at")
TOLD = ("notified_at", "acknowledged_at", "closed_at")  # handing on is not telling
CLASSES = ("1", "2", "3")
IMPLIED = {"sole:SOLE106^": "2", "sole:SOLE107^": "3"}  # the codes' own names say the class
KEYS = ["exam_key", "critical_class"]
READ_BACK = "read_back"
DIMENSIONS = tuple(column.name for column in exam_dimensions())


def derive_critical_results(connection: Connection, parameters: Parameters, _: object) -> pd.DataFrame:
    """Return fact_critical_result rows; fact_exam and fact_entry must be up to the events."""
    rows = happenings(connection, parameters, STEPS)
    if rows.empty:
        return pd.DataFrame(columns=[c.name for c in fact_critical_result.columns])
    rows["critical_class"] = classes(rows)
    told = first_times(rows, KEYS, STEPS).set_axis(list(COLUMNS), axis="columns")
    found = told.reset_index().merge(_exams(connection, rows), on="exam_key")
    found = _owned(found, rows).merge(_documented(connection), on="exam_key", how="left")
    return _placed(found, parameters)


def classes(rows: pd.DataFrame) -> pd.Series:
    """Return each event's class: as sent, as its code says, else the most urgent one of its exam; "" for none."""
    sent = rows["result_code"].astype(object).where(rows["result_code"].isin(CLASSES))
    for prefix, implied in IMPLIED.items():
        sent = sent.where(~(sent.isna() & rows["local_code"].str.startswith(prefix)), implied)
    number = pd.to_numeric(sent, errors="coerce")
    urgent = number.groupby(rows["exam_key"]).transform("min")
    filled = number.fillna(urgent)
    return filled.map({float(name): name for name in CLASSES}).fillna("").astype(object)


def _exams(connection: Connection, rows: pd.DataFrame) -> pd.DataFrame:
    names = ("exam_key", "accession_token", "patient_key", "reader", *DIMENSIONS)
    columns = [fact_exam.c[name] for name in names]
    wanted = sorted(rows["exam_key"].unique().tolist())
    return read_frame(connection, select(*columns).where(fact_exam.c.exam_key.in_(wanted)))


def _owned(found: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Add who found it: the first reader an event of the finding names, else the exam's reader."""
    named = rows.dropna(subset=["reader_token"]).drop_duplicates(KEYS)[[*KEYS, "reader_token"]]
    merged = found.merge(named, on=KEYS, how="left")
    return merged.assign(owner=merged["reader_token"].fillna(merged["reader"]))


def _documented(connection: Connection) -> pd.DataFrame:
    """Return by exam what the list of communications documents; only whether it is there, never what."""
    e = fact_entry.c
    query = select(e.exam_key, e.person, e.other_person, e.code, e.outcome_code)
    rows = read_frame(connection, query.where(e.kind == str(EntryKind.COMMUNICATION)))
    there = pd.DataFrame(
        {
            "exam_key": rows["exam_key"],
            "has_who": rows["person"].notna(),
            "has_whom": rows["other_person"].notna(),
            "has_how": rows["code"].notna(),
            "has_read_back": rows["outcome_code"].eq(READ_BACK).fillna(False).astype(bool),
        }
    )
    return there.groupby("exam_key", as_index=False).any()


def _placed(found: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Return the rows with their times, durations, limit and calendar."""
    at = {name: found[name].to_numpy(dtype=np.int64) for name in COLUMNS}
    told = earliest(found[list(TOLD)])
    basis = np.where(at["identified_at"] != NO_TIME, at["identified_at"], earliest(found[list(COLUMNS)]))
    day, hour = local_days(basis, found["site_code"], parameters.zones)
    limit = np.full(len(found), np.nan)
    for name in CLASSES:
        mine = (found["critical_class"] == name).to_numpy()
        limit[mine] = phase_targets(found[mine], day[mine], parameters.targets, frozenset({f"critical_{name}"}))
    noted = {n: found[n].eq(True).fillna(False) for n in ("has_who", "has_whom", "has_how", "has_read_back")}
    return found.assign(
        **{name: times(value) for name, value in at.items()},
        **noted,
        finding_key=stable_keys("finding", found["exam_key"], found["critical_class"]),
        critical_class=found["critical_class"].astype(object).where(found["critical_class"] != "", None),
        communicated_at=times(told),
        has_when=told != NO_TIME,
        limit_min=limit,
        communicate_min=minutes(at["identified_at"], told),
        close_min=minutes(at["identified_at"], at["closed_at"]),
        local_date=dates(day),
        local_hour=hours(hour),
    )


def minutes(begin: Ints, end: Ints) -> Floats:
    """Return `end - begin` in minutes, NaN where either is unknown."""
    known = (begin != NO_TIME) & (end != NO_TIME)
    return np.where(known, (np.where(known, end, 0) - np.where(known, begin, 0)) / MINUTE_US, np.nan)
