"""Which modalities belong together: compared with each other (priors, follow-ups), or images of one exam (matching)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from etl.settings import REFERENCE
from etl.warehouse.reference import rows

FILE = "modality_families.csv"


def modality_families(reference: Path = REFERENCE) -> Mapping[str, str]:
    """Return modality -> family; raises ConfigurationError as `rows` does."""
    return MappingProxyType({row["modality"]: row["family"] for row in rows(reference / FILE, ("modality", "family"))})


@cache
def of_one_exam(reference: Path = REFERENCE) -> tuple[tuple[str, ...], ...]:
    """Return the groups of modalities whose images may belong to one exam; raises ConfigurationError as `rows` does."""
    groups: dict[str, list[str]] = {}
    for row in rows(reference / FILE, ("modality", "one_exam")):
        if row["one_exam"]:
            groups.setdefault(row["one_exam"], []).append(row["modality"])
    return tuple(map(tuple, groups.values()))
