"""The shipped status map, read here only to show in `inspect` what derivation would make of a local code."""

from __future__ import annotations

import csv
from fnmatch import fnmatchcase
from functools import lru_cache

from etl.settings import REFERENCE


@lru_cache(maxsize=1)
def _rows() -> tuple[tuple[str, str, str, str], ...]:
    with (REFERENCE / "status_maps.csv").open(encoding="utf-8", newline="") as file:
        return tuple((row["kind"], row["preset"], row["pattern"], row["event_type"]) for row in csv.DictReader(file))


@lru_cache(maxsize=4096)
def shipped_event_type(kind: str, local_code: str, preset: str = "") -> str | None:
    """Return the event type of a local code by the generic rows and those of one preset; first match wins."""
    for row_kind, row_preset, pattern, event_type in _rows():
        if row_kind == kind and row_preset in ("", preset) and fnmatchcase(local_code, pattern):
            return event_type
    return None
