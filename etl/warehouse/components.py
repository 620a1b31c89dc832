"""Connected components, for exams done in one visit."""

from __future__ import annotations

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
