"""`make bench`: how fast we read, beside what a user would pick instead and beside the floor, in one run.

Every row is measured in turns (ours, peer, floor, ours, ...), so that a machine whose speed drifts does not decide;
what is printed are medians of the rounds and ratios of those medians.
"""

from __future__ import annotations

import copy
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

import hl7
import pydicom
from rich.console import Console
from rich.table import Table

from etl.simulate import simulate
from etl.sources.dicom_files import read_item
from etl.sources.dose_reports import read_report
from etl.sources.hl7_rules import field_rules
from etl.sources.hl7v2 import items

ROUNDS = 5
ZONE = ZoneInfo("America/New_York")
END = datetime(2026, 9, 1, tzinfo=UTC)
HEADER = [
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyDate",
    "SeriesDate",
    "AcquisitionDate",
    "AcquisitionDateTime",
    "StudyTime",
    "SeriesTime",
    "AcquisitionTime",
    "AccessionNumber",
    "Modality",
    "Manufacturer",
    "StationName",
    "ManufacturerModelName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "BodyPartExamined",
    "ProtocolName",
    "AcquisitionDuration",
    "StudyInstanceUID",
    "SeriesInstanceUID",
]


@dataclass(frozen=True)
class Row:
    """One comparison: the work, what one unit of it is, and who does it (name -> function over all units)."""

    title: str
    unit: str
    units: int
    contestants: dict[str, Callable[[], object]]


def seconds(work: Callable[[], object]) -> float:
    """Seconds one pass takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def medians(row: Row) -> dict[str, float]:
    """Median seconds of each contestant over the rounds, taken in turns after one round that does not count."""
    taken: dict[str, list[float]] = {name: [] for name in row.contestants}
    for number in range(ROUNDS + 1):
        for name, work in row.contestants.items():
            took = seconds(work)
            if number:
                taken[name].append(took)
    return {name: statistics.median(times) for name, times in taken.items()}


def each(work: Callable[[Path], object], paths: Iterable[Path]) -> Callable[[], None]:
    """A pass over all paths."""

    def over() -> None:
        for path in paths:
            work(path)

    return over


def hl7_row(folder: Path) -> Row:
    """Messages to event records, beside python-hl7 only splitting them, beside cutting the bytes into lines."""
    files = sorted(folder.glob("feeds/north_hl7/*.hl7"))
    texts = [path.read_bytes() for path in files]
    messages = [m for text in texts for m in ("\rMSH" + part for part in text.decode().split("\rMSH")[1:])]
    rules = field_rules({})
    return Row(
        "HL7 v2 to event records",
        "messages",
        len(messages),
        {
            "radpulse": lambda: [list(items(text, "bench", ZONE, rules)) for text in texts],
            "python-hl7, split only": lambda: [hl7.parse(m.strip().split("\rBTS")[0]) for m in messages],
            "floor: lines": lambda: [text.split(b"\r") for text in texts],
        },
    )


def attributes(path: Path) -> list[object]:
    """What a plain pydicom loop does for the same header."""
    found = pydicom.dcmread(path, stop_before_pixels=True)
    return [found.get(name) for name in HEADER]


def header_row(folder: Path) -> Row:
    """Headers to series records, beside plain pydicom, beside reading each file's first 16 KB."""
    files = sorted(folder.glob("feeds/*_dicom/**/*.dcm"))[:2000]
    return Row(
        "DICOM header to series record",
        "files",
        len(files),
        {
            "radpulse": each(lambda path: read_item(path, path.name, ZONE), files),
            "pydicom loop": each(attributes, files),
            "floor: first 16 KB": each(lambda path: path.open("rb").read(1 << 14), files),
        },
    )


def walk(item: pydicom.Dataset) -> int:
    """Visit every item of a content tree and look at its concept and value."""
    concept = item.get("ConceptNameCodeSequence")
    _ = concept[0].CodeValue if concept else None
    measured = item.get("MeasuredValueSequence")
    _ = measured[0].NumericValue if measured else None
    return 1 + sum(walk(child) for child in item.get("ContentSequence", []))


def dose_row(folder: Path) -> Row:
    """Dose reports to irradiation events with totals, beside walking the content tree with pydicom."""
    files = sorted(folder.glob("feeds/*_dose/**/*.dcm"))[:200]
    return Row(
        "dose report to irradiation events",
        "reports",
        len(files),
        {
            "radpulse": each(lambda path: read_report(path, ZONE), files),
            "pydicom walk": each(lambda path: walk(pydicom.dcmread(path)), files),
        },
    )


def long_report_row(folder: Path) -> Row:
    """One report of 300 irradiation events: a simulated report's own, over and over under UIDs of their own."""
    events, path = 300, folder / "long.dcm"
    for source in sorted(folder.glob("feeds/*_dose/**/*.dcm")):
        report = pydicom.dcmread(source)
        found = [i for i in report.ContentSequence if i.ConceptNameCodeSequence[0].CodeValue in ("113706", "113819")]
        if found:
            break
    for number in range(events - len(found)):
        event = copy.deepcopy(found[number % len(found)])
        for part in event.ContentSequence:
            if part.ConceptNameCodeSequence[0].CodeValue == "113769":
                part.UID = f"1.2.3.{number}"
        report.ContentSequence.append(event)
    report.save_as(path)
    return Row(
        f"dose report of {events} events, {path.stat().st_size / 1e6:.1f} MB",
        "report",
        1,
        {"radpulse": lambda: read_report(path, ZONE), "pydicom walk": lambda: walk(pydicom.dcmread(path))},
    )


def main() -> None:
    """Simulate a few days, measure every row and print the table."""
    console = Console(width=120)
    table = Table("work", "who", "per second", "ours is", title="Side by side, medians of 5 rounds in turns")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate(folder, seed=7, end=END, days=6, dicom_days=4, scale=0.5)
        for make in (hl7_row, header_row, dose_row, long_report_row):
            row = make(folder)
            found = medians(row)
            ours = found["radpulse"]
            for who, took in found.items():
                ratio = "" if who == "radpulse" else f"{took / ours:.2f} x as fast"
                title = f"{row.title} ({row.units:,} {row.unit})" if who == "radpulse" else ""
                table.add_row(title, who, f"{row.units / took:,.1f}", ratio)
    console.print(table)
    packages = ", ".join(f"{p} {version(p)}" for p in ("pydicom", "hl7"))
    console.print(f"{platform.machine()}, Python {sys.version.split()[0]}, {packages}", highlight=False)


if __name__ == "__main__":
    main()
