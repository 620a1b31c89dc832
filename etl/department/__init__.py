"""A radiology department as a discrete-event system: rooms that scan, readers that report (SimPy).

The kernel draws no random numbers: every duration arrives with its case, so the same cases give the same day, and
later cases cannot change what happened before them. Times are minutes since an origin of the caller's choice.
`etl.simulate` feeds it invented cases; a what-if feeds it observed ones.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

import simpy

from etl.department.timetable import Span, Timetable
from etl.department.worklist import Reader, Reading, Worklist, may_take

__all__ = ["Case", "Department", "Reader", "Reading", "Scanner", "Span", "Timetable", "Worklist"]

Process = Generator[Any, Any, None]

LATE_MIN = 30.0  # a booked patient who waits longer may be taken by another scanner of the pool
RECHECK_MIN = 15.0  # an idle scanner with waiting cases looks again
FINISH_MIN = 180.0  # who came while the room was open is still scanned after it closed, within this time
READY_EARLY_MIN = 20.0  # a booked patient is called at most this long before the appointment


@dataclass(slots=True)
class Scanner:
    """A room: its pool of interchangeable rooms, when it is open and down, and whether it is on call when closed."""

    code: str
    pool: str
    hours: Timetable
    down: Timetable
    on_call: bool = False


@dataclass(slots=True)
class Case:
    """One room visit with its reports; inputs first, then what happened (None: not yet)."""

    key: int
    pool: str
    booked: str | None  # the scanner it is booked on
    ready: float  # in the department and able to be scanned
    due: float  # served in this order
    stat: bool  # goes before all that are not
    emergency: bool  # may be done on call
    prep_min: float
    work_min: float  # exam begin to exam end
    turnover_min: float
    readings: list[Reading] = field(default_factory=list)
    pause: tuple[float, float] | None = None  # leaves after so many minutes, for so many minutes
    scanner: str | None = None
    in_room: float | None = None
    begin: float | None = None
    end: float | None = None
    parts: list[Span] = field(default_factory=list)


class Department:
    """Runs cases through scanners and the reading queue; results are written on the cases themselves."""

    def __init__(self, scanners: Sequence[Scanner], readers: Sequence[Reader], cases: Iterable[Case]) -> None:
        """Set the stage; `cases` must be sorted by `ready`."""
        self.env = simpy.Environment()
        self.worklist = Worklist()
        self._waiting: dict[str, list[Case]] = {s.pool: [] for s in scanners}
        self._rooms: dict[str, list[Scanner]] = {}
        self._idle_rooms: dict[str, Any] = {}
        self._idle_readers: dict[str, tuple[Reader, Any]] = {}
        for scanner in scanners:
            self._rooms.setdefault(scanner.pool, []).append(scanner)
            self.env.process(self._scan(scanner))
        for reader in readers:
            self.env.process(self._work(reader))
        self.env.process(self._arrivals(cases))

    def run(self, until: float) -> None:
        """Let time pass to `until`; what lies after stays None."""
        self.env.run(until=until)

    def _arrivals(self, cases: Iterable[Case]) -> Process:
        for case in cases:
            if case.ready > self.env.now:
                yield self.env.timeout(case.ready - self.env.now)
            self._queue(case)

    def _queue(self, case: Case) -> None:
        self._waiting[case.pool].append(case)
        for scanner in self._rooms[case.pool]:
            idle = self._idle_rooms.pop(scanner.code, None)
            if idle is not None:
                idle.succeed()

    def _scan(self, scanner: Scanner) -> Process:
        while True:
            case = self._next_case(scanner)
            if case is None:
                yield self._until_called(scanner)
            else:
                yield from self._examine(scanner, case)

    def _until_called(self, scanner: Scanner) -> Any:
        called = self._idle_rooms[scanner.code] = self.env.event()
        if not self._waiting[scanner.pool]:
            return called
        now = self.env.now
        edge = min(scanner.hours.next_edge(now), scanner.down.next_edge(now)) - now
        return called | self.env.timeout(max(min(edge, RECHECK_MIN), 1e-6))

    def _next_case(self, scanner: Scanner) -> Case | None:
        now = self.env.now
        waiting = self._waiting[scanner.pool]
        if not waiting or scanner.down.holds(now):
            return None
        is_open = scanner.hours.holds(now)
        fit = [c for c in waiting if _may_scan(scanner, c, now, is_open)]
        if not fit:
            return None
        best = min(fit, key=lambda c: (not c.stat, c.due, c.key))
        waiting.remove(best)
        return best

    def _examine(self, scanner: Scanner, case: Case) -> Process:
        case.scanner = scanner.code
        if case.in_room is None:
            case.in_room = self.env.now
        yield self.env.timeout(case.prep_min)
        begin = self.env.now
        if case.begin is None:
            case.begin = begin
        if case.pause is not None and not case.parts:
            yield self.env.timeout(case.pause[0])
            self.env.process(self._come_back(case, case.pause[1]))
        else:
            yield self.env.timeout(case.work_min - sum(e - b for b, e in case.parts))
            case.end = self.env.now
            for reading in case.readings:
                self.env.process(self._deliver(reading))
        case.parts.append((begin, self.env.now))
        yield self.env.timeout(case.turnover_min)

    def _come_back(self, case: Case, after_min: float) -> Process:
        yield self.env.timeout(after_min)
        case.due = self.env.now
        self._queue(case)

    def _deliver(self, item: Reading) -> Process:
        yield self.env.timeout(item.transfer_min)
        item.available = self.env.now
        self._offer(item, self.env.now + item.allowance_min)
        if item.ai_min is not None:
            item.ai_begin = self.env.now
            yield self.env.timeout(item.ai_min)
            item.ai_end = self.env.now
            if item.ai_positive and item.opened is None:
                self._offer(item, self.env.now - 1440.0)

    def _offer(self, item: Reading, due: float) -> None:
        self.worklist.put(item, due)
        for code, (reader, idle) in self._idle_readers.items():
            if may_take(reader, item):
                del self._idle_readers[code]
                idle.succeed()
                return

    def _work(self, reader: Reader) -> Process:
        for begin, end in reader.shifts:
            if begin > self.env.now:
                yield self.env.timeout(begin - self.env.now)
            while self.env.now < end:
                item = self.worklist.take(reader)
                if item is None:
                    yield self._until_needed(reader, end)
                    self._idle_readers.pop(reader.code, None)
                elif item.prelim is None:
                    yield from self._read(reader, item)
                else:
                    yield from self._sign_off(reader, item)

    def _until_needed(self, reader: Reader, end: float) -> Any:
        idle = self.env.event()
        self._idle_readers[reader.code] = (reader, idle)
        return idle | self.env.timeout(end - self.env.now)

    def _read(self, reader: Reader, item: Reading) -> Process:
        item.opened = self.env.now
        if reader.trainee:
            item.assistant = reader.code
        else:
            item.reader = reader.code
        yield self.env.timeout(item.read_min * reader.pace)
        item.dictated = self.env.now
        self.env.process(self._sign(reader, item))

    def _sign(self, reader: Reader, item: Reading) -> Process:
        yield self.env.timeout(item.sign_min)
        if reader.trainee:
            item.prelim = self.env.now
            self._offer(item, self.env.now + item.allowance_min)
        else:
            item.final = self.env.now

    def _sign_off(self, reader: Reader, item: Reading) -> Process:
        item.reader = reader.code
        item.due = inf  # no one else may take it while it is worked on
        yield self.env.timeout(item.signoff_min * reader.pace)
        item.final = self.env.now


def _may_scan(scanner: Scanner, case: Case, now: float, is_open: bool) -> bool:
    if case.parts:
        return case.scanner == scanner.code  # who left a table comes back to it, whatever the hour
    if case.emergency and scanner.on_call:
        return True
    if case.booked is None:
        return is_open or (scanner.hours.holds(case.ready) and now < case.ready + FINISH_MIN)
    if case.booked == scanner.code:
        return now >= case.due - READY_EARLY_MIN
    return is_open and now >= case.due + LATE_MIN
