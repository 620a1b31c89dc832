"""A result as an Excel workbook or a Parquet file: the CSV's rows with types, and all that describes them inside."""

from __future__ import annotations

import io
import json
from datetime import UTC
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from etl.errors import RefusedError
from etl.kpis.export import neutralised, to_csv
from etl.kpis.query import GRAINS, Result

MOST_ROWS = 1_048_575  # of a sheet, below its header
FORMATS = ("csv", "xlsx", "parquet")
_NUMBERS = {"share": "0.0%", "min": "0.0"}


def file_of(result: Result, form: str, *, bom: bool = False) -> bytes:
    """Return a result in one of FORMATS, the same bytes every time.

    Raises RefusedError for another format, or a workbook of more rows than a sheet holds.
    """
    if form == "csv":
        return to_csv(result, bom=bom).csv
    if form not in FORMATS:
        raise RefusedError(f"format {form!r} is not one of {', '.join(FORMATS)}")
    return to_xlsx(result) if form == "xlsx" else to_parquet(result)


def about(result: Result) -> dict[str, str]:
    """Return what describes a result, one text a line: definition, filters, data time, completeness."""
    told: dict[str, Any] = json.loads(to_csv(result).sidecar)
    columns = told.pop("columns")
    lines = {name.replace("_", " "): _text(value) for name, value in told.items()}
    return lines | {f"column {column['name']}": str(column["unit"]) for column in columns}


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name}: {', '.join(chosen)}" for name, chosen in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "" if value is None else str(value)


def to_xlsx(result: Result) -> bytes:
    """Return a workbook: sheet "Data" with typed cells under a fixed header, sheet "About" with what describes it.

    Texts are never formulas. Raises RefusedError beyond the rows of a sheet.
    """
    import xlsxwriter  # a part of the app's extra; CSV needs none of it

    frame = result.frame
    if len(frame) > MOST_ROWS:
        raise RefusedError(f"{len(frame):,} rows do not fit a sheet of {MOST_ROWS:,}; export CSV or Parquet")
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(buffer, options | {"default_date_format": "yyyy-mm-dd"})
    book.set_properties({"created": result.meta.data_at.astimezone(UTC).replace(tzinfo=None)})
    _data_sheet(book, result)
    sheet = book.add_worksheet("About")
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 100)
    for row, (name, text) in enumerate(about(result).items()):
        sheet.write_string(row, 0, name)
        sheet.write_string(row, 1, neutralised(text))
    book.close()
    return buffer.getvalue()


def _data_sheet(book: Any, result: Result) -> None:
    sheet, bold = book.add_worksheet("Data"), book.add_format({"bold": True, "bottom": 1})
    sheet.freeze_panes(1, 0)
    for place, name in enumerate(map(str, result.frame.columns)):
        sheet.write_string(0, place, neutralised(name), bold)
        sheet.set_column(place, place, max(12, len(name) + 2))
        _column(book, sheet, place, name, result)


def _column(book: Any, sheet: Any, place: int, name: str, result: Result) -> None:
    """Write one column: local dates as dates, numbers as numbers, the rest as text; what is missing stays empty."""
    values = result.frame[name]
    number = book.add_format({"num_format": _NUMBERS.get(result.meta.columns.get(name, ""), "General")})
    day = book.add_format({"num_format": "yyyy-mm-dd hh:mm" if name == "hour" else "yyyy-mm-dd"})
    for row, value in enumerate(values.astype(object), start=1):
        if value is None or pd.isna(value):
            continue
        if name in GRAINS:
            sheet.write_datetime(row, place, pd.Timestamp(value).tz_localize(None).to_pydatetime(), day)
        elif isinstance(value, bool | str) or not _is_number(value):
            sheet.write_string(row, place, neutralised(str(value)))
        else:
            sheet.write_number(row, place, float(value), number)


def _is_number(value: Any) -> bool:
    return hasattr(value, "__float__")


def to_parquet(result: Result) -> bytes:
    """Return a Parquet file with the same columns; what describes it lies in the schema's metadata as JSON."""
    table = pa.Table.from_pandas(result.frame, preserve_index=False)
    told = {"radpulse": to_csv(result).sidecar}
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(told), buffer, compression="zstd")
    return buffer.getvalue()
