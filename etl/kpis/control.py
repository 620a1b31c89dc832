"""Control charts: is a change more than chance, and can the process meet its target (Making Data Count).

The weekday's own level is taken out first. Limits are frozen: they come from the first points of a phase (the
baseline), and a phase begins only where a person said so. Nothing here knows a KPI.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from etl.kpis.control_limits import (
    SIGMAS,
    Chart,
    Limits,
    gap_limits,
    rate_limits,
    share_limits,
    value_limits,
    wait_limits,
)
from etl.kpis.spc import FEWEST, Floats, Signal, special_causes

WEEKDAYS = 7
WEEKS_FOR_PROFILE = 4  # of a weekday: fewer say little about its level


class Variation(StrEnum):
    """What the last point says about the process."""

    COMMON = "common cause"
    IMPROVEMENT = "improvement"
    CONCERN = "concern"
    HIGHER = "higher"
    LOWER = "lower"
    UNKNOWN = "too few points"


class Assurance(StrEnum):
    """Whether the process as it is will meet a target."""

    PASS = "passes"  # noqa: S105 - no password
    FAIL = "fails"
    HIT_OR_MISS = "hit or miss"
    NONE = "no target"


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """What was observed, in time order: values, or events out of `n`; weekdays 0-6 where the points are days."""

    chart: Chart
    values: Floats
    events: Floats | None = None
    n: Floats | None = None
    weekdays: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.values)

    def part(self, where: slice) -> Series:
        """Return some neighbouring points of it."""
        events, n = (None if counts is None else counts[where] for counts in (self.events, self.n))
        return Series(
            self.chart, self.values[where], events, n, None if self.weekdays is None else self.weekdays[where]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Control:
    """A series between its limits: what is expected of each point, and which special causes it is part of."""

    series: Series
    expected: Floats
    low: Floats
    high: Floats
    causes: tuple[frozenset[Signal], ...]
    starts: tuple[int, ...]  # first point of each phase
    n: int  # known points in the baseline of the last phase

    @property
    def last(self) -> int | None:
        """The place of the last known point."""
        known = np.flatnonzero(~np.isnan(self.series.values))
        return int(known[-1]) if known.size else None

    @property
    def is_short(self) -> bool:
        """Whether the last phase has too few points to lean on."""
        return self.n < FEWEST

    def side(self, place: int) -> int:
        """Return whether a signalling point goes up (1) or down (-1): the way a trend runs, else its side."""
        if self.causes[place] == {Signal.TREND}:
            return self._slope(place)
        return int(np.sign(self.series.values[place] - self.expected[place]))

    def _slope(self, place: int) -> int:
        away = self.series.values - self.expected
        known = [int(p) for p in np.flatnonzero(~np.isnan(away)) if Signal.TREND in self.causes[p]]
        at = known.index(place)
        pair = (known[at - 1], place) if at else (place, known[at + 1])
        return int(np.sign(away[pair[1]] - away[pair[0]]))

    def since(self) -> int | None:
        """Return where the unbroken run of points that signal the last one's way began; None if it does not signal."""
        last = self.last
        if last is None or not self.causes[last]:
            return None
        way, begin = self.side(last), last
        for place in range(last - 1, self.starts[-1] - 1, -1):
            if np.isnan(self.series.values[place]):
                continue
            if not self.causes[place] or self.side(place) != way:
                break
            begin = place
        return begin


def control(series: Series, baseline: int, rebases: Sequence[int] = ()) -> Control:
    """Return a series between limits frozen at the first `baseline` points of each phase.

    `rebases` are the places at which a new phase begins. Limits are NaN in a phase of fewer than two known points.
    """
    starts = tuple(sorted({0, *(place for place in rebases if 0 < place < len(series))}))
    ends = (*starts[1:], len(series))
    phases = [_phase(series.part(slice(a, b)), baseline) for a, b in zip(starts, ends, strict=True)]
    expected, low, high = (np.concatenate([p[k] for p in phases]) for k in (0, 1, 2))
    causes = tuple(cause for phase in phases for cause in phase[3])
    return Control(series, expected, low, high, causes, starts, phases[-1][4])


def _phase(series: Series, baseline: int) -> tuple[Floats, Floats, Floats, list[frozenset[Signal]], int]:
    """Return expected, low, high, causes and the baseline's known points of one phase."""
    profile = weekday_profile(series, baseline)
    limits = _limits(series, profile, baseline)
    level = series.values - profile
    causes = special_causes(level, limits.centre, limits.low, limits.high)
    return limits.centre + profile, limits.low + profile, limits.high + profile, causes, limits.n


def _limits(series: Series, profile: Floats, baseline: int) -> Limits:
    if series.chart in (Chart.P, Chart.U):
        events, n = series.events, series.n
        assert events is not None  # noqa: S101 - shares and rates come with their counts
        assert n is not None  # noqa: S101 - as above
        find = share_limits if series.chart is Chart.P else rate_limits
        return find(np.nan_to_num(events - profile * n), np.nan_to_num(n), baseline)
    if series.chart is Chart.XMR:
        return value_limits(series.values - profile, baseline)
    return (gap_limits if series.chart is Chart.G else wait_limits)(series.values, baseline)


def weekday_profile(series: Series, baseline: int) -> Floats:
    """Return by how much each point's weekday usually differs from the mean weekday: nought where too few are known.

    Of values the median a weekday, of shares and rates its own share; both from the baseline alone.
    """
    nought = np.zeros(len(series))
    if series.weekdays is None:
        return nought
    days, values = series.weekdays[:baseline], series.values[:baseline]
    levels = np.array([_level(series, np.flatnonzero((days == day) & ~np.isnan(values))) for day in range(WEEKDAYS)])
    present = ~np.isnan(levels)
    if not present.any() or set(series.weekdays[~np.isnan(series.values)]) - set(np.flatnonzero(present)):
        return nought
    return np.where(present, levels - levels[present].mean(), 0.0)[series.weekdays]


def _level(series: Series, places: npt.NDArray[np.int64]) -> float:
    if places.size < WEEKS_FOR_PROFILE:
        return float("nan")
    if series.events is None or series.n is None:
        return float(np.median(series.values[places]))
    return float(series.events[places].sum() / series.n[places].sum())


def variation(found: Control, better: str) -> Variation:
    """Return what the last point says; `better` is lower, higher or neutral."""
    last = found.last
    if last is None or found.is_short:
        return Variation.UNKNOWN
    if not found.causes[last]:
        return Variation.COMMON
    up = found.side(last) > 0
    if better == "neutral":
        return Variation.HIGHER if up else Variation.LOWER
    return Variation.IMPROVEMENT if up == (better == "higher") else Variation.CONCERN


def assurance(found: Control, target: float | None, better: str) -> Assurance:
    """Return whether the limits of the last week's points lie on one side of a target."""
    if target is None or better == "neutral" or found.is_short or found.last is None:
        return Assurance.NONE
    recent = slice(max(found.last - WEEKDAYS + 1, 0), found.last + 1)
    low, high = float(np.nanmin(found.low[recent])), float(np.nanmax(found.high[recent]))
    if better == "lower":
        low, high, target = -high, -low, -target
    if low >= target:
        return Assurance.PASS
    return Assurance.FAIL if high < target else Assurance.HIT_OR_MISS


def chance_to_meet(found: Control, target: float, better: str) -> float | None:
    """Return the share of points that will meet a target if the process stays as it is, taken as normal."""
    if found.is_short or found.last is None:
        return None
    recent = slice(max(found.last - WEEKDAYS + 1, 0), found.last + 1)
    sigma = (found.high[recent] - found.expected[recent]) / SIGMAS
    if np.isnan(sigma).any():
        return None
    below = [_below(target, float(c), float(s)) for c, s in zip(found.expected[recent], sigma, strict=True)]
    share = float(np.mean(below))
    return share if better == "lower" else 1 - share


def _below(target: float, centre: float, sigma: float) -> float:
    if sigma <= 0:
        return float(centre <= target)
    return NormalDist(centre, sigma).cdf(target)
