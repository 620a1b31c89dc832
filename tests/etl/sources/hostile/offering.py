"""Offers mutants to their sources in a process of its own, timing each and watching its memory.

``python offering.py SEEDS_FOLDER SEED`` reads lines ``KIND FIRST COUNT FOLDER`` and answers each with one line of JSON.
What was offered lies in FOLDER for the real pipeline: as landed segments, or as files where a layout change may
stop the feed; those that did are below FOLDER/stopped.
"""

from __future__ import annotations

import ctypes
import gc
import json
import platform
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import csv_mutations
import dicom_mutations
import hl7_mutations
import json_mutations
from bytes_mutations import mutated

from etl.errors import FeedStoppedError, FilterReason, Reason
from etl.landing import LandingWriter
from etl.reading import read_items
from etl.records import Filtered, Read, Record, Refused, SourceItem
from etl.settings import Feed, Settings, Site
from etl.sources import SOURCES
from etl.sources.dicom_text import decode

LONGEST_S = 1.0  # of processor time for one mutant
SEGMENT_FRAMES = 500
MUTATIONS = {
    "hl7v2": hl7_mutations.MUTATIONS,
    "dicom_files": dicom_mutations.MUTATIONS,
    "dose_reports": dicom_mutations.MUTATIONS,
    "dicomweb": json_mutations.MUTATIONS,
    "ris_csv": csv_mutations.MUTATIONS,
    "openings_csv": csv_mutations.MUTATIONS,
}
OPTIONS = {"ris_csv": {"mapping": "epic_like"}}
AS_FILES = frozenset({"ris_csv", "openings_csv"})
PAGE_KIB = 4
LIBC = ctypes.CDLL("libc.so.6") if platform.libc_ver()[0] == "glibc" else None
Offers = Iterator[tuple[int, Iterator[SourceItem]]]  # a mutant's number, or a segment's first less one; its items


@dataclass(slots=True)
class Tally:
    """What became of a round of mutants."""

    mutants: int = 0
    items: int = 0
    read: int = 0
    filtered: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    stopped: int = 0
    slowest_s: float = 0.0
    slowest: int = -1
    faults: list[str] = field(default_factory=list)
    resident_kib: int = 0


def mutant(kind: str, samples: list[bytes], seed: int, number: int) -> bytes:
    """Return the mutant of this number: the same whenever seed and samples are."""
    chance = random.Random(f"{seed}/{kind}/{number}")  # noqa: S311 - reproducible, not secret
    sample = chance.choice(samples)
    return mutated(sample, MUTATIONS[kind], chance)


def installation(folder: Path, kind: str) -> tuple[Feed, Settings]:
    """Return a feed of this kind whose files lie in `folder`."""
    feed = Feed(key="hostile", kind=kind, site="S", path=folder, options=OPTIONS.get(kind, {}))
    return feed, Settings(base=folder.parent, sites=(Site(code="S", name="S", zone="America/New_York"),), feeds=(feed,))


def check(item: SourceItem) -> None:
    """Raise AssertionError unless an item keeps the promise of every source."""
    if isinstance(item, Refused):
        assert isinstance(item.reason, Reason)
        assert item.detail
        assert "\n" not in item.detail
    elif isinstance(item, Filtered):
        assert isinstance(item.reason, FilterReason)
    else:
        assert item.records
        assert all(isinstance(record, get_args(Record)) for record in item.records)


class Offering:
    """One kind's mutants, a round at a time."""

    def __init__(self, kind: str, samples: list[bytes], seed: int) -> None:
        self.kind, self.samples, self.seed = kind, samples, seed

    def round(self, first: int, count: int, folder: Path) -> Tally:
        """Offer mutants `first` to `first + count - 1`; nothing raised in a source leaves this."""
        tally = Tally(mutants=count)
        folder.mkdir(parents=True, exist_ok=True)
        offer = self._files if self.kind in AS_FILES else self._segments
        for number, items in offer(first, count, folder, tally):
            self._take(number, items, tally)
        gc.collect()
        if LIBC is not None:
            LIBC.malloc_trim(0)  # what the allocator holds back for later is no growth
        tally.resident_kib = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_KIB
        return tally

    def _segments(self, first: int, count: int, folder: Path, tally: Tally) -> Offers:
        feed, settings = installation(folder, self.kind)
        for begin in range(first, first + count, SEGMENT_FRAMES):
            end = min(begin + SEGMENT_FRAMES, first + count)
            with LandingWriter(folder, seal_bytes=1 << 40) as writer:
                for number in range(begin, end):
                    writer.append(mutant(self.kind, self.samples, self.seed, number), datetime.now(UTC))
                segment = writer.seal()
            assert segment is not None
            yield begin - 1, read_items(SOURCES[self.kind], segment, feed, settings)

    def _files(self, first: int, count: int, folder: Path, tally: Tally) -> Offers:
        feed, settings = installation(folder, self.kind)
        for number in range(first, first + count):
            path = folder / f"{number}.csv"
            path.write_bytes(mutant(self.kind, self.samples, self.seed, number))
            before = tally.stopped
            yield number, read_items(SOURCES[self.kind], path, feed, settings)
            if tally.stopped > before:
                (folder / "stopped").mkdir(exist_ok=True)
                path.rename(folder / "stopped" / path.name)

    def _take(self, number: int, items: Iterator[SourceItem], tally: Tally) -> None:
        """Count items up to the end; what a stopped file gave before it stopped is not loaded."""
        begun = time.process_time()
        found: list[SourceItem] = []
        try:
            for item in items:
                begun = self._timed(_number(number, item), begun, tally)
                check(item)
                found.append(item)
        except FeedStoppedError as stopped:
            tally.stopped += 1
            if "column" not in str(stopped):
                tally.faults.append(f"{self.kind} {self.seed}/{number}: stopped without a difference")
            return
        except Exception as fault:  # noqa: BLE001 - whatever a source raises is what is looked for
            tally.faults.append(f"{self.kind} {self.seed}/{number}+{len(found)}: {type(fault).__name__}: {fault}")
        if number >= 0 and self.kind in AS_FILES:
            self._timed(number, begun, tally)
        _count(found, tally)

    def _timed(self, number: int, begun: float, tally: Tally) -> float:
        now = time.process_time()
        if now - begun > tally.slowest_s:
            tally.slowest_s, tally.slowest = now - begun, number
        if now - begun > LONGEST_S:
            tally.faults.append(f"{self.kind} {self.seed}/{number}: {now - begun:.2f} s")
        return now


def _number(begin: int, item: SourceItem) -> int:
    """Return the mutant an item came from: a segment's frame, or the file itself."""
    place = item.source_ref.split("#")
    return begin + int(place[1]) if ".seg" in place[0] else begin


def _count(items: list[SourceItem], tally: Tally) -> None:
    tally.items += len(items)
    for item in items:
        if isinstance(item, Read):
            tally.read += 1
        elif isinstance(item, Filtered):
            tally.filtered += 1
        else:
            tally.refused[str(item.reason)] = tally.refused.get(str(item.reason), 0) + 1


def main() -> None:
    """Answer rounds until the input ends."""
    seeds, seed = Path(sys.argv[1]), int(sys.argv[2])
    decode(b"\x1b$B", ("",))  # imports pydicom, which is no mutant's fault
    offerings: dict[str, Offering] = {}
    for line in sys.stdin:
        kind, first, count, folder = line.split(maxsplit=3)
        if kind not in offerings:
            samples = [path.read_bytes() for path in sorted((seeds / kind).iterdir())]
            offerings[kind] = Offering(kind, samples, seed)
        tally = offerings[kind].round(int(first), int(count), Path(folder.strip()))
        print(json.dumps(asdict(tally)), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
