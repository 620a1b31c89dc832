"""Numbers, times and lists in words."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from app import words
from app.tiles import is_unreached


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.0, "min", "0 min"),
        (9.44, "min", "9.4 min"),
        (179.6, "min", "180 min"),
        (180.0, "min", "3.0 h"),
        (-240.0, "min", "\N{MINUS SIGN}4.0 h"),
        (0.0004, "share", "<0.1 %"),
        (8.77, "days", "8.8 days"),
        (0.004, "weeks", "<0.1 weeks"),
        (14400.0, "min", "10.0 days"),
        (47_000.0, words.TOTAL_MIN, "783 h"),
        (0.833, "share", "83 %"),
        (0.0312, "share", "3.1 %"),
        (0.0, "share", "0 %"),
        (1204.0, "exams", "1,204 exams"),
        (30.5, "exams", "30 exams"),
        (8.5, "exams", "8.5 exams"),
        (1.571, "visits/h", "1.57 visits/h"),
        (float("nan"), "min", "no value"),
        (None, "share", "no value"),
        (pd.NA, "exams", "no value"),
    ],
)
def test_amounts(value: float, unit: str, said: str) -> None:
    assert words.amount(value, unit) == said


def test_missing_is_never_said_as_zero() -> None:
    assert "0" not in words.amount(float("nan"), "exams")


@pytest.mark.parametrize(
    ("low", "high", "unit", "said"),
    [
        (28, 37, "exams", "28 to 37 exams"),
        (0.94, 0.96, "share", "94 to 96 %"),
        (100, 240, "min", "100 min to 4.0 h"),
        (5, 5, "exams", "5 exams"),
    ],
)
def test_spreads_say_a_common_unit_once(low: float, high: float, unit: str, said: str) -> None:
    assert words.spread(low, high, unit) == said


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (12, "min", "+12 min"),
        (-12, "min", "\N{MINUS SIGN}12 min"),
        (-0.031, "share", "\N{MINUS SIGN}3.1 points"),
        (0, "exams", "±0 exams"),
        (0.0002, "share", "±0 points"),
        (0.02, "days", "±0 days"),
    ],
)
def test_differences_carry_their_sign_and_shares_differ_by_points(value: float, unit: str, said: str) -> None:
    assert words.difference(value, unit) == said


@pytest.mark.parametrize(
    ("value", "unit", "said"), [(77.0, "follow-ups", "77"), (38.0, "in 10,000", "38"), (0.5, "share", "50 %")]
)
def test_figures_leave_out_a_unit_that_stands_beside_them_but_keep_percent(value: float, unit: str, said: str) -> None:
    assert words.figure(value, unit) == said


def test_period_is_half_open() -> None:
    assert words.period(date(2026, 11, 23), date(2026, 11, 24)) == "Mon 23 Nov 2026"
    assert words.period(date(2025, 12, 29), date(2026, 1, 5)) == "Mon 29 Dec to Sun 4 Jan 2026"


def test_long_lists_are_cut_with_their_count() -> None:
    assert words.listing(["a"]) == "a"
    assert words.listing(["a", "b", "c"]) == "a, b and c"
    assert words.listing(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
    assert words.listing([]) == ""


@pytest.mark.parametrize(("minutes", "said"), [(-3, "0 min"), (89, "89 min"), (300, "5 h"), (4000, "3 days")])
def test_ages(minutes: float, said: str) -> None:
    assert words.age(minutes) == said


def test_axis_never_hides_its_unit_and_scales_with_the_data() -> None:
    assert words.axis("min", 90)[:2] == (1.0, "minutes")
    assert words.axis("min", 500)[:2] == (1 / 60, "hours")
    assert words.axis("min", 20_000)[:2] == (1 / 1440, "days")
    assert words.axis("mGy", 20)[1] == "mGy"


@pytest.mark.parametrize(
    ("p50", "closed", "open_", "unreached"),
    [(float("nan"), 16, 30, True), (42.0, 30, 16, False), (float("nan"), 2, 2, False), (float("nan"), 9, 0, False)],
)
def test_a_median_most_items_have_not_reached_is_told_from_too_few_of_them(
    p50: float, closed: int, open_: int, unreached: bool
) -> None:
    frame = pd.DataFrame({"p50": [p50], "closed": [closed], "open": [open_]})
    result: Any = SimpleNamespace(frame=frame, meta=SimpleNamespace(headline="p50"))
    assert is_unreached(result) is unreached
