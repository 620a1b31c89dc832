"""Template slots, third next available and slots given back, each number computed on paper.

Times are those of New York: in September `ny(7, 9)` is Monday 7 September 2026, 09:00, which is 13:00 UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from sqlalchemy import Engine, Table, create_engine, select

from etl.settings import Settings
from etl.warehouse.append import read_frame
from etl.warehouse.data_time import data_time
from etl.warehouse.derive_fill import derive_freed_slots, derive_template_slots
from etl.warehouse.derive_supply import derive_supply
from etl.warehouse.engine import writer_engine
from etl.warehouse.store import rewrite, store
from etl.warehouse.tables import (
    EVENT_TABLES,
    fact_exam,
    fact_freed_slot,
    fact_slot,
    fact_slot_supply,
    fact_template_slot,
    metadata,
    touched,
)

DERIVED = {
    fact_slot_supply: derive_supply, fact_template_slot: derive_template_slots, fact_freed_slot: derive_freed_slots,
}  # fmt: skip
LONG_AGO = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("UTC"))  # the calendar's making; bookings settle in 28 days


def ny(day: int, hour: int, minute: int = 0, month: int = 9) -> datetime:
    """Return an instant of 2026 on New York's wall clock."""
    return datetime(2026, month, day, hour, minute, tzinfo=ZoneInfo("America/New_York"))


@pytest.fixture
def server(postgresql_settings: Settings) -> Iterator[Engine]:
    """An empty warehouse on PostgreSQL."""
    made = writer_engine(postgresql_settings)
    yield made
    made.dispose()


@pytest.fixture(params=["duckdb", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def either(request: pytest.FixtureRequest) -> Engine:
    """An empty warehouse on each engine."""
    found: Engine = request.getfixturevalue("engine" if request.param == "duckdb" else "server")
    return found


@pytest.fixture
def engine() -> Iterator[Engine]:
    """An empty warehouse in memory, with the tables of this subject."""
    made = create_engine("duckdb:///:memory:")
    metadata.create_all(made, tables=[*EVENT_TABLES, touched, fact_exam, fact_slot, *DERIVED])
    yield made
    made.dispose()


@pytest.fixture
def week(ward: Any) -> Any:
    """The week of 7 September: MR 1 has slots of an hour at 09:00 and 10:00 from Monday to Friday, told in July."""
    for day in range(7, 12):
        for hour in (9, 10):
            slot(ward, ny(day, hour), ny(day, hour + 1))
    book(ward, "first", LONG_AGO, ny(3, 9, month=8))  # from here on it is known who was booked when
    return ward


def slot(ward: Any, begin: datetime, end: datetime, known: datetime = LONG_AGO, kind: str = "slot") -> None:
    """Add a stretch of MR 1's calendar."""
    ward.opening("NMR1", kind, begin, end, known_at=known, local_date=begin.date())


def book(ward: Any, acc: str, made: datetime, appointment: datetime, kind: str = "exam_scheduled", **more: Any) -> None:
    """Book an outpatient on MR 1 for an hour."""
    values = {"acc": acc, "appt": f"AP-{acc}", "station_name": "NMR1", "planned_duration_min": 60.0,
              "modality": "MR", "patient_class_code": "O"}  # fmt: skip
    ward.event(kind, made, appointment_at=appointment, **(values | more))


def off(ward: Any, acc: str, at: datetime, kind: str = "appt_cancelled") -> None:
    """Call an appointment off, or say that nobody came."""
    ward.event(kind, at, acc=acc, appt=f"AP-{acc}")


def until(ward: Any, at: datetime) -> None:
    """Let the data reach up to an instant."""
    ward.event("order_entered", at, acc="last", modality="MR")


def derived(engine: Engine, ward: Any, table: Table) -> pd.DataFrame:
    """Return a table's rows, derived from the calendar and the facts of the exams."""
    with engine.begin() as connection:
        ward.load(connection)
        data_at = data_time(connection)
        assert data_at is not None
        facts = ward.facts(data_at)
        store(connection, fact_slot, facts.slots)
        store(connection, fact_exam, facts.exams.assign(visit_key=pd.Series(dtype="Int64")))
        rewrite(connection, table, DERIVED[table](connection, ward.parameters, data_at))
        return read_frame(connection, select(table))


def supply(engine: Engine, ward: Any, scope: str = "modality") -> dict[str, tuple[Any, Any]]:
    """Return the days to the first and to the third open slot of MR, by day of the snapshot."""
    rows = derived(engine, ward, fact_slot_supply)
    rows = rows[(rows["scope"] == scope) & (rows["modality"] == "MR")].sort_values("snapshot_at")
    rows = rows.astype({"first_days": object, "third_days": object})
    rows = rows.where(rows.notna(), None)
    return {
        f"{row.local_date:%a}": (row.first_days, row.third_days)
        for row in rows.itertuples()
        if row.local_date >= ny(7, 0).date() or row.local_date.month > 9
    }


@pytest.mark.parametrize("scope", ["modality", "scanner"])
def test_a_closure_told_on_tuesday_does_not_change_monday(either: Engine, week: Any, scope: str) -> None:
    slot(week, ny(8, 0), ny(9, 0), known=ny(8, 7, 30), kind="closure")  # all Tuesday, told that morning
    until(week, ny(9, 12))
    assert supply(either, week, scope) == {
        "Mon": (0, 1),  # at 08:00: Monday 09:00, Monday 10:00, Tuesday 09:00, as everyone believed then
        "Tue": (1, 2),  # Wednesday 09:00 and 10:00, Thursday 09:00
        "Wed": (0, 1),  # Wednesday 09:00 and 10:00, Thursday 09:00
    }


def test_a_closure_told_with_the_calendar_was_never_open(engine: Engine, week: Any) -> None:
    slot(week, ny(8, 9), ny(8, 10), kind="downtime_planned")  # Tuesday 09:00 to 10:00, told in July
    until(week, ny(7, 12))
    assert supply(engine, week) == {"Mon": (0, 1)}  # Monday 09:00 and 10:00, then Tuesday 10:00: still one day


def test_a_closure_takes_its_slots_from_those_that_could_be_filled(engine: Engine, week: Any) -> None:
    slot(week, ny(8, 9, 30), ny(8, 18), known=ny(8, 7, 30), kind="closure")  # it meets both of Tuesday's slots
    until(week, ny(9, 12))
    rows = derived(engine, week, fact_template_slot)
    assert rows["local_date"].map(lambda day: day.day).tolist() == [7, 7, 9, 9, 10, 10, 11, 11]
    assert rows["minutes"].tolist() == [60.0] * 8


def test_a_slot_given_back_and_taken_again(engine: Engine, week: Any) -> None:
    book(week, "A", ny(1, 12), ny(8, 9))
    off(week, "A", ny(7, 12))  # from Monday noon to Monday evening Tuesday 09:00 is open
    book(week, "B", ny(7, 18), ny(8, 9))
    until(week, ny(8, 12))
    assert supply(engine, week) == {
        "Mon": (0, 1),  # Monday 09:00 and 10:00, Tuesday 10:00: A still holds 09:00
        "Tue": (0, 1),  # Tuesday 10:00, Wednesday 09:00 and 10:00: B holds 09:00
    }


def test_a_booking_moved_holds_its_old_time_until_it_is_moved(engine: Engine, week: Any) -> None:
    for acc, day, hour in (("A", 7, 9), ("B", 7, 10), ("C", 8, 9)):
        book(week, acc, ny(1, 12), ny(day, hour))
    book(week, "C", ny(7, 12), ny(9, 9), "exam_rescheduled")  # from Tuesday 09:00 to Wednesday 09:00
    until(week, ny(8, 12))
    assert supply(engine, week) == {
        "Mon": (1, 2),  # Tuesday 10:00, Wednesday 09:00 and 10:00
        "Tue": (0, 1),  # Tuesday 09:00 and 10:00, Wednesday 10:00
    }


def test_a_template_told_anew_takes_the_place_of_the_old_one(engine: Engine, ward: Any) -> None:
    book(ward, "first", LONG_AGO, ny(3, 9, month=8))
    slot(ward, ny(4, 9), ny(4, 10))  # a Friday that is over: the calendar has begun
    slot(ward, ny(14, 9), ny(14, 10))  # Monday 14 September: two slots of an hour
    slot(ward, ny(14, 10), ny(14, 11))
    for begin, end in (((9, 0), (9, 40)), ((9, 40), (10, 20)), ((10, 20), (11, 0))):  # three of 40 min instead
        slot(ward, ny(14, *begin), ny(14, *end), known=ny(8, 12))
    until(ward, ny(9, 12))
    assert supply(engine, ward) == {
        "Mon": (7, None),  # two slots in sight, no third
        "Tue": (6, None),
        "Wed": (5, 5),  # told on Tuesday noon: three slots, all on the 14th
    }


def test_a_template_told_anew_counts_once(engine: Engine, ward: Any) -> None:
    slot(ward, ny(14, 9), ny(14, 10))
    slot(ward, ny(14, 9), ny(14, 10), known=ny(2, 12))  # the same calendar sent again
    slot(ward, ny(15, 9), ny(15, 10))
    slot(ward, ny(15, 9), ny(15, 9, 40), known=ny(8, 12))
    until(ward, ny(9, 12))
    rows = derived(engine, ward, fact_template_slot)
    assert rows["minutes"].tolist() == [60.0, 40.0]


def test_a_snapshot_is_taken_at_eight_on_the_wall_clock_when_the_clocks_go_back(engine: Engine, ward: Any) -> None:
    book(ward, "first", LONG_AGO, ny(3, 9, month=8))
    slot(ward, ny(29, 9, month=10), ny(29, 10, month=10))
    for day, hour, minute in (
        (2, 7, 30),
        (2, 9, 0),
        (3, 9, 0),
        (3, 10, 0),
    ):  # November; clocks change on Sunday the 1st
        slot(ward, ny(day, hour, minute, month=11), ny(day, hour + 1, minute, month=11))
    until(ward, ny(2, 12, month=11))
    found = derived(engine, ward, fact_slot_supply)
    found = found[(found["scope"] == "modality") & (found["snapshot_at"] >= ny(30, 0, month=10))]
    found = found.sort_values("snapshot_at")
    # Friday 08:00 is 12:00 UTC. Monday 07:30 lies 3 local days ahead, and of Monday 09:00 and Tuesday 09:00 the third 4
    # Monday 08:00 is 13:00 UTC: 07:30 (12:30 UTC) is gone; Monday 09:00, Tuesday 09:00 and 10:00 are left
    assert found["snapshot_at"].tolist() == [pd.Timestamp("2026-10-30T12Z"), pd.Timestamp("2026-11-02T13Z")]
    assert found["first_days"].tolist() == [3, 0]
    assert found["third_days"].tolist() == [4, 1]


def test_what_became_of_template_slots(engine: Engine, week: Any) -> None:
    book(week, "A", ny(1, 12), ny(7, 9))  # examined
    week.event("patient_arrived", ny(7, 8, 50), acc="A", appt="AP-A")
    for kind, minute in (("exam_begin", 5), ("exam_end", 45)):
        week.event(kind, ny(7, 9, minute), acc="A", station_name="NMR1")
    book(week, "B", ny(1, 12), ny(7, 10))  # not come to
    off(week, "B", ny(7, 10, 40), "no_show")
    book(week, "C", ny(1, 12), ny(8, 9))  # called off the day before: the slot was free when it began
    off(week, "C", ny(7, 12))
    book(week, "D", ny(1, 12), ny(8, 10))  # still to come
    until(week, ny(8, 8))
    rows = derived(engine, week, fact_template_slot).head(4)
    assert rows["is_booked"].tolist() == [True, True, False, True]
    assert rows["is_performed"].tolist() == [True, False, False, False]
    assert rows["is_pending"].tolist() == [False, False, False, True]


def freed(engine: Engine, ward: Any) -> list[tuple[str, bool, bool]]:
    """Return by appointment how the time came free, whether it was booked again, and whether it was used unbooked."""
    rows = derived(engine, ward, fact_freed_slot).sort_values("appointment_at")
    return [(row.state, bool(row.is_refilled), bool(row.is_used)) for row in rows.itertuples()]


def test_only_a_booking_made_after_time_came_free_recovers_it(engine: Engine, week: Any) -> None:
    book(week, "A", ny(1, 12), ny(7, 9))
    off(week, "A", ny(4, 12))
    book(week, "B", ny(4, 13), ny(7, 9))  # an hour after: recovered
    book(week, "C", ny(1, 12), ny(8, 9))
    book(week, "D", ny(2, 12), ny(8, 9))  # double-booked before C called off: nothing was recovered
    off(week, "C", ny(4, 12))
    book(week, "E", ny(1, 12), ny(9, 9))
    off(week, "E", ny(4, 12))
    book(week, "F", ny(4, 13), ny(9, 9, 40))  # meets 20 of 60 minutes: less than half
    until(week, ny(11, 12))
    assert freed(engine, week) == [
        ("cancelled", True, False), ("cancelled", False, False), ("cancelled", False, False),
    ]  # fmt: skip


def test_an_emergency_in_time_given_back_uses_it_and_recovers_nothing(engine: Engine, week: Any) -> None:
    book(week, "A", ny(1, 12), ny(7, 9))
    off(week, "A", ny(7, 9, 20), "no_show")
    week.event("order_entered", ny(7, 9), acc="ED1", modality="MR", patient_class_code="E")
    week.event("exam_begin", ny(7, 9, 30), acc="ED1", station_name="NMR1", modality="MR", patient_class_code="E")
    book(week, "B", ny(1, 12), ny(8, 9))
    off(week, "B", ny(7, 12))
    book(week, "ED2", ny(8, 8, 30), ny(8, 9), patient_class_code="E")  # a scheduling system books its emergencies too
    week.event("exam_begin", ny(8, 9, 10), acc="ED2", station_name="NMR1", modality="MR", patient_class_code="E")
    book(week, "C", ny(1, 12), ny(9, 9))
    off(week, "C", ny(8, 12))
    book(week, "G", ny(9, 8, 15), ny(9, 9))  # an outpatient found on the morning itself
    week.event("exam_begin", ny(9, 9, 5), acc="G", station_name="NMR1", modality="MR", patient_class_code="O")
    until(week, ny(9, 12))
    assert freed(engine, week) == [("no_show", False, True), ("cancelled", False, True), ("cancelled", True, False)]
