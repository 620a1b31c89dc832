"""Numbers and times in words: every number with its unit, every period with its dates."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta

HOURS_FROM_MIN = 180.0  # from here on minutes are harder to read than hours
DAYS_FROM_MIN = 6000.0
# a middle of these counts is said with one decimal: 8.5
COUNTED = frozenset({"exams", "findings", "follow-ups", "orders", "visits", "reports", "items", "appointments"})
COARSE = COUNTED | {"days", "weeks"}  # a hundredth of a day says nothing
TOTAL_MIN = "min in total"  # minutes added over many items: hours however many, days would mislead


def missing(value: object) -> bool:
    """Whether there is no number to show (None, NaN or NA)."""
    try:
        return value is None or math.isnan(float(value))  # type: ignore[arg-type]  # what is no number raises
    except (TypeError, ValueError):
        return True


def count(value: float) -> str:
    """Return a count with thousands separators."""
    return f"{value:,.0f}"


def amount(value: float | None, unit: str) -> str:
    """Return a value with its unit as people say it: minutes turn into hours or days, shares into percent.

    A missing value is "no value", never zero; what is too small for its digits is "<0.1", never zero either.
    """
    if value is None or missing(value):
        return "no value"
    if unit == "share":
        text = _share(value)
    elif unit == "min":
        text = _minutes(value)
    elif unit == TOTAL_MIN:
        text = f"{value / 60:,.0f} h" if abs(value) >= 600 else f"{value / 60:,.1f} h"
    else:
        text = f"{_number(value, unit)} {unit}"
    return text.replace("-", "\N{MINUS SIGN}", 1) if value < 0 else text


def figure(value: float | None, unit: str) -> str:
    """Return `amount` without its unit where that stands beside it anyway; shares and minutes keep theirs."""
    text = amount(value, unit)
    return text if unit in {"share", "min", TOTAL_MIN} else text.removesuffix(f" {unit}")


def _share(value: float) -> str:
    if 0 < value < 0.0005:
        return "<0.1 %"
    return f"{100 * value:.0f} %" if abs(value) >= 0.1 or value == 0 else f"{100 * value:.1f} %"


def _number(value: float, unit: str) -> str:
    if unit in COARSE and 0 < value < 0.05:
        return "<0.1"
    digits = 0 if float(value).is_integer() or abs(value) >= 20 else 1 if abs(value) >= 10 or unit in COARSE else 2
    return f"{value:,.{digits}f}"


def _minutes(value: float) -> str:
    if abs(value) >= DAYS_FROM_MIN:
        return f"{value / 1440:,.1f} days"
    if abs(value) >= HOURS_FROM_MIN:
        return f"{value / 60:.1f} h"
    return f"{value:.0f} min" if abs(value) >= 10 or float(value).is_integer() else f"{value:.1f} min"


def difference(value: float, unit: str) -> str:
    """Return a signed difference; a difference of shares is in percentage points."""
    sign = "+" if value > 0 else "\N{MINUS SIGN}" if value < 0 else "±"
    if unit == "share":
        return "±0 points" if abs(value) < 0.0005 else f"{sign}{abs(100 * value):.1f} points"
    text = amount(abs(value), unit)
    return f"±0 {text.partition(' ')[2]}" if text.startswith(("0.0 ", "<0.1 ")) else f"{sign}{text}"


def spread(low: float, high: float, unit: str) -> str:
    """Return 'low to high unit', the unit once where both have the same."""
    first, second = amount(low, unit), amount(high, unit)
    if first == second:
        return first
    number, _, suffix = first.partition(" ")
    return f"{number} to {second}" if suffix and second.endswith(f" {suffix}") else f"{first} to {second}"


def axis(unit: str, largest: float) -> tuple[float, str, str]:
    """Return (factor, axis title, number format) that keeps an axis readable."""
    if unit == "share":
        return 1.0, "share", "~%"
    if unit == TOTAL_MIN:
        return 1 / 60, "hours in total", ",~f"
    if unit == "min" and largest >= DAYS_FROM_MIN:
        return 1 / 1440, "days", ",~f"
    if unit == "min" and largest >= HOURS_FROM_MIN:
        return 1 / 60, "hours", ",~f"
    return 1.0, "minutes" if unit == "min" else unit, ",~f"


def day(value: date) -> str:
    """Return a date as 'Tue 24 Nov'."""
    return f"{value:%a} {value.day} {value:%b}"


def moment(value: datetime) -> str:
    """Return an instant, already in the zone to show, as 'Tue 24 Nov 07:12'."""
    return f"{day(value.date())} {value:%H:%M}"


def moment_or_year(value: datetime, now: datetime) -> str:
    """Return an instant, already in the zone to show, with its year instead of its time if that is another year."""
    return moment(value) if value.year == now.year else f"{day(value.date())} {value.year}"


def period(from_date: date, to_date: date) -> str:
    """Return the half-open period `[from, to)` as its first and last day, with the year of the last."""
    last = to_date - timedelta(days=1)
    if last <= from_date:
        return f"{day(from_date)} {from_date.year}"
    return f"{day(from_date)} to {day(last)} {last.year}"


def age(minutes: float) -> str:
    """Return an age as '12 min', '5 h' or '3 days'."""
    if minutes < 90:
        return f"{max(minutes, 0):.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 48 * 60 else f"{minutes / 1440:.0f} days"


def plural(number: float, noun: str) -> str:
    """Return a count with its noun, '1 feed' or '3 feeds'."""
    return f"{count(number)} {noun}" + ("" if number == 1 else "s")


def listing(items: list[str], limit: int = 3) -> str:
    """Return 'a, b and c', cutting after `limit` with 'and n more'."""
    shown, rest = items[:limit], len(items) - limit
    if rest > 0:
        return f"{', '.join(shown)} and {rest} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]])) if shown else ""
