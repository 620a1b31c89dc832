"""Worklist entries: what each status becomes, what is refused, and third-party entries."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from etl.errors import Reason
from etl.records import EventRecord, Read, Refused, SourceItem
from etl.settings import Feed, Settings, Site
from etl.sources import inspect_file
from etl.sources.status_map import shipped_event_type
from etl.sources.worklist import Worklist

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus" / "dicom" / "mwl"
FEED = Feed(key="schedule", kind="worklist", site="N", path=Path("in"))
QUERIED = "2026-03-01T20:00:00+00:00"


def entry(status: str = "SCHEDULED", **changes: Any) -> dict[str, Any]:
    step = Dataset()
    step.ScheduledStationAETitle, step.ScheduledStationName, step.Modality = ["CT01_AE", "CT02_AE"], "CT01", "CT"
    step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime = "20260302", "093000"
    step.ScheduledProcedureStepStatus, step.ScheduledProcedureStepID = status, "SPS1"
    root = Dataset()
    root.AccessionNumber, root.PatientID, root.RequestedProcedureID = "ACC12345", "PAT12345", "RP1"
    root.RequestedProcedureDescription, root.RequestedProcedurePriority = "CT HEAD", "STAT"
    root.StudyInstanceUID, root.PatientName = "1.2.3.4", "Doe^Jane"
    root.ScheduledProcedureStepSequence = [step]
    for keyword, value in changes.items():
        setattr(step if keyword.startswith("Scheduled") and hasattr(step, keyword) else root, keyword, value)
    return root.to_json_dict()


def items(payload: Any) -> list[SourceItem]:
    settings = Settings(sites=(Site(code="N", name="N", zone="America/New_York"),))
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return list(Worklist().read_bytes(data, "x", FEED, settings))


def seen(*answers: Any) -> dict[str, Any]:
    return {"queried_at": QUERIED, "answers": list(answers)}


def test_an_entry_is_a_booking_known_since_it_was_seen() -> None:
    (item,) = items(seen(entry()))
    assert isinstance(item, Read)
    (event,) = item.records
    assert isinstance(event, EventRecord)
    assert event.occurred_at == event.known_at == datetime(2026, 3, 1, 20, tzinfo=UTC)
    assert event.attributes.appointment_at == datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
    assert (event.local_code, event.raw_time, event.clock) == ("mwl:SCHEDULED", QUERIED, "worklist")
    assert (event.attributes.station_name, event.attributes.priority_code) == ("CT01", "STAT")
    ids = event.ids
    assert (ids.accession_number, ids.requested_procedure_id, ids.study_instance_uid) == ("ACC12345", "RP1", "1.2.3.4")


@pytest.mark.parametrize(
    ("status", "event_type"),
    [("SCHEDULED", "exam_scheduled"), ("", "exam_scheduled"), ("ARRIVED", "patient_arrived"),
     ("READY", "patient_arrived"), ("STARTED", ""), ("DEPARTED", "patient_departed"), ("CANCELED", "appt_cancelled")],
)  # fmt: skip
def test_each_status_has_its_event(status: str, event_type: str) -> None:
    (item,) = items(seen(entry(status)))
    assert isinstance(item, Read)
    (event,) = item.records
    assert isinstance(event, EventRecord)
    assert shipped_event_type("worklist", event.local_code) == event_type


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (seen(entry(ScheduledProcedureStepStartTime="")), Reason.MISSING_TIME),
        (seen(entry(ScheduledProcedureStepSequence=[])), Reason.BAD_STRUCTURE),
        (seen(entry(AccessionNumber="", PatientID="", StudyInstanceUID="")), Reason.MISSING_IDENTIFIER),
        (seen(7), Reason.BAD_STRUCTURE),
        ([entry()], Reason.MISSING_TIME),
        (b"(0008,0050) SH  00000", Reason.NOT_THIS_FORMAT),
    ],
)
def test_what_is_no_booking_is_refused_with_its_reason(payload: Any, reason: Reason) -> None:
    (item,) = items(payload)
    assert isinstance(item, Refused)
    assert item.reason == reason


def test_inspect_knows_a_landed_worklist_and_masks_identifiers(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(json.dumps(seen(entry("ARRIVED"))), encoding="utf-8")
    shown = inspect_file(tmp_path / "a")
    assert shown["kind"] == "worklist"
    assert shown["steps"][0]["events"][0]["event_type"] == "patient_arrived"
    assert not [raw for raw in ("ACC12345", "PAT12345", "Doe") if raw in json.dumps(shown)]


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.exists(), reason=f"no shared corpus at {CORPUS}")
@pytest.mark.skipif(shutil.which("dump2dcm") is None, reason="DCMTK's dump2dcm is not installed")
def test_each_third_party_entry_ends_in_its_class(tmp_path: Path) -> None:
    """DCMTK's ten sample entries are bookings, its thirteen queries are none; as text all are refused."""
    found = {}
    for path in sorted(CORPUS.iterdir()):
        (as_text,) = items(path.read_bytes())
        assert isinstance(as_text, Refused)
        assert as_text.reason == Reason.NOT_THIS_FORMAT
        file = tmp_path / path.stem
        subprocess.run(["dump2dcm", "-q", str(path), str(file)], check=True, capture_output=True)
        found[path.stem] = _class(file)
    entries = dict.fromkeys([f"wklist{n}" for n in range(1, 11)], "exam_scheduled")
    queries = dict.fromkeys([f"wlistqry{n}" for n in range(1, 13)], "missing_time")
    assert found == entries | queries | {"wlistqry0": "missing_identifier"}  # it has no scheduled step at all


def _class(file: Path) -> str:
    from etl.errors import ItemRefused

    try:
        (answer,) = inspect_file(file)["steps"]
    except ItemRefused as refused:
        return str(refused.reason)
    (event,) = answer["events"]
    return str(event["event_type"])
