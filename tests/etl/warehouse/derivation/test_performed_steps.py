"""Performed procedure steps in exams: many steps, broken-off ones, open ones, and their place among the clocks."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from sqlalchemy import select

from etl.settings import REFERENCE
from etl.warehouse.derive import derive
from etl.warehouse.parameters import PrecedenceRule, load_parameters
from etl.warehouse.tables import fact_feed


def test_the_tests_status_codes_are_the_shipped_ones() -> None:
    from etl.settings import Settings
    from tests.etl.warehouse.derivation.conftest import STEP_CODES

    rules = load_parameters(Settings(), REFERENCE).status_rules
    assert [(r.pattern, r.event_type) for r in rules if r.kind == "mpps"] == list(STEP_CODES)


def test_an_exam_of_many_steps_begins_with_the_first_and_ends_with_the_last(ward: Any, minutes: Any) -> None:
    ward.event("order_entered", -60, acc="A", modality="CT")
    ward.step("A", 0, 10)
    ward.step("A", 25, 40)
    exam = ward.one()
    assert (exam["exam_begin_at"], exam["exam_begin_source"]) == (minutes(0), "mpps")
    assert (exam["exam_end_at"], exam["exam_end_source"]) == (minutes(40), "mpps")
    assert (exam["exam_duration_min"], exam["status"], exam["scanner_code"]) == (40, "ended", "NCT1")


def test_the_ris_is_believed_before_steps_and_steps_before_images(ward: Any, minutes: Any) -> None:
    ward.exam("A", 2, 20)
    ward.step("A", 0, 25)
    ward.series("s", 3, 18, acc="A", station_name="NCT1")
    ward.step("B", 100, 130)
    ward.series("t", 104, 125, acc="B", station_name="NCT1")
    a, b = ward.one("A"), ward.one("B")
    assert (a["exam_begin_at"], a["exam_begin_source"], a["exam_begin_difference_min"]) == (minutes(2), "ris", 2)
    assert (a["exam_end_at"], a["exam_end_source"], a["exam_end_difference_min"]) == (minutes(22), "ris", -3)
    assert (b["exam_begin_at"], b["exam_begin_source"], b["exam_begin_difference_min"]) == (minutes(100), "mpps", -4)
    assert (b["exam_end_at"], b["exam_end_source"], b["exam_end_difference_min"]) == (minutes(130), "mpps", 5)
    assert pd.isna(b["ris_dicom_difference_min"])  # no RIS told a thing


def test_a_site_may_believe_steps_first(new_ward: Any, minutes: Any) -> None:
    order = ("mpps", "ris", "dicom")
    ward = new_ward(precedence=tuple(PrecedenceRule(m, "NORTH", None, order) for m in ("begin", "end")))
    ward.exam("A", 2, 20)
    ward.step("A", 0, 25)
    exam = ward.one()
    assert (exam["exam_begin_at"], exam["exam_end_at"]) == (minutes(0), minutes(25))
    assert (exam["exam_begin_source"], exam["exam_begin_difference_min"]) == ("mpps", -2)


def test_the_step_message_is_believed_before_what_image_headers_repeat_of_it(ward: Any, minutes: Any) -> None:
    ward.step("A", 0, 25)
    ward.series("s", 3, 18, acc="A", performed_begin_at=1, performed_end_at=24)
    exam = ward.one()
    assert (exam["exam_begin_at"], exam["exam_end_at"]) == (minutes(0), minutes(25))


def test_a_step_broken_off_alone_is_an_aborted_exam(ward: Any, minutes: Any) -> None:
    ward.event("order_entered", -60, acc="A")
    ward.step("A", 0, 8, "DISCONTINUED/110501")
    exam = ward.one()
    assert (exam["status"], exam["aborted_at"], exam["is_performed"]) == ("aborted", minutes(8), False)


@pytest.mark.parametrize("broken", [(0, 8), (50, 55)])
def test_a_step_broken_off_beside_a_whole_one_is_no_part_of_the_exam(
    ward: Any, minutes: Any, broken: tuple[int, int]
) -> None:
    ward.step("A", *broken, "DISCONTINUED/110513")
    ward.step("A", 15, 35)
    exam = ward.one()
    assert (exam["exam_begin_at"], exam["exam_end_at"], exam["status"]) == (minutes(15), minutes(35), "ended")
    assert pd.isna(exam["aborted_at"])


def test_a_second_attempt_in_progress_takes_the_exam_up_again(ward: Any) -> None:
    ward.step("A", 0, 8, "DISCONTINUED/110501")
    ward.step("A", 30)
    exam = ward.one()
    assert (exam["status"], exam["is_performed"]) == ("in_progress", False)


def test_the_wrong_worklist_entry_leaves_the_order_as_it_was(ward: Any) -> None:
    ward.event("order_entered", -60, acc="A")
    ward.event("exam_scheduled", -50, acc="A", appointment_at=60)
    ward.step("A", 0, 1, "DISCONTINUED/110514")
    exam = ward.one()
    assert exam["status"] == "scheduled"
    assert pd.isna(exam["exam_begin_at"])
    assert pd.isna(exam["aborted_at"])


def test_a_step_left_open_gives_no_duration_and_does_not_stretch_a_whole_one(ward: Any, minutes: Any) -> None:
    ward.step("A", 0)
    alone = ward.one("A")
    assert pd.isna(alone["exam_duration_min"])
    assert pd.isna(alone["exam_end_at"])
    ward.step("A", 1440, 1460)
    exam = ward.one("A")
    assert (exam["exam_begin_at"], exam["exam_duration_min"]) == (minutes(1440), 20)


def test_a_ris_discontinuation_and_a_new_begin_leave_the_first_attempts_step_out(ward: Any, minutes: Any) -> None:
    ward.event("exam_begin", 0, acc="A")
    ward.step("A", 1, 9)
    ward.event("exam_discontinued", 10, acc="A")
    ward.event("exam_begin", 60, acc="A")
    ward.step("A", 61, 80)
    exam = ward.one()
    assert (exam["exam_begin_at"], exam["exam_begin_difference_min"]) == (minutes(60), -1)
    assert (exam["exam_end_at"], exam["exam_end_source"]) == (minutes(80), "mpps")


def test_steps_in_progress_beyond_the_cap_are_counted_by_feed(new_engine: Any, ward: Any) -> None:
    """Of four steps one is open for longer than an exam may last (4 h); the data's now is at 600 min."""
    ward.step("A", 0)
    ward.step("B", 0, 20)
    ward.step("C", 500)
    ward.step("D", 5, 9, "DISCONTINUED/110514")
    ward.event("exam_begin", 600, acc="E")
    engine = new_engine()
    with engine.begin() as connection:
        ward.load(connection)
        derive(connection, ward.parameters)
        found = {row.feed_key: row.unclosed for row in connection.execute(select(fact_feed))}
    assert found["north_mpps"] == 1
    assert found["north_hl7"] == 0
