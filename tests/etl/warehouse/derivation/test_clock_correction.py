"""Corrections with dates and slopes, what is proposed, and that taking one away gives back every fact."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import select

from etl.settings import ClockCorrection, load_settings
from etl.warehouse.clock_correction import moved, proposal
from etl.warehouse.derive import derive
from etl.warehouse.dump import DUMPED, canonical_lines
from etl.warehouse.tables import data_version, event_series, fact_exam, link

AT = datetime(2026, 9, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def _moved(correction: Any, *days: float) -> list[float]:
    given = pd.Series([AT + DAY * d for d in days], dtype="datetime64[us, UTC]")
    return [s.total_seconds() for s in (moved(given, correction) - given)]


def test_a_number_moves_every_time() -> None:
    assert _moved(-420.0, -100, 0, 100) == [-420.0] * 3


def test_a_slope_grows_from_its_begin_and_holds_until_its_end() -> None:
    drift = ClockCorrection(**{"from": AT, "to": AT + 10 * DAY, "seconds": -30, "seconds_per_day": -6})
    assert _moved((drift,), -1, 0, 2.5, 9, 10, 11) == [0, -30, -45, -84, 0, 0]


def test_the_first_of_several_that_is_valid_counts() -> None:
    rules = (
        ClockCorrection(to=AT, seconds=1),
        ClockCorrection(**{"from": AT, "seconds": 2}),
        ClockCorrection(seconds=3),
    )
    assert _moved(rules, -1, 0, 1) == [1, 2, 2]


def test_a_slope_without_begin_is_a_bad_setting() -> None:
    with pytest.raises(ValueError, match="from"):
        ClockCorrection(seconds=1, seconds_per_day=1)


def test_corrections_are_read_from_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "radpulse.toml"
    file.write_text(
        "[clock_corrections]\nCT1 = -420\n"
        "DX1 = [{ from = 2026-09-01T12:00:00Z, seconds = -30, seconds_per_day = -6.0 }]\n"
    )
    found = load_settings(file).clock_corrections
    assert found["CT1"] == -420
    assert found["DX1"] == (ClockCorrection(**{"from": AT, "seconds": -30, "seconds_per_day": -6}),)


def test_what_is_proposed_corrects_what_was_found(tmp_path: Path) -> None:
    row = SimpleNamespace(verdict="drifting", offset_min=4.0, drift_min_per_day=0.1, clock_keys="DX1")
    (line,) = proposal(row, AT, {})
    file = tmp_path / "radpulse.toml"
    file.write_text(line.strip() + "\n")
    correction = load_settings(file).clock_corrections["DX1"]
    assert _moved(correction, 0, -10) == [-240, -180]
    row = SimpleNamespace(verdict="skewed", offset_min=7.0, drift_min_per_day=0.0, clock_keys="CT1 OLD.CT")
    assert list(proposal(row, AT, {"CT1": 60.0})) == [
        "    clock_corrections.CT1 = -360",
        '    clock_corrections."OLD.CT" = -420',
    ]
    assert list(proposal(SimpleNamespace(verdict="ok", offset_min=0.1), AT, {})) == []


def _facts(engine: Any) -> dict[str, list[str]]:
    with engine.connect() as connection:
        tables = [t for t in DUMPED if t is not data_version] + [link]
        return {t.name: list(canonical_lines(connection, t)) for t in tables}


def test_a_correction_applied_and_taken_away_leaves_the_identical_warehouse(new_engine: Any, busy_ward: Any) -> None:
    ward, engine = busy_ward(7), new_engine()
    plain = ward.parameters
    drift = ClockCorrection(**{"from": AT, "seconds": -30, "seconds_per_day": -6})
    with engine.begin() as connection:
        ward.load(connection)
        derive(connection, plain)
        raw = connection.execute(select(event_series.c.occurred_at).order_by(event_series.c.event_id)).scalars().all()
    before = _facts(engine)
    with engine.begin() as connection:
        derive(connection, replace(plain, clock_corrections={"north_dicom": (drift,)}))
    assert _facts(engine)["fact_acquisition"] != before["fact_acquisition"]
    with engine.begin() as connection:
        assert (
            raw
            == connection.execute(select(event_series.c.occurred_at).order_by(event_series.c.event_id)).scalars().all()
        )
        derive(connection, plain)
    assert _facts(engine) == before


def test_performed_steps_far_from_their_images_are_a_broken_clocks(ward: Any) -> None:
    for name, year in (("a", 1970), ("b", 2036)):
        wrong = datetime(year, 1, 1, tzinfo=UTC)
        ward.series(name, 5, end=wrong, acc=name, station_name="NCT1", performed_begin_at=wrong, performed_end_at=wrong)
    for name in "ab":
        exam = ward.one(name)
        assert exam["exam_begin_at"] == exam["first_acquisition_at"] == AT + timedelta(minutes=5)
        assert exam["last_acquisition_at"] == AT + timedelta(minutes=5)
    assert fact_exam is not None
