"""Numbers with their units as a person would say them."""

from __future__ import annotations


def amount(value: float, unit: str) -> str:
    """Return a value with its unit: '38 min', '5 h 20 min', '62 %', '312 exams'."""
    if unit == "share":
        return f"{value * 100:.0f} %" if abs(value) >= 0.1 else f"{value * 100:.1f} %"
    if unit == "min":
        return _minutes(value)
    whole = abs(value) >= 10 or float(value).is_integer()
    return f"{value:,.0f} {unit}" if whole else f"{value:.1f} {unit}"


def _minutes(value: float) -> str:
    if abs(value) < 120:
        return f"{value:.0f} min"
    hours, minutes = divmod(round(abs(value)), 60)
    sign = "-" if value < 0 else ""
    return f"{sign}{hours} h {minutes} min" if hours < 48 else f"{sign}{hours / 24:.1f} days"


def difference(value: float, usual: float, unit: str) -> str:
    """Return how far a value is from the usual one: 'up 12 min', 'down 3.1 points'."""
    distance = abs(value - usual)
    size = f"{distance * 100:.1f} points" if unit == "share" else amount(distance, unit)
    return f"{'up' if value > usual else 'down'} {size}"
