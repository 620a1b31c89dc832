"""Statistical process control: XmR charts (individuals and moving range).

Constants and rules as in NHS England's Making Data Count and its reference package NHSRplotthedots: limits at the
mean +- 2.66 mean moving ranges, moving ranges above 3.267 times their mean left out once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np
import numpy.typing as npt

LIMIT_FACTOR = 2.66  # 3 / d2 of ranges of two (1.128)
SCREEN_FACTOR = 3.267  # D4 of ranges of two
RUN = 7
FEWEST = 8  # points below which limits say little

Floats = npt.NDArray[np.float64]


class Signal(StrEnum):
    """Special causes."""

    OUTSIDE = "outside"  # beyond a limit
    SHIFT = "shift"  # seven on one side of the mean
    TREND = "trend"  # seven rising or falling
    NEAR = "near"  # two of three beyond two thirds of the way to a limit, on one side


@dataclass(frozen=True, slots=True)
class Xmr:
    """Centre line and natural process limits; NaN where fewer than two values are known."""

    centre: float
    low: float
    high: float
    n: int

    @property
    def is_short(self) -> bool:
        """Whether there are too few points to lean on."""
        return self.n < FEWEST


def xmr(values: Sequence[float] | Floats) -> Xmr:
    """Return centre and limits of a series in time order; NaN values are left out."""
    known = [float(value) for value in values if not np.isnan(value)]
    if len(known) < 2:
        return Xmr(known[0] if known else float("nan"), float("nan"), float("nan"), len(known))
    centre = float(np.mean(known))
    spread = LIMIT_FACTOR * mean_moving_range(known)
    return Xmr(centre, centre - spread, centre + spread, len(known))


def mean_moving_range(values: Sequence[float]) -> float:
    """Return the mean distance of neighbours, outlying distances screened once."""
    ranges = np.array([abs(b - a) for a, b in pairwise(values)])
    mean = float(ranges.mean())
    kept = ranges[ranges <= SCREEN_FACTOR * mean]
    return float(kept.mean()) if kept.size else mean


def signals(values: Sequence[float] | Floats, limits: Xmr) -> list[frozenset[Signal]]:
    """Return for each value which special causes it is part of; NaN values are part of none."""
    return special_causes(np.asarray(values, dtype=np.float64), limits.centre, limits.low, limits.high)


def special_causes(
    series: Floats, centre: Floats | float, low: Floats | float, high: Floats | float
) -> list[frozenset[Signal]]:
    """Return for each value which special causes it is part of, between limits that may differ point by point."""
    known = np.flatnonzero(~np.isnan(series))
    middle, below, above = (np.broadcast_to(limit, series.shape)[known] for limit in (centre, low, high))
    found: list[set[Signal]] = [set() for _ in series]
    if not known.size:
        return [frozenset() for _ in series]
    for rule, mask in _rules(series[known], middle, below, above).items():
        for place in known[mask]:
            found[place].add(rule)
    return [frozenset(rules) for rules in found]


def _rules(series: Floats, centre: Floats, low: Floats, high: Floats) -> dict[Signal, npt.NDArray[np.bool_]]:
    away = series - centre
    side, step = np.sign(away), np.sign(np.diff(away))
    reach = np.where(away > 0, high - centre, centre - low)
    far = np.where(np.abs(away) > 2 / 3 * reach, side, 0)
    return {
        Signal.OUTSIDE: (series > high) | (series < low),
        Signal.SHIFT: _windows(side, RUN, RUN),
        # seven points rise or fall: six steps of one sign
        Signal.TREND: _stretched(_windows(step, RUN - 1, RUN - 1)),
        Signal.NEAR: _windows(far, 3, 2) & (far != 0),
    }


def _windows(sign: Floats, width: int, at_least: int) -> npt.NDArray[np.bool_]:
    """Mark every window of `width` in which `at_least` have the same sign, up or down."""
    marked = np.zeros(len(sign), dtype=bool)
    for start in range(len(sign) - width + 1):
        window = sign[start : start + width]
        for direction in (1, -1):
            if (window == direction).sum() >= at_least:
                marked[start : start + width] |= window == direction
    return marked


def _stretched(steps: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Turn marked steps into marked points: both ends of each step."""
    if not len(steps):
        return np.zeros(len(steps) + 1, dtype=bool)
    return np.append(steps, False) | np.insert(steps, 0, False)
