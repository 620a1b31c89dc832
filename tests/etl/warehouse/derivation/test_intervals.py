"""The interval engine against a grid of minutes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.warehouse.intervals import MINUTE_US, Intervals, covered_before, intersect, split, subtract, union

SIZE = 60
GROUPS = 3
BASE = 1_788_000_000 * 1_000_000

spans = st.lists(st.tuples(st.integers(0, GROUPS - 1), st.integers(0, SIZE), st.integers(0, SIZE)), max_size=12)
Span = tuple[int, int, int]


def _intervals(given_spans: list[Span]) -> Intervals:
    group, begin, end = (np.array([s[i] for s in given_spans], dtype=np.int64) for i in range(3))
    return Intervals.of(group, BASE + begin * MINUTE_US, BASE + end * MINUTE_US)


def _grid(intervals: Intervals) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    grid = np.zeros((GROUPS, SIZE), dtype=bool)
    for g, b, e in zip(intervals.group, intervals.begin, intervals.end, strict=True):
        grid[g, (b - BASE) // MINUTE_US : (e - BASE) // MINUTE_US] = True
    return grid


def _is_tidy(intervals: Intervals) -> bool:
    """Sorted, disjoint and not touching within a group."""
    rows = list(zip(intervals.group, intervals.begin, intervals.end, strict=True))
    return all(a[0] < b[0] or (a[0] == b[0] and a[2] < b[1]) for a, b in itertools.pairwise(rows))


@given(spans)
def test_union_covers_what_its_intervals_cover_once(one: list[Span]) -> None:
    merged = union(_intervals(one))
    assert np.array_equal(_grid(merged), _grid(_intervals(one)))
    assert merged.minutes().sum() == _grid(merged).sum()
    assert _is_tidy(merged)


@given(spans, spans)
def test_intersection_and_difference_equal_the_minutes_of_both(one: list[Span], two: list[Span]) -> None:
    a, b = _intervals(one), _intervals(two)
    both, rest = intersect(a, b), subtract(a, b)
    assert np.array_equal(_grid(both), _grid(a) & _grid(b))
    assert np.array_equal(_grid(rest), _grid(a) & ~_grid(b))
    assert _is_tidy(both)
    assert _is_tidy(rest)


@given(spans, st.lists(st.tuples(st.integers(0, GROUPS), st.integers(-5, SIZE + 5)), min_size=1, max_size=9))
def test_covered_before_counts_minutes_up_to_an_instant(one: list[Span], asked: list[tuple[int, int]]) -> None:
    merged = union(_intervals(one))
    group, at = (np.array([a[i] for a in asked], dtype=np.int64) for i in range(2))
    found = covered_before(merged, group, BASE + at * MINUTE_US) / MINUTE_US
    grid = np.vstack([_grid(merged), np.zeros((1, SIZE), dtype=bool)])  # the last group has nothing
    assert found.tolist() == [int(grid[g, : max(a, 0)].sum()) for g, a in asked]


@given(spans, st.lists(st.integers(0, SIZE), min_size=2, max_size=8, unique=True))
def test_split_gives_every_cell_its_minutes(one: list[Span], edges: list[int]) -> None:
    edges = sorted(edges)
    intervals = _intervals(one)
    cut = split(intervals.begin, intervals.end, BASE + np.array(edges, dtype=np.int64) * MINUTE_US)
    for cell, (low, high) in enumerate(itertools.pairwise(edges)):
        expected = [max(0, min(e, high) - max(b, low)) for _, b, e in one if b < e and min(e, high) > max(b, low)]
        assert cut.minutes[cut.cell == cell].tolist() == expected


def test_touching_intervals_are_one_and_groups_stay_apart() -> None:
    merged = union(_intervals([(0, 0, 10), (0, 10, 20), (1, 5, 15), (0, 5, 8)]))
    assert merged.group.tolist() == [0, 1]
    assert merged.minutes().tolist() == [20.0, 10.0]


@pytest.mark.parametrize("operation", [intersect, subtract])
def test_nothing_stays_nothing(operation: object) -> None:
    assert callable(operation)
    assert len(operation(_intervals([]), _intervals([(0, 1, 2)]))) == 0
