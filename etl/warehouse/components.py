"""Connected components, for patients merged and exams done in one visit."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from etl.warehouse.keys import Ints


def components(size: int, left: Ints, right: Ints) -> Ints:
    """Return for each of `size` nodes the smallest node it is connected with by the edges `left[i] - right[i]`."""
    label = np.arange(size, dtype=np.int64)
    while True:
        lowest = np.minimum(label[left], label[right])
        after = label.copy()
        np.minimum.at(after, left, lowest)
        np.minimum.at(after, right, lowest)
        after = np.minimum(after, after[after])
        if np.array_equal(after, label):
            return label
        label = after


def cycle_members(edges: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return, sorted, the nodes on or between directed cycles: those left when ends are taken away in turn."""
    left = set(edges)
    while True:
        sources, sinks = {a for a, _ in left}, {b for _, b in left}
        kept = {(a, b) for a, b in left if a in sinks and b in sources}
        if kept == left:
            return tuple(sorted(sources))
        left = kept
