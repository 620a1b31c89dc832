"""Stays in queues by event replay, each number computed on paper; minutes after 08:00 of 1 September in New York."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pandas as pd
import pytest

from etl.warehouse.parameters import TargetRule

Stay = tuple[str, datetime, datetime | None]


def rule(phase: str, target_min: float, *, since: date | None = None, until: date | None = None) -> TargetRule:
    return TargetRule(since, until, "*", "*", "*", "*", phase, target_min)


@pytest.fixture
def timed(new_ward: Any) -> Any:
    """A department that wants reports within 60 minutes and patients begun within 20."""
    return new_ward(targets=(rule("report", 60.0), rule("patient_wait", 20.0)))


def rows_of(ward: Any) -> pd.DataFrame:
    return ward.facts().families["fact_queue"]  # type: ignore[no-any-return]  # a fixture


def stays(ward: Any, queue: str) -> list[tuple[datetime, datetime | None]]:
    """Return since when and until when the exam was in a queue."""
    rows = rows_of(ward).query("queue == @queue")[["entered_at", "left_at"]].astype(object)
    return [tuple(row) for row in rows.where(rows.notna(), None).itertuples(index=False)]


def test_an_order_is_without_a_slot_until_it_is_booked_and_again_once_that_is_called_off(
    ward: Any, minutes: Any
) -> None:
    ward.event("order_entered", 0, acc="A")
    ward.event("exam_scheduled", 30, acc="A", appt="AP", appointment_at=2880)  # 30 min without
    ward.event("appt_cancelled", 100, acc="A", appt="AP")
    ward.event("exam_scheduled", 160, acc="A", appt="AP", appointment_at=4320)  # 60 min without
    assert stays(ward, "unscheduled") == [(minutes(0), minutes(30)), (minutes(100), minutes(160))]


def test_a_booking_nobody_told_of_ends_the_stay_once_a_list_speaks_of_the_appointment(ward: Any, minutes: Any) -> None:
    ward.event("order_entered", 0, acc="A", appointment_at=2880, known_at=minutes(16))
    assert stays(ward, "unscheduled") == [(minutes(0), minutes(16))]
    ward.event("appt_cancelled", 100, acc="A", appt="AP", appointment_at=2880)
    assert stays(ward, "unscheduled") == [(minutes(0), minutes(16)), (minutes(100), None)]


def test_what_is_called_off_was_booked_before_and_is_called_off_once(ward: Any, minutes: Any) -> None:
    ward.event("order_entered", 0, acc="A")
    ward.event("appt_cancelled", 100, acc="A", appt="AP")
    ward.event("appt_cancelled", 130, acc="A", appt="AP")  # told again
    assert stays(ward, "unscheduled") == [(minutes(0), minutes(100)), (minutes(100), None)]


def test_a_moved_appointment_is_never_without_a_slot(ward: Any, minutes: Any) -> None:
    ward.event("order_entered", 0, acc="A")
    ward.event("exam_scheduled", 30, acc="A", appt="AP", appointment_at=2880)
    ward.event("exam_rescheduled", 100, acc="A", appt="AP", appointment_at=4320)
    assert stays(ward, "unscheduled") == [(minutes(0), minutes(30))]


def test_a_patient_waits_from_arrival_to_begin_and_is_overdue_by_the_appointment(timed: Any, minutes: Any) -> None:
    timed.event("exam_scheduled", -1440, acc="A", appt="AP", appointment_at=60)
    timed.event("patient_arrived", 40, acc="A", appt="AP")  # 20 min early
    timed.event("exam_begin", 95, acc="A")
    assert stays(timed, "waiting") == [(minutes(40), minutes(95))]
    row = rows_of(timed).query("queue == 'waiting'").iloc[0]
    assert row["overdue_at"] == minutes(80)  # 20 min after the appointment at 60, not after the arrival


def test_a_patient_who_comes_late_is_overdue_by_the_arrival(timed: Any, minutes: Any) -> None:
    timed.event("exam_scheduled", -1440, acc="A", appt="AP", appointment_at=60)
    timed.event("patient_arrived", 75, acc="A", appt="AP")
    assert rows_of(timed).query("queue == 'waiting'")["overdue_at"].tolist() == [minutes(95)]
    assert stays(timed, "waiting") == [(minutes(75), None)]


def test_a_stay_is_judged_by_the_appointment_the_patient_came_for(timed: Any, minutes: Any) -> None:
    timed.event("exam_scheduled", -1440, acc="A", appt="AP", appointment_at=60)
    timed.event("patient_arrived", 50, acc="A", appt="AP")
    timed.event("appt_cancelled", 120, acc="A", appt="AP")  # sent home after an hour, and booked for a week later
    timed.event("exam_scheduled", 125, acc="A", appt="AP", appointment_at=10140)
    row = rows_of(timed).query("queue == 'waiting'").iloc[0]
    assert (row["overdue_at"], row["left_at"]) == (minutes(80), minutes(120))  # 20 min after 60, not after 10140


def test_an_exam_is_unread_from_its_end_to_its_first_report(timed: Any, minutes: Any) -> None:
    timed.exam("A", 0, 20)  # ends at 20, preliminary at 50, final at 80
    assert stays(timed, "unread") == [(minutes(20), minutes(50))]
    row = rows_of(timed).query("queue == 'unread'").iloc[0]
    assert (row["limit_min"], row["overdue_at"]) == (60.0, minutes(80))


def test_the_target_is_the_one_of_the_local_day_it_began(new_ward: Any, minutes: Any) -> None:
    second = date(2026, 9, 2)
    ward = new_ward(targets=(rule("report", 60.0, until=second), rule("report", 45.0, since=second)))
    ward.exam("A", 15 * 60, 30)  # ends at 23:30 on the 1st in New York; in UTC that is the 2nd
    ward.exam("B", 16 * 60, 30)  # ends at 00:30 on the 2nd
    unread = rows_of(ward).query("queue == 'unread'").sort_values("entered_at")
    assert unread["limit_min"].tolist() == [60.0, 45.0]
    assert unread["overdue_at"].tolist() == [minutes(930 + 60), minutes(990 + 45)]


def test_without_a_target_nothing_is_overdue(ward: Any) -> None:
    ward.exam("A", 0, 20)
    assert rows_of(ward)["overdue_at"].isna().all()


def test_who_leaves_and_comes_back_waits_twice(ward: Any, minutes: Any) -> None:
    ward.event("patient_arrived", 0, acc="A")
    ward.event("patient_departed", 30, acc="A")
    ward.event("patient_arrived", 90, acc="A")
    ward.event("exam_begin", 100, acc="A")
    assert stays(ward, "waiting") == [(minutes(0), minutes(30)), (minutes(90), minutes(100))]
