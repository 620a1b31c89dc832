"""Making Data Count's limits and rules written a second time: plain loops over lists, one sentence at a time."""

from __future__ import annotations

from itertools import pairwise
from math import isnan, nan, sqrt
from statistics import mean, median


def xmr_limits(values: list[float]) -> tuple[float, float, float]:
    """Return (low, centre, high) of the known values."""
    known = [v for v in values if not isnan(v)]
    if len(known) < 2:
        return nan, known[0] if known else nan, nan
    ranges = [abs(known[i] - known[i - 1]) for i in range(1, len(known))]
    reach = 2.66 * screened_mean(ranges)
    return mean(known) - reach, mean(known), mean(known) + reach


def screened_mean(ranges: list[float]) -> float:
    """Return the mean of moving ranges without those above 3.267 times their mean."""
    kept = [r for r in ranges if r <= 3.267 * mean(ranges)]
    return mean(kept) if kept else mean(ranges)


def laney_limits(events: list[float], n: list[float], baseline: int, kind: str) -> list[tuple[float, float, float]]:
    """Return (low, centre, high) of every point of a p' or u' chart."""
    pairs = [(e, k) for e, k in zip(events[:baseline], n[:baseline], strict=True) if k > 0]
    centre = sum(e for e, _ in pairs) / sum(k for _, k in pairs)
    variance = centre * (1 - centre) if kind == "p" else centre
    z = [(e / k - centre) / sqrt(variance / k) for e, k in pairs]
    beyond = max(1.0, screened_mean([abs(b - a) for a, b in pairwise(z)]) / 1.128)
    reach = [3 * sqrt(variance / k) * beyond if k > 0 else nan for k in n]
    return [(centre - r, centre, centre + r) for r in reach]


def geometric_limits(gaps: list[float]) -> tuple[float, float, float]:
    """Return (low, centre, high) of items between events, counting probabilities up one by one."""
    chance = 1 / (mean(gaps) + 1)
    found = []
    for q in (0.00135, 0.5, 0.99865):
        failures, covered = 0, chance
        while covered < q:
            failures += 1
            covered += chance * (1 - chance) ** failures
        found.append(float(failures))
    return found[0], found[1], found[2]


def causes(values: list[float], limits: list[tuple[float, float, float]]) -> list[set[str]]:
    """Return the names of the rules each point takes part in."""
    at = [i for i, v in enumerate(values) if not isnan(v)]
    found: list[set[str]] = [set() for _ in values]
    for i in at:
        low, _, high = limits[i]
        if values[i] > high or values[i] < low:
            found[i].add("outside")
    side = {i: int(values[i] > limits[i][1]) - int(values[i] < limits[i][1]) for i in at}
    for k in range(len(at) - 6):
        seven = at[k : k + 7]
        if all(side[i] == 1 for i in seven) or all(side[i] == -1 for i in seven):
            for i in seven:
                found[i].add("shift")
        away = [values[i] - limits[i][1] for i in seven]
        steps = [b - a for a, b in pairwise(away)]
        if all(s > 0 for s in steps) or all(s < 0 for s in steps):
            for i in seven:
                found[i].add("trend")
    for k in range(len(at) - 2):
        three = at[k : k + 3]
        for way in (1, -1):
            far = [i for i in three if _beyond_two_thirds(values[i], limits[i], way)]
            if len(far) >= 2:
                for i in far:
                    found[i].add("near")
    return found


def _beyond_two_thirds(value: float, limit: tuple[float, float, float], way: int) -> bool:
    low, centre, high = limit
    return value - centre > 2 / 3 * (high - centre) if way == 1 else centre - value > 2 / 3 * (centre - low)


def profile(values: list[float], weekdays: list[int], baseline: int) -> list[float]:
    """Return each weekday's median less the mean of these medians, for every point; nought where a weekday is rare."""
    by_day: dict[int, list[float]] = {}
    for value, day in list(zip(values, weekdays, strict=True))[:baseline]:
        if not isnan(value):
            by_day.setdefault(day, []).append(value)
    levels = {day: median(found) for day, found in by_day.items() if len(found) >= 4}
    if not levels or any(d not in levels for v, d in zip(values, weekdays, strict=True) if not isnan(v)):
        return [0.0] * len(values)
    return [levels[day] - mean(levels.values()) if day in levels else 0.0 for day in weekdays]
