"""What Data health says in words."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd

from app import words
from app.problems import lacking


def _completeness(*rows: tuple[str, str, str, int, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["site_code", "modality", "milestone", "expected", "present"])


def test_a_milestone_that_a_whole_site_lacks_is_said_once_and_of_the_site() -> None:
    found = lacking(
        _completeness(
            ("NORTH", "CT", "dictated_at", 100, 100),
            ("SOUTH", "CT", "dictated_at", 80, 0),
            ("SOUTH", "NM", "dictated_at", 20, 4),
        )
    )
    assert found[["named", "milestone", "share", "n"]].to_numpy().tolist() == [["SOUTH", "Dictated", 0.04, 100.0]]


def test_a_milestone_that_one_modality_lacks_is_said_of_it_alone() -> None:
    found = lacking(
        _completeness(
            ("NORTH", "CT", "exam_end_at", 960, 959),
            ("NORTH", "NM", "exam_end_at", 40, 10),
            ("NORTH", "CT", "first_prelim_at", 960, 0),  # only trainees' exams have one
        )
    )
    assert found[["named", "milestone", "share", "n"]].to_numpy().tolist() == [["NORTH NM", "Exam end", 0.25, 40.0]]


def test_nothing_is_lacking_where_nothing_was_performed() -> None:
    assert lacking(_completeness()).empty


def test_a_day_of_another_year_says_its_year() -> None:
    now = datetime(2026, 11, 25, 10, tzinfo=UTC)
    assert words.moment_or_year(datetime(2026, 11, 12, 1, 13, tzinfo=UTC), now) == "Thu 12 Nov 01:13"
    assert words.moment_or_year(datetime(2027, 11, 12, 1, 13, tzinfo=UTC), now) == "Fri 12 Nov 2027"
