"""Stable 64-bit keys from natural keys, the same in every process and on every engine."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
NO_EXAM = 0


def stable_key(*parts: object) -> int:
    """Return a positive 63-bit hash of the parts' texts (BLAKE2b); never 0, which means "none"."""
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1 or 1


def stable_keys(kind: str, *columns: Iterable[object]) -> Ints:
    """Return `stable_key(kind, ...)` row by row over columns of equal length."""
    rows = zip(*columns, strict=True)
    return np.fromiter((stable_key(kind, *row) for row in rows), dtype=np.int64)
