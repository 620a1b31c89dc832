"""Turnaround at instants other than the department's own: who counts, and when a target has run out."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Engine

from etl.access import DEMO
from etl.kpis import Query, compute

START, END = date(2026, 9, 1), date(2026, 10, 1)


def test_open_exams_count_as_over_28_days_once_they_are(duck: Engine) -> None:
    later = datetime(2026, 10, 20, 12, tzinfo=UTC)
    row = compute(duck, Query("T23", START, END, as_of=later), DEMO, min_n=0).frame.iloc[0]
    assert (row["n"], row["numerator"], row["open"]) == (7, 3, 0)  # 3, 8 and 15 were never reported
    assert row["share"] == pytest.approx(3 / 7)


def test_an_exam_reported_in_time_is_not_decided_before_its_28_days_are_over(duck: Engine) -> None:
    between = datetime(2026, 10, 6, 12, tzinfo=UTC)  # 28 days after 8 September lie 13 to 14 hours later
    row = compute(duck, Query("T23", START, END, as_of=between), DEMO, min_n=0).frame.iloc[0]
    assert (row["n"], row["open"]) == (5, 2)
    assert row["share"] == pytest.approx(2 / 5)


def test_the_first_case_of_today_is_missing_from_tomorrow_on(duck: Engine) -> None:
    tomorrow = datetime(2026, 9, 9, 18, tzinfo=UTC)
    row = compute(duck, Query("T09", START, END, as_of=tomorrow), DEMO, min_n=0).frame.iloc[0]
    assert (row["n"], row["open"], row["missing"]) == (4, 0, 2)
