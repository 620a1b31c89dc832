"""GRID means and DM01 bands of a simulated department, through real feeds, against its truth counted another way."""

from __future__ import annotations

import csv
import importlib
import io
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine

from etl import pipeline
from etl.access import DEMO
from etl.kpis.compute import current_version
from etl.settings import Settings, load_settings
from etl.simulate import simulate
from etl.staging import make_key
from etl.submissions import prepare
from etl.warehouse.engine import reader_engine

pytestmark = pytest.mark.slow

ORACLES = Path(__file__).resolve().parents[2] / "oracle"
MONTH = date(2026, 9, 1)
ROUNDED = 5e-5  # hours are written with four decimals
SCANNERS_CLOCK = 2e-3  # hours: ends that no RIS tells are the scanner's, by its clock
TESTS = {"CT": "CT", "MRI": "MR", "NON_OBSTETRIC_ULTRASOUND": "US"}


@pytest.fixture(scope="module")
def oracles() -> Iterator[dict[str, Any]]:
    """Return the oracle modules."""
    sys.path.insert(0, str(ORACLES))
    names = ("kpi_truth", "submissions")
    try:
        yield {name: importlib.import_module(name) for name in names}
    finally:
        sys.path.remove(str(ORACLES))
        for name in names:
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def department(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Engine]:
    """A department that has lived from 25 September to 3 October, ingested and published."""
    folder = tmp_path_factory.mktemp("department")
    simulate(folder, seed=13, end=datetime(2026, 10, 3, 12, tzinfo=UTC), days=9, dicom_days=1, scale=0.3)
    settings = load_settings(folder / "radpulse.toml")
    make_key(settings.at(settings.identity.key_file))
    with pipeline.exclusive(settings), pipeline.writer(settings) as engine:
        pipeline.ingest(settings, engine)
        pipeline.derive_facts(settings, engine)
        pipeline.publish_version(settings, engine)
    return settings, reader_engine(settings)


def truth(department: tuple[Settings, Engine], oracles: dict[str, Any], **given: Any) -> Any:
    settings, engine = department
    with engine.connect() as connection:
        as_of = current_version(connection).data_at
    return oracles["kpi_truth"].Truth(settings.base, MONTH, date(2026, 10, 1), as_of, **given)


def test_grid_means_equal_the_truths(department: tuple[Settings, Engine], oracles: dict[str, Any]) -> None:
    settings, engine = department
    prepared = prepare(engine, settings, "grid", MONTH, DEMO)
    assert prepared.refusals == ()
    frame = pd.read_csv(io.BytesIO(prepared.csv))
    found = frame.groupby("modality")["report_tat_hours"].agg(["mean", "size"])
    early, late = (oracles["submissions"].grid_means(truth(department, oracles, is_late=w)) for w in (False, True))
    assert found["size"].to_dict() == early["size"].to_dict()
    assert len(found) >= 5
    for modality, mean in found["mean"].items():
        low, high = sorted((early["mean"][modality], late["mean"][modality]))
        slack = ROUNDED if low == high else SCANNERS_CLOCK
        assert low - slack <= mean <= high + slack, modality


def test_dm01_bands_equal_the_truths(department: tuple[Settings, Engine], oracles: dict[str, Any]) -> None:
    settings, engine = department
    prepared = prepare(engine, settings, "dm01", MONTH, DEMO)
    found = {
        (row["provider"].removeprefix("DEMO"), TESTS[row["test"]], int(name[6:8])): int(n)
        for row in csv.DictReader(io.StringIO(prepared.csv.decode("utf-8")))
        for name, n in row.items()
        if name.startswith("weeks_") and int(n)
    }
    wanted: dict[tuple[str, str, int], int] = {}
    for site in settings.sites:
        at = pd.Timestamp("2026-10-01", tz=site.zone)
        there = truth(department, oracles, where=(("site", site.code),))
        wanted |= oracles["submissions"].dm01_waiting(there, at)
    assert found == {key: n for key, n in wanted.items() if key[1] in TESTS.values()}
    assert sum(found.values()) > 100
