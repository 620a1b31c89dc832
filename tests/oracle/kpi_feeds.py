"""Oracles of interfaces and data quality, from the feeds' own files and the planted faults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pydicom
from kpi_truth import Measures, Truth, oracle


def last_message(folder: Path, zone: ZoneInfo) -> datetime:
    """Return the latest MSH-7 of a folder of HL7 files; a text without offset is local."""
    newest = None
    for file in folder.rglob("*.hl7"):
        for line in file.read_bytes().replace(b"\n", b"\r").split(b"\r"):
            if line.startswith(b"MSH|"):
                text = line.split(b"|")[6].decode("ascii")
                at = datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=zone)
                if len(text) > 14:
                    at = datetime.strptime(text[:14] + text[-5:], "%Y%m%d%H%M%S%z")
                newest = at if newest is None else max(newest, at)
    assert newest is not None
    return newest


@oracle("I03")
def freshness(t: Truth) -> Measures:
    """Lag of the two HL7 feeds, named as columns: the KPI is asked by feed."""
    found = {}
    for feed in t.settings["feeds"]:
        if feed["kind"] == "hl7v2":
            newest = last_message(t.folder / feed["path"], t.zones[feed["site"]])
            found[feed["key"]] = max(0.0, (t.as_of - newest).total_seconds() / 60)
    return found


@oracle("I03-overdue")
def overdue(t: Truth) -> Measures:
    return {"count": 0}  # every feed delivers to the end


@oracle("I04-violations")
def order_violations(t: Truth) -> Measures:
    return {"numerator": 0, "n": len(t.ended)}  # nothing happens before its cause in the simulated department


@oracle("I04-unlinked")
def unlinked(t: Truth) -> Measures:
    """Series and dose reports without an accession, of a patient whom no message knows; every message has its exam."""
    known, found = set(), 0
    for feed in t.settings["feeds"]:
        if feed["kind"] == "hl7v2":
            known |= set(patients(t.folder / feed["path"]))
    for feed in t.settings["feeds"]:
        if all(feed.get(name) == value for name, value in t.where):
            found += sum(not accession and mrn not in known for accession, mrn in imaged(t.folder / feed["path"]))
    return {"numerator": found}


def patients(folder: Path) -> Iterator[str]:
    """Yield the patient number of every PID segment of a folder of HL7 files."""
    for file in folder.rglob("*.hl7"):
        for line in file.read_bytes().replace(b"\n", b"\r").split(b"\r"):
            if line.startswith(b"PID|"):
                yield line.split(b"|")[3].split(b"^")[0].decode("ascii")


def imaged(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield accession and patient number of every series answer and DICOM file of a folder."""
    for file in folder.rglob("*.json"):
        for answer in json.loads(file.read_text(encoding="utf-8")):
            if "00100020" not in answer:  # no series: an event of another kind of feed
                continue
            yield (
                str(answer.get("00080050", {}).get("Value", [""])[0]),
                str(answer["00100020"]["Value"][0]),
            )
    for file in folder.rglob("*.dcm"):
        header = pydicom.dcmread(file, specific_tags=["AccessionNumber", "PatientID"])
        yield str(header.AccessionNumber), str(header.PatientID)


@oracle("I04-unmapped")
def unmapped(t: Truth) -> Measures:
    return {"numerator": 0}


@oracle("I04-quarantine")
def quarantined(t: Truth) -> Measures:
    return {"n": 0}  # what is sent is well-formed


@oracle("I04-skew")
def clock_skew(t: Truth) -> Measures:
    return {"max": float(t.planted["clock_offset"][0]["offset_min"])}
