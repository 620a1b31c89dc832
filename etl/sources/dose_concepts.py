"""The coded concepts of dose reports, read from data/reference/dose_concepts.csv."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from functools import cache

from etl.settings import REFERENCE


@dataclass(frozen=True, slots=True)
class Concepts:
    """Codes by their part in a report: titles, containers, numbers (field and unit), texts (field)."""

    titles: frozenset[str]
    events: dict[str, str]
    total_blocks: dict[str, str]
    values: dict[str, tuple[str, str]] = field(default_factory=dict)
    totals: dict[str, tuple[str, str]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)


@cache
def concepts() -> Concepts:
    """Return the shipped concepts (PS3.16 TID 10001-10028)."""
    with (REFERENCE / "dose_concepts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return Concepts(
        titles=frozenset(row["code"] for row in rows if row["role"] == "title"),
        events={row["code"]: row["field"] for row in rows if row["role"] == "event"},
        total_blocks={row["code"]: row["field"] for row in rows if row["role"] == "total_block"},
        values={row["code"]: (row["field"], row["unit"]) for row in rows if row["role"] == "value"},
        totals={row["code"]: (row["field"], row["unit"]) for row in rows if row["role"] == "total"},
        texts={row["code"]: row["field"] for row in rows if row["role"] == "text"},
    )
