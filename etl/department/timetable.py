"""Spans of time: opening hours, downtime, shifts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from math import inf

Span = tuple[float, float]


class Timetable:
    """Sorted, disjoint spans of time, asked whether an instant lies inside and when that next changes."""

    def __init__(self, spans: Iterable[Span]) -> None:
        """Take spans in any order; overlapping ones are joined."""
        joined: list[list[float]] = []
        for begin, end in sorted(spans):
            if joined and begin <= joined[-1][1]:
                joined[-1][1] = max(joined[-1][1], end)
            elif end > begin:
                joined.append([begin, end])
        self.spans: list[Span] = [(b, e) for b, e in joined]
        self._begins = [b for b, _ in self.spans]
        self._edges = [edge for span in self.spans for edge in span]

    def holds(self, at: float) -> bool:
        """Return whether `at` lies inside a span (half-open)."""
        i = bisect_right(self._begins, at) - 1
        return i >= 0 and at < self.spans[i][1]

    def next_edge(self, at: float) -> float:
        """Return the first begin or end after `at`, infinity when there is none."""
        i = bisect_right(self._edges, at)
        return self._edges[i] if i < len(self._edges) else inf
