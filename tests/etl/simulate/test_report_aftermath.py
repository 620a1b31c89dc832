"""What becomes of the simulated reports: plausible shares, the planted stories, and every happening in a feed."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from etl.simulate import simulate

END = datetime(2026, 9, 30, 17, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a department of ten days."""
    place = tmp_path_factory.mktemp("department")
    simulate(place, seed=5, end=END, days=10, dicom_days=1, scale=0.5)
    return place


@pytest.fixture(scope="module")
def exams(folder: Path) -> pd.DataFrame:
    """Return the truth of its exams."""
    return pd.read_parquet(folder / "truth" / "exams.parquet")


def test_transcription_lies_between_dictation_and_report(exams: pd.DataFrame) -> None:
    told = exams[exams["transcribed_at"].notna()]
    assert len(told) > 500
    report = told[["prelim_at", "final_at"]].min(axis=1)
    assert (told["transcribed_at"] >= told["dictated_at"]).all()
    assert (told["transcribed_at"] <= report)[report.notna()].all()


def test_views_and_changes_follow_the_final(exams: pd.DataFrame) -> None:
    for name in ("viewed_at", "recoded_at"):
        happened = exams[exams[name].notna()]
        assert (happened[name] > happened["final_at"]).all(), name
    seen = exams[exams["final_at"].notna()].groupby("site")["viewed_at"].apply(lambda at: at.notna().mean())
    assert seen["NORTH"] > seen["SOUTH"] > 0.5  # the South's clinics often never look


def test_discrepancies_are_of_preliminaries_that_were_signed_off(exams: pd.DataFrame) -> None:
    graded = exams[exams["discrepancy"].notna() & exams["final_at"].notna()]
    assert graded["prelim_at"].notna().all()
    assert set(graded["discrepancy"]) <= {"none", "minor", "major"}
    assert 0.0 < (graded["discrepancy"] != "none").mean() < 0.15


def test_the_log_tells_every_view_and_change_once(folder: Path, exams: pd.DataFrame) -> None:
    rows = [
        row
        for file in sorted((folder / "feeds").glob("*_reports/*.csv"))
        for row in csv.DictReader(file.read_text(encoding="utf-8").splitlines())
    ]
    for action, name in (("Report Viewed", "viewed_at"), ("Procedure Changed After Final", "recoded_at")):
        told = [row["Accession"] for row in rows if row["Action"] == action]
        assert sorted(told) == sorted(exams.loc[exams[name].notna(), "accession"]), action
    north = set(exams.loc[exams["site"] == "NORTH", "accession"])
    assert {row["Accession"] for row in rows if row["Action"] == "Transcribed"} < north
