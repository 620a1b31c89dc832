"""The CSV holds what the screen shows in full precision, opens safely, and is the same every time."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from etl.access import DEMO
from etl.kpis import KPIS, Query, Result, compute
from etl.kpis.export import neutralised, to_csv

PERIOD = (date(2026, 9, 1), date(2026, 10, 1))


@pytest.fixture
def result(duck: Engine) -> Result:
    """Return T16 by modality and day."""
    return compute(duck, Query("T16", *PERIOD, ("modality", "day"), {"site": ("NORTH",)}), DEMO, min_n=0)


def parsed(data: bytes) -> list[list[str]]:
    """Return the cells of a CSV file."""
    return list(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))


def test_the_file_read_back_is_the_frame_to_the_last_digit(result: Result) -> None:
    back = pd.read_csv(io.BytesIO(to_csv(result).csv), parse_dates=["day"])
    pd.testing.assert_frame_equal(back, result.frame, check_dtype=False, check_exact=True)


def test_the_same_question_gives_the_same_bytes(duck: Engine, result: Result) -> None:
    again = compute(duck, Query("report_tat", *PERIOD, ("modality", "day"), {"site": ("NORTH",)}), DEMO, min_n=0)
    assert to_csv(again) == to_csv(result)


@pytest.mark.parametrize("kpi", [kpi.id for kpi in KPIS])
def test_every_kpi_exports_numbers_as_numbers(duck: Engine, kpi: str) -> None:
    found = compute(duck, Query(kpi, *PERIOD), DEMO)
    header, row = parsed(to_csv(found).csv)
    assert header == list(found.meta.columns)
    assert all(cell == "" or np.isfinite(float(cell)) for cell in row)


def test_the_side_file_describes_the_data(result: Result) -> None:
    about = json.loads(to_csv(result).sidecar)
    assert (about["kpi_id"], about["data_version"], about["n"], about["rows"]) == ("T16", "tiny", 6, len(result.frame))
    assert about["filters"] == {"site": ["NORTH"]}
    assert about["definition_version"] == KPIS["T16"].definition_version
    assert about["columns"][:3] == [
        {"name": "modality", "unit": "label"},
        {"name": "day", "unit": "local date"},
        {"name": "p50", "unit": "min"},
    ]


def test_a_byte_order_mark_is_all_that_bom_adds(result: Result) -> None:
    assert to_csv(result, bom=True).csv == b"\xef\xbb\xbf" + to_csv(result).csv


@pytest.mark.parametrize("lead", list("=+-@\t\r\n＝＋－＠"))  # noqa: RUF001 - full-width forms are the point
def test_a_text_that_would_run_as_a_formula_is_neutralised_and_negative_numbers_are_not(
    result: Result, lead: str
) -> None:
    frame = pd.DataFrame({"modality": [f"{lead}1+1", 'a "b", c'], "p50": [-5.25, np.nan]})
    poisoned = replace(result, frame=frame, meta=replace(result.meta, by=("modality",)))
    _, first, second = parsed(to_csv(poisoned).csv)
    assert first == [f"'{lead}1+1", "-5.25"]
    assert second == ['a "b", c', ""]


@given(st.text())
def test_no_text_leaves_as_a_formula(text: str) -> None:
    assert not neutralised(text).startswith(tuple("=+-@\t\r\n"))
    assert "\x00" not in neutralised(text)


def test_local_hours_are_written_with_their_time(duck: Engine) -> None:
    found: Any = compute(duck, Query("accessions", *PERIOD, ("hour",), {"site": ("SOUTH",)}), DEMO)
    assert parsed(to_csv(found).csv)[1] == ["2026-09-07T20:00:00", "1", "1"]
