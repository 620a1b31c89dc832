"""Image feeds: which files are offered, and what a header becomes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence

from etl.errors import FilterReason, Reason
from etl.records import Filtered, Read, Refused, SeriesRecord, SourceItem
from etl.settings import Feed, Settings, Site
from etl.sources.dicom_files import DicomFiles
from etl.sources.dicom_text import identifier

IMAGE, DIRECTORY = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.3.10"


def write(path: Path, sop_class: str = IMAGE, **header: Any) -> Path:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4.5"
    values = {
        "SOPClassUID": sop_class,
        "SOPInstanceUID": "1.2.3.4.5",
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": "1.2.3.4",
        "Modality": "CT",
        "PatientID": "PID-1",
        "AcquisitionDate": "20260701",
        "AcquisitionTime": "100000",
    }
    for keyword, value in (values | header).items():
        setattr(dataset, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)
    return path


def request_of(**values: str) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def feed_of(folder: Path, pattern: str = "**/*") -> tuple[Feed, Settings]:
    site = Site(code="N", name="North", zone="America/New_York")
    return Feed(key="d", kind="dicom_files", site="N", pattern=pattern), Settings(base=folder, sites=(site,))


def one(path: Path) -> SourceItem:
    (item,) = DicomFiles().read(path, *feed_of(path.parent))
    return item


def record(path: Path) -> SeriesRecord:
    item = one(path)
    assert isinstance(item, Read), item
    (found,) = item.records
    assert isinstance(found, SeriesRecord)
    return found


def test_files_of_any_tree_and_name_are_offered_in_order(tmp_path: Path) -> None:
    for name in ("b/IM2", "a/x.dcm", "IM1", "b/c/d/e.IMA"):
        write(tmp_path / name)
    names = [p.relative_to(tmp_path).as_posix() for p in DicomFiles().files(*feed_of(tmp_path))]
    assert names == ["IM1", "a/x.dcm", "b/IM2", "b/c/d/e.IMA"]


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")  # the attack itself
def test_files_that_a_dicomdir_lists_are_offered_too_but_none_outside_the_feed(tmp_path: Path) -> None:
    feed = tmp_path / "feed"
    write(feed / "MEDIA/IMG/A1")
    write(tmp_path / "SECRET")
    records = []
    for listed in (["IMG", "A1"], ["IMG", "GONE"], ["..", "..", "SECRET"]):
        entry = Dataset()
        entry.ReferencedFileID = listed
        records.append(entry)
    write(feed / "MEDIA/DICOMDIR", sop_class=DIRECTORY, DirectoryRecordSequence=Sequence(records))
    names = [p.relative_to(feed).as_posix() for p in DicomFiles().files(*feed_of(feed, pattern="**/*.dcm"))]
    assert names == ["MEDIA/IMG/A1"]
    assert one(feed / "MEDIA/DICOMDIR") == Filtered("DICOMDIR", FilterReason.MEDIA_DIRECTORY)


def test_a_header_becomes_a_record(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x",
        AccessionNumber="ACC1",
        StationName="NCT1",
        Manufacturer="SIEMENS",
        ManufacturerModelName="Flash",
        ProtocolName="Head",
        BodyPartExamined="HEAD",
        PatientSex="F",
        PatientBirthDate="19700203",
        PerformedProcedureStepStartDate="20260701",
        PerformedProcedureStepStartTime="095500",
        PerformedProcedureStepEndDate="20260701",
        PerformedProcedureStepEndTime="101500",
        AcquisitionDuration=12.5,
        InstanceCreationDate="20260701",
        InstanceCreationTime="100200",
    )
    found = record(path)
    assert (found.ids.patient_id, found.ids.accession_number, found.station_name) == ("PID-1", "ACC1", "NCT1")
    assert (found.manufacturer, found.model_name, found.protocol_name, found.body_part) == (
        "SIEMENS",
        "Flash",
        "Head",
        "HEAD",
    )
    assert (found.patient_birth_date, found.patient_sex, found.clock) == ("19700203", "F", "NCT1")
    assert (found.begin_at.isoformat(), found.utc_offset_min) == ("2026-07-01T14:00:00+00:00", -240)
    assert found.end_at is not None
    assert (found.end_at - found.begin_at).total_seconds() == 12.5
    assert found.performed_begin_at is not None
    assert found.performed_end_at is not None
    assert (found.performed_end_at - found.performed_begin_at).total_seconds() == 1200
    assert found.known_at is not None
    assert (found.known_at - found.begin_at).total_seconds() == 120
    assert found.size_bytes == path.stat().st_size
    item = one(path)
    assert isinstance(item, Read)
    assert item.control_id == found.sop_instance_uid == "1.2.3.4.5"


@pytest.mark.parametrize(
    ("charset", "station"),
    [
        ("ISO_IR 144", "Кабинет 3"),
        ("ISO_IR 100", "Größe"),
        ("ISO_IR 192", "検査室"),
        ("GB18030", "检查室"),
        ("ISO_IR 126", "Θάλαμος"),
        (["", "ISO 2022 IR 87"], "検査室"),
        (["", "ISO 2022 IR 149"], "검사실"),
        (["ISO 2022 IR 100", "ISO 2022 IR 144"], "Größe"),
    ],
)
def test_texts_in_other_scripts_are_decoded_by_their_character_set(
    charset: str | list[str], station: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "x", SpecificCharacterSet=charset, StationName=station)
    assert record(path).station_name == station


def test_bytes_that_the_character_set_lacks_do_not_make_two_stations_one(tmp_path: Path) -> None:
    names = set()
    for byte in (b"\xf0", b"\xf1"):
        path = write(tmp_path / "x", SpecificCharacterSet="ISO_IR 192", StationName="ROOM_1")
        path.write_bytes(path.read_bytes().replace(b"ROOM_1", b"ROOM" + byte + b"1"))
        names.add(record(path).station_name)
    assert len(names) == 2


@pytest.mark.parametrize(
    ("sop_class", "modality"),
    [
        ("1.2.840.10008.5.1.4.1.1.481.5", "RTPLAN"),
        ("1.2.840.10008.5.1.4.1.1.481.2", "RTDOSE"),
        ("1.2.840.10008.5.1.4.1.1.66.4", "SEG"),
        ("1.2.840.10008.5.1.4.1.1.9.1.1", "ECG"),
        ("1.2.840.10008.5.1.4.1.1.11.1", "PR"),
        ("1.2.840.10008.5.1.4.1.1.88.59", "KO"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "DOC"),
        ("1.2.840.10008.5.1.4.1.1.66", "MR"),
    ],
)
def test_objects_without_an_acquired_image_are_filtered(sop_class: str, modality: str, tmp_path: Path) -> None:
    assert one(write(tmp_path / "x", sop_class, Modality=modality)) == Filtered("x", FilterReason.NOT_AN_IMAGE)


@pytest.mark.parametrize(
    "sop_class",
    [
        "1.2.840.10008.5.1.4.1.1.1.2",  # mammography
        "1.2.840.10008.5.1.4.1.1.128",  # PET
        "1.2.840.10008.5.1.4.1.1.7",  # secondary capture
        "1.2.840.10008.5.1.4.1.1.3.1",  # ultrasound, several frames
        "1.2.840.10008.5.1.4.1.1.481.1",  # RT image
        "1.2.840.10008.5.1.4.1.1.13.1.3",  # tomosynthesis
        "1.2.840.10008.5.1.4.1.1.6.1",
        "1.2.840.113619.4.26",  # private
    ],
)
def test_images_of_every_kind_are_read(sop_class: str, tmp_path: Path) -> None:
    assert isinstance(one(write(tmp_path / "x", sop_class)), Read)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"SeriesInstanceUID": ""}, Reason.MISSING_IDENTIFIER),
        ({"StudyInstanceUID": "", "PatientID": ""}, Reason.MISSING_IDENTIFIER),
        ({"AcquisitionTime": ""}, Reason.MISSING_TIME),
        ({"AcquisitionDate": "20260308", "AcquisitionTime": "023000"}, Reason.NONEXISTENT_LOCAL_TIME),
        ({"AcquisitionDate": "18990101"}, Reason.IMPOSSIBLE_TIME),
    ],
)
def test_a_header_without_identifier_or_time_is_refused(header: dict[str, str], reason: Reason, tmp_path: Path) -> None:
    item = one(write(tmp_path / "x", **header))
    assert isinstance(item, Refused)
    assert item.reason is reason
    assert item.raw == (tmp_path / "x").read_bytes()


def test_a_file_that_vanished_is_refused(tmp_path: Path) -> None:
    item = one(tmp_path / "gone")
    assert isinstance(item, Refused)
    assert (item.reason, item.raw) == (Reason.READ_ERROR, None)


def test_identifiers_longer_than_64_characters_stay_distinct() -> None:
    first, second = identifier("A" * 80 + "1"), identifier("A" * 80 + "2")
    assert first != second
    assert first is not None
    assert len(first) == 64
    assert identifier("A" * 64) == "A" * 64
    assert identifier(" \0\x07 ") is None


def test_a_thousand_headers_take_about_a_second(tmp_path: Path) -> None:
    path = write(tmp_path / "x", StationName="NCT1")
    source, (feed, settings) = DicomFiles(), feed_of(tmp_path)
    begun = time.process_time()
    for _ in range(1000):
        assert isinstance(next(source.read(path, feed, settings)), Read)
    assert time.process_time() - begun < 2.0  # 0.3 s alone on one core


def test_the_requested_procedure_of_the_request_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", RequestAttributesSequence=Sequence([request_of(RequestedProcedureID="RP1")]))
    assert record(path).ids.requested_procedure_id == "RP1"
