"""DICOM peers of our own: Orthanc, DCMTK's archive and worklist, and one that misbehaves on purpose."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]  # made at import
    CTImageStorage,
    StudyRootQueryRetrieveInformationModelFind,
    Verification,
)


def free_port() -> int:
    with socket.socket() as tcp:
        tcp.bind(("127.0.0.1", 0))
        return int(tcp.getsockname()[1])


def image(study: int, series: int = 1, instance: int = 1, day: str = "20260302", **changes: Any) -> Dataset:
    """A CT header without pixels, of a study that began `study` minutes after midnight."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, f"1.2.3.{study}.{series}.{instance}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"1.2.3.{study}", f"1.2.3.{study}.{series}"
    dataset.StudyDate = dataset.SeriesDate = day
    dataset.StudyTime = f"{study // 60 % 24:02}{study % 60:02}00"
    dataset.SeriesTime = f"{study // 60 % 24:02}{study % 60:02}{series:02}"
    dataset.AccessionNumber, dataset.PatientID, dataset.PatientName = f"ACC{study:05}", f"PAT{study:05}", "Müller^Änne"
    dataset.Modality, dataset.StationName, dataset.StudyID = "CT", "CT01", "1"
    dataset.Manufacturer, dataset.ProtocolName = "MÄKER", "Schädel"
    dataset.SeriesNumber, dataset.InstanceNumber = series, instance
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta
    return dataset


def store(port: int, called: str, datasets: list[Dataset]) -> None:
    """Store data sets in a peer."""
    ae = AE("RADPULSE")
    ae.add_requested_context(CTImageStorage, ExplicitVRLittleEndian)
    association = ae.associate("127.0.0.1", port, ae_title=called)
    assert association.is_established
    association.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # type: ignore[union-attr]  # it is open
    for dataset in datasets:
        assert association.send_c_store(dataset).Status == 0
    association.release()


@contextmanager
def running(call: list[str], port: int, folder: Path) -> Iterator[None]:
    """A server process that listens on `port`; skips where the program is not installed."""
    if shutil.which(call[0]) is None:
        pytest.skip(f"{call[0]} is not installed")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(call, stdout=log, stderr=log, cwd=folder)
    try:
        for _ in range(300):
            with socket.socket() as tcp:
                if tcp.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def orthanc(folder: Path, **settings: Any) -> Iterator[int]:
    """An Orthanc with its DICOM port, and without its web server."""
    port = free_port()
    settings = {
        "StorageDirectory": str(folder / "db"), "IndexDirectory": str(folder / "db"), "HttpServerEnabled": False,
        "DicomServerEnabled": True, "DicomAet": "ORTHANC", "DicomPort": port, "DicomAlwaysAllowFind": True,
        "Plugins": [], "SynchronousCMove": True,
    } | settings  # fmt: skip
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with running(["Orthanc", str(folder / "orthanc.json")], port, folder):
        yield port


@contextmanager
def dcmqrscp(folder: Path) -> Iterator[int]:
    """DCMTK's archive, application entity QRSCP."""
    port = free_port()
    (folder / "db").mkdir()
    (folder / "qr.cfg").write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\nHostTable BEGIN\nHostTable END\n"
        f"VendorTable BEGIN\nVendorTable END\nAETable BEGIN\nQRSCP {folder / 'db'} RW (2000, 1024mb) ANY\nAETable END\n"
    )
    with running(["dcmqrscp", "-c", str(folder / "qr.cfg"), str(port)], port, folder):
        yield port


@contextmanager
def wlmscpfs(folder: Path) -> Iterator[int]:
    """DCMTK's worklist, application entity RIS; entries are the files RIS/*.wl."""
    port = free_port()
    (folder / "RIS").mkdir()
    (folder / "RIS" / "lockfile").touch()
    with running(["wlmscpfs", "-dfp", str(folder), str(port)], port, folder):
        yield port


Answer = Callable[[Any], Iterator[tuple[int, Dataset | None]]]


@dataclass
class Scripted:
    """A peer that answers each C-FIND as it is told, and counts what it was asked."""

    answer: Answer
    refuse: int = 0  # how many associations to refuse before it accepts
    queries: list[Dataset] = field(default_factory=list)
    associations: int = 0
    canceled: int = 0
    port: int = field(default_factory=free_port)

    def handle(self, event: Any) -> Iterator[tuple[int, Dataset | None]]:
        self.queries.append(event.identifier)
        for status, found in self.answer(event):
            if event.is_cancelled:
                self.canceled += 1
                yield 0xFE00, None
                return
            yield status, found

    def requested(self, event: Any) -> None:
        self.associations += 1
        if self.associations <= self.refuse:
            event.assoc.abort()


@contextmanager
def scripted(answer: Answer, *sop_classes: str, **changes: Any) -> Iterator[Scripted]:
    """A peer of this process that answers as scripted."""
    peer = Scripted(answer, **{k: v for k, v in changes.items() if k == "refuse"})
    ae = AE("SCRIPTED")
    ae.require_calling_aet = changes.get("calling", [])
    for sop_class in (Verification, *(sop_classes or (StudyRootQueryRetrieveInformationModelFind,))):
        ae.add_supported_context(sop_class)
    handlers: list[Any] = [(evt.EVT_C_FIND, peer.handle), (evt.EVT_REQUESTED, peer.requested)]
    server = ae.start_server(
        ("127.0.0.1", peer.port), block=False, evt_handlers=handlers, ssl_context=changes.get("tls")
    )
    assert server is not None
    try:
        yield peer
    finally:
        server.shutdown()
