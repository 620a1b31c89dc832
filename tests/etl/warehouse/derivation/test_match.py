"""Images whose numbers are wrong or missing find their exam by what else is known, and nobody else's."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from etl.warehouse.match import assigned
from etl.warehouse.parameters import MATCHING, MatchRules

PERSON = {"birth_year": 1950, "sex": "F"}


def linked(ward: Any, name: str = "lost") -> tuple[str | None, str, float | None]:
    """Accession of the exam a series was linked to, why, and the score."""
    facts = ward.facts()
    series = ward.events().series
    (event_id,) = series.loc[series["series_token"] == name, "event_id"]
    (row,) = facts.links.rows[facts.links.rows["event_id"] == event_id].to_dict("records")
    token = facts.exams.set_index("exam_key")["accession_token"].get(row["exam_key"])
    score = row.get("score")
    return token, row["reason"], None if score is None or pd.isna(score) else round(float(score), 3)


def test_patient_scanner_and_time_lead_images_without_accession_to_their_exam(ward: Any) -> None:
    ward.exam("A", 0, patient="p")
    ward.series("lost", 2, study="own", patient="p", station_name="NCT1")
    # 4 (patient) + 2 (scanner) + 2 (inside) + 2 * 2 ** (-2 / 60) of 10 points
    assert linked(ward) == ("A", "scored", round((8 + 2 * 2 ** (-2 / 60)) / 10, 3))
    exam = ward.one("A")
    assert exam["has_images"]
    assert exam["begin_offset_min"] == -2


def test_a_mistyped_accession_is_no_exam_of_its_own_once_matched(ward: Any) -> None:
    ward.exam("A", 0, patient="p")
    ward.series("lost", 2, acc="typo", study="own", patient="p", station_name="NCT1")
    assert linked(ward)[:2] == ("A", "scored")
    assert list(ward.facts().exams["accession_token"]) == ["A"]


def test_a_merge_makes_two_numbers_one_patient(ward: Any) -> None:
    ward.exam("A", 0, patient="new", station_name="NCT1")
    ward.series("lost", 30, study="own", patient="old")
    assert linked(ward)[0] is None
    ward.event("patient_merged", 500, patient="new", prior="old", adt=True)
    assert linked(ward)[:2] == ("A", "scored")


def test_a_wrong_patient_number_is_forgiven_when_the_person_is_the_same(ward: Any) -> None:
    ward.exam("A", 0, patient="p", **PERSON)
    ward.series("lost", 2, study="own", patient="mistyped", station_name="NCT1", **PERSON)
    assert linked(ward)[:2] == ("A", "scored")


@pytest.mark.parametrize("other", [{"birth_year": 1951, "sex": "F"}, {"birth_year": 1950, "sex": "M"}, {}])
def test_another_person_on_the_same_scanner_at_the_same_time_is_no_match(ward: Any, other: dict[str, Any]) -> None:
    ward.exam("A", 0, patient="p", **PERSON)
    ward.series("lost", 2, study="own", patient="q", station_name="NCT1", **other)
    assert linked(ward)[:2] == (None, "unmatched")


@pytest.mark.parametrize(
    "images",
    [{"modality": "MR"}, {"station_name": "SCT1", "feed": "south_dicom", "site_code": "SOUTH"}],
    ids=["another modality", "another site"],
)
def test_what_cannot_be_is_no_candidate(ward: Any, images: dict[str, Any]) -> None:
    ward.exam("A", 0, patient="p")
    ward.series("lost", 2, study="own", patient="p", **({"station_name": "NCT1"} | images))
    assert linked(ward)[:2] == (None, "unmatched")


def test_images_half_a_day_away_are_no_match(ward: Any) -> None:
    ward.exam("A", 0, minutes=20, patient="p")
    ward.series("lost", 20 + 721, study="own", patient="p", station_name="NCT1")
    assert linked(ward) == (None, "unmatched", None)


def test_an_exam_with_images_takes_no_others(ward: Any) -> None:
    ward.exam("A", 0, patient="p", study="S")
    ward.series("own", 2, study="S", station_name="NCT1")
    ward.series("lost", 3, study="other", patient="p", station_name="NCT1")
    assert linked(ward) == (None, "unmatched", None)


def test_two_exams_that_fit_equally_well_leave_images_ambiguous(ward: Any) -> None:
    for acc in ("A", "B"):
        ward.exam(acc, 0, patient="p")
    ward.series("lost", 2, study="own", patient="p", station_name="NCT1")
    exam, reason, score = linked(ward)
    assert (exam, reason) == (None, "ambiguous")
    assert score is not None
    assert score > 0.9


def test_two_of_one_patient_go_each_to_the_exam_of_its_time(ward: Any) -> None:
    ward.exam("A", 0, minutes=15, patient="p")
    ward.exam("B", 60, minutes=15, patient="p")
    ward.series("first", 3, study="own1", patient="p", station_name="NCT1")
    ward.series("second", 63, study="own2", patient="p", station_name="NCT1")
    assert linked(ward, "first")[0] == "A"
    assert linked(ward, "second")[0] == "B"


def test_a_booked_exam_whose_begin_was_never_told_is_found_by_its_appointment(ward: Any) -> None:
    ward.event("exam_scheduled", -900, acc="A", patient="p", modality="CT", station_name="NCT1", appointment_at=0)
    ward.series("lost", 5, study="own", patient="p", station_name="NCT1")
    assert linked(ward)[:2] == ("A", "scored")
    assert ward.one("A")["exam_begin_source"] == "dicom"


def test_a_cancelled_booking_is_not_awaited(ward: Any) -> None:
    ward.event("exam_scheduled", -900, acc="A", patient="p", modality="CT", station_name="NCT1", appointment_at=0)
    ward.event("appt_cancelled", -60, acc="A")
    ward.series("lost", 5, study="own", patient="p", station_name="NCT1")
    assert linked(ward)[0] is None


def test_a_threshold_of_the_site_decides(new_ward: Any) -> None:
    from dataclasses import replace

    from etl.warehouse.parameters import Rules

    strict = new_ward(rules=Rules(matching=replace(MATCHING, threshold=0.99)))
    strict.exam("A", 0, patient="p")
    strict.series("lost", 5, study="own", patient="p", station_name="NCT1")
    assert linked(strict)[:2] == (None, "unmatched")
    assert strict.parameters.hash != new_ward().parameters.hash


def test_pairs_are_taken_only_by_mutual_best_and_margin() -> None:
    pairs = pd.DataFrame(
        [(0, 0, 0.9), (0, 1, 0.8), (1, 0, 0.85), (1, 1, 0.7), (2, 2, 0.6), (2, 3, 0.6)],
        columns=["images", "exam", "score"],
    )
    found = assigned(pairs, 0.05)
    # (0, 0) beats both others by 0.05; then (1, 1) is alone; 2 cannot choose
    assert set(zip(found["images"], found["exam"], strict=True)) == {(0, 0), (1, 1)}
    assert len(assigned(pairs, 0.06)) == 0


def test_points_add_up_to_the_documented_ten() -> None:
    rules = MatchRules()
    assert rules.patient_points + rules.time_points + rules.scanner_points == 10
