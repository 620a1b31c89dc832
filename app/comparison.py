"""Which earlier period a number is held against: named choices, all with the same weekdays where weekdays matter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import holidays

USUAL = "usual"
COMPARISONS = {
    USUAL: "Usual (4 earlier periods)",
    "previous": "Previous period",
    "4w": "Same weekdays 4 weeks before",
    "year": "Last year, same weekdays",
}
SHORT = {USUAL: "usual", "previous": "before", "4w": "4 wk before", "year": "last year"}
PERIODS_BACK = 4


def shifts_of(comparison: str, days: int) -> list[timedelta]:
    """Return how far back the periods lie that a period of `days` days is compared with, the nearest first.

    None overlaps it. Usual: whole weeks, four times. Last year: 52 weeks, so that weekdays are the same.
    """
    if comparison == "previous":
        return [timedelta(days=days)]
    if comparison == "4w":
        return [timedelta(days=28 * -(-days // 28))]
    if comparison == "year":
        return [timedelta(days=364 * -(-days // 364))]
    return [timedelta(days=7 * -(-days // 7) * back) for back in range(1, PERIODS_BACK + 1)]


def aligned(from_date: date, to_date: date, calendar: Sequence[str]) -> tuple[date, date, list[str]]:
    """Return last year's period and the public holidays that lie in only one of the two.

    52 weeks back; moved by whole weeks, at most two, if that brings more of the same holidays together (Easter moves by
    weeks). `calendar` is a country and possibly its subdivision, as the settings have them.
    """
    now = named(from_date, to_date, calendar)
    back = shifts_of("year", (to_date - from_date).days)[0]
    tries = [timedelta(days=7 * weeks) for weeks in (0, -1, 1, -2, 2)]
    possible = [t for t in tries if to_date - back + t <= from_date]
    best = max(possible, key=lambda t: len(now & named(from_date - back + t, to_date - back + t, calendar)))
    begin, end = from_date - back + best, to_date - back + best
    return begin, end, sorted(now ^ named(begin, end, calendar))


def named(from_date: date, to_date: date, calendar: Sequence[str]) -> set[str]:
    """Return the names of the public holidays in `[from_date, to_date)`; none where no calendar is set."""
    if not calendar:
        return set()
    years = range(from_date.year, to_date.year + 1)
    found = holidays.country_holidays(calendar[0], subdiv=calendar[1] if len(calendar) > 1 else None, years=years)
    return {name for day, name in found.items() if from_date <= day < to_date}
