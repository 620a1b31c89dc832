"""The statistics behind the KPIs as pure functions of counts: quantiles, Kaplan-Meier, Wilson.

All work on many slices at once: `slice_id` numbers the slice of each row, 0 .. slices - 1.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

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


def quotient(numerator: Floats, denominator: Floats) -> Floats:
    """Return numerator / denominator; NaN, never zero or infinity, where the denominator is not positive."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)


def counted_quantile(slice_id: Ints, value: Floats, count: Ints, slices: int, q: float) -> Floats:
    """Return each slice's quantile `q` of values that occur `count` times, as SQL's percentile_cont has it."""
    order = np.lexsort((value, slice_id))
    value, count, slice_id = value[order], count[order], slice_id[order]
    per_slice = np.bincount(slice_id, weights=count, minlength=slices).astype(np.int64)
    first = np.concatenate(([0], np.cumsum(per_slice)[:-1])) if slices else np.zeros(0, dtype=np.int64)
    upto = np.cumsum(count)
    position = (per_slice - 1).clip(0) * q
    filled = per_slice > 0
    low = first + np.floor(position + _EPSILON).astype(np.int64)
    high = first + np.ceil(position - _EPSILON).astype(np.int64)
    part = np.clip(position - np.floor(position + _EPSILON), 0, 1)
    result = np.full(slices, np.nan)
    below = value[np.searchsorted(upto, low[filled], side="right")]
    above = value[np.searchsorted(upto, high[filled], side="right")]
    result[filled] = below + (above - below) * part[filled]
    return result


def survival_quantile(
    slice_id: Ints, duration: Floats, closed: npt.NDArray[np.bool_], count: Ints, slices: int, q: float
) -> Floats:
    """Return each slice's Kaplan-Meier quantile `q`; NaN where too few have closed for it to be reached.

    Open items are censored at their duration; at equal durations closings come first. Where the curve is flat at
    exactly 1 - q the quantile is the middle of the flat stretch (as R's survfit), so without open items the
    median is the ordinary median.
    """
    order = np.lexsort((~closed, duration, slice_id))
    slice_id, duration, closed, count = slice_id[order], duration[order], closed[order], count[order]
    starts = np.searchsorted(slice_id, np.arange(slices), side="left")
    ends = np.searchsorted(slice_id, np.arange(slices), side="right")
    result = np.full(slices, np.nan)
    for index in range(slices):
        part = slice(starts[index], ends[index])
        result[index] = _survival_quantile(duration[part], closed[part], count[part], q)
    return result


def _survival_quantile(duration: Floats, closed: npt.NDArray[np.bool_], count: Ints, q: float) -> float:
    if not closed.any():
        return float("nan")
    at_risk = count.sum() - np.cumsum(count) + count
    curve = np.cumprod(np.where(closed, 1 - count / at_risk, 1.0))
    events = np.flatnonzero(closed)
    curve = curve[events]
    hit = np.flatnonzero(curve <= 1 - q + _EPSILON)
    if not hit.size:
        return float("nan")
    first = hit[0]
    time = float(duration[events[first]])
    flat = abs(curve[first] - (1 - q)) <= _EPSILON
    # equal durations stand in one row a slice, so the next event row is a later time
    if flat and first + 1 < events.size:
        return (time + float(duration[events[first + 1]])) / 2
    return time
