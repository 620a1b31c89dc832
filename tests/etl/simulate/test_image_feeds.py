"""Images, QIDO-RS answers and dose reports, read by pydicom alone and held against the truth."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pydicom
import pytest
from pydicom.dataset import Dataset

ZONES = {"north": "America/New_York", "south": "America/Chicago"}


def files(made: Any, kind: str) -> Iterator[tuple[str, Path]]:
    for site in ZONES:
        for path in sorted((made.folder / "feeds" / f"{site}_{kind}").rglob("*.dcm")):
            yield site, path


@pytest.fixture(scope="module")
def images(made: Any) -> list[tuple[str, Dataset]]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return [(site, pydicom.dcmread(path)) for site, path in files(made, "dicom")]


@pytest.fixture(scope="module")
def series(made: Any) -> pd.DataFrame:
    return pd.read_parquet(made.folder / "truth" / "acquisitions.parquet").set_index("series_uid")


def instant(day: str, time: str, zone: str) -> pd.Timestamp:
    at = pd.to_datetime(day + time, format="%Y%m%d%H%M%S").tz_localize(zone, ambiguous=True)
    return at.tz_convert("UTC")


def test_files_are_valid_to_the_last_element(images: list[tuple[str, Dataset]]) -> None:
    assert {ds.Modality for _, ds in images} >= {"CT", "MR", "DX", "US"}
    for _, ds in images:
        assert ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID
        for element in ds.iterall():
            assert element.value is not None or element.VR == "SQ" or element.is_empty
        for keyword in (
            "StudyInstanceUID",
            "AccessionNumber",
            "PatientID",
            "StationName",
            "ProtocolName",
            "SeriesTime",
        ):
            assert ds.get(keyword), keyword


def test_series_times_are_true_but_for_the_planted_clocks(
    images: list[tuple[str, Dataset]], series: pd.DataFrame, made: Any
) -> None:
    drift = made.planted["clock_drift"][0]
    skewed = made.planted["clock_offset"][0]["scanner"]
    for site, ds in images:
        row = series.loc[ds.SeriesInstanceUID]
        shown = instant(ds.SeriesDate, ds.SeriesTime, ZONES[site])
        ahead = (shown - row["begin_at"]).total_seconds()
        expected = 0.0
        if row["scanner"] == skewed:
            expected = 420.0
        elif row["scanner"] == drift["scanner"]:
            days = (row["begin_at"] - pd.Timestamp(drift["zero_at"])) / timedelta(days=1)
            expected = 60 * drift["drift_min_per_day"] * days
        assert abs(ahead - expected) <= 1.0


def test_series_lie_inside_their_visit(series: pd.DataFrame, made: Any) -> None:
    exams = made.exams.set_index("exam_key")
    for row in series.itertuples():
        parts = exams.loc[row.exam_key, "parts"]
        assert any(p["begin_at"] <= row.begin_at and row.end_at <= p["end_at"] for p in parts)


def test_every_day_is_told_either_by_files_or_by_the_archive(made: Any, series: pd.DataFrame) -> None:
    filed = {path.stem for _, path in files(made, "dicom")}
    answered = set()
    for site in ZONES:
        for path in (made.folder / "feeds" / f"{site}_qido").glob("*.json"):
            answered |= {Dataset.from_json(a).SeriesInstanceUID for a in json.loads(path.read_text())}
    assert filed
    assert answered
    assert not filed & answered
    assert filed | answered == set(series.index)


def test_archive_answers_are_dicom_json(made: Any, series: pd.DataFrame) -> None:
    path = min((made.folder / "feeds" / "north_qido").glob("*.json"))
    for answer in json.loads(path.read_text()):
        ds = Dataset.from_json(answer)
        assert int(ds.NumberOfSeriesRelatedInstances) == series.loc[ds.SeriesInstanceUID, "instances"]
        assert ds.PerformedProcedureStepStartDate + ds.PerformedProcedureStepStartTime <= ds.SeriesDate + ds.SeriesTime


def items(ds: Dataset) -> Iterator[Dataset]:
    for item in ds.get("ContentSequence", []):
        yield item
        yield from items(item)


def numbers(ds: Dataset, code: str) -> list[tuple[float, str]]:
    found = (i for i in items(ds) if i.ValueType == "NUM" and i.ConceptNameCodeSequence[0].CodeValue == code)
    measured = (i.MeasuredValueSequence[0] for i in found)
    return [(float(m.NumericValue), m.MeasurementUnitsCodeSequence[0].CodeValue) for m in measured]


def test_dose_reports_hold_the_true_doses(made: Any) -> None:
    truth = made.exams.set_index("accession")
    seen: set[str] = set()
    for _, path in files(made, "dose"):
        ds = pydicom.dcmread(path)
        exam = truth.loc[ds.AccessionNumber]
        seen.add(exam["modality"])
        assert ds.ConceptNameCodeSequence[0].CodeValue == ("113500" if exam["modality"] == "NM" else "113701")
        if exam["modality"] == "CT":
            assert sum(v for v, _ in numbers(ds, "113838")) == pytest.approx(exam["dlp_mgy_cm"])
            assert max(v for v, _ in numbers(ds, "113830")) == pytest.approx(exam["ctdivol_max_mgy"])
        elif exam["modality"] in ("DX", "XA"):
            scale = {"Gy.m2": 1.0, "dGy.cm2": 1e-5}
            total = sum(v * scale[unit] for v, unit in numbers(ds, "122130"))
            assert total == pytest.approx(exam["dap_gy_m2"])
        elif exam["modality"] == "NM":
            assert numbers(ds, "113507")[0][0] == pytest.approx(exam["activity_mbq"])
        else:
            total = sum(v for v, _ in numbers(ds, "111631"))
            assert total == pytest.approx(exam[["agd_left_mgy", "agd_right_mgy"]].sum())
    assert seen >= {"CT", "DX"}


def test_dose_reports_come_for_the_exams_the_truth_names(made: Any) -> None:
    sent = {str(pydicom.dcmread(path, stop_before_pixels=True).AccessionNumber) for _, path in files(made, "dose")}
    assert sent == set(made.exams.loc[made.exams["sends_dose_report"], "accession"])


def test_linked_exams_share_their_study(made: Any) -> None:
    exams = made.exams.set_index("exam_key")
    linked = made.exams[made.exams["linked_to"].notna() & made.exams["begin_at"].notna()]
    assert len(linked) > 0
    for row in linked.itertuples():
        lead = exams.loc[int(row.linked_to)]
        assert (row.study_uid, row.scanner, row.patient) == (lead["study_uid"], lead["scanner"], lead["patient"])
        assert row.begin_at < (lead["end_at"] if pd.notna(lead["end_at"]) else lead["begin_at"] + timedelta(hours=4))


def test_only_planted_pauses_leave_long_gaps_between_series(made: Any, series: pd.DataFrame) -> None:
    paused = set(made.exams.loc[made.exams["parts"].map(len) > 1, "exam_key"])
    assert paused
    for key, rows in series.groupby("exam_key"):
        ordered = rows.sort_values("begin_at")
        gaps = (ordered["begin_at"] - ordered["end_at"].shift()).dropna()
        assert key in paused or (gaps < timedelta(minutes=30)).all()
        assert key not in paused or len(rows) == 1 or (gaps > timedelta(minutes=60)).any()
