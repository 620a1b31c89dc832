"""Scanner hours of random departments equal a replay minute by minute; the way between variants adds up exactly.

The replay (tests/oracle/minutes.py) knows no intervals and nothing of `etl`. Days around changes of the clock in
Berlin, New York, Sydney and on Lord Howe (half an hour), with visits over midnight, linked accessions, pauses,
overlapping patients, closures and downtime inside openings. A failing case prints its seed.
"""

from __future__ import annotations

import importlib
import random
import sys
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from sqlalchemy import create_engine

from etl.kpis.variant_way import SUMS
from etl.kpis.waterfall import VARIANTS, waterfall
from etl.settings import Scanner, Site
from etl.warehouse.append import append
from etl.warehouse.derive_scanner_hour import derive_scanner_hours
from etl.warehouse.derive_scanner_time import derive_scanner_time
from etl.warehouse.derive_visit import derive_visits
from etl.warehouse.openings import operating_time
from etl.warehouse.parameters import Parameters
from etl.warehouse.tables import fact_scanner_hour, metadata

ORACLE = Path(__file__).resolve().parents[3] / "oracle"
NIGHTS = (
    ("Europe/Berlin", date(2026, 10, 25)),
    ("Europe/Berlin", date(2026, 3, 29)),
    ("America/New_York", date(2026, 11, 1)),
    ("America/New_York", date(2026, 3, 8)),
    ("Australia/Sydney", date(2026, 4, 5)),
    ("Australia/Sydney", date(2026, 10, 4)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
)
FACTS = (
    "scheduled_open_min", "operating_min", "down_min", "table_min", "room_before_min", "room_min", "booked_min",
    "used_booked_min", "after_hours_min", "summed_min", "begun_visits", "begun_scan_min", "imaged_min",
    "acquired_min", "turnover_min", "turnovers",
)  # fmt: skip


@pytest.fixture(scope="module")
def replayed() -> Any:
    """Return the oracle's module."""
    sys.path.insert(0, str(ORACLE))
    try:
        yield importlib.import_module("minutes")
    finally:
        sys.path.remove(str(ORACLE))
        sys.modules.pop("minutes", None)


def minute_of(day: date, hour: float, zone: str) -> int:
    """Return a local wall clock as minutes since 1970 UTC."""
    wall = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)) + timedelta(hours=hour)
    return int(wall.timestamp() // 60)


def invented(draws: random.Random, night: date, zone: str, oracle: Any) -> Any:
    """Return a scanner's random days around a night."""
    days = [night + timedelta(days=d) for d in (-1, 0, 1)]
    opened, closed, down = [], [], []
    for day in days:
        begin, end = draws.choice([(7, 19), (0, 24), (6.5, 23.75), (20, 27)])
        opened.append((minute_of(day, begin, zone), minute_of(day, end, zone)))
        for spans, chance in ((closed, 0.4), (down, 0.5)):
            if draws.random() < chance:
                at = minute_of(day, draws.uniform(begin - 1, end), zone)
                spans.append((at, at + draws.randint(5, 240)))
    first, last = minute_of(days[0], 0, zone), minute_of(days[-1], 24, zone)
    exams, at, key = [], first + draws.randint(0, 300), 0
    while at < last:
        length = draws.randint(4, 150)
        patient = draws.randint(1, 6) if draws.random() < 0.2 else 100 + key
        study = f"s{key}" if draws.random() < 0.3 else None
        for _ in range(2 if draws.random() < 0.2 else 1):  # a linked accession overlaps, or shares the study
            key += 1
            begin = at + draws.randint(0, 5)
            exams.append(oracle.Exam(key, patient, study, begin, begin + length, series(draws, begin, begin + length)))
        at += draws.choice([length - 3, length, length + draws.randint(0, 45), length + draws.randint(46, 400)])
    booked = [(b := draws.randint(first, last), b + draws.randint(10, 90)) for _ in range(25)]
    return oracle.Scanner(exams, booked, opened, closed, down, draws.choice([0, 3]), draws.choice([0, 4]))


def series(draws: random.Random, begin: int, end: int) -> tuple[tuple[int, int], ...]:
    """Return series inside an exam, sometimes with a pause between; half of the exams have none."""
    if draws.random() < 0.5:
        return ()
    found, at = [], begin + draws.randint(0, 3)
    while at < end - 1:
        stop = min(end, at + draws.randint(1, 20))
        found.append((at, stop))
        at = stop + draws.choice([0, 2, 10, 30, 31, 60])
    return tuple(found)


def stamp(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)


def derived(scanner: Any, parameters: Parameters, data_at: int) -> pd.DataFrame:
    """Return fact_scanner_hour rows of a scanner, through the real derivation."""
    code = parameters.scanners[0].code
    exams = pd.DataFrame(
        [
            {"exam_key": e.key, "patient_key": e.patient, "study_token": e.study, "exam_begin_at": stamp(e.begin),
             "exam_end_at": stamp(e.end)}
            for e in scanner.exams
        ]
    )  # fmt: skip
    same = {
        "site_code": "S", "scanner_code": code, "modality": "CT", "patient_class": "O", "priority": "ROUTINE",
        "procedure_group": "x", "status": "final", "planned_duration_min": float("nan"),
        "aborted_at": pd.Series(pd.NaT, index=exams.index, dtype="datetime64[us, UTC]"),
    }  # fmt: skip
    exams = exams.assign(**same)
    acquired = pd.DataFrame(
        [
            {"exam_key": e.key, "series_key": n, "begin_at": stamp(b), "end_at": stamp(f), "modality": "CT",
             "instances": 9, "acquired": True}
            for e in scanner.exams
            for n, (b, f) in enumerate(e.series)
        ]
    )  # fmt: skip
    spans = {"open": scanner.open, "closure": scanner.closed, "downtime_unplanned": scanner.down}
    openings = pd.DataFrame(
        [
            {"scanner_code": code, "kind": kind, "begin_at": stamp(b), "end_at": stamp(e)}
            for kind, some in spans.items()
            for b, e in some
        ]
    )
    slots = pd.DataFrame(
        [
            {"scanner_code": code, "is_last": True, "state": "booked", "appointment_at": stamp(b),
             "planned_duration_min": float(e - b)}
            for b, e in scanner.booked
        ]
    )  # fmt: skip
    calendar = operating_time(openings, parameters)
    now = data_at * 60_000_000
    visits = derive_visits(exams, acquired, calendar.operating, parameters, now)
    return derive_scanner_hours(visits, exams, slots, calendar, parameters, now)


def a_department(seed: int, oracle: Any) -> tuple[pd.DataFrame, dict[Any, dict[str, float]], Parameters]:
    """Return derived hours, replayed ones, and the parameters they hang on."""
    draws = random.Random(seed)  # noqa: S311 - a test's dice
    zone, night = NIGHTS[seed % len(NIGHTS)]
    scanner = invented(draws, night, zone, oracle)
    parameters = Parameters(
        sites=(Site(code="S", name="S", zone=zone),),
        scanners=(
            Scanner(
                code="X", site="S", modality="CT", name="X", room_buffer_before_min=scanner.before,
                room_buffer_after_min=scanner.after, stated_hours_per_day=draws.choice([None, 12.0]),
            ),
        ),
    )  # fmt: skip
    first, last = minute_of(night, -48, zone), minute_of(night, 96, zone)
    return derived(scanner, parameters, last), oracle.replay(scanner, first, last, zone), parameters


@pytest.mark.parametrize("seed", [*range(7), *(pytest.param(s, marks=pytest.mark.slow) for s in range(7, 140))])
def test_scanner_hours_equal_a_replay_minute_by_minute(seed: int, replayed: Any) -> None:
    hours, wanted, _ = a_department(seed, replayed)
    got = {
        (int(row["hour_at"].timestamp() // 60), row["local_date"].date(), row["local_hour"]): row
        for row in hours.to_dict("records")
    }
    cells = {(cell.begin, cell.day, cell.hour): values for cell, values in wanted.items()}
    for cell in set(got) | set(cells):
        row, values = got.get(cell, {}), cells.get(cell, {})
        expected = {n: values.get(n, 0.0) for n in FACTS}
        assert {n: row.get(n, 0.0) for n in FACTS} == pytest.approx(expected, abs=1e-9), cell


@pytest.mark.parametrize("seed", [*range(7), *(pytest.param(s, marks=pytest.mark.slow) for s in range(7, 140))])
def test_the_steps_between_any_two_variants_add_up_exactly(seed: int, replayed: Any) -> None:
    hours, _, parameters = a_department(seed, replayed)
    engine = create_engine("duckdb:///:memory:")
    metadata.create_all(engine, tables=[fact_scanner_hour])
    with engine.begin() as connection:
        append(connection, fact_scanner_hour, hours[[c.name for c in fact_scanner_hour.columns]])
        data_at = hours["hour_at"].max() + timedelta(hours=1)
        time = derive_scanner_time(connection, parameters, data_at.to_pydatetime())
    inside = hours[hours["local_date"].isin(time["local_date"])]
    for name in ("operating_min", "table_min", "booked_min", "summed_min"):
        assert time[name].sum() == pytest.approx(inside[name].sum(), abs=1e-6)
    sums = time[list(SUMS)].sum()
    for start, end in permutations(VARIANTS, 2):
        found = waterfall(sums, start, end)
        assert found.start.share + sum(s.share for s in found.steps) == found.end.share
        for side in ("numerator", "denominator"):
            first, last = (getattr(amount, side) for amount in (found.start, found.end))
            assert first + sum(s.minutes for s in found.steps if s.side == side) == last
        back = waterfall(sums, end, start)
        assert sorted((s.side, -s.minutes, -s.share) for s in back.steps) == sorted(
            (s.side, s.minutes, s.share) for s in found.steps
        )


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Sydney", "Australia/Lord_Howe"])
def test_a_week_has_fifty_hours_and_a_day_its_stated_ones_whatever_the_clock_does(zone: str) -> None:
    night = dict(reversed(NIGHTS))[zone]
    days = [night + timedelta(days=d) for d in range(-3, 4)]
    scanner = Scanner(code="X", site="S", modality="CT", name="X", stated_hours_per_day=12.0)
    parameters = Parameters(sites=(Site(code="S", name="S", zone=zone),), scanners=(scanner,))
    rows = pd.DataFrame(
        [
            {"site_code": "S", "scanner_code": "X", "hour_at": stamp(minute_of(day, 12, zone)), "local_date": day,
             "local_hour": 12, "operating_min": 60.0, "scheduled_open_min": 60.0}
            for day in days
        ]
    )  # fmt: skip
    engine = create_engine("duckdb:///:memory:")
    metadata.create_all(engine, tables=[fact_scanner_hour])
    with engine.begin() as connection:
        append(connection, fact_scanner_hour, rows)
        time = derive_scanner_time(connection, parameters, datetime(2027, 1, 1, tzinfo=UTC))
    assert time["week_50h_min"].sum() == pytest.approx(50 * 60)
    assert time.groupby("local_date")["stated_min"].sum().tolist() == pytest.approx([12 * 60] * 7)
    wall = datetime(night.year, night.month, night.day, tzinfo=ZoneInfo(zone))
    length = (wall + timedelta(days=1)).timestamp() - wall.timestamp()
    assert time.groupby("local_date")["clock_min"].sum()[pd.Timestamp(night)] == pytest.approx(length / 60)
    assert length != 24 * 3600
