"""A value has one text, whatever driver or zone it came with, and a page reads back as it was."""

from __future__ import annotations

import csv
import io
import random
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from etl.fetchers import sql_csv
from etl.fetchers.sql_csv import cell, payloads
from etl.sources.delimited import read_sheet

AWARE = datetime(2026, 3, 1, 10, 0, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([None, float("nan"), Decimal("NaN"), ""], ""),
        ([30, 30.0, Decimal("30"), Decimal("30.00"), Decimal("3E+1")], "30"),
        ([0, -0.0, Decimal("-0.00")], "0"),
        ([0.1, Decimal("0.10")], "0.1"),
        ([10**20], "100000000000000000000"),
        ([True], "true"),
        ([AWARE, AWARE.astimezone(timezone(timedelta(hours=-5)))], "2026-03-01T10:00:00.000001+00:00"),
        ([AWARE.replace(tzinfo=None)], "2026-03-01T10:00:00.000001"),
        ([AWARE.replace(tzinfo=None, microsecond=0)], "2026-03-01T10:00:00"),
        ([date(2026, 3, 1)], "2026-03-01"),
        ([time(7, 5)], "07:05:00"),
        ([timedelta(minutes=1.5)], "PT90S"),
        ([b"\x00\xff", bytearray(b"\x00\xff"), memoryview(b"\x00\xff")], "00ff"),
        ([UUID(int=1)], "00000000-0000-0000-0000-000000000001"),
        ([{"b": 1, "a": None}], '{"a": null, "b": 1}'),
        (["a\0b"], "ab"),
    ],
)
def test_one_value_one_text(values: list[Any], text: str) -> None:
    assert [cell(value) for value in values] == [text] * len(values)


@pytest.mark.parametrize("seed", range(5))
def test_random_texts_read_back_as_they_were(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - test data
    rows = [["".join(chance.choices('ab,;"\n\r|\tü ', k=9)) + "x" for _ in range(3)] for _ in range(200)]
    sheet = read_sheet(b"".join(payloads(["one", "two", "three"], rows)))
    assert [row.cells for row in sheet.rows()] == rows


def test_a_page_of_wide_rows_is_cut_into_documents_with_a_header_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_csv, "PAYLOAD_BYTES", 50)
    parts = list(payloads(["n", "text"], [(n, "x" * 20) for n in range(5)]))
    assert len(parts) == 5  # a header of 8 bytes and one row of 24; a second would make 56
    found = [row for part in parts for row in csv.DictReader(io.StringIO(part.decode(), newline=""))]
    assert [row["n"] for row in found] == ["0", "1", "2", "3", "4"]
    assert list(payloads(["n"], [])) == []


def test_a_row_no_frame_holds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_csv, "LONGEST_PAYLOAD", 100)
    with pytest.raises(ValueError, match="a row of 202 bytes"):
        list(payloads(["n"], [("x" * 200,)]))
