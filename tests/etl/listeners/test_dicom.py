"""The DICOM listener as scanners meet it: DCMTK's storescu and echoscu, and MPPS from pynetdicom as user."""

from __future__ import annotations

import asyncio
import io
import json
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE
from pynetdicom.association import Association
from sqlalchemy import select

from etl.errors import ConfigurationError
from etl.listeners import dicom, listen
from etl.listeners.dicom import MPPS, REPORTS
from etl.pipeline import derive_facts, ingest
from etl.records import Read
from etl.sources import SOURCES
from etl.sources.dose_reports import read_item as read_dose
from etl.sources.landed import read_segment
from etl.warehouse.engine import writer_engine
from etl.warehouse.tables import fact_exam
from tests.etl.listeners.conftest import Certificates, Listening, Start

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus" / "rdsr"
RDSR, CT = REPORTS[2], "1.2.840.10008.5.1.4.1.1.2"
STEPS = '{kind = "dicom", host = "127.0.0.1", port = PORT}'
dcmtk = pytest.mark.skipif(shutil.which("storescu") is None, reason="DCMTK is not installed")


@dataclass
class HereListening(Listening):
    """A listener in a thread of the test: up at once; it cannot be killed."""

    thread: threading.Thread | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    loop: asyncio.AbstractEventLoop | None = None

    def start(self, *, wait: bool = True) -> Listening:
        up = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve(up)))
        self.thread.start()
        assert up.wait(15 if wait else 0)
        return self

    async def _serve(self, up: threading.Event) -> None:
        self.loop, ready = asyncio.get_running_loop(), asyncio.Event()
        running = asyncio.create_task(listen(self.settings, self.settings.feeds, self.stopping, ready))
        await asyncio.wait([running, asyncio.create_task(ready.wait())], return_when=asyncio.FIRST_COMPLETED)
        up.set()
        await running

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.thread is not None and self.loop is not None and self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.stopping.set)
            self.thread.join(15)
        return 0


Here = Callable[..., HereListening]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    """Starts a listener in this process; stopped at the end."""
    started: list[HereListening] = []

    def start(listen_: str, kind: str, *, run: bool = True) -> HereListening:
        started.append(HereListening(tmp_path, kind, listen_))
        if run:
            started[-1].start()
        return started[-1]

    yield start
    for made in started:
        made.stop()


def report(sop_class: str = RDSR, says: str | None = None) -> Dataset:
    """A small report; `says` is the class the data set itself names."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = says or sop_class, generate_uid()
    dataset.PatientID, dataset.PatientName = "../../etc/passwd", "Doe^../../Jane"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.Modality = "1.2.3", "1.2.3.4", "SR"
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = sop_class, dataset.SOPInstanceUID  # type: ignore[assignment]  # a UID is a str
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta
    return dataset


def saved(dataset: Dataset, path: Path) -> str:
    dataset.save_as(path, enforce_file_format=True)
    return str(path)


def step(status: str = "IN PROGRESS") -> Dataset:
    order = Dataset()
    order.AccessionNumber, order.StudyInstanceUID = "ACC12345", "1.2.3.4"
    dataset = Dataset()
    dataset.PatientID, dataset.PerformedStationAETitle, dataset.Modality = "PAT12345", "../../CT01", "CT"
    dataset.PerformedProcedureStepStatus, dataset.PerformedProcedureStepID = status, "1"
    dataset.PerformedProcedureStepStartDate, dataset.PerformedProcedureStepStartTime = "20260302", "100000"
    dataset.ScheduledStepAttributesSequence = [order]
    return dataset


def changed(status: str) -> Dataset:
    dataset = Dataset()
    dataset.PerformedProcedureStepStatus = status
    dataset.PerformedProcedureStepEndDate, dataset.PerformedProcedureStepEndTime = "20260302", "102000"
    return dataset


@contextmanager
def associated(
    port: int, *sop_classes: str, called: str = "ANY-SCP", calling: str = "CT01", **tls: Any
) -> Iterator[Association]:
    ae = AE(calling)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = ae.connection_timeout = 10
    for sop_class in sop_classes:
        ae.add_requested_context(sop_class)
    association = ae.associate("127.0.0.1", port, ae_title=called, **tls)
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def created(association: Association, uid: str | None, dataset: Dataset | None = None) -> int:
    status, _ = association.send_n_create(dataset or step(), MPPS, uid)
    return int(status.Status)


def told(association: Association, uid: str, dataset: Dataset) -> tuple[int, int | None]:
    status, _ = association.send_n_set(dataset, MPPS, uid)
    return int(status.Status), status.get("ErrorID")


def sent(tool: str, port: int, *files: str) -> subprocess.CompletedProcess[str]:
    call = [tool, "-v", "-to", "5", "127.0.0.1", str(port), *files]
    return subprocess.run(call, capture_output=True, text=True, check=False, timeout=20)


@dcmtk
def test_a_report_is_stored_and_an_image_is_refused(here: Here, tmp_path: Path) -> None:
    running = here(STEPS, "dose_reports")
    files = [saved(report(sop_class), tmp_path / f"{n}.dcm") for n, sop_class in enumerate(REPORTS)]
    assert sent("dcmsend", running.port, *files).returncode == 0
    assert sent("storescu", running.port, *files[:3]).returncode == 0
    refused = sent("storescu", running.port, saved(report(CT), tmp_path / "ct.dcm"))
    assert refused.returncode != 0
    assert "No presentation context" in refused.stderr + refused.stdout or "No Acceptable" in refused.stderr
    running.stop()
    stored = [pydicom.dcmread(io.BytesIO(frame.payload)) for frame in running.landed()]
    uids = [pydicom.dcmread(f).SOPInstanceUID for f in files]
    assert [d.SOPInstanceUID for d in stored] == uids + uids[:3]


@dcmtk
def test_an_echo_is_answered(here: Here) -> None:
    running = here(STEPS, "mpps")
    assert subprocess.run(["echoscu", "127.0.0.1", str(running.port)], check=False, timeout=20).returncode == 0


def test_an_image_under_the_name_of_a_report_is_refused(here: Here) -> None:
    running = here(STEPS, "dose_reports")
    with associated(running.port, RDSR) as association:
        masked = report(RDSR, says=CT)
        masked.file_meta.MediaStorageSOPClassUID = RDSR  # type: ignore[assignment]  # a UID is a str
        dataset = pydicom.dcmread(io.BytesIO(_bytes(masked)))
        dataset.SOPClassUID = RDSR
        association_status = association.send_c_store(dataset)
        assert association_status.Status == 0
        dataset.SOPClassUID = CT
        status = _store_as(association, dataset, RDSR)
        assert status == 0xA900
    running.stop()
    assert len(running.landed()) == 1


def _bytes(dataset: Dataset) -> bytes:
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _store_as(association: Association, dataset: Dataset, sop_class: str) -> int:
    """Send a data set of one class in a request that names another."""
    from pynetdicom.dimse_primitives import C_STORE
    from pynetdicom.dsutils import encode

    request = C_STORE()
    request.MessageID, request.Priority = 7, 2
    request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = sop_class, dataset.SOPInstanceUID
    context = association.accepted_contexts[0]
    syntax = context.transfer_syntax[0]
    request.DataSet = io.BytesIO(encode(dataset, syntax.is_implicit_VR, syntax.is_little_endian) or b"")
    association._reactor_checkpoint.clear()
    association.dimse.send_msg(request, context.context_id or 1)
    _, answer = association.dimse.get_msg(block=True)
    association._reactor_checkpoint.set()
    return int(answer.Status)  # type: ignore[union-attr,arg-type]  # a C-STORE response


def test_a_step_is_created_changed_and_closed_as_the_standard_says(here: Here) -> None:
    """PS3.4 F.7.2: a duplicate, a change of nothing known and one of a final state are refused."""
    running = here(STEPS, "mpps")
    with associated(running.port, MPPS) as association:
        assert created(association, "1.2.9.1") == 0
        assert created(association, "1.2.9.1") == 0x0111
        assert told(association, "1.2.9.2", changed("COMPLETED")) == (0x0112, None)
        assert told(association, "1.2.9.1", changed("DONE")) == (0x0106, None)
        assert told(association, "1.2.9.1", changed("IN PROGRESS")) == (0, None)
        assert told(association, "1.2.9.1", changed("COMPLETED")) == (0, None)
        assert told(association, "1.2.9.1", changed("COMPLETED")) == (0x0110, 0xA710)
        assert created(association, "1.2.9.3", step("COMPLETED")) == 0x0106
        bare = step()
        del bare.ScheduledStepAttributesSequence
        assert created(association, "1.2.9.4", bare) == 0x0120
    running.stop()
    assert [json.loads(f.payload)["message"] for f in running.landed()] == ["N-CREATE", "N-SET", "N-SET"]
    codes = [r.local_code for i in _items(running) if isinstance(i, Read) for r in i.records]  # type: ignore[union-attr]  # events
    assert codes == ["mpps:IN PROGRESS", "mpps:IN PROGRESS", "mpps:COMPLETED#begin", "mpps:COMPLETED"]


def _items(running: Listening) -> list[Any]:
    paths = sorted((running.folder / "landing").glob("*.seg"))
    source, feed = SOURCES[running.kind], running.feed
    return [item for path in paths for item in read_segment(source, path, feed, running.settings)]


def test_a_step_of_a_scanner_is_an_exam_in_the_warehouse(here: Here) -> None:
    now = datetime.now(ZoneInfo("America/New_York")).replace(microsecond=0) - timedelta(minutes=40)
    begun, ended = step(), changed("COMPLETED")
    for dataset, at, word in ((begun, now, "Start"), (ended, now + timedelta(minutes=25), "End")):
        setattr(dataset, f"PerformedProcedureStep{word}Date", f"{at:%Y%m%d}")
        setattr(dataset, f"PerformedProcedureStep{word}Time", f"{at:%H%M%S}")
    running = here(STEPS, "mpps", run=False)
    scanner = '[[scanners]]\ncode = "NCT1"\nsite = "NORTH"\nmodality = "CT"\nname = "CT 1"\nstation_names = ["CT01"]\n'
    with (running.folder / "radpulse.toml").open("a") as toml:
        toml.write(scanner)
    running.start()
    begun.PerformedStationName = "CT01"
    with associated(running.port, MPPS) as association:
        assert created(association, "1.2.9.1", begun) == 0
        assert told(association, "1.2.9.1", ended) == (0, None)
    running.stop()
    engine = writer_engine(running.settings)
    (run,) = ingest(running.settings, engine)
    derive_facts(running.settings, engine)
    with engine.connect() as connection:
        (exam,) = connection.execute(select(fact_exam)).all()
    engine.dispose()
    assert (run.counts.loaded, run.counts.quarantined) == (2, 0)
    assert (exam.exam_begin_at, exam.exam_begin_source, exam.scanner_code) == (now, "mpps", "NCT1")
    assert (exam.exam_duration_min, exam.exam_end_source, exam.status) == (25, "mpps", "ended")


@dcmtk
@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.exists(), reason=f"no shared corpus at {CORPUS}")
def test_a_third_party_dose_report_sent_over_the_network_is_read_as_from_its_file(here: Here) -> None:
    running = here(STEPS, "dose_reports")
    file = next(path for path in sorted(CORPUS.rglob("*.dcm")) if _is_read(path))
    assert sent("dcmsend", running.port, str(file)).returncode == 0
    running.stop()
    (item,) = _items(running)
    assert isinstance(item, Read)
    assert item.records == _read_file(file).records


def _read_file(path: Path) -> Any:
    return read_dose(path, path.name, ZoneInfo("America/New_York"))


def _is_read(path: Path) -> bool:
    return isinstance(_read_file(path), Read) and pydicom.dcmread(path).SOPClassUID in REPORTS


def test_who_creates_a_step_without_uid_is_told_one(here: Here) -> None:
    running = here(STEPS, "mpps")
    with associated(running.port, MPPS) as association:
        assert created(association, None) == 0
    running.stop()
    assert json.loads(running.landed()[0].payload)["sop_instance_uid"].startswith("1.2.826")


def test_steps_are_known_again_after_the_listener_was_killed(listening: Start) -> None:
    running = listening(STEPS, "mpps")
    with associated(running.port, MPPS) as association:
        assert created(association, "1.2.9.1") == created(association, "1.2.9.2") == 0
        assert told(association, "1.2.9.2", changed("DISCONTINUED")) == (0, None)
        running.stop(signal.SIGKILL)
    running.start()
    with associated(running.port, MPPS) as association:
        assert created(association, "1.2.9.1") == 0x0111
        assert told(association, "1.2.9.2", changed("COMPLETED")) == (0x0110, 0xA710)
        assert told(association, "1.2.9.1", changed("COMPLETED")) == (0, None)
    running.stop()
    last = json.loads(running.landed()[-1].payload)
    assert last["created"]["00400270"]["Value"][0]["00080050"]["Value"] == ["ACC12345"]


def test_steps_and_reports_share_one_application_entity_and_land_apart(here: Here) -> None:
    running = here(STEPS, "mpps", run=False)
    other = running.folder / "radpulse.toml"
    listen = STEPS.replace("PORT", str(running.port))
    reports = f'[[feeds]]\nkey = "r"\nkind = "dose_reports"\nsite = "NORTH"\npath = "reports"\nlisten = {listen}\n'
    other.write_text(other.read_text() + reports)
    running.start()
    with associated(running.port, MPPS, RDSR, CT) as association:
        assert {c.abstract_syntax for c in association.accepted_contexts} == {MPPS, RDSR}
        assert created(association, "1.2.9.1") == 0
        assert association.send_c_store(report()).Status == 0
    running.stop()
    assert len(running.landed()) == 1
    assert len(list((running.folder / "reports").glob("*.seg"))) == 1


def test_a_message_that_grows_beyond_what_can_land_breaks_off_and_the_next_is_served(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dicom, "LONGEST_PAYLOAD", 100_000)
    running = here(STEPS, "dose_reports")
    large = report()
    large.add_new(0x0040A160, "UT", "x" * 3_000_000)
    with associated(running.port, RDSR) as association:
        assert "Status" not in association.send_c_store(large)
    with associated(running.port, RDSR) as association:
        assert association.send_c_store(report()).Status == 0
    running.stop()
    assert len(running.landed()) == 1


def test_nothing_a_sender_says_is_part_of_a_path(here: Here) -> None:
    running = here(STEPS, "dose_reports")
    with associated(running.port, RDSR, calling="../../AE") as association:
        assert association.send_c_store(report()).Status == 0
    running.stop()
    names = {p.name for p in (running.folder / "landing").iterdir()}
    assert {n for n in names if not n.startswith(".landing")} == {p.name for p in running.folder.rglob("*.seg")}
    assert "passwd" not in "".join(names)


def test_other_called_and_calling_titles_than_those_configured_are_refused(here: Here) -> None:
    listen = '{kind = "dicom", host = "127.0.0.1", port = PORT, ae_title = "RADPULSE", calling_aes = ["CT01", "MR01"]}'
    running = here(listen, "mpps")
    pairs = [("RADPULSE", "CT01"), ("RADPULSE", "MR01"), ("OTHER", "CT01"), ("RADPULSE", "EVIL")]
    found = []
    for called, calling in pairs:
        with associated(running.port, MPPS, called=called, calling=calling) as association:
            found.append(association.is_established)
    assert found == [True, True, False, False]


def test_with_tls_a_client_needs_a_certificate_and_a_silent_one_delays_nobody(
    here: Here, certificates: Certificates
) -> None:
    paths = f'tls_cert = "{certificates.path("server.pem")}", tls_key = "{certificates.path("server.key")}"'
    listen = f'{{kind = "dicom", host = "127.0.0.1", port = PORT, {paths}, tls_ca = "{certificates.path("ca.pem")}"}}'
    running = here(listen, "mpps")
    with socket.create_connection(("127.0.0.1", running.port)):  # says nothing at all
        begun = time.monotonic()
        with associated(running.port, MPPS, tls_args=(certificates.client("client"), "localhost")) as association:
            assert created(association, "1.2.9.1") == 0
        assert time.monotonic() - begun < 1
    for name in (None, "stranger"):
        with associated(running.port, MPPS, tls_args=(certificates.client(name), "localhost")) as association:
            assert not association.is_established
    with associated(running.port, MPPS) as association:
        assert not association.is_established


@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_every_acknowledged_object_is_on_disk_after_a_kill(listening: Start, kills: int) -> None:
    seed = time.time_ns() % 10**6
    chance = random.Random(seed)  # noqa: S311 - a test's own dice
    running = listening(STEPS, "dose_reports", run=False)
    acknowledged: list[str] = []
    for _ in range(kills):
        running.start()
        senders = [threading.Thread(target=_store_until_cut, args=(running.port, acknowledged)) for _ in range(3)]
        for sender in senders:
            sender.start()
        time.sleep(chance.uniform(0.3, 1.2))
        running.stop(signal.SIGKILL)
        for sender in senders:
            sender.join(15)
    landed = {pydicom.dcmread(io.BytesIO(f.payload)).SOPInstanceUID for f in running.landed()}
    assert len(acknowledged) > 5 * kills, f"seed {seed}"
    assert set(acknowledged) <= landed, f"seed {seed}"


def _store_until_cut(port: int, acknowledged: list[str]) -> None:
    with associated(port, RDSR) as association:
        while association.is_established:
            sent = report()
            try:
                status = association.send_c_store(sent)
            except RuntimeError:  # cut between the question and the sending
                return
            if "Status" in status and status.Status == 0:
                acknowledged.append(sent.SOPInstanceUID)


@pytest.mark.parametrize(
    ("toml", "kind"),
    [
        (STEPS, "hl7v2"),
        ('{kind = "dicom", port = 0}', "mpps"),
        ('{kind = "dicom", port = PORT, accept = ["sr"]}', "mpps"),
        ('{kind = "dicom", port = PORT, tls_cert = "nowhere.pem"}', "mpps"),
        ('{kind = "dicom", port = PORT, colour = 1}', "mpps"),
    ],
)
def test_settings_that_cannot_be_are_said(listening: Start, toml: str, kind: str) -> None:
    made = listening(toml, kind, run=False)
    with pytest.raises(ConfigurationError):
        asyncio.run(asyncio.wait_for(listen(made.settings, [made.feed], asyncio.Event(), asyncio.Event()), 10))
