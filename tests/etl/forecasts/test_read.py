"""Reading from a real warehouse gives the frames the core works on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from etl.forecasts.panel import build_panel
from etl.forecasts.read import EXAM_COLUMNS, HOUR_COLUMNS, SLOT_COLUMNS, read_history
from etl.settings import Settings, Site
from etl.warehouse import tables
from etl.warehouse.engine import append, arrow_schema, writer_engine


@pytest.fixture(scope="module")
def stored(make_department: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A department of 20 days in a DuckDB warehouse, its frames, and the settings."""
    department = make_department(seed=3, days=20, exams=300)
    north = Site(code="NORTH", name="n", zone="America/New_York", holidays_country="US", holidays_subdivision="NY")
    settings = Settings(base=tmp_path_factory.mktemp("read"), sites=(north,))
    frames = {
        tables.fact_scanner_hour: department.history.hours,
        tables.fact_slot: department.history.slots,
        tables.fact_exam: department.history.exams,
        tables.dim_site: department.history.sites[["site_code", "zone"]],
    }
    engine = writer_engine(settings)
    with engine.begin() as connection:
        for table, frame in frames.items():
            at = [c for c in frame if c.endswith("_at")]
            frame = frame.assign(**{c: frame[c].dt.floor("us") for c in at})
            unset = {c.name: pd.Series(None, frame.index, dtype=object) for c in table.columns if c.name not in frame}
            rows = frame.assign(**unset)[[c.name for c in table.columns]]
            append(connection, table, pa.Table.from_pandas(rows, schema=arrow_schema(table), preserve_index=False))
    yield department, settings, engine
    engine.dispose()


def test_frames_come_back_as_they_were_stored(stored: Any) -> None:
    department, settings, engine = stored
    read = read_history(engine, settings, department.issued_at)
    for got, given, key, columns in (
        (read.hours, department.history.hours, ["scanner_code", "hour_at"], HOUR_COLUMNS),
        (read.slots, department.history.slots, ["scanner_code", "appointment_at", "valid_from_at"], SLOT_COLUMNS),
        (read.exams, department.history.exams, ["exam_key"], EXAM_COLUMNS),
    ):
        assert tuple(got.columns) == columns
        assert len(got) == len(given)
        left, right = (f.sort_values(key, ignore_index=True) for f in (got, given))
        for column in columns:
            if "_at" in column:
                gap = (left[column] - right[column]).abs().max()
                assert pd.isna(gap) or gap < pd.Timedelta(microseconds=2)


def test_the_panel_is_the_same_from_the_warehouse(stored: Any) -> None:
    department, settings, engine = stored
    from_frames = build_panel(department.history, department.issued_at)
    from_warehouse = build_panel(read_history(engine, settings, department.issued_at), department.issued_at)
    for name in ("visits", "table_h", "open_h", "planned_h"):
        assert np.allclose(getattr(from_frames, name), getattr(from_warehouse, name))
    at = department.issued_at - timedelta(days=2)
    assert np.allclose(from_frames.bookings.as_of(at)[0], from_warehouse.bookings.as_of(at)[0])


def test_holidays_come_from_the_settings_of_the_site(stored: Any) -> None:
    department, settings, engine = stored
    sites = read_history(engine, settings, department.issued_at).sites.set_index("site_code")
    assert sites.loc["NORTH", "subdivision"] == "NY"
    assert not isinstance(sites.loc["SOUTH", "country"], str)  # not in the settings: no holidays, no failure


def test_rows_too_old_to_matter_are_not_read(stored: Any) -> None:
    department, settings, engine = stored
    read = read_history(engine, settings, department.issued_at + timedelta(days=395))
    assert 0 < len(read.hours) < len(department.history.hours)


def test_the_origin_may_lie_in_any_zone(stored: Any, tmp_path: Path) -> None:
    department, settings, engine = stored
    from zoneinfo import ZoneInfo

    at = department.issued_at.astimezone(ZoneInfo("Asia/Kolkata"))
    assert len(read_history(engine, settings, at).exams) == len(department.history.exams)
