"""Performed procedure steps: events of each message, what is refused, and third-party files."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from etl.errors import Reason
from etl.records import EventRecord, Read, Refused, SourceItem
from etl.settings import Feed, Settings, Site
from etl.sources import inspect_file
from etl.sources.mpps import MPPS_SOP_CLASS, Mpps
from etl.sources.status_map import shipped_event_type

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus" / "dicom"
FEED = Feed(key="steps", kind="mpps", site="N", path=Path("in"))
RECEIVED = "2026-03-02T15:00:05+00:00"


def scheduled(accession: str, procedure: str = "RP1") -> Dataset:
    item = Dataset()
    item.AccessionNumber, item.RequestedProcedureID, item.StudyInstanceUID = accession, procedure, "1.2.3.4"
    item.RequestedProcedureDescription = "CT HEAD"
    return item


def step(status: str = "IN PROGRESS", **changes: Any) -> Dataset:
    dataset = Dataset()
    dataset.PatientID, dataset.PatientName, dataset.PatientSex = "PAT12345", "Doe^Jane", "F"
    dataset.PerformedStationAETitle, dataset.PerformedStationName, dataset.Modality = "CT01_AE", "CT01", "CT"
    dataset.PerformedProcedureStepStatus = status
    dataset.PerformedProcedureStepStartDate, dataset.PerformedProcedureStepStartTime = "20260302", "100000"
    dataset.ScheduledStepAttributesSequence = [scheduled("ACC12345")]
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    return dataset


def final(status: str, reason: str | None = None) -> Dataset:
    dataset = Dataset()
    dataset.PerformedProcedureStepStatus = status
    dataset.PerformedProcedureStepEndDate, dataset.PerformedProcedureStepEndTime = "20260302", "102030.5"
    if reason:
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = reason, "DCM", "because"
        dataset.PerformedProcedureStepDiscontinuationReasonCodeSequence = [code]
    return dataset


def message(said: Dataset, created: Dataset | None = None) -> bytes:
    payload: dict[str, Any] = {
        "message": "N-SET" if created else "N-CREATE",
        "sop_instance_uid": "1.2.840.99",
        "received_at": RECEIVED,
        "data_set": said.to_json_dict(),
    }
    if created:
        payload["created"] = created.to_json_dict()
    return json.dumps(payload).encode()


def items(data: bytes, **options: Any) -> list[SourceItem]:
    settings = Settings(sites=(Site(code="N", name="N", zone="America/New_York"),))
    return list(Mpps().read_bytes(data, "x", FEED.model_copy(update={"options": options}), settings))


def events(data: bytes, **options: Any) -> list[EventRecord]:
    (item,) = items(data, **options)
    assert isinstance(item, Read), item
    assert item.control_id == "1.2.840.99"
    return [r for r in item.records if isinstance(r, EventRecord)]


def told(found: list[EventRecord]) -> list[tuple[str, str | None, datetime]]:
    return [(e.local_code, shipped_event_type("mpps", e.local_code), e.occurred_at) for e in found]


def test_a_created_step_is_an_exam_begin_with_the_orders_identifiers() -> None:
    (event,) = events(message(step()))
    assert told([event]) == [("mpps:IN PROGRESS", "exam_begin", datetime(2026, 3, 2, 15, tzinfo=UTC))]
    assert event.known_at == datetime(2026, 3, 2, 15, 0, 5, tzinfo=UTC)
    ids = event.ids
    assert (ids.accession_number, ids.study_instance_uid, ids.requested_procedure_id, ids.patient_id) == (
        "ACC12345", "1.2.3.4", "RP1", "PAT12345",
    )  # fmt: skip
    assert (event.attributes.station_name, event.clock, event.attributes.modality) == ("CT01", "CT01", "CT")


def test_a_site_may_name_scanners_by_their_ae_title() -> None:
    assert events(message(step()), station="ae_title")[0].attributes.station_name == "CT01_AE"


def test_a_completed_step_tells_its_begin_again_and_its_end() -> None:
    assert told(events(message(final("COMPLETED"), step()))) == [
        ("mpps:COMPLETED#begin", "exam_begin", datetime(2026, 3, 2, 15, tzinfo=UTC)),
        ("mpps:COMPLETED", "exam_end", datetime(2026, 3, 2, 15, 20, 30, 500_000, tzinfo=UTC)),
    ]


def test_a_discontinued_step_carries_its_reason() -> None:
    begin, end = events(message(final("DISCONTINUED", "110501"), step()))
    assert [shipped_event_type("mpps", e.local_code) for e in (begin, end)] == ["exam_begin", "exam_discontinued"]
    assert end.attributes.reason_code == "110501"


def test_a_wrong_worklist_entry_is_neither_begun_nor_aborted() -> None:
    found = events(message(final("DISCONTINUED", "110514"), step()))
    assert {shipped_event_type("mpps", e.local_code) for e in found} == {""}


def test_a_step_for_two_orders_is_told_of_both_and_of_two_steps_of_one_order_once() -> None:
    served = [scheduled("ACC1"), scheduled("ACC2"), scheduled("ACC2")]
    found = events(message(step(ScheduledStepAttributesSequence=served)))
    assert [e.ids.accession_number for e in found] == ["ACC1", "ACC2"]


def test_an_unscheduled_step_is_known_by_study_and_patient() -> None:
    bare = Dataset()
    bare.StudyInstanceUID, bare.AccessionNumber = "1.2.9", ""
    (event,) = events(message(step(ScheduledStepAttributesSequence=[bare])))
    assert (event.ids.accession_number, event.ids.study_instance_uid) == (None, "1.2.9")


def test_an_added_n_set_in_progress_is_the_same_event_again() -> None:
    said = Dataset()
    said.PerformedProcedureStepStatus = "IN PROGRESS"
    assert events(message(said, step())) == events(message(step()))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (message(step("")), Reason.BAD_STRUCTURE),
        (message(step(PerformedProcedureStepStartTime="")), Reason.MISSING_TIME),
        (message(step(PerformedProcedureStepStartDate="20260230")), Reason.IMPOSSIBLE_TIME),
        (message(step(PerformedProcedureStepStartDate="20260308", PerformedProcedureStepStartTime="0230")),
         Reason.NONEXISTENT_LOCAL_TIME),
        (message(step(PatientID="", ScheduledStepAttributesSequence=[])), Reason.MISSING_IDENTIFIER),
        (message(step("COMPLETED"), step()), Reason.MISSING_TIME),
        (message(step())[:-30], Reason.TRUNCATED),
        (b"[7]", Reason.BAD_STRUCTURE),
        (b"MSH|^~\\&|", Reason.NOT_THIS_FORMAT),
    ],
)  # fmt: skip
def test_what_tells_nothing_is_refused_with_its_reason(data: bytes, reason: Reason) -> None:
    (item,) = items(data)
    assert isinstance(item, Refused)
    assert item.reason == reason


def part10(dataset: Dataset, sop_class: str) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = sop_class, "1.2.840.99"  # type: ignore[assignment]  # a UID is a str
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def test_a_step_kept_as_a_file_is_read_and_inspected_with_identifiers_masked(tmp_path: Path) -> None:
    whole = step("COMPLETED", PerformedProcedureStepEndDate="20260302", PerformedProcedureStepEndTime="1020")
    data = part10(whole, MPPS_SOP_CLASS)
    assert [e.local_code for e in events(data)] == ["mpps:COMPLETED#begin", "mpps:COMPLETED"]
    (tmp_path / "step").write_bytes(data)
    shown = inspect_file(tmp_path / "step")
    assert shown["kind"] == "mpps"
    assert [e["event_type"] for e in shown["steps"][0]["events"]] == ["exam_begin", "exam_end"]
    assert not [raw for raw in ("ACC12345", "PAT12345", "Doe") if raw in json.dumps(shown)]
    (tmp_path / "landed").write_bytes(message(step()))
    assert inspect_file(tmp_path / "landed")["kind"] == "mpps"


def test_another_dicom_object_is_refused() -> None:
    (item,) = items(part10(step(), "1.2.840.10008.5.1.4.1.1.2"))
    assert isinstance(item, Refused)
    assert item.reason == Reason.NOT_THIS_FORMAT


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.exists(), reason=f"no shared corpus at {CORPUS}")
def test_third_party_descriptions_of_steps_are_no_steps() -> None:
    """The folder holds dcm4che's descriptions of the data set and a query, not data."""
    found = {path.name: items(path.read_bytes())[0] for path in sorted((CORPUS / "mpps").iterdir())}
    reasons = {name: item.reason if isinstance(item, Refused) else "read" for name, item in found.items()}
    assert reasons == dict.fromkeys(("mpps-ncreate-iod.xml", "mpps-nset-iod.xml", "mwl.xml"), Reason.NOT_THIS_FORMAT)
