"""Periods and views."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from app.comparison import COMPARISONS, aligned, named, shifts_of
from app.filters import DIMENSIONS, PERIODS, View, period_dates
from etl.kpis import DIMENSIONS as KNOWN

TODAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("today", TODAY, TODAY),
        ("yesterday", date(2026, 11, 23), date(2026, 11, 23)),
        ("7d", date(2026, 11, 18), TODAY),
        ("28d", date(2026, 10, 28), TODAY),
        ("84d", date(2026, 9, 2), TODAY),
        ("junk", date(2026, 10, 28), TODAY),
    ],
)
def test_named_periods_end_at_the_datas_day(period: str, first: date, last: date) -> None:
    assert period_dates(period, TODAY, ()) == (first, last + timedelta(days=1))


def test_chosen_dates_include_the_last_and_forgive_half_a_choice() -> None:
    chosen = (date(2026, 11, 1), date(2026, 11, 5))
    assert period_dates("dates", TODAY, chosen) == (date(2026, 11, 1), date(2026, 11, 6))
    assert period_dates("dates", TODAY, chosen[:1]) == (date(2026, 11, 1), date(2026, 11, 2))
    assert period_dates("dates", TODAY, ()) == period_dates("28d", TODAY, ())


@pytest.mark.parametrize("days", [1, 7, 28, 29, 84])
def test_four_weeks_back_keeps_weekdays_and_never_overlaps(days: int) -> None:
    view = View(TODAY - timedelta(days=days - 1), TODAY + timedelta(days=1), (), TODAY)
    back = view.four_weeks_back()
    assert back.days == days
    assert back.from_date.weekday() == view.from_date.weekday()
    assert back.to_date <= view.from_date
    assert (view.from_date - back.from_date).days % 28 == 0


def test_narrowing_replaces_and_a_query_holds_the_views_filters() -> None:
    view = View(TODAY, TODAY + timedelta(days=1), (("site", ("NORTH",)), ("modality", ("CT",))), TODAY)
    narrowed = view.narrowed("modality", "MR", "US")
    assert narrowed.query("T16", "day").where == {"site": ("NORTH",), "modality": ("MR", "US")}
    assert view.query("T16").where == {"site": ("NORTH",), "modality": ("CT",)}


def test_running_last_day_is_said() -> None:
    assert "last day incomplete" in View(TODAY - timedelta(days=6), TODAY + timedelta(days=1), (), TODAY).period_words
    assert "incomplete" not in View(TODAY - timedelta(days=7), TODAY, (), TODAY).period_words


def test_url_names_are_dimensions_the_kpis_know_and_the_contract_people_keep() -> None:
    assert set(DIMENSIONS) <= set(KNOWN)
    assert list(DIMENSIONS) == ["site", "modality", "scanner", "priority", "patient_class", "procedure_group"]
    assert list(PERIODS.values()) == [
        "Today", "Yesterday", "Last 7 days", "Last 4 weeks", "Last 12 weeks", "Choose dates",
    ]  # fmt: skip


@pytest.mark.parametrize("comparison", COMPARISONS)
@pytest.mark.parametrize("days", [1, 5, 7, 28, 90])
def test_no_comparison_overlaps_and_only_the_period_before_moves_weekdays(comparison: str, days: int) -> None:
    for shift in shifts_of(comparison, days):
        assert shift.days >= days
        assert comparison == "previous" or shift.days % 7 == 0


def test_last_year_moves_by_weeks_until_easter_meets_easter() -> None:
    """Easter Monday: 6 April 2026 and 21 April 2025. 52 weeks before 30 March lies 31 March: two weeks too early."""
    week = date(2026, 3, 30), date(2026, 4, 13)
    begin, end, other = aligned(*week, ("DE", "BE"))
    assert (begin, end) == (date(2025, 4, 14), date(2025, 4, 28))
    assert other == []
    assert begin.weekday() == week[0].weekday()


def test_holidays_that_cannot_meet_are_named() -> None:
    """1 May 2026 is a Friday; 52 weeks before its week lies 28 April to 4 May 2025: the same holiday is in it."""
    assert aligned(date(2026, 4, 27), date(2026, 5, 4), ("DE", "BE"))[2] == []
    # Berlin kept 8 May in 2025 alone; the week 52 weeks before holds Ascension Day, 9 May 2024
    _, _, other = aligned(date(2025, 5, 5), date(2025, 5, 12), ("DE", "BE"))
    assert other[1:] == ["Ascension Day"]
    assert len(other) == 2


def test_without_a_calendar_there_are_no_holidays() -> None:
    assert named(date(2026, 1, 1), date(2027, 1, 1), ()) == set()
