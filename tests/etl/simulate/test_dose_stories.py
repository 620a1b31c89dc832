"""What is planted in the doses is there to be found, in the truth and in the reports that are sent."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pydicom
import pytest

from etl.dose.references import check
from etl.settings import load_settings
from etl.simulate import simulate
from etl.warehouse.dose_rules import procedure_group_names
from etl.warehouse.parameters import load_parameters

END = datetime(2026, 9, 30, 17, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a department with 14 days of dose reports."""
    place = tmp_path_factory.mktemp("doses")
    simulate(place, seed=5, end=END, days=15, dicom_days=1, dose_days=14, scale=0.25)
    return place


@pytest.fixture(scope="module")
def exams(folder: Path) -> pd.DataFrame:
    """Return the truth of its exams, with the local date of the begin."""
    frame = pd.read_parquet(folder / "truth" / "exams.parquet")
    zone = frame["site"].map({"NORTH": "America/New_York", "SOUTH": "America/Chicago"})
    begun = frame["begin_at"].notna()
    frame.loc[begun, "day"] = [
        t.tz_convert(z).date() for t, z in zip(frame["begin_at"][begun], zone[begun], strict=True)
    ]
    return frame


def planted(folder: Path, story: str) -> dict[str, object]:
    """Return the manifest's entry of a story."""
    entries = json.loads((folder / "truth" / "manifest.json").read_text(encoding="utf-8"))["planted"]
    return next(entry for entry in entries if entry.get("story") == story)


def test_the_changed_protocol_rises_on_its_scanner_from_its_day_on(folder: Path, exams: pd.DataFrame) -> None:
    story = planted(folder, "protocol_dose_changed")
    mine = exams[(exams["procedure_code"] == story["procedure"]) & exams["ctdivol_max_mgy"].notna()]
    changed = (mine["scanner"] == story["scanner"]) & (mine["day"] >= date.fromisoformat(str(story["from_day"])))
    assert changed.sum() >= 10
    ratio = mine.loc[changed, "ctdivol_max_mgy"].median() / mine.loc[~changed, "ctdivol_max_mgy"].median()
    assert 1.2 < ratio < 1.8


def test_the_silent_scanner_sends_nothing_on_its_days_and_does_on_others(folder: Path, exams: pd.DataFrame) -> None:
    story = planted(folder, "no_dose_reports")
    mine = exams[(exams["scanner"] == story["scanner"]) & exams["dlp_mgy_cm"].notna()]
    silent = mine["day"].map(str).isin(list(story["days"]))  # type: ignore[call-overload]  # a list of dates
    assert silent.sum() >= 3
    assert not mine.loc[silent, "sends_dose_report"].any()
    sending = mine[~silent & (mine["day"] > min(mine["day"]))]
    assert sending["sends_dose_report"].mean() > 0.9


def test_reports_state_size_view_and_dose_check_limits(folder: Path) -> None:
    said: set[str] = set()
    for file in sorted((folder / "feeds").glob("*_dose/**/*.dcm")):
        todo = list(pydicom.dcmread(file).ContentSequence)
        while todo:
            item = todo.pop()
            said.add(item.ConceptNameCodeSequence[0].CodeValue)
            todo += item.get("ContentSequence", [])
    assert {"113930", "113980", "113900", "113908", "113914", "111031", "111633"} <= said


def test_the_simulated_reference_passes_its_own_check_and_says_what_it_is(folder: Path) -> None:
    settings = load_settings(folder / "radpulse.toml")
    parameters = load_parameters(settings)
    (kept,) = (folder / "drl").glob("*.csv")
    table = check(kept, procedure_group_names(parameters.procedure_rules))
    assert table.refused == ()
    assert table.version == kept.stem
    assert all("invented" in row.source for row in table.references)
    assert parameters.dose.references == table.references
