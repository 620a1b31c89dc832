"""The shared reading queue: reports waiting, who may read them, in which order."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from etl.department.timetable import Span


@dataclass(slots=True)
class Reading:
    """One report to be made; inputs first, then what happened (None: not yet)."""

    key: int
    section: str
    urgent: bool
    allowance_min: float  # how long after arrival the report is due: the queue is served by due time
    transfer_min: float  # exam end to images available
    read_min: float
    sign_min: float  # dictation end to signature
    signoff_min: float  # an attending's work on a trainee's preliminary report
    ai_min: float | None = None  # length of AI processing
    ai_positive: bool = False  # moves the report to the front
    available: float | None = None
    ai_begin: float | None = None
    ai_end: float | None = None
    opened: float | None = None
    dictated: float | None = None
    prelim: float | None = None
    final: float | None = None
    reader: str | None = None
    assistant: str | None = None
    due: float = inf


@dataclass(slots=True)
class Reader:
    """A radiologist or trainee: shifts, sections read first, and sections helped when those are empty."""

    code: str
    shifts: Sequence[Span]
    sections: tuple[str, ...]
    helps: tuple[str, ...] = ()
    trainee: bool = False
    urgent_only: bool = False
    pace: float = 1.0  # multiplies reading minutes


class Worklist:
    """The shared reading queue: by section and urgency, served by due time; a trainee's drafts wait for sign-off."""

    def __init__(self) -> None:
        """Begin empty."""
        self._heaps: dict[tuple[str, bool, bool], list[tuple[float, int, Reading]]] = {}
        self._count = 0

    def put(self, item: Reading, due: float) -> None:
        """Queue a report, or its sign-off when it is preliminary; a second put moves it."""
        item.due = due
        self._count += 1
        signoff = item.prelim is not None
        heap = self._heaps.setdefault((item.section, item.urgent and not signoff, signoff), [])
        heapq.heappush(heap, (due, self._count, item))

    def take(self, reader: Reader) -> Reading | None:
        """Return and remove what this reader should do next, None when nothing fits."""
        for sections in (reader.sections, reader.helps):
            best = min(self._heads(reader, sections), default=None, key=lambda h: h[0][0])
            if best is not None:
                return heapq.heappop(best)[2]
        return None

    def _heads(self, reader: Reader, sections: tuple[str, ...]) -> list[list[tuple[float, int, Reading]]]:
        found = []
        for section in sections:
            for urgent in (True,) if reader.urgent_only else (True, False):
                for signoff in (False,) if reader.trainee else (False, True):
                    heap = self._heaps.get((section, urgent, signoff))
                    if heap and _drop_stale(heap, signoff):
                        found.append(heap)
        return found


def _drop_stale(heap: list[tuple[float, int, Reading]], signoff: bool) -> bool:
    """Remove entries that were moved or taken; return whether one is left."""
    while heap:
        due, _, item = heap[0]
        taken = item.final is not None if signoff else item.opened is not None
        if not taken and item.due == due:
            return True
        heapq.heappop(heap)
    return False


def may_take(reader: Reader, item: Reading) -> bool:
    """Return whether this reader may do this item at all."""
    if item.section not in reader.sections and item.section not in reader.helps:
        return False
    if item.prelim is not None:
        return not reader.trainee and not reader.urgent_only
    return item.urgent or not reader.urgent_only
