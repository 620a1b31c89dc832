"""What a cancellation, discontinuation or no-show means by when it comes (decision table)."""

from __future__ import annotations

from typing import Any

import pytest

PHASES = ("booked", "arrived", "begun", "ended", "prelim", "final")
STEPS = (
    ("order_entered", -500),
    ("exam_scheduled", -400),
    ("patient_arrived", -15),
    ("exam_begin", 0),
    ("exam_end", 20),
    ("prelim", 50),
    ("final", 90),
)
STOP_AT = {"booked": -30, "arrived": -5, "begun": 8, "ended": 30, "prelim": 70, "final": 120}

CANCELLED = ("cancelled", "cancelled", "aborted", "aborted", "preliminary", "final")
TABLE = {
    "order_cancelled": CANCELLED,
    "order_discontinued": CANCELLED,
    "order_replaced": CANCELLED,
    "appt_cancelled": CANCELLED,
    "exam_discontinued": CANCELLED,
    "no_show": ("no_show", "cancelled", "in_progress", "ended", "preliminary", "final"),
}
CASES = [(kind, phase, status) for kind, row in TABLE.items() for phase, status in zip(PHASES, row, strict=True)]
STOP_COLUMNS = {"cancelled": "cancelled_at", "aborted": "aborted_at", "no_show": "no_show_at"}


def _until(ward: Any, minute: float) -> None:
    for kind, when in STEPS:
        if when < minute:
            more = {"appointment_at": 0} if kind == "exam_scheduled" else {}
            ward.event(kind, when, acc="A", modality="CT", station_name="NCT1", **more)


@pytest.mark.parametrize(("kind", "phase", "status"), CASES)
def test_a_stop_means_what_the_table_says(ward: Any, minutes: Any, kind: str, phase: str, status: str) -> None:
    _until(ward, STOP_AT[phase])
    ward.event(kind, STOP_AT[phase], acc="A")
    exam = ward.one(data_at=minutes(STOP_AT[phase] + 1))
    assert exam["status"] == status
    for name, column in STOP_COLUMNS.items():
        assert (exam[column] == minutes(STOP_AT[phase])) == (name == status), column


@pytest.mark.parametrize("kind", sorted(set(TABLE) - {"no_show"}))
@pytest.mark.parametrize("phase", PHASES[:4])
def test_a_rebooked_exam_that_is_done_is_final(ward: Any, minutes: Any, kind: str, phase: str) -> None:
    _until(ward, STOP_AT[phase])
    ward.event(kind, STOP_AT[phase], acc="A")
    ward.event("exam_scheduled", 200, acc="A", appointment_at=1000)
    for step, when in (("patient_arrived", 990), ("exam_begin", 1000), ("exam_end", 1025), ("final", 1090)):
        ward.event(step, when, acc="A", station_name="NCT1")
    exam = ward.one()
    assert exam["status"] == "final"
    assert [exam[c] is not None and exam[c] == exam[c] for c in STOP_COLUMNS.values()] == [False] * 3
    # the attempt that counts is the second: nothing of the first is left in the durations
    assert exam["exam_begin_at"] == minutes(1000)
    assert exam["arrived_at"] == minutes(990)
    assert exam["exam_duration_min"] == 25
    assert exam["is_performed"]


def test_a_cancellation_taken_back_leaves_what_was_done_before(ward: Any, minutes: Any) -> None:
    _until(ward, 8)
    ward.event("order_cancelled", 8, acc="A")
    ward.event("order_accepted", 9, acc="A")
    ward.event("exam_end", 20, acc="A")
    exam = ward.one()
    assert (exam["status"], exam["exam_begin_at"], exam["exam_duration_min"]) == ("ended", minutes(0), 20)


def test_cleaning_up_after_a_no_show_does_not_make_it_a_cancellation(ward: Any, minutes: Any) -> None:
    _until(ward, -30)
    ward.event("no_show", 30, acc="A")
    ward.event("order_cancelled", 600, acc="A")
    exam = ward.one()
    assert (exam["status"], exam["no_show_at"]) == ("no_show", minutes(30))


def test_a_no_show_after_a_cancellation_stays_a_cancellation(ward: Any) -> None:
    _until(ward, -30)
    ward.event("appt_cancelled", -30, acc="A")
    ward.event("no_show", 30, acc="A")
    assert ward.one()["status"] == "cancelled"


def test_arriving_late_takes_a_no_show_back(ward: Any) -> None:
    _until(ward, -30)
    ward.event("no_show", 30, acc="A")
    ward.event("patient_arrived", 45, acc="A")
    assert ward.one()["status"] == "arrived"


def test_images_show_that_a_cancelled_exam_was_begun(ward: Any) -> None:
    _until(ward, -5)
    ward.series("s", 2, acc="A", station_name="NCT1")
    ward.event("order_cancelled", 8, acc="A")
    exam = ward.one()
    assert (exam["status"], exam["exam_begin_source"]) == ("aborted", "dicom")


def test_a_discontinued_exam_that_is_reported_stays_out_of_the_performed(ward: Any) -> None:
    _until(ward, 8)
    ward.event("exam_discontinued", 8, acc="A")
    ward.event("final", 60, acc="A")
    exam = ward.one()
    assert exam["status"] == "final"
    assert not exam["is_performed"]


def test_a_report_outlives_a_cancellation_before_it(ward: Any) -> None:
    _until(ward, 30)
    ward.event("order_cancelled", 30, acc="A")
    ward.event("final", 60, acc="A")
    exam = ward.one()
    assert (exam["status"], bool(exam["is_performed"])) == ("final", True)


def test_messages_decide_over_an_extracts_rounded_times(ward: Any) -> None:
    _until(ward, -30)
    ward.event("no_show", 30.6, acc="A")
    ward.event("order_cancelled", 30, feed="north_ris", acc="A")  # the same happening, told by the minute
    assert ward.one()["status"] == "no_show"


def test_a_stop_that_was_refused_leaves_the_exam_as_it_was(ward: Any) -> None:
    _until(ward, -30)
    ward.event("order_cancelled", -30, acc="A")
    ward.event("order_reinstated", -20, acc="A")
    assert ward.one()["status"] == "scheduled"
    assert ward.facts().slots["state"].tolist() == ["booked"]


def test_an_order_taken_up_again_waits_for_a_new_booking(ward: Any) -> None:
    _until(ward, -30)
    ward.event("order_cancelled", -30, acc="A")
    ward.event("order_entered", -20, acc="A")
    assert ward.one()["status"] == "ordered"


@pytest.mark.parametrize(("kind", "when"), [("order_cancelled", 120), ("order_cancelled", 30), ("no_show", 8)])
def test_a_stop_that_a_report_or_begin_contradicts_is_a_conflict(ward: Any, kind: str, when: float) -> None:
    _until(ward, 200)
    assert not ward.one()["has_order_violation"]
    ward.event(kind, when, acc="A")
    exam = ward.one()
    assert (exam["status"], bool(exam["has_order_violation"])) == ("final", True)
