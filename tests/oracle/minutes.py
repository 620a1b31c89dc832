"""A department replayed minute by minute: what every scanner hour must hold, without any interval arithmetic.

Instants are whole minutes since 1970 UTC. Nothing here comes from `etl`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

PAUSE, TURNOVER_CAP, SAME_STUDY = 30, 45, 720


@dataclass(frozen=True)
class Exam:
    """An exam on the table, with its series as (begin, end)."""

    key: int
    patient: int
    study: str | None
    begin: int
    end: int
    series: tuple[tuple[int, int], ...] = ()


@dataclass
class Scanner:
    """A scanner's days: exams, bookings and calendar as (begin, end), minutes of buffer."""

    exams: list[Exam]
    booked: list[tuple[int, int]]
    open: list[tuple[int, int]]
    closed: list[tuple[int, int]]
    down: list[tuple[int, int]]
    before: int = 0
    after: int = 0
    hours: dict[int, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Hour:
    """A cell of the local clock: its first minute and how it reads."""

    begin: int
    day: date
    hour: int


def cells(first: int, last: int, zone: str) -> Iterator[tuple[int, Hour]]:
    """Yield every minute with its cell: a new one begins where the local hour or the zone's offset changes."""
    here, seen = None, None
    for minute in range(first, last):
        local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)).astimezone(ZoneInfo(zone))
        now = (local.date(), local.hour, local.utcoffset())
        if now != seen or here is None:
            here, seen = Hour(minute, local.date(), local.hour), now
        yield minute, here


def visits_of(exams: list[Exam]) -> list[list[Exam]]:
    """Return exams in visits: of one patient and touching, or of one study and begun within half a day."""
    groups = [[exam] for exam in exams]
    joined = True
    while joined:
        joined = False
        for a in range(len(groups)):
            for b in range(len(groups) - 1, a, -1):
                if any(linked(x, y) for x in groups[a] for y in groups[b]):
                    groups[a] += groups.pop(b)
                    joined = True
    return groups


def linked(x: Exam, y: Exam) -> bool:
    """Whether two exams are one visit."""
    touching = x.patient == y.patient and x.begin <= y.end and y.begin <= x.end
    same = x.study is not None and x.study == y.study and abs(x.begin - y.begin) <= SAME_STUDY
    return touching or same


def present(visit: list[Exam]) -> list[int]:
    """Return the minutes a patient is in the room: all of the visit but pauses between acquisitions."""
    begin, end = min(e.begin for e in visit), max(e.end for e in visit)
    acquiring = {m for e in visit for b, f in e.series for m in range(b, f)}
    away: set[int] = set()
    last = None
    for minute in sorted(acquiring):
        if last is not None and minute - last - 1 > PAUSE and begin < last + 1 and minute < end:
            away |= set(range(last + 1, minute))
        last = minute
    return [m for m in range(begin, end) if m not in away]


def runs(minutes: list[int]) -> list[tuple[int, int]]:
    """Return contiguous runs of sorted minutes as (begin, end)."""
    found: list[list[int]] = []
    for minute in minutes:
        if found and found[-1][1] == minute:
            found[-1][1] = minute + 1
        else:
            found.append([minute, minute + 1])
    return [(b, e) for b, e in found]


def replay(scanner: Scanner, first: int, last: int, zone: str) -> dict[Hour, dict[str, float]]:
    """Return what each local hour holds, counted minute by minute; hours without anything are left out."""
    cell_of = dict(cells(first, last, zone))
    found: dict[Hour, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    seated: dict[int, int] = defaultdict(int)
    wide, wide_before = set(), set()
    parts: list[tuple[int, int, int, float | None]] = []
    for visit in visits_of(scanner.exams):
        here = present(visit)
        series = [s for e in visit for s in e.series]
        acquiring = {m for b, f in series for m in range(b, f)}
        for number, (begin, end) in enumerate(runs(here)):
            parts.append((begin, end, number, sum(m in acquiring for m in range(begin, end)) if series else None))
            wide_before |= set(range(begin - scanner.before, end))
            wide |= set(range(begin - scanner.before, end + scanner.after))
        for minute in here:
            seated[minute] += 1
    booked, is_open, closed, down = (
        {m for b, e in spans for m in range(b, e)}
        for spans in (scanner.booked, scanner.open, scanner.closed, scanner.down)
    )
    for minute, cell in cell_of.items():
        planned = minute in is_open and minute not in closed
        operating = planned and minute not in down
        seen = {
            "scheduled_open_min": planned,
            "operating_min": operating,
            "down_min": planned and minute in down,
            "table_min": operating and seated[minute] > 0,
            "room_before_min": operating and minute in wide_before,
            "room_min": operating and minute in wide,
            "booked_min": operating and minute in booked,
            "used_booked_min": operating and minute in booked and seated[minute] > 0,
            "after_hours_min": not operating and seated[minute] > 0,
            "summed_min": seated[minute],
        }
        for name, value in seen.items():
            if value:
                found[cell][name] += value
    for begin, end, number, acquired in parts:
        at = found[cell_of[begin]]
        at["begun_visits"] += number == 0
        at["begun_scan_min"] += end - begin
        if acquired is not None:
            at["imaged_min"] += end - begin
            at["acquired_min"] += acquired
    _turnovers(parts, cell_of, found)
    return {cell: dict(values) for cell, values in found.items()}


def _turnovers(
    parts: list[tuple[int, int, int, float | None]], cell_of: dict[int, Hour], found: dict[Hour, dict[str, float]]
) -> None:
    """Add the gaps up to the cap, in the hour of the later visit; who overlaps with somebody before has no gap."""
    busy_until: dict[date, int] = {}
    for begin, end, *_ in sorted(parts):
        day = cell_of[begin].day
        if day in busy_until and 0 <= begin - busy_until[day] <= TURNOVER_CAP:
            found[cell_of[begin]]["turnover_min"] += begin - busy_until[day]
            found[cell_of[begin]]["turnovers"] += 1
        busy_until[day] = max(busy_until.get(day, end), end)
