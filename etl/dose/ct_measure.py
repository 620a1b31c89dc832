"""The reference a site loads to preview the CT dose measure: categories, limits and how dose is adjusted to size.

The measure belongs to its owner; none of its numbers are shipped, and what is shown is no result of it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from etl.errors import ConfigurationError

COLUMNS = ("procedure_group", "category", "limit_mgy_cm", "reference_diameter_cm", "slope_per_cm")


@dataclass(frozen=True, slots=True)
class CtCategory:
    """A procedure group's category and limit; dose is divided by exp(slope x (diameter - reference diameter))."""

    procedure_group: str
    category: str
    limit_mgy_cm: float
    reference_diameter_cm: float
    slope_per_cm: float


def ct_categories(path: Path, groups: frozenset[str]) -> tuple[CtCategory, ...]:
    """Return the rows of the loaded reference, none without a file; raises ConfigurationError naming the row."""
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(line for line in file if line.strip() and not line.startswith("#"))
        if set(reader.fieldnames or ()) != set(COLUMNS):
            raise ConfigurationError(f"{path} must have the columns {', '.join(COLUMNS)}; it has {reader.fieldnames}")
        return tuple(_category(path, number, row, groups) for number, row in enumerate(reader, 1))


def _category(path: Path, number: int, row: dict[str, str], groups: frozenset[str]) -> CtCategory:
    group, category = row["procedure_group"].strip(), row["category"].strip()
    if group not in groups or not category:
        raise ConfigurationError(f"{path}, row {number}: {group!r} is no CT procedure group, or has no category")
    try:
        limit, diameter, slope = (float(row[name]) for name in COLUMNS[2:])
    except ValueError as error:
        raise ConfigurationError(f"{path}, row {number}: {error}; every row has {', '.join(COLUMNS[2:])}") from error
    if limit <= 0 or diameter <= 0:
        raise ConfigurationError(f"{path}, row {number}: limit and diameter must be above zero")
    return CtCategory(group, category, limit, diameter, slope)
