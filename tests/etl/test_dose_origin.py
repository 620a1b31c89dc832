"""From files to facts: an image's dose counts until a report of the exam comes, whichever run brings it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from sqlalchemy import select

from etl import pipeline
from etl.settings import Feed, Scanner, Settings, Site, Warehouse
from etl.staging import make_key
from etl.warehouse.tables import fact_dose_event, fact_exam

IMAGE, REPORT = "1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.88.67"


def coded(value: str, scheme: str = "DCM") -> Sequence:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, "x"
    return Sequence([item])


def item(kind: str, concept: str, **values: Any) -> Dataset:
    found = Dataset()
    found.ValueType, found.ConceptNameCodeSequence = kind, coded(concept)
    for keyword, value in values.items():
        setattr(found, keyword, value)
    return found


def header(sop_class: str, uid: str, **values: Any) -> Dataset:
    found = Dataset()
    found.file_meta = FileMetaDataset()
    found.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    found.file_meta.MediaStorageSOPClassUID = found.SOPClassUID = sop_class
    found.file_meta.MediaStorageSOPInstanceUID = found.SOPInstanceUID = uid
    found.StudyInstanceUID, found.PatientID, found.AccessionNumber, found.StationName = "1.2.3", "PID-1", "A1", "NDX1"
    for keyword, value in values.items():
        setattr(found, keyword, value)
    return found


def image(path: Path, uid: str, dap_dgy_cm2: str, at: str) -> None:
    found = header(IMAGE, uid, Modality="DX", SeriesInstanceUID="1.2.3.1", AcquisitionDateTime=at)
    found.ImageAndFluoroscopyAreaDoseProduct = dap_dgy_cm2
    pydicom.dcmwrite(path, found, enforce_file_format=True)


def report(path: Path, dap_gy_m2: str) -> None:
    measured = Dataset()
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = dap_gy_m2, coded("Gy.m2", "UCUM")
    event = item(
        "CONTAINER", "113706",
        ContentSequence=Sequence([
            item("UIDREF", "113769", UID="1.9.1"), item("DATETIME", "111526", DateTime="20260701100000"),
            item("NUM", "122130", MeasuredValueSequence=Sequence([measured])),
        ]),
    )  # fmt: skip
    found = header(REPORT, "1.2.9", Modality="SR", ContentDate="20260701", ContentTime="101000")
    found.ValueType, found.ConceptNameCodeSequence, found.ContentSequence = (
        "CONTAINER",
        coded("113701"),
        Sequence([event]),
    )
    pydicom.dcmwrite(path, found, enforce_file_format=True)


@pytest.fixture
def installation(tmp_path: Path) -> Settings:
    make_key(tmp_path / "pseudonym.key")
    feeds = (
        Feed(key="images", kind="dicom_files", site="N", path=Path("images")),
        Feed(key="reports", kind="dose_reports", site="N", path=Path("reports")),
    )
    for feed in feeds:
        (tmp_path / feed.path).mkdir()
    return Settings(
        base=tmp_path, warehouse=Warehouse(memory_limit="500MB"), feeds=feeds,
        sites=(Site(code="N", name="North", zone="America/New_York"),),
        scanners=(Scanner(code="NDX1", site="N", modality="DX", name="DX 1", station_names=("NDX1",)),),
    )  # fmt: skip


def facts(settings: Settings) -> tuple[list[tuple[str | None, float]], list[tuple[float, bool]]]:
    with pipeline.writer(settings) as engine:
        pipeline.ingest(settings, engine)
        pipeline.derive_facts(settings, engine)
        with engine.connect() as connection:
            d, x = fact_dose_event.c, fact_exam.c
            told = [tuple(row) for row in connection.execute(select(d.origin, d.dap_gy_m2).order_by(d.occurred_at))]
            exams = [tuple(row) for row in connection.execute(select(x.dap_total_gy_m2, x.has_dose_report))]
    return told, exams  # type: ignore[return-value]  # two columns each, as selected


def test_a_report_takes_the_place_of_the_images_doses_in_a_later_run(installation: Settings) -> None:
    image(installation.base / "images" / "1.dcm", "1.2.3.1.1", "1.5", "20260701100000")
    image(installation.base / "images" / "2.dcm", "1.2.3.1.2", "2.5", "20260701100100")
    told, exams = facts(installation)
    assert told == [("image", pytest.approx(1.5e-5)), ("image", pytest.approx(2.5e-5))]
    assert exams == [(pytest.approx(4e-5), False)]
    report(installation.base / "reports" / "r.dcm", "4.2e-5")
    told, exams = facts(installation)
    assert told == [(None, pytest.approx(4.2e-5))]
    assert exams == [(pytest.approx(4.2e-5), True)]


def test_images_that_come_after_the_report_change_nothing(installation: Settings) -> None:
    report(installation.base / "reports" / "r.dcm", "4.2e-5")
    facts(installation)
    image(installation.base / "images" / "1.dcm", "1.2.3.1.1", "1.5", "20260701100000")
    told, exams = facts(installation)
    assert told == [(None, pytest.approx(4.2e-5))]
    assert exams == [(pytest.approx(4.2e-5), True)]
