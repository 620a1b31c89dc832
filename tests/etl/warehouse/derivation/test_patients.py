"""Patients after merges, links, unlinks and updates."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from etl.warehouse.merges import LINKED, MERGED, UNMERGED, Statement, patients_of, replayed
from etl.warehouse.patients import merged_patients

KINDS = {">": MERGED, "=": LINKED, "/": UNMERGED}


def patients(told: str) -> tuple[list[str], list[str]]:
    """Return the patients as `ab c` (tokens together) and the circles; told as `a>b`, `a=b`, `a/b`, in order."""
    said = [Statement(text, KINDS[text[1]], text[0], text[2]) for text in told.split()]
    identities = replayed(said)
    now, _ = patients_of(identities, {t for s in said for t in (s.prior, s.into)})
    groups: dict[str, str] = {}
    for token in sorted(now):
        groups[now[token]] = groups.get(now[token], "") + token
    return sorted(groups.values()), identities.cycles


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("a>b", ["ab"]),
        ("a>b b>c", ["abc"]),
        ("b>c a>b", ["abc"]),
        ("a>b a>b", ["ab"]),
        ("a>b a/b", ["a", "b"]),
        ("a>b b/a", ["a", "b"]),
        ("a/b a>b", ["ab"]),  # undone before it was done: undoes nothing
        ("a>b a/b a>b", ["ab"]),
        ("a=b", ["ab"]),
        ("a=b b=a a/b", ["a", "b"]),
        ("a>b b>c a/c", ["a", "bc"]),  # a's own merge is what joined them
        ("a>b b>c b/c", ["ab", "c"]),
        ("a>c b>c a/b", ["a", "b", "c"]),  # which of the two was wrong is not said
        ("a>c b>c a/c", ["a", "bc"]),
        ("a>b a>c", ["abc"]),
        ("a>b a>c b/c", ["a", "b", "c"]),
        ("a>b c>d b/d", ["ab", "cd"]),
        ("a>b b>c d>a a/b", ["ad", "bc"]),
    ],
)
def test_merges_and_unlinks_make_these_patients(told: str, expected: list[str]) -> None:
    assert patients(told) == (expected, [])


@pytest.mark.parametrize(
    ("told", "expected", "circles"),
    [
        ("a>b b>a", ["ab"], ["b>a"]),
        ("a>b b>c c>a", ["abc"], ["c>a"]),
        ("a>b b>c c>a z>c", ["abcz"], ["c>a"]),
        ("a>b b>a a>b", ["ab"], ["b>a"]),
        ("a>b a/b b>a", ["ab"], []),  # undone in between: the other way round is a new merge
        ("a>b b>c c>a b/c", ["ab", "c"], ["c>a"]),
        ("a=b b=a", ["ab"], []),  # a link has no direction
        ("a>b a>c b>c", ["abc"], []),  # joined twice, but no circle
    ],
)
def test_the_last_merge_of_a_circle_is_the_offender(told: str, expected: list[str], circles: list[str]) -> None:
    assert patients(told) == (expected, circles)


def test_a_long_chain_told_backwards_takes_no_longer() -> None:
    tokens = [f"{n:06d}" for n in range(20_000)]
    said = [Statement(a, MERGED, a, b) for a, b in itertools.pairwise(tokens)]
    now, ever = patients_of(replayed(reversed(said)), tokens)
    assert set(now.values()) == set(ever.values()) == {"000000"}


def test_merges_of_one_instant_do_not_depend_on_their_order(ward: Any) -> None:
    for new, old in (("b", "a"), ("c", "b"), ("a", "c")):
        ward.event("patient_merged", 10, patient=new, prior=old)
    rows, found = list(ward.rows), set()
    for order in itertools.permutations(rows):
        ward.rows = list(order)
        made = merged_patients(ward.events().workflow)
        found.add((tuple(sorted(made.canonical.items())), made.cycles))
    assert len(found) == 1
    assert len(found.pop()[1]) == 1


@pytest.mark.parametrize(
    ("updates", "expected"),
    [
        ([], (1961, "F")),
        ([(100, 1962, None)], (1962, "F")),
        ([(100, 1962, None), (90, 1900, "M")], (1962, "M")),
        ([(100, 1962, "M"), (50, 1900, "F")], (1962, "M")),
        ([(-700, 1900, "M")], (1961, "F")),  # older than what the exam's own messages say
    ],
)
def test_the_latest_word_on_a_patient_holds_for_the_exam(
    ward: Any, updates: list[Any], expected: tuple[int, str]
) -> None:
    ward.exam("A", 0, patient="p", birth_year=1961, sex="F")
    for minute, birth_year, sex in updates:
        more = {"sex": sex} if sex else {}
        ward.event("patient_updated", minute, adt=True, patient="p", birth_year=birth_year, **more)
    exam = ward.one()
    assert (exam["birth_year"], exam["sex"]) == expected


def test_an_update_of_the_visit_changes_the_class_of_its_exams(ward: Any) -> None:
    ward.exam("A", 0, patient="p", visit="V", patient_class_code="O")
    ward.event("patient_updated", 100, adt=True, patient="p", visit="V", patient_class_code="I")
    ward.event("patient_updated", -200, adt=True, patient="p", visit="V", patient_class_code="E", known_at=-200)
    assert ward.one()["patient_class"] == "I"
