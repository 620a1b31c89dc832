"""Booking states and what was known of them when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from etl.settings import Site


def _slots(ward: Any) -> pd.DataFrame:
    return ward.facts().slots


def _book(ward: Any, at: float, appointment: float, kind: str = "exam_scheduled", **more: Any) -> None:
    values = {"acc": "A", "appt": "AP", "station_name": "NCT1", "planned_duration_min": 30.0, **more}
    ward.event(kind, at, appointment_at=appointment, **values)


def test_a_kept_appointment_has_two_states(ward: Any, minutes: Any) -> None:
    _book(ward, -2880, 0)
    ward.event("patient_arrived", -10, appt="AP")
    slots = _slots(ward)
    assert slots["state"].tolist() == ["booked", "arrived"]
    assert slots["is_last"].tolist() == [False, True]
    assert slots["lead_time_min"].tolist() == [2880, 2880]
    assert slots["valid_from_at"].tolist() == [minutes(-2880), minutes(-10)]
    assert slots["valid_to_at"].tolist() == [minutes(-10), pd.NaT]
    assert slots["scanner_code"].tolist() == ["NCT1", "NCT1"]
    assert slots["local_hour"].tolist() == [8, 8]


def test_moving_an_appointment_keeps_it_one_appointment(ward: Any, minutes: Any) -> None:
    _book(ward, -2880, 0)
    _book(ward, -1440, 600, "exam_rescheduled")
    slots = _slots(ward)
    assert slots["state"].tolist() == ["booked", "rescheduled"]
    assert slots["appointment_at"].tolist() == [minutes(0), minutes(600)]
    assert slots["lead_time_min"].tolist() == [2880, 2040]
    assert slots["is_last"].tolist() == [False, True]


def test_a_status_message_that_repeats_the_booking_is_no_new_state(ward: Any) -> None:
    _book(ward, -2880, 0)
    _book(ward, -2879, 0)
    ward.event("exam_scheduled", -2878, acc="A")
    assert _slots(ward)["state"].tolist() == ["booked"]


def test_a_longer_booking_stays_booked(ward: Any) -> None:
    _book(ward, -2880, 0)
    _book(ward, -100, 0, "exam_rescheduled", planned_duration_min=45.0)
    slots = _slots(ward)
    assert slots["state"].tolist() == ["booked", "booked"]
    assert slots["planned_duration_min"].tolist() == [30, 45]


def test_booking_again_after_a_cancellation_is_a_second_appointment(ward: Any) -> None:
    _book(ward, -2880, 0)
    ward.event("appt_cancelled", -1440, appt="AP", reason_code="PATIENT")
    ward.event("order_cancelled", -1430, acc="A")
    _book(ward, -1000, 2000, appt="AP2")
    slots = _slots(ward)
    assert slots["state"].tolist() == ["booked", "cancelled", "booked"]
    assert slots["is_last"].tolist() == [False, True, True]
    assert slots["cancel_lead_min"].fillna(-1).tolist() == [-1, 1440, -1]
    assert slots["reason_code"].fillna("").tolist() == ["", "PATIENT", ""]
    assert slots["slot_key"].is_unique


@pytest.mark.parametrize(
    ("events", "states"),
    [
        ([("no_show", 30), ("order_cancelled", 90)], ["booked", "no_show"]),
        ([("appt_cancelled", -30), ("no_show", 30)], ["booked", "cancelled"]),
        ([("patient_arrived", -5), ("no_show", 30)], ["booked", "arrived", "cancelled"]),
        ([("no_show", 30), ("patient_arrived", 40)], ["booked", "no_show", "arrived"]),
        ([("patient_arrived", -5), ("exam_begin", 2), ("order_cancelled", 9)], ["booked", "arrived"]),
        ([("patient_arrived", -5), ("patient_arrived", -3)], ["booked", "arrived"]),
    ],
)
def test_states_follow_each_other_as_declared(ward: Any, events: list[tuple[str, float]], states: list[str]) -> None:
    _book(ward, -2880, 0)
    for kind, when in events:
        ward.event(kind, when, acc="A", appt="AP")
    assert _slots(ward)["state"].tolist() == states


def test_a_cancellation_without_booking_is_no_slot(ward: Any) -> None:
    ward.event("order_entered", -10, acc="A")
    ward.event("order_cancelled", 0, acc="A")
    ward.event("order_entered", -10, acc="B")
    _book(ward, 0, 100, acc="B")
    slots = _slots(ward)
    assert slots["state"].tolist() == ["booked"]


def test_a_state_learnt_late_was_never_the_one_shown(ward: Any, minutes: Any) -> None:
    _book(ward, -2880, 0)
    _book(ward, -2000, 300, "exam_rescheduled", known_at=-500)
    _book(ward, -1000, 600, "exam_rescheduled", known_at=-900)
    slots = _slots(ward)
    assert slots["valid_from_at"].tolist() == [minutes(-2880), minutes(-500), minutes(-900)]
    assert slots["valid_to_at"].tolist() == [minutes(-900), minutes(-500), pd.NaT]


def test_a_feed_without_knowledge_time_has_no_validity(ward: Any) -> None:
    _book(ward, -2880, 0, known_at=None)
    assert _slots(ward)["valid_from_at"].isna().all()


@pytest.mark.parametrize(
    ("booked_at", "appointment", "moved", "addon"),
    [
        (-2880, 0, None, False),
        (-60, 0, None, True),  # booked at 07:00 of the day itself
        (-2880, 0, ("appt_cancelled", -1000), True),
        (-2880, 4320, None, True),  # booked for another day
    ],
)
def test_an_addon_was_not_on_the_schedule_at_midnight(
    ward: Any, booked_at: float, appointment: float, moved: Any, addon: bool
) -> None:
    _book(ward, booked_at, appointment)
    if moved:
        ward.event(moved[0], moved[1], appt="AP")
    ward.exam("A", 0)
    assert ward.one()["is_addon"] == addon


def test_an_exam_not_begun_is_neither(ward: Any) -> None:
    _book(ward, -2880, 0)
    assert pd.isna(ward.one()["is_addon"])


@pytest.mark.parametrize(("lead_min", "same_day"), [(0, True), (600, True), (630, True), (631, False), (1440, False)])
def test_a_cancellation_of_the_same_day_is_told_to_the_minute_in_a_zone_off_the_whole_hour(
    new_ward: Any, lead_min: int, same_day: bool
) -> None:
    ward = new_ward(sites=(Site(code="NORTH", name="North", zone="Asia/Kolkata"),))
    noon = datetime(2026, 9, 8, 5, 0, tzinfo=UTC)  # 10:30 in Kolkata: 630 minutes into the day
    _book(ward, -2880, noon)
    ward.event("appt_cancelled", noon - timedelta(minutes=lead_min), appt="AP")
    slots = _slots(ward)
    assert slots["state"].tolist() == ["booked", "cancelled"]
    told = slots["cancelled_same_day"]
    assert (bool(told.isna().iat[0]), bool(told.iat[1])) == (True, same_day)


def test_the_day_of_a_clock_change_has_its_own_length(new_ward: Any) -> None:
    ward = new_ward(sites=(Site(code="NORTH", name="North", zone="Australia/Lord_Howe"),))
    ten = datetime(2026, 10, 3, 23, 0, tzinfo=UTC)  # 10:00 of a day that lost half an hour: it is 570 minutes old
    for name, lead_min in (("A", 570), ("B", 571)):
        _book(ward, -2880, ten, acc=name, appt=name)
        ward.event("appt_cancelled", ten - timedelta(minutes=lead_min), appt=name)
    cancelled = _slots(ward).query("state == 'cancelled'").sort_values("cancel_lead_min")
    assert cancelled["cancelled_same_day"].tolist() == [True, False]
