"""Numbers given out again, and accessions replaced, split and merged."""

from __future__ import annotations

import random
from typing import Any

import pytest

DAY = 1440.0
YEAR = 365 * DAY


def exams(ward: Any) -> list[tuple[str, int]]:
    """Return (accession or '-', number of events linked) of every exam, for two orders of the events."""
    found = []
    for seed in (0, 1):
        random.Random(seed).shuffle(ward.rows)  # noqa: S311 - an order, not a secret
        facts = ward.facts()
        n = facts.links.rows["exam_key"].value_counts()
        rows = zip(facts.exams["exam_key"], facts.exams["accession_token"], strict=True)
        found.append(sorted((a if isinstance(a, str) else "-", int(n[key])) for key, a in rows))
    assert found[0] == found[1]
    return found[0]


def reasons(ward: Any) -> set[str]:
    return set(ward.facts().links.rows["reason"])


@pytest.mark.parametrize("number", ["placer", "filler"])
def test_a_number_given_to_another_patient_is_another_order(ward: Any, number: str) -> None:
    for patient, begin in (("x", 0), ("y", 10 * DAY)):
        ward.event("order_entered", begin, patient=patient, **{number: "N"})
        ward.event("exam_begin", begin + 60, patient=patient, **{number: "N"})
    ward.event("final", 11 * DAY, patient="x", **{number: "N"})  # of the first, after the second was ordered
    assert exams(ward) == [("-", 2), ("-", 3)]
    assert reasons(ward) == {f"{number}_reused"}


def test_a_number_given_out_again_years_later_is_another_order_of_the_same_patient(ward: Any) -> None:
    for begin in (0, 3 * YEAR):
        ward.event("order_entered", begin, patient="x", filler="F", acc="A")
        ward.event("exam_begin", begin + 60, filler="F")
        ward.series(f"s{begin}", begin + 61, acc="A", patient="x")
    assert exams(ward) == [("A", 3), ("A", 3)]


def test_a_corrected_patient_is_no_second_use(ward: Any) -> None:
    ward.event("order_entered", 0, patient="x", filler="F")
    ward.event("order_changed", 60, patient="y", filler="F")
    ward.event("exam_begin", 120, patient="y", filler="F")
    assert exams(ward) == [("-", 3)]
    assert reasons(ward) == {"filler"}


def test_a_merged_patient_is_no_other_patient(ward: Any) -> None:
    ward.event("order_entered", 0, patient="x", filler="F")
    ward.event("order_entered", 60, patient="y", filler="F")
    ward.event("patient_merged", 90, patient="y", prior="x", adt=True)
    assert exams(ward) == [("-", 2)]


def test_feeds_that_number_patients_differently_agree_on_an_order(ward: Any) -> None:
    ward.event("order_entered", 0, patient="x", acc="A")
    ward.event("final", 60 * DAY, patient="other numbering", acc="A", feed="north_ris")
    ward.series("s", 90, acc="A", patient="a third")
    assert exams(ward) == [("A", 3)]


def test_a_stamp_of_the_wrong_year_is_no_second_use(ward: Any) -> None:
    ward.event("order_entered", 0, patient="x", acc="A")
    ward.event("exam_end", -9 * YEAR, patient="x", acc="A", known_at=60)
    ward.series("s", -20 * YEAR, acc="A", patient="x")
    assert exams(ward) == [("A", 3)]


def test_a_follow_up_ordered_a_year_ahead_is_one_order(ward: Any) -> None:
    ward.event("order_entered", 0, patient="x", acc="A")
    ward.event("exam_begin", 1.1 * YEAR, patient="x", acc="A")
    assert exams(ward) == [("A", 2)]


def test_a_replaced_accession_is_the_exam_of_the_new_one(ward: Any) -> None:
    ward.event("order_entered", 0, filler="F", acc="A1")
    ward.event("exam_scheduled", 5, filler="F", acc="A1", appointment_at=100)
    ward.event("order_changed", 10, filler="F", acc="A2")
    ward.event("exam_begin", 100, filler="F")
    ward.event("final", 200, acc="A1")  # the reporting system still has the old one
    ward.series("s", 101, acc="A1")
    assert exams(ward) == [("A2", 6)]
    assert "accession_replaced" in reasons(ward)


@pytest.mark.parametrize("back", [False, True])
def test_accessions_replaced_twice_end_with_the_last(ward: Any, back: bool) -> None:
    last = "A1" if back else "A3"
    ward.event("order_entered", 0, placer="P", acc="A1")
    ward.event("order_changed", 10, placer="P", acc="A2")
    ward.event("order_changed", 20, placer="P", acc=last)
    ward.event("exam_begin", 100, placer="P", acc=last)
    assert exams(ward) == [(last, 4)]


def test_two_accessions_said_to_be_one_are_one_exam(ward: Any) -> None:
    for n in (1, 2):
        ward.event("order_entered", n, filler=f"F{n}", placer=f"P{n}", acc=f"A{n}")
    ward.event("order_changed", 10, filler="F1", placer="P1", acc="A2")
    ward.event("exam_begin", 100, acc="A2")
    assert exams(ward) == [("A2", 4)]


@pytest.mark.parametrize("later", ["exam_begin", "order_cancelled"])
def test_an_accession_that_goes_on_is_split_not_replaced(ward: Any, later: str) -> None:
    ward.event("order_entered", 0, filler="F", acc="A1")
    ward.event("order_changed", 10, filler="F", acc="A2")
    ward.event(later, 100, acc="A1")
    ward.event("exam_begin", 130, acc="A2")
    assert [a for a, _ in exams(ward)] == ["A1", "A2"]


def test_exams_done_under_both_accessions_are_two(ward: Any) -> None:
    ward.exam("A1", 0, filler="F")
    ward.event("order_changed", 300, filler="F", acc="A2")
    ward.event("exam_begin", 400, filler="F", acc="A2")
    assert [a for a, _ in exams(ward)] == ["A1", "A2"]


def test_an_order_of_two_accessions_keeps_both(ward: Any) -> None:
    ward.event("order_entered", 0, filler="F", acc="A1")
    ward.event("order_entered", 0, filler="F", acc="A2")
    ward.event("exam_begin", 100, acc="A2")
    assert [a for a, _ in exams(ward)] == ["A1", "A2"]


def test_a_replacement_order_takes_the_place_of_the_replaced_one(ward: Any) -> None:
    ward.event("order_entered", 0, filler="F", acc="A1")
    ward.event("order_replaced", 10, filler="F", acc="A1")
    ward.event("order_entered", 10, filler="F", acc="A2")
    exam = ward.one()
    assert (exam["accession_token"], exam["status"]) == ("A2", "ordered")
