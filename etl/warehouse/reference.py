"""Reading the reference tables that ship as CSV, each row with its source."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from etl.errors import ConfigurationError

ANY = "*"


def rows(path: Path, columns: Iterable[str]) -> list[dict[str, str]]:
    """Return the table's rows with stripped values; raises ConfigurationError when it or a column is missing."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = set(columns) - set(reader.fieldnames or ())
            if missing:
                raise ConfigurationError(f"{path} has no column {sorted(missing)}; it has {reader.fieldnames}")
            return [{k: (v or "").strip() for k, v in row.items() if k is not None} for row in reader]
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path} is missing; restore it from the repository") from error


def optional_date(path: Path, text: str) -> date | None:
    """Return an ISO date, None for an empty field."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise ConfigurationError(f"{path}: {text!r} is not a date such as 2026-10-01") from error


def target_minutes(path: Path, text: str) -> float:
    """Return a positive number of minutes."""
    try:
        value = float(text)
    except ValueError as error:
        raise ConfigurationError(f"{path}: target_min {text!r} is not a number of minutes") from error
    if not value > 0:
        raise ConfigurationError(f"{path}: target_min {text!r} must be above zero")
    return value


def pattern_key(text: str) -> str:
    """Return a procedure name or pattern as matching compares it: upper case, single spaces."""
    return " ".join(text.upper().split())
