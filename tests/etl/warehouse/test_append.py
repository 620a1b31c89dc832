"""Columnar writing and reading keep values, types and NULLs on both engines."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from sqlalchemy import func, select

from etl.warehouse.append import append, arrow_schema, read_frame
from etl.warehouse.tables import fact_exam, fact_opening, metadata, run

NASTY = ["", "plain", 'quote "inside"', "comma, semicolon; tab\t", "line\nbreak", "\\N", "\\.", "ü漢字🩻", "NULL", None]


def test_texts_survive_whatever_they_hold(warehouse: Any) -> None:
    with warehouse.engine.begin() as connection:
        append(connection, run, pd.DataFrame({"run_key": map(str, range(len(NASTY))), "message": NASTY}))
        got = read_frame(connection, select(run.c.message).order_by(run.c.run_key))
    assert [None if pd.isna(v) else v for v in got["message"]] == NASTY


def test_times_of_any_zone_come_back_as_utc_to_the_microsecond(warehouse: Any) -> None:
    at = datetime(2026, 10, 25, 0, 30, 0, 123_457, tzinfo=UTC)
    local = pd.Series([pd.Timestamp(at).tz_convert("Europe/Berlin"), pd.NaT])
    with warehouse.engine.begin() as connection:
        append(connection, run, pd.DataFrame({"run_key": ["a", "b"], "started_at": local}))
        got = read_frame(connection, select(run.c.started_at).order_by(run.c.run_key))["started_at"]
        assert connection.execute(select(func.min(run.c.started_at))).scalar_one() == at
    assert str(got.dtype) == "datetime64[us, UTC]"
    assert got[0] == at
    assert got[1] is pd.NaT


def test_each_kind_of_column_has_one_dtype_with_or_without_rows(warehouse: Any) -> None:
    names = ("exam_key", "is_addon", "report_tat_min", "status", "exam_begin_at", "end_local_hour", "end_local_date")
    query = select(*[fact_exam.c[n] for n in names], func.count().over().label("n"))
    rows = pd.DataFrame(
        {
            "exam_key": [2**62, 1, 2],
            "is_addon": [True, None, False],
            "report_tat_min": [1.5, None, -0.25],
            "status": ["final", None, "ended"],
            "end_local_hour": [3, None, 5],
            "end_local_date": [date(2026, 3, 1), None, date(1999, 12, 31)],
        }
    )
    with warehouse.engine.begin() as connection:
        empty = read_frame(connection, query)
        append(connection, fact_exam, rows)
        full = read_frame(connection, query.order_by(fact_exam.c.exam_key.desc()))
    expected = ["Int64", "boolean", "float64", "str", "datetime64[us, UTC]", "Int64", "object", "Int64"]
    assert [str(t) for t in full.dtypes] == expected
    assert [str(t) for t in empty.dtypes] == expected
    assert full["exam_key"].tolist() == [2**62, 2, 1]
    assert full["is_addon"].tolist() == [True, False, pd.NA]
    assert full["end_local_date"].tolist() == [date(2026, 3, 1), date(1999, 12, 31), None]
    assert full["end_local_hour"].isna().tolist() == [False, False, True]


def test_sums_of_integers_come_back_as_integers(warehouse: Any) -> None:
    with warehouse.engine.begin() as connection:
        append(connection, run, pd.DataFrame({"run_key": ["a", "b"], "offered": [3, 4]}))
        got = read_frame(connection, select(func.sum(run.c.offered).label("s"), func.avg(run.c.offered).label("m")))
    assert got["s"].tolist() == [7]
    assert got["m"].tolist() == [3.5]


def test_columns_not_given_are_null_and_unknown_ones_are_an_error(warehouse: Any) -> None:
    with warehouse.engine.begin() as connection:
        assert append(connection, fact_opening, pa.table({"site_code": ["N"]})) == 1
        assert read_frame(connection, select(fact_opening))["scanner_code"].isna().all()
        with pytest.raises(ValueError, match="no column"):
            append(connection, fact_opening, pa.table({"site": ["N"]}))


def test_a_value_that_does_not_fit_is_an_error_that_names_the_column(warehouse: Any) -> None:
    with warehouse.engine.begin() as connection, pytest.raises(ValueError, match="files"):
        append(connection, run, pa.table({"files": [2**40]}))


def test_appending_nothing_is_nothing(warehouse: Any) -> None:
    with warehouse.engine.begin() as connection:
        assert append(connection, run, run_rows(0)) == 0


def run_rows(n: int) -> pd.DataFrame:
    """Some rows of table run."""
    return pd.DataFrame({"run_key": [f"r{i}" for i in range(n)], "offered": range(n)})


def test_many_rows_are_appended_in_one_transaction_that_can_be_undone(warehouse: Any) -> None:
    with warehouse.engine.connect() as connection:
        assert append(connection, run, run_rows(120_000)) == 120_000
        connection.rollback()
        assert connection.execute(select(func.count()).select_from(run)).scalar_one() == 0


def test_every_column_of_every_table_has_an_arrow_type() -> None:
    for table in metadata.tables.values():
        assert arrow_schema(table).names == [c.name for c in table.columns]
