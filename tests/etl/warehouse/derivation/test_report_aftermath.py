"""What becomes of a report: transcription, views, changes after the final, coded addenda and discrepancies."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from etl.warehouse.target_rules import TargetRule


def reported(ward: Any, acc: str = "A") -> None:
    """Add an exam that ends at 20, is opened at 30, dictated at 40 and signed at 50."""
    ward.exam(acc, 0)
    ward.event("exam_end", 20, acc=acc)
    ward.event("read_opened", 30, acc=acc)
    ward.event("dictated", 40, acc=acc)
    ward.event("final", 50, acc=acc)


def test_transcription_and_the_first_view_after_the_final_count(ward: Any, minutes: Any) -> None:
    reported(ward)
    ward.event("transcribed", 44, acc="A")
    ward.event("report_viewed", 45, acc="A")  # the referrer saw the preliminary
    ward.event("report_viewed", 80, acc="A")
    ward.event("report_viewed", 90, acc="A")
    exam = ward.one()
    assert (exam["transcription_min"], exam["view_delay_min"]) == (4, 30)
    assert exam["report_viewed_at"] == minutes(80)


def test_an_order_change_after_the_final_is_rework_only_with_another_procedure(ward: Any, minutes: Any) -> None:
    reported(ward)
    ward.event("order_changed", 10, acc="A", procedure_code="P2")  # before the exam was read
    ward.event("order_changed", 60, acc="A", procedure_code="P2")  # another detail, the same procedure
    assert pd.isna(ward.one()["reworked_at"])
    ward.event("order_changed", 70, acc="A", procedure_code="P3")
    assert ward.one()["reworked_at"] == minutes(70)


def test_a_change_that_says_so_is_rework_without_a_code(ward: Any, minutes: Any) -> None:
    reported(ward)
    ward.event("procedure_changed", 30, acc="A", feed="north_ris")  # while nothing was signed
    ward.event("procedure_changed", 75, acc="A", feed="north_ris")
    assert ward.one()["reworked_at"] == minutes(75)


@pytest.mark.parametrize(
    ("codes", "found"),
    [
        (["TYPO"], "typographic"),
        (["typo", "CLINICAL"], "clinical"),
        (["C"], "clinical"),
        (["SOMETHING"], None),
        ([], None),
    ],
)
def test_the_gravest_class_of_the_addenda_counts(ward: Any, codes: list[str], found: str | None) -> None:
    reported(ward)
    ward.event("addendum", 100, acc="A")
    for number, code in enumerate(codes):
        ward.event("addendum_classed", 100 + number, acc="A", result_code=code)
    assert ward.one()["addendum_class"] == found


def test_the_gravest_grade_of_the_discrepancy_counts(ward: Any) -> None:
    reported(ward)
    ward.event("discrepancy_graded", 50, acc="A", result_code="MINOR")
    assert ward.one()["discrepancy"] == "minor"
    ward.event("discrepancy_graded", 51, acc="A", result_code="Major")
    assert ward.one()["discrepancy"] == "major"


def test_a_read_longer_than_the_limit_was_left_open(ward: Any) -> None:
    reported(ward)
    assert not ward.one()["is_read_idle"]
    ward.event("read_opened", -25, acc="A")  # 65 minutes before the dictation ended
    assert bool(ward.one()["is_read_idle"])


def test_each_phase_has_its_own_target_and_its_own_day(new_ward: Any) -> None:
    rules = tuple(
        TargetRule(None, None, "*", "*", "*", "*", phase, float(minutes))
        for phase, minutes in (
            ("report", 60),
            ("T17", 45),
            ("unread", 30),
            ("patient_wait", 15),
            ("order_to_arrive", 90),
        )
    )
    ward = new_ward(targets=rules)
    ward.event("order_entered", -60, acc="A")
    exam = ward.one()
    assert (exam["arrive_target_min"], exam["patient_wait_target_min"]) == (90, 15)
    assert pd.isna(exam["report_target_min"])
    reported(ward)
    exam = ward.one()
    assert (exam["report_target_min"], exam["communication_target_min"], exam["unread_target_min"]) == (60, 45, 30)
