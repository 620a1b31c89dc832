"""Half-open intervals of several groups at once: union, intersection, difference, splitting at a grid (K0.4).

Times are int64 microseconds since 1970 UTC. A group is a small non-negative integer (a scanner's position).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from etl.warehouse.keys import Ints

MINUTE_US = 60_000_000
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Intervals:
    """Intervals `[begin, end)` with the group each belongs to; empty or reversed ones are dropped on entry."""

    group: Ints
    begin: Ints
    end: Ints

    @classmethod
    def of(cls, group: npt.ArrayLike, begin: npt.ArrayLike, end: npt.ArrayLike) -> Intervals:
        """Take arrays of equal length in any order; intervals without length are left out."""
        g, b, e = (np.asarray(x, dtype=np.int64) for x in (group, begin, end))
        real = b < e
        return cls(g[real], b[real], e[real])

    def __len__(self) -> int:
        """Return how many intervals there are."""
        return len(self.group)

    def where(self, mask: Bools) -> Intervals:
        """Return the intervals a mask picks."""
        return Intervals(self.group[mask], self.begin[mask], self.end[mask])

    def minutes(self) -> Floats:
        """Return each interval's length in minutes."""
        return (self.end - self.begin) / MINUTE_US


def union(given: Intervals) -> Intervals:
    """Return the intervals merged within each group (touching ones too), sorted by group and begin."""
    if not len(given):
        return given
    order = np.lexsort((given.begin, given.group))
    group, begin, end = given.group[order], given.begin[order], given.end[order]
    shift = _group_shift(group, begin, end)
    reach = np.maximum.accumulate(end + shift)
    first = np.ones(len(group), dtype=bool)
    first[1:] = begin[1:] + shift[1:] > reach[:-1]
    starts = np.flatnonzero(first)
    last = np.append(starts[1:], len(group)) - 1
    return Intervals(group[starts], begin[starts], reach[last] - shift[last])


def _group_shift(group: Ints, begin: Ints, end: Ints) -> Ints:
    """Return what to add to each row's times so that groups (sorted) lie one after the other on one axis."""
    rank = np.concatenate(([0], np.cumsum(np.diff(group) != 0)))
    span = int(end.max()) - int(begin.min()) + 1
    return np.asarray(rank * span, dtype=np.int64)


def intersect(a: Intervals, b: Intervals) -> Intervals:
    """Return the time covered by both."""
    return _combine(a, b, wanted=True)


def subtract(a: Intervals, b: Intervals) -> Intervals:
    """Return the time covered by `a` and not by `b`."""
    return _combine(a, b, wanted=False)


def _combine(a: Intervals, b: Intervals, *, wanted: bool) -> Intervals:
    a, b = union(a), union(b)
    if not len(a):
        return a
    group = np.concatenate([a.group, a.group, b.group, b.group])
    at = np.concatenate([a.begin, a.end, b.begin, b.end])
    step_a = np.concatenate([np.ones(len(a)), -np.ones(len(a)), np.zeros(2 * len(b))]).astype(np.int64)
    step_b = np.concatenate([np.zeros(2 * len(a)), np.ones(len(b)), -np.ones(len(b))]).astype(np.int64)
    order = np.lexsort((at, group))
    group, at = group[order], at[order]
    in_a, in_b = np.cumsum(step_a[order]) > 0, np.cumsum(step_b[order]) > 0
    inside = (in_a & (in_b == wanted))[:-1]  # the stretch up to the next edge; sums are zero between groups
    return union(Intervals.of(group[:-1][inside], at[:-1][inside], at[1:][inside]))


def covered_before(given: Intervals, group: Ints, at: Ints) -> Ints:
    """Return how many microseconds of `given` (a union) lie before each instant `at` in its group."""
    if not len(given):
        return np.zeros(len(at), dtype=np.int64)
    position = _positions(given, group, at)
    total = np.concatenate(([0], np.cumsum(given.end - given.begin)))
    first = np.searchsorted(given.group, group, side="left")
    inside = np.maximum(position - 1, 0)
    begun = position > first
    over = np.where(begun, np.maximum(given.end[inside] - at, 0), 0)
    return np.asarray(total[position] - total[first] - over, dtype=np.int64)


def _positions(given: Intervals, group: Ints, at: Ints) -> Ints:
    """Return how many intervals of sorted `given` have (group, begin) <= (group, at)."""
    low = min(int(given.begin.min()), int(at.min())) if len(at) else int(given.begin.min())
    high = max(int(given.begin.max()), int(at.max())) if len(at) else int(given.begin.max())
    span = high - low + 1
    groups = np.unique(given.group)
    # groups absent from `given` fall between their neighbours, where nothing begins
    rank = np.searchsorted(groups, given.group) * 2 + 1
    asked = np.searchsorted(groups, group) * 2 + np.isin(group, groups)
    return np.searchsorted(rank * span + (given.begin - low), asked * span + (at - low), side="right")


@dataclass(frozen=True, slots=True)
class Cells:
    """Intervals cut at the edges of a grid: which interval, which grid cell, how many minutes of it."""

    source: Ints
    cell: Ints
    minutes: Floats


def split(begin: Ints, end: Ints, edges: Ints) -> Cells:
    """Cut intervals at sorted `edges`; cell i is `[edges[i], edges[i+1])`, time outside the grid is left out."""
    begin, end = np.maximum(begin, edges[0]), np.minimum(end, edges[-1])
    first = np.searchsorted(edges, begin, side="right") - 1
    last = np.searchsorted(edges, end, side="left")
    count = np.where(begin < end, last - first, 0)
    source = np.repeat(np.arange(len(begin)), count)
    cell = first[source] + np.arange(len(source)) - np.repeat(np.cumsum(count) - count, count)
    length = np.minimum(end[source], edges[cell + 1]) - np.maximum(begin[source], edges[cell])
    return Cells(source, cell, length / MINUTE_US)
