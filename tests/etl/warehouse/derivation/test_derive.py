"""Derivation on a real engine: whatever comes in whatever order and portions, the facts are the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from etl.warehouse import derive as module
from etl.warehouse.derive import DeriveReport, derive
from etl.warehouse.dump import DUMPED, canonical_lines
from etl.warehouse.tables import (
    data_version,
    dim_patient,
    fact_exam,
    fact_feed,
    fact_opening,
    fact_quarantine,
    fact_scanner_hour,
    fact_visit,
    link,
    parameter_set,
    quarantine,
    touched,
)

Facts = dict[str, list[str]]


@pytest.fixture(autouse=True)
def _never_full_for_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiny warehouses are derived by what was touched too."""
    monkeypatch.setattr(module, "FULL_SHARE", 9.0)


def _load(engine: Engine, ward: Any, rows: Any = None, **more: Any) -> DeriveReport:
    with engine.begin() as connection:
        ward.load(connection, rows)
        return derive(connection, ward.parameters, **more)


def _facts(engine: Engine) -> Facts:
    tables = [t for t in DUMPED if t is not data_version] + [link]
    with engine.connect() as connection:
        return {t.name: sorted(canonical_lines(connection, t)) for t in tables}


def _portions(rows: list[Any], draw: random.Random) -> Iterable[list[Any]]:
    cuts = sorted(draw.sample(range(1, len(rows)), 2))
    return [rows[a:b] for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True)]


def _assert_portions_equal_the_whole(new_engine: Callable[[], Engine], ward: Any, seed: int) -> None:
    whole, pieces = new_engine(), new_engine()
    _load(whole, ward)
    draw = random.Random(seed)  # noqa: S311 - an order, not a secret
    rows = list(ward.rows)
    draw.shuffle(rows)
    reports = [_load(pieces, ward, portion) for portion in _portions(rows, draw)]
    assert [r.full for r in reports] == [True, False, False]
    assert _facts(pieces) == _facts(whole)


@pytest.mark.parametrize("seed", [2])
def test_portions_in_any_order_equal_everything_at_once(new_engine: Any, busy_ward: Any, seed: int) -> None:
    _assert_portions_equal_the_whole(new_engine, busy_ward(seed), seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
def test_portions_equal_everything_on_many_departments(new_engine: Any, busy_ward: Any, seed: int) -> None:
    _assert_portions_equal_the_whole(new_engine, busy_ward(seed), seed)


@pytest.mark.parametrize("orders", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_any_order_gives_one_warehouse(new_engine: Any, new_ward: Any, orders: int) -> None:
    ward = new_ward()
    for n in range(4):
        ward.exam(f"A{n}", n * 30, patient=f"p{n % 3}", filler=f"F{n}", study=f"S{n // 2}")
        ward.event("order_entered", n * 30 - 500, filler=f"F{n}", placer="P")
        ward.series(f"s{n}", n * 30 + 3, study=f"S{n // 2}", acc=f"A{n}")
    ward.event("patient_merged", 5, patient="p1", prior="p0")
    found = []
    for seed in range(orders):
        random.Random(seed).shuffle(ward.rows)  # noqa: S311 - an order, not a secret
        engine = new_engine()
        _load(engine, ward)
        found.append(_facts(engine))
    assert all(f == found[0] for f in found)


def test_nothing_new_changes_nothing(new_engine: Any, busy_ward: Any) -> None:
    ward, engine = busy_ward(3), new_engine()
    _load(engine, ward)
    before = _facts(engine)
    report = _load(engine, ward, [])
    assert (report.full, report.changed) == (False, False)
    assert _facts(engine) == before


def test_a_scanner_whose_clock_runs_ahead_does_not_move_now(new_engine: Any, new_ward: Any) -> None:
    ward = new_ward()
    ward.exam("A1", 0)
    told = _load(new_engine(), ward).data_at
    assert told is not None
    ward.series("s1", told + timedelta(minutes=12), acc="A1")
    assert _load(new_engine(), ward).data_at == told
    alone = new_ward()
    alone.series("s1", told + timedelta(minutes=12), acc="A1")
    assert _load(new_engine(), alone).data_at == told + timedelta(minutes=12)


def test_an_empty_warehouse_is_derived_to_nothing(new_engine: Any, ward: Any) -> None:
    engine = new_engine()
    report = _load(engine, ward)
    assert (report.data_at, report.exams) == (None, 0)
    assert _facts(engine)["dim_scanner"] != []


def test_touched_is_emptied_and_the_parameter_set_noted(new_engine: Any, ward: Any) -> None:
    ward.exam("A", 0)
    engine = new_engine()
    _load(engine, ward)
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(touched)).scalar_one() == 0
        assert connection.execute(select(parameter_set.c.parameter_hash)).scalars().all() == [ward.parameters.hash]


def test_another_parameter_set_derives_everything_anew_and_back(new_engine: Any, ward: Any) -> None:
    ward.exam("A", 0, priority_code="S")
    engine = new_engine()
    _load(engine, ward)
    before, own = _facts(engine), ward.parameters
    ward.parameters = replace(own, priorities={"S": "ROUTINE"})
    assert _load(engine, ward, []).full
    with engine.connect() as connection:
        assert connection.execute(select(fact_exam.c.priority)).scalar_one() == "ROUTINE"
    ward.parameters = own
    assert _load(engine, ward, []).full
    assert _facts(engine) == before
    assert not _load(engine, ward, []).full


def test_an_accession_learnt_later_renames_its_exam(new_engine: Any, ward: Any) -> None:
    ward.event("order_entered", 0, placer="P", filler="F")
    engine = new_engine()
    _load(engine, ward)
    first = list(ward.rows)
    ward.event("exam_begin", 10, acc="A", filler="F", station_name="NCT1")
    _load(engine, ward, [row for row in ward.rows if row not in first])
    with engine.connect() as connection:
        rows = connection.execute(select(fact_exam.c.accession_token, fact_exam.c.order_entered_at)).all()
        assert connection.execute(select(func.count()).select_from(fact_visit)).scalar_one() == 1
    assert [tuple(r) for r in rows] == [("A", first[0][1]["occurred_at"])]


def test_an_id_that_turns_out_to_be_a_procedures_code_no_longer_identifies(new_engine: Any, ward: Any) -> None:
    ward.exam("A0", 0, procedure="CTHEAD")
    ward.series("lost", 1, study="S", procedure="CTHEAD")
    engine, whole = new_engine(), new_engine()
    _load(engine, ward)
    with engine.connect() as connection:
        assert "procedure" in connection.execute(select(link.c.reason)).scalars().all()
    first = list(ward.rows)
    for n in range(1, 12):
        ward.exam(f"A{n}", n * 600, procedure="CTHEAD")
    report = _load(engine, ward, [row for row in ward.rows if row not in first])
    _load(whole, ward)
    assert not report.full
    assert _facts(engine) == _facts(whole)
    with engine.connect() as connection:
        assert "procedure" not in connection.execute(select(link.c.reason)).scalars().all()


def test_an_exam_in_progress_is_looked_at_again_as_the_data_moves_on(new_engine: Any, ward: Any, minutes: Any) -> None:
    ward.opening("NCT1", "open", 0, 600)
    ward.event("exam_begin", 0, acc="A", station_name="NCT1")
    ward.event("order_entered", 20, acc="B", known_at=20)
    engine = new_engine()
    _load(engine, ward)
    assert _table_minutes(engine) == 20
    ward.rows = []
    ward.event("order_entered", 90, acc="C", known_at=90)
    _load(engine, ward)
    assert _table_minutes(engine) == 90


def _table_minutes(engine: Engine) -> float:
    with engine.connect() as connection:
        return float(connection.execute(select(func.sum(fact_scanner_hour.c.table_min))).scalar_one())


def test_a_merge_reaches_exams_derived_long_ago(new_engine: Any, ward: Any) -> None:
    ward.exam("A", 0, patient="old")
    ward.exam("B", 15, patient="new")
    engine = new_engine()
    _load(engine, ward)
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(fact_visit)).scalar_one() == 2
    ward.rows = []
    ward.event("patient_merged", 500, patient="new", prior="old", adt=True)
    _load(engine, ward)
    with engine.connect() as connection:
        assert connection.execute(select(func.count(fact_exam.c.patient_key.distinct()))).scalar_one() == 1
        assert connection.execute(select(func.count(dim_patient.c.patient_key.distinct()))).scalar_one() == 1
        assert connection.execute(select(func.count()).select_from(fact_visit)).scalar_one() == 1


def _cycles(engine: Engine) -> tuple[list[tuple[str, str]], int]:
    with engine.connect() as connection:
        rows = connection.execute(select(quarantine.c.feed_key, quarantine.c.reason)).all()
        items = connection.execute(select(func.coalesce(func.sum(fact_quarantine.c["items"]), 0))).scalar_one()
    return [tuple(row) for row in rows], int(items)


def test_a_merge_that_closes_a_circle_is_in_quarantine_until_the_circle_is_undone(new_engine: Any, ward: Any) -> None:
    ward.exam("A", 0, patient="a")
    for minute, new, old in ((10, "b", "a"), (11, "c", "b"), (12, "a", "c"), (13, "z", "c")):
        ward.event("patient_merged", minute, patient=new, prior=old)
    closing = ward.rows[-2][1]["event_id"]
    engine = new_engine()
    assert _load(engine, ward).merge_cycles == (closing,)
    assert _cycles(engine) == ([("north_hl7", "merge_cycle")], 1)
    with engine.connect() as connection:
        assert connection.execute(select(func.count(dim_patient.c.patient_key.distinct()))).scalar_one() == 1
    assert _load(engine, ward, []).merge_cycles == (closing,)
    assert _cycles(engine) == ([("north_hl7", "merge_cycle")], 1)
    ward.rows = []
    ward.event("patient_unmerged", 11.5, patient="b", prior="a")  # told late: the circle never closed
    assert _load(engine, ward).merge_cycles == ()
    assert _cycles(engine) == ([], 0)


def test_an_update_reaches_the_exams_of_its_patient_and_of_those_merged(new_engine: Any, ward: Any) -> None:
    ward.exam("A", 0, patient="a", birth_year=1961, sex="F")
    ward.exam("B", 100, patient="b", birth_year=1961, sex="F")
    engine = new_engine()
    _load(engine, ward)
    ward.rows = []
    ward.event("patient_merged", 500, patient="b", prior="a", adt=True)
    ward.event("patient_updated", 600, patient="b", birth_year=1963, adt=True)
    _load(engine, ward)
    ward.rows = []
    ward.event("patient_updated", 550, patient="a", birth_year=1900, sex="M", adt=True)  # older, and late
    _load(engine, ward)
    with engine.connect() as connection:
        rows = connection.execute(select(fact_exam.c.birth_year, fact_exam.c.sex)).all()
        unlinked = connection.execute(select(fact_feed.c.unlinked).where(fact_feed.c.feed_key == "north_hl7"))
        assert unlinked.scalar_one() == 0
    assert [tuple(row) for row in rows] == [(1963, "M"), (1963, "M")]


def test_a_closure_of_days_reaches_every_day_of_it(new_engine: Any, ward: Any) -> None:
    for day in range(6):
        ward.opening("NCT1", "open", day * 1440, day * 1440 + 60)
    ward.event("order_entered", 0, acc="A")
    engine = new_engine()
    _load(engine, ward)
    ward.rows = []
    ward.opening("NCT1", "closure", 1440, 5 * 1440)
    _load(engine, ward)
    with engine.connect() as connection:
        total = connection.execute(select(func.sum(fact_scanner_hour.c.operating_min))).scalar_one()
        assert connection.execute(select(func.count()).select_from(fact_opening)).scalar_one() == 7
    assert total == 120  # the first and the last day


def test_a_clock_far_ahead_does_not_move_the_datas_now(new_engine: Any, ward: Any, minutes: Any) -> None:
    for n in range(120):
        ward.event("order_entered", n * 60, acc=f"A{n}")
    ward.event("order_entered", datetime(2036, 1, 1, tzinfo=UTC), acc="B")
    engine = new_engine()
    assert _load(engine, ward).data_at == minutes(119 * 60)
    with engine.connect() as connection:
        rows = connection.execute(select(fact_feed.c.feed_key, fact_feed.c.data_until_at)).all()
    assert ("north_hl7", minutes(119 * 60)) in [tuple(row) for row in rows]


def test_feeds_count_events_that_have_no_map_or_no_exam(new_engine: Any, ward: Any) -> None:
    ward.exam("A", 0, priority_code="S")
    ward.event("nonsense", 0, acc="A")
    ward.event("order_entered", 0, acc="A", priority_code="Q")
    ward.event("patient_arrived", 0, adt=True, patient="p")
    ward.event("patient_merged", 0, adt=True, patient="p", prior="q")
    engine = new_engine()
    _load(engine, ward)
    with engine.connect() as connection:
        row = connection.execute(select(fact_feed).where(fact_feed.c.feed_key == "north_hl7")).one()
    assert (row.events, row.unmapped, row.unlinked) == (10, 2, 1)


def test_both_engines_derive_the_same_in_portions(warehouse: Any, new_engine: Any, busy_ward: Any) -> None:
    ward, here = busy_ward(4), new_engine()
    _load(here, ward)
    half = len(ward.rows) // 2
    for portion in (ward.rows[half:], ward.rows[:half]):
        report = _load(warehouse.engine, ward, portion)
    assert not report.full
    assert _facts(warehouse.engine) == _facts(here)
