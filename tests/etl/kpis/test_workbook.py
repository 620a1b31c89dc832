"""Workbooks and Parquet files hold what the CSV holds, with types, and say what they are."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, date, datetime
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pyarrow.parquet as pq
import pytest

from etl.errors import RefusedError
from etl.kpis.export import to_csv
from etl.kpis.query import Meta, Result
from etl.kpis.workbook import file_of, to_parquet, to_xlsx

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def result(**changed: Any) -> Result:
    """Two rows: a plain one, and one with a formula for a name and without a value."""
    frame = pd.DataFrame(
        {
            "day": pd.to_datetime(["2026-11-01", "2026-11-02"]),
            "scanner": ["CT1", "=HYPERLINK(1)"],
            "share": [0.25, float("nan")],
            "n": [8, 0],
        }
    )
    meta = {
        "kpi_id": "T24",
        "kpi_key": "within_target",
        "label": "Reported within target",
        "unit": "share",
        "definition": "As defined.",
        "definition_version": "1",
        "better": "higher",
        "data_version": "v1",
        "data_at": NOON,
        "as_of": NOON,
        "from_date": date(2026, 11, 1),
        "to_date": date(2026, 11, 3),
        "by": ("day", "scanner"),
        "where": {"site": ("NORTH",)},
        "not_applied": (),
        "headline": "share",
        "columns": {"share": "share", "n": "exams"},
        "n": 8,
        "missing": 0,
        "open": 0,
        "suppressed": 0,
    }
    return Result(frame, Meta(**(meta | changed)))


def sheets(book: bytes) -> dict[str, list[list[tuple[str | None, str]]]]:
    """Each sheet's rows of (type, text) as a spreadsheet reads them."""
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        strings = ["".join(si.itertext()) for si in _tree(parts, "xl/sharedStrings.xml").iter(f"{SHEET}si")]
        found = {}
        for place, name in enumerate(("Data", "About"), start=1):
            tree = _tree(parts, f"xl/worksheets/sheet{place}.xml")
            assert not list(tree.iter(f"{SHEET}f")), "no cell is a formula"
            found[name] = [[_cell(cell, strings) for cell in row.iter(f"{SHEET}c")] for row in tree.iter(f"{SHEET}row")]
    return found


def _tree(parts: zipfile.ZipFile, name: str) -> Any:
    return ElementTree.fromstring(parts.read(name))  # noqa: S314 - as above


def _cell(cell: Any, strings: list[str]) -> tuple[str | None, str]:
    value = cell.find(f"{SHEET}v")
    text = "" if value is None else value.text
    return cell.get("t"), strings[int(text)] if cell.get("t") == "s" else text


def test_cells_have_types_and_no_text_is_a_formula() -> None:
    header, first, second = sheets(to_xlsx(result()))["Data"]
    assert [text for _, text in header] == ["day", "scanner", "share", "n"]
    assert [kind for kind, _ in first] == [None, "s", None, None]  # date, text, number, number
    assert [text for _, text in first[1:]] == ["CT1", "0.25", "8"]
    assert second[1] == ("s", "'=HYPERLINK(1)")
    assert len(second) == 3  # what is missing is no cell, least of all a zero


def test_the_second_sheet_says_what_was_asked_of_which_data() -> None:
    told = {row[0][1]: row[1][1] for row in sheets(to_xlsx(result()))["About"]}
    assert told["kpi id"] == "T24"
    assert told["filters"] == "site: NORTH"
    assert told["data at"] == NOON.isoformat()
    assert told["column share"] == "share"
    assert told["definition"] == "As defined."


@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet"])
def test_the_same_result_is_the_same_bytes(form: str) -> None:
    assert file_of(result(), form) == file_of(result(), form)


def test_a_parquet_file_has_the_frame_and_its_description() -> None:
    table = pq.read_table(io.BytesIO(to_parquet(result())))
    pd.testing.assert_frame_equal(table.to_pandas(), result().frame, check_dtype=False)
    assert json.loads(table.schema.metadata[b"radpulse"]) == json.loads(to_csv(result()).sidecar)


def test_an_unknown_format_is_refused_with_those_known() -> None:
    with pytest.raises(RefusedError, match="csv, xlsx, parquet"):
        file_of(result(), "ods")


def test_more_rows_than_a_sheet_holds_are_refused() -> None:
    many = Result(pd.DataFrame({"n": range(1_048_576)}), result().meta)
    with pytest.raises(RefusedError, match="CSV or Parquet"):
        to_xlsx(many)
