"""CSV for analysts and its side file: what the screen shows, in full precision, the same bytes every time."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd

from etl.kpis.query import GRAINS, Result

# Spreadsheets take a cell that begins so for a formula (OWASP, CSV injection); full-width forms are folded by some.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
EXACT_INTEGERS = 2.0**53


@dataclass(frozen=True, slots=True)
class Export:
    """An export: UTF-8 CSV (RFC 4180, CRLF) and the JSON that describes it."""

    csv: bytes
    sidecar: bytes


def to_csv(result: Result, bom: bool = False) -> Export:
    """Return a result as CSV, rows in the result's order, and its description; `bom` marks UTF-8 for Excel.

    Numbers have full precision and missing ones are empty; times are ISO 8601 in site-local time; a text that a
    spreadsheet would run as a formula gets a ' in front.
    """
    frame = result.frame
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([neutralised(str(name)) for name in frame.columns])
    columns = [_cells(frame[name], str(name)) for name in frame.columns]
    writer.writerows(zip(*columns, strict=True))
    text = buffer.getvalue()
    return Export(text.encode("utf-8-sig" if bom else "utf-8"), _sidecar(result))


def neutralised(text: str) -> str:
    """Return a text that no spreadsheet runs as a formula, and that holds no NUL."""
    text = text.replace("\x00", "")
    return f"'{text}" if text.startswith(_FORMULA) else text


def _cells(values: pd.Series[Any], name: str) -> list[str]:
    if name in GRAINS:
        return ["" if pd.isna(v) else v.isoformat() if name == "hour" else v.date().isoformat() for v in values]
    return [_cell(value) for value in values.astype(object)]


def _cell(value: Any) -> str:
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT_INTEGERS:
        return repr(int(value))  # a count reads as a count; the number is the same
    if isinstance(value, bool | int | float):
        return repr(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return neutralised(str(value))


def _sidecar(result: Result) -> bytes:
    meta = result.meta
    units = {name: ("local date" if name != "hour" else "local hour") for name in meta.by if name in GRAINS}
    columns = [
        {"name": str(name), "unit": meta.columns.get(str(name), units.get(str(name), "label"))}
        for name in result.frame.columns
    ]
    description = {
        "kpi_id": meta.kpi_id,
        "kpi_key": meta.kpi_key,
        "label": meta.label,
        "unit": meta.unit,
        "definition": meta.definition,
        "definition_version": meta.definition_version,
        "better": meta.better,
        "headline": meta.headline,
        "from": meta.from_date.isoformat(),
        "to_before": meta.to_date.isoformat(),
        "by": list(meta.by),
        "filters": _filters(meta.where, meta.not_applied),
        "filters_not_applied": sorted(meta.not_applied),
        "as_of": meta.as_of.isoformat(),
        "data_version": meta.data_version,
        "data_at": meta.data_at.isoformat(),
        "n": meta.n,
        "missing": meta.missing,
        "open": meta.open,
        "suppressed_rows": meta.suppressed,
        "absent": meta.absent,
        "sites_without_feed": list(meta.without_sites),
        "rows": len(result.frame),
        "columns": columns,
    }
    return (json.dumps(description, indent=2, ensure_ascii=False) + "\n").encode("utf-8")


def _filters(where: Mapping[str, tuple[str, ...]], not_applied: tuple[str, ...]) -> dict[str, list[str]]:
    return {name: sorted(where[name]) for name in sorted(where) if name not in not_applied}
