"""Scanner-grain facts from exam-grain ones: all, or those of touched scanner days (decision 2, second stage)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Table, and_, bindparam, delete, select, update

from etl.warehouse.append import read_frame
from etl.warehouse.derive_acquisition import NOT_ACQUIRED
from etl.warehouse.derive_scanner_hour import derive_scanner_hours
from etl.warehouse.derive_visit import Visits, derive_visits
from etl.warehouse.keys import Ints
from etl.warehouse.local_time import NO_DAY, dates, day_numbers, local_days, microseconds
from etl.warehouse.openings import operating_time
from etl.warehouse.parameters import Parameters
from etl.warehouse.store import store
from etl.warehouse.tables import fact_acquisition, fact_exam, fact_opening, fact_scanner_hour, fact_slot, fact_visit

CONTEXT_DAYS = 3  # of exams around a scanner day: more than a visit can last


@dataclass(frozen=True, slots=True)
class ScannerDays:
    """Pairs of scanner code and local day since 1970."""

    pairs: frozenset[tuple[str, int]]

    def widened(self, days: int) -> ScannerDays:
        """Return the pairs with so many days before and after each."""
        return ScannerDays(frozenset((s, d + k) for s, d in self.pairs for k in range(-days, days + 1)))

    def holds(self, scanner: pd.Series, day: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return which rows are of these scanner days."""
        return np.fromiter(((s, d) in self.pairs for s, d in zip(scanner, day.tolist(), strict=True)), dtype=bool)


def scanner_days(frame: pd.DataFrame, *columns: str) -> set[tuple[str, int]]:
    """Return the scanner days a frame's date columns name."""
    found: set[tuple[str, int]] = set()
    for column in columns:
        day = day_numbers(frame[column])
        known = frame["scanner_code"].notna().to_numpy() & (day != NO_DAY)
        found |= set(zip(frame["scanner_code"][known], day[known].tolist(), strict=True))
    return found


def opening_days(openings: pd.DataFrame, parameters: Parameters) -> set[tuple[str, int]]:
    """Return the scanner days that calendar rows reach into."""
    site = openings["site_code"]
    first, _ = local_days(microseconds(openings["begin_at"]), site, parameters.zones)
    last, _ = local_days(microseconds(openings["end_at"]), site, parameters.zones)
    spans = zip(openings["scanner_code"], first.tolist(), last.tolist(), strict=True)
    return {(scanner, day) for scanner, begin, end in spans for day in range(begin, end + 1)}


def write_all(
    connection: Connection, exams: pd.DataFrame, slots: pd.DataFrame, acquired: pd.DataFrame,
    openings: pd.DataFrame, parameters: Parameters, data_at: int,
) -> pd.Series:  # fmt: skip
    """Write all visits and scanner hours; return visit_key by exam_key."""
    calendar = operating_time(openings, parameters)
    visits = derive_visits(exams, acquired, calendar.operating, parameters, data_at)
    store(connection, fact_visit, visits.frame)
    store(connection, fact_scanner_hour, derive_scanner_hours(visits, exams, slots, calendar, parameters, data_at))
    return visits.key_of_exam


def write_days(
    connection: Connection, fresh: pd.DataFrame, acquired: pd.DataFrame, days: ScannerDays,
    parameters: Parameters, data_at: int,
) -> pd.Series:  # fmt: skip
    """Rewrite the visits and hours of scanner days and their neighbours; return visit_key of the `fresh` exams.

    `fresh` are the exams just derived, not stored yet; the others are read. Slots and openings are stored already.
    """
    window = days.widened(1)
    exams = _exams_around(connection, fresh, window.widened(CONTEXT_DAYS))
    series = _series_around(connection, exams, fresh, acquired)
    calendar = operating_time(_openings_around(connection, window), parameters)
    slots = _slots_around(connection, window)
    visits = derive_visits(exams, series, calendar.operating, parameters, data_at)
    found = derive_scanner_hours(visits, exams, slots, calendar, parameters, data_at)
    _replace(connection, fact_visit, visits.frame, window)
    _replace(connection, fact_scanner_hour, found, window)
    _update_visit_keys(connection, exams, visits, window)
    return visits.key_of_exam


def _limits(days: ScannerDays) -> tuple[list[str], date, date]:
    """Return scanners, first and last date of scanner days."""
    numbers = [d for _, d in days.pairs]
    bounds = dates(np.array([min(numbers), max(numbers)], dtype=np.int64))
    return sorted({s for s, _ in days.pairs}), bounds[0].date(), bounds[1].date()


def _slots_around(connection: Connection, days: ScannerDays) -> pd.DataFrame:
    scanners, first, last = _limits(days.widened(1))
    chosen = and_(fact_slot.c.scanner_code.in_(scanners), fact_slot.c.local_date.between(first, last))
    return read_frame(connection, select(fact_slot).where(chosen))


def _openings_around(connection: Connection, days: ScannerDays) -> pd.DataFrame:
    """Return the calendar rows that reach into these days, whenever they begin."""
    scanners, first, last = _limits(days.widened(CONTEXT_DAYS))
    begin, end = (datetime.combine(day, time(), UTC) for day in (first, last))
    reaching = and_(fact_opening.c.begin_at < end, fact_opening.c.end_at > begin)
    return read_frame(connection, select(fact_opening).where(fact_opening.c.scanner_code.in_(scanners), reaching))


def _exams_around(connection: Connection, fresh: pd.DataFrame, days: ScannerDays) -> pd.DataFrame:
    """Return fresh exams and stored ones of these scanner days; stored ones are tied by the visit they share."""
    scanners, first, last = _limits(days)
    stored = read_frame(
        connection,
        select(fact_exam).where(
            fact_exam.c.scanner_code.in_(scanners), fact_exam.c.begin_local_date.between(first, last)
        ),
    )
    stored = stored[days.holds(stored["scanner_code"], day_numbers(stored["begin_local_date"]))]
    stored = stored.assign(study_token="visit:" + stored["visit_key"].astype(str))
    mine = days.holds(fresh["scanner_code"], day_numbers(fresh["begin_local_date"]))
    columns = [*(c.name for c in fact_exam.columns if c.name in fresh), "study_token"]
    return pd.concat([f[columns] for f in (fresh[mine], stored) if len(f)] or [fresh[columns]], ignore_index=True)


def _series_around(
    connection: Connection, exams: pd.DataFrame, fresh: pd.DataFrame, acquired: pd.DataFrame
) -> pd.DataFrame:
    """Return the series of these exams, from what was just derived and from the table."""
    keys = exams.loc[~exams["exam_key"].isin(fresh["exam_key"]), "exam_key"]
    names = ("exam_key", "series_key", "begin_at", "end_at", "modality", "instances")
    series = read_frame(
        connection,
        select(*[fact_acquisition.c[n] for n in names]).where(fact_acquisition.c.exam_key.in_([int(k) for k in keys])),
    )
    series = series.assign(acquired=~series["modality"].isin(NOT_ACQUIRED))
    frames = [f[[*names, "acquired"]] for f in (acquired, series) if len(f)]
    return pd.concat(frames, ignore_index=True) if frames else acquired


def _replace(connection: Connection, table: Table, frame: pd.DataFrame, window: ScannerDays) -> None:
    """Delete the rows of the window's scanner days and write the frame's rows of them."""
    by_scanner: dict[str, list[object]] = {}
    for scanner, day in sorted(window.pairs):
        by_scanner.setdefault(scanner, []).append(np.datetime64(day, "D").item())
    for scanner, days in by_scanner.items():
        connection.execute(delete(table).where(table.c.scanner_code == scanner, table.c.local_date.in_(days)))
    if len(frame):
        store(connection, table, frame[window.holds(frame["scanner_code"], day_numbers(frame["local_date"]))])


def _update_visit_keys(connection: Connection, exams: pd.DataFrame, visits: Visits, window: ScannerDays) -> None:
    """Tell stored exams of the window which visit they belong to now, where that changed."""
    tied = exams["study_token"].astype(object).to_numpy()
    inside = window.holds(exams["scanner_code"], day_numbers(exams["begin_local_date"]))
    key = visits.key_of_exam.astype("Int64").reindex(exams["exam_key"])
    changed = [
        {"exam": int(exam), "visit": int(visit)}
        for exam, visit, tie, mine in zip(exams["exam_key"], key, tied, inside, strict=True)
        if mine and isinstance(tie, str) and tie.startswith("visit:") and tie != f"visit:{visit}"
    ]
    if changed:
        statement = update(fact_exam).where(fact_exam.c.exam_key == bindparam("exam"))
        connection.execute(statement.values(visit_key=bindparam("visit")), changed)
