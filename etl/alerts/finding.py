"""What a rule found about one slice of the department."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from etl.kpis.words import amount

Slice = tuple[tuple[str, str], ...]
LONGEST = 40  # characters of a dimension's value in a message


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule's verdict on one slice: beyond the limit, within it, or (None) no number to judge by, and why."""

    rule: str
    slice: Slice
    breached: bool | None
    text: str  # what was seen, in words
    value: float | None = None
    limit: float | None = None
    n: int | None = None

    @property
    def slice_key(self) -> str:
        """The slice as one text; with the rule it names an alert."""
        return slice_key(self.slice)


def slice_key(parts: Slice) -> str:
    """Return a slice as JSON, the same text for the same slice."""
    return json.dumps(dict(parts), sort_keys=True, ensure_ascii=True)


def slice_of(key: str) -> Slice:
    """Return the slice a key stands for."""
    return tuple(sorted(json.loads(key).items()))


def slice_words(key: str) -> str:
    """Return a slice for people; values come from feeds, so they are cut and cleaned."""
    parts = [f"{name} {_clean(value)}" for name, value in slice_of(key)]
    return ", ".join(parts) or "all"


def _clean(value: str) -> str:
    return "".join(c if c.isprintable() else " " for c in value)[:LONGEST]


def said(value: Any, unit: str) -> str:
    """Return a number with its unit as people read it."""
    return amount(float(value), unit)
