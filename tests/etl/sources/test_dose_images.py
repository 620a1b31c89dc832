"""Doses that image headers state: whose irradiation they name, in which unit, and what they leave alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence

from etl.records import DoseRecord, Read
from etl.settings import Feed, Settings, Site
from etl.sources.dicom_files import DicomFiles

Doses = Callable[..., list[DoseRecord]]


@pytest.fixture
def doses(tmp_path: Path) -> Doses:
    """Write an image and return the dose records of it."""

    def read(modality: str, *, not_patient: tuple[str, ...] = (), **header: Any) -> list[DoseRecord]:
        image = Dataset()
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
        image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
        image.SOPInstanceUID = "1.2.3.4.5"
        image.StudyInstanceUID, image.SeriesInstanceUID, image.Modality = "1.2.3", "1.2.3.4", modality
        image.PatientID, image.AcquisitionDateTime = "PID-1", "20260701100000"
        for keyword, value in header.items():
            setattr(image, keyword, value)
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        path = tmp_path / "image.dcm"
        pydicom.dcmwrite(path, image, enforce_file_format=True)
        site = Site(code="N", name="North", zone="America/New_York")
        feed = Feed(key="d", kind="dicom_files", site="N", options={"not_patient": list(not_patient)})
        (item,) = DicomFiles().read(path, feed, Settings(base=tmp_path, sites=(site,)))
        assert isinstance(item, Read)
        return [record for record in item.records if isinstance(record, DoseRecord)]

    return read


def given(**values: Any) -> Sequence:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return Sequence([item])


def test_a_radiograph_s_dose_area_product_is_in_gray_square_metres(doses: Doses) -> None:
    (dose,) = doses("DX", ImageAndFluoroscopyAreaDoseProduct="1.5", IrradiationEventUID="1.9")
    assert dose.dap_gy_m2 == pytest.approx(1.5e-5)  # 1.5 dGy.cm2
    assert (dose.irradiation_event_uid, dose.origin, dose.is_patient) == ("1.9", "image", True)
    assert dose.occurred_at == datetime(2026, 7, 1, 14, tzinfo=UTC)


def test_the_copy_for_presentation_tells_of_the_same_exposure(doses: Doses) -> None:
    (processing,) = doses("DX", ImageAndFluoroscopyAreaDoseProduct="1.5", SOPInstanceUID="1.1")
    (presentation,) = doses("DX", ImageAndFluoroscopyAreaDoseProduct="1.5", SOPInstanceUID="1.2")
    assert processing.irradiation_event_uid == presentation.irradiation_event_uid
    (next_one,) = doses("DX", ImageAndFluoroscopyAreaDoseProduct="1.5", AcquisitionDateTime="20260701100030")
    assert next_one.irradiation_event_uid != processing.irradiation_event_uid


@pytest.mark.parametrize("side", ["L", "R"])
def test_a_mammogram_s_organ_dose_goes_to_its_breast(side: str, doses: Doses) -> None:
    (dose,) = doses("MG", OrganDose="0.0142", ImageLaterality=side)
    assert (dose.agd_mgy, dose.laterality) == (pytest.approx(1.42), side)  # 0.0142 dGy


def test_of_a_ct_series_the_first_image_tells_and_only_it(doses: Doses) -> None:
    (dose,) = doses("CT", CTDIvol=12.5, InstanceNumber="1", AcquisitionNumber="2")
    assert (dose.ctdivol_mgy, dose.dlp_mgy_cm) == (12.5, None)
    (again,) = doses("CT", CTDIvol=12.5, InstanceNumber="1", AcquisitionNumber="2", SeriesInstanceUID="1.2.3.5")
    assert again.irradiation_event_uid == dose.irradiation_event_uid  # another reconstruction of the scan
    assert doses("CT", CTDIvol=12.5, InstanceNumber="2", AcquisitionNumber="2") == []


@pytest.mark.parametrize(("modality", "activity"), [("PT", "370000000"), ("NM", "370")])
def test_an_activity_is_told_once_by_all_images_of_a_study(modality: str, activity: str, doses: Doses) -> None:
    sequence = given(RadionuclideTotalDose=activity, RadiopharmaceuticalStartDateTime="20260701083000")
    first = doses(modality, RadiopharmaceuticalInformationSequence=sequence)
    second = doses(
        modality, RadiopharmaceuticalInformationSequence=sequence, SOPInstanceUID="1.7",
        SeriesInstanceUID="1.2.3.9", AcquisitionDateTime="20260701101500",
    )  # fmt: skip
    assert first == second
    assert first[0].activity_mbq == pytest.approx(370)
    assert first[0].occurred_at == datetime(2026, 7, 1, 12, 30, tzinfo=UTC)


def test_an_activity_s_time_of_day_is_on_the_study_s_date(doses: Doses) -> None:
    sequence = given(RadionuclideTotalDose="370", RadiopharmaceuticalStartTime="083000")
    (dose,) = doses("NM", RadiopharmaceuticalInformationSequence=sequence, StudyDate="20260701")
    assert dose.occurred_at == datetime(2026, 7, 1, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("modality", "header"),
    [
        ("XA", {"ImageAndFluoroscopyAreaDoseProduct": "1.5"}),  # may be the running total
        ("DX", {"ImageAndFluoroscopyAreaDoseProduct": "0"}),
        ("DX", {"ImageAndFluoroscopyAreaDoseProduct": ""}),
        ("DX", {"ImageAndFluoroscopyAreaDoseProduct": "-4"}),
        ("MG", {"OrganDose": "0.0142"}),  # whose breast?
        ("MR", {"CTDIvol": 3.0, "InstanceNumber": "1"}),
        ("CT", {}),
    ],
)
def test_what_says_nothing_certain_is_no_dose(modality: str, header: dict[str, Any], doses: Doses) -> None:
    assert doses(modality, **header) == []


def test_phantoms_are_no_patients_and_names_stay_out_of_records(doses: Doses) -> None:
    (named,) = doses("DX", ImageAndFluoroscopyAreaDoseProduct="1", PatientName="Phantom^Water")
    (listed,) = doses("DX", ImageAndFluoroscopyAreaDoseProduct="1", PatientID="ZZ-7", not_patient=("zz-*",))
    (person,) = doses("DX", ImageAndFluoroscopyAreaDoseProduct="1", PatientName="Yamada^Tarou=山田^太郎=やまだ^たろう")
    assert (named.is_patient, listed.is_patient, person.is_patient) == (False, False, True)
    assert "Yamada" not in repr(person)
