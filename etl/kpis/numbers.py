"""The statistics behind the KPIs as pure functions of counts: quantiles, Kaplan-Meier, Wilson.

All work on many slices at once: `slice_id` numbers the slice of each row, 0 .. slices - 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_Z95 = 1.959963984540054
_EPSILON = 1e-9


def wilson(successes: Floats, trials: Floats) -> tuple[Floats, Floats]:
    """Return the 95 % Wilson score interval of a share; NaN where nothing was tried (Wilson 1927)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = successes / trials
        spread = _Z95 * np.sqrt(share * (1 - share) / trials + _Z95**2 / (4 * trials**2))
        centre = share + _Z95**2 / (2 * trials)
        scale = 1 + _Z95**2 / trials
        low, high = (centre - spread) / scale, (centre + spread) / scale
    low = np.where(successes == 0, 0.0, low)
    high = np.where(successes == trials, 1.0, high)
    empty = ~(trials > 0)
    return np.where(empty, np.nan, low), np.where(empty, np.nan, high)


def poisson(events: Floats, exposure: Floats) -> tuple[Floats, Floats]:
    """Return the 95 % score interval of a rate of events that may happen more than once to one item; NaN where
    nothing was exposed (Rao 1948)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = events + _Z95**2 / 2
        spread = _Z95 * np.sqrt(events + _Z95**2 / 4)
        low, high = (centre - spread) / exposure, (centre + spread) / exposure
    low = np.where(events == 0, 0.0, low)
    empty = ~(exposure > 0)
    return np.where(empty, np.nan, low), np.where(empty, np.nan, high)


def quotient(numerator: Floats, denominator: Floats) -> Floats:
    """Return numerator / denominator; NaN, never zero or infinity, where the denominator is not positive."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)


def sums(slice_id: Ints, weight: Floats, slices: int) -> Floats:
    """Return each slice's sum of weights, added in the order given."""
    return np.bincount(slice_id, weights=weight, minlength=slices).astype(np.float64)


@dataclass(frozen=True)
class Counted:
    """Values with how often each occurs, sorted within their slices."""

    slice_id: Ints
    value: Floats
    count: Ints
    slices: int

    @classmethod
    def of(cls, slice_id: Ints, value: Floats, count: Ints, slices: int) -> Counted:
        """Return the values sorted by slice, then value."""
        order = np.lexsort((value, slice_id))
        return cls(slice_id[order], value[order], count[order], slices)

    def total(self) -> Floats:
        """Return each slice's sum, added in the order of the values."""
        return sums(self.slice_id, self.value * self.count, self.slices)

    def quantile(self, q: float) -> Floats:
        """Return each slice's interpolated quantile, as SQL's percentile_cont has it; NaN for an empty slice."""
        n = np.bincount(self.slice_id, weights=self.count, minlength=self.slices).astype(np.int64)
        filled = n > 0
        first = np.cumsum(n) - n
        position = (n - 1).clip(0) * q
        low = np.floor(position + _EPSILON).astype(np.int64)
        part = np.clip(position - low, 0, 1)
        high = np.where(part > _EPSILON, low + 1, low)
        upto = np.cumsum(self.count)
        below = self.value[np.searchsorted(upto, (first + low)[filled], side="right")]
        above = self.value[np.searchsorted(upto, (first + high)[filled], side="right")]
        result = np.full(self.slices, np.nan)
        result[filled] = below + (above - below) * part[filled]
        return result


@dataclass(frozen=True)
class SurvivalCurves:
    """Kaplan-Meier curves of many slices: the survival after each closing time (Kaplan and Meier 1958)."""

    slice_id: Ints
    time: Floats
    survival: Floats
    slices: int

    @classmethod
    def of(cls, slice_id: Ints, duration: Floats, closed: Mask, count: Ints, slices: int) -> SurvivalCurves:
        """Return the curves; open items are censored at their duration, at equal durations closings come first.

        Equal durations of closed items stand in one row a slice.
        """
        order = np.lexsort((~closed, duration, slice_id))
        slice_id, duration, closed, count = slice_id[order], duration[order], closed[order], count[order]
        total = np.bincount(slice_id, weights=count, minlength=slices)
        first = (np.cumsum(total) - total)[slice_id]
        at_risk = total[slice_id] - (np.cumsum(count) - count - first)
        left = np.where(closed, 1 - count / at_risk, 1.0)
        # one running sum of logarithms for all slices; a curve that ends at nought is cut at e^-50
        steps = np.where(left > 0, np.log(np.maximum(left, 1e-300)), -50.0)
        running = np.cumsum(steps)
        starts = np.searchsorted(slice_id, np.arange(slices))
        before = np.concatenate(([0.0], running))[starts]
        survival = np.exp(running - before[slice_id])
        return cls(slice_id[closed], duration[closed], survival[closed], slices)

    def quantile(self, q: float) -> Floats:
        """Return each slice's first time with survival <= 1 - q; NaN where too few have closed to reach it.

        Where the curve is flat at exactly 1 - q it is the middle of the flat stretch (as R's survfit has it), so
        without open items the median is the ordinary median.
        """
        result = np.full(self.slices, np.nan)
        if not self.time.size:
            return result
        not_yet = self.survival > 1 - q + _EPSILON
        events = np.bincount(self.slice_id, minlength=self.slices)
        rank = np.bincount(self.slice_id, weights=not_yet, minlength=self.slices).astype(np.int64)
        reached = rank < events
        hit = (np.cumsum(events) - events + rank)[reached]
        following = np.minimum(hit + 1, self.time.size - 1)
        flat = (np.abs(self.survival[hit] - (1 - q)) <= _EPSILON) & ((rank + 1)[reached] < events[reached])
        result[reached] = np.where(flat, (self.time[hit] + self.time[following]) / 2, self.time[hit])
        return result
