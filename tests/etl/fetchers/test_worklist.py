"""Worklist queries against DCMTK's worklist server: bookings, arrivals, moves, and third-party entries."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from sqlalchemy import select

from etl.fetchers.base import land
from etl.fetchers.worklist import WorklistFetcher
from etl.pipeline import derive_facts, ingest, try_connections
from etl.records import EventRecord, Read
from etl.settings import Feed, Settings
from etl.sources.landed import read_segment
from etl.sources.worklist import Worklist
from etl.warehouse.engine import read_frame, writer_engine
from etl.warehouse.tables import fact_exam, fact_slot
from tests.etl.fetchers.dicom_peers import wlmscpfs

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus" / "dicom" / "mwl"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def worklist(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """DCMTK's worklist server and the folder of its entries."""
    folder = tmp_path_factory.mktemp("worklist")
    with wlmscpfs(folder) as port:
        yield port, folder / "RIS"


@pytest.fixture
def ris(worklist: tuple[int, Path]) -> tuple[int, Path]:
    """The same without entries."""
    for path in worklist[1].glob("*.wl"):
        path.unlink()
    return worklist


def entry(folder: Path, number: int, start: str = "20260303 0930", status: str = "SCHEDULED", **changes: Any) -> None:
    """Write an entry the server offers, in place of the last one of its number."""
    step = Dataset()
    step.ScheduledStationAETitle, step.ScheduledStationName, step.Modality = "NCT1", "NCT1", "CT"
    step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime = start.split()
    step.ScheduledProcedureStepStatus, step.ScheduledProcedureStepID = status, "SPS1"
    step.ScheduledPerformingPhysicianName, step.ScheduledProcedureStepDescription = "Doe^J", "HEAD"
    root = Dataset()
    root.SpecificCharacterSet = "ISO_IR 100"
    root.AccessionNumber, root.PatientID, root.PatientName = f"ACC{number:05}", f"PAT{number:05}", "Müller^Änne"
    root.PatientBirthDate, root.PatientSex = "19700101", "F"
    root.StudyInstanceUID, root.RequestedProcedureID = f"1.2.{number}", f"RP{number}"
    root.RequestedProcedureDescription, root.RequestedProcedurePriority = "CT SCHÄDEL", "HIGH"
    root.ScheduledProcedureStepSequence = [step]
    for keyword, value in changes.items():
        setattr(root, keyword, value)
    root.file_meta = FileMetaDataset()
    root.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    root.save_as(folder / f"{number}.part", implicit_vr=False, little_endian=True)
    (folder / f"{number}.part").rename(folder / f"{number}.wl")


def installation(settings: Settings, port: int, **options: Any) -> Settings:
    fetch = {"kind": "worklist", "host": "127.0.0.1", "port": port, "called_ae": "RIS", "timeout_s": 5, "days_ahead": 2}
    feed = Feed(key="mwl", kind="worklist", site="NORTH", path=Path("mwl"), fetch=fetch | options)
    return settings.model_copy(update={"feeds": (feed,)})


def fetched(configured: Settings, now_at: datetime = NOW) -> list[EventRecord]:
    (feed,) = configured.feeds
    result = land(WorklistFetcher(), feed, configured, now_at)
    assert result.failed is None
    items = [i for path in result.segments for i in read_segment(Worklist(), path, feed, configured)]
    assert all(isinstance(item, Read) for item in items), items
    return [r for i in items if isinstance(i, Read) for r in i.records if isinstance(r, EventRecord)]


def test_the_schedule_is_brought_with_the_time_it_was_asked_for(ris: tuple[int, Path], settings: Settings) -> None:
    port, folder = ris
    for number in range(20):
        entry(folder, number, f"20260303 {8 + number // 2:02}{number % 2 * 30:02}")
    entry(folder, 99, "20260310 0800")  # beyond the window
    found = {e.ids.accession_number: e for e in fetched(installation(settings, port))}
    assert sorted(found, key=str) == [f"ACC{n:05}" for n in range(20)]
    one = found["ACC00003"]
    assert one.known_at == one.occurred_at == NOW
    assert one.attributes.appointment_at == datetime(2026, 3, 3, 14, 30, tzinfo=UTC)
    assert (one.attributes.station_name, one.attributes.procedure_text) == ("NCT1", "CT SCHÄDEL")
    assert (one.ids.requested_procedure_id, one.ids.study_instance_uid) == ("RP3", "1.2.3")


def test_only_what_is_new_or_changed_lands_and_a_move_back_is_a_change(
    ris: tuple[int, Path], settings: Settings
) -> None:
    port, folder = ris
    configured = installation(settings, port)
    entry(folder, 1)
    entry(folder, 2)
    assert len(fetched(configured)) == 2
    assert fetched(configured) == []
    for start in ("20260303 1100", "20260304 0800", "20260303 0930"):
        entry(folder, 1, start)
        (moved,) = fetched(configured)
        assert moved.ids.accession_number == "ACC00001"


def test_a_day_with_more_entries_than_the_limit_is_asked_for_in_parts(
    ris: tuple[int, Path], settings: Settings
) -> None:
    port, folder = ris
    for number in range(12):
        entry(folder, number, f"20260303 {8 + number:02}00")
    assert len(fetched(installation(settings, port, limit=5))) == 12


def test_a_moved_appointment_is_one_booking_rescheduled_and_an_arrival_is_one(
    ris: tuple[int, Path], settings: Settings
) -> None:
    port, folder = ris
    today = datetime.now(UTC).date()
    configured = installation(settings, port, days_back=1)
    engine = writer_engine(configured)
    for start, status in (("0930", "SCHEDULED"), ("1100", "SCHEDULED"), ("1100", "ARRIVED"), ("1100", "ARRIVED")):
        entry(folder, 1, f"{today:%Y%m%d} {start}", status)
        (run,) = ingest(configured, engine)
        assert run.stopped is None
    derive_facts(configured, engine)
    with engine.connect() as connection:
        slots = read_frame(connection, select(fact_slot).order_by(fact_slot.c.valid_from_at))
        exams = read_frame(connection, select(fact_exam))
    engine.dispose()
    assert slots["state"].tolist() == ["booked", "rescheduled", "arrived"]
    assert slots["is_last"].tolist() == [False, False, True]
    assert slots["scanner_code"].tolist() == ["NCT1"] * 3
    assert slots["appointment_at"].nunique() == 2
    assert (len(exams), exams["status"][0]) == (1, "arrived")
    assert pd.Timestamp(exams["arrived_at"][0]) > datetime.now(UTC) - timedelta(minutes=5)


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.exists(), reason=f"no shared corpus at {CORPUS}")
@pytest.mark.skipif(shutil.which("dump2dcm") is None, reason="DCMTK's dump2dcm is not installed")
def test_the_servers_own_sample_entries_are_all_brought(ris: tuple[int, Path], settings: Settings) -> None:
    port, folder = ris
    for path in CORPUS.glob("wklist*.dump"):
        subprocess.run(["dump2dcm", "-q", str(path), str(folder / f"{path.stem}.wl")], check=True, capture_output=True)
    days = ("19930606", "19931204", "19951015", "19951206", "19960103", "19960123", "19960406", "19960423", "19960502",
            "19960805")  # fmt: skip
    configured = installation(settings, port, days_ahead=0)
    noons = [datetime.strptime(f"{day} 1700+0000", "%Y%m%d %H%M%z") for day in days]
    found = [e for noon in noons for e in fetched(configured, noon)]
    assert [f"{e.attributes.appointment_at:%Y%m%d}" for e in found] == list(days)
    assert {e.attributes.station_name for e in found} >= {"STN456"}


def test_check_answers_with_an_echo(ris: tuple[int, Path], settings: Settings) -> None:
    (line,) = try_connections(installation(settings, ris[0]))
    assert line.startswith("ok  mwl")
    assert "Modality Worklist" in line
