"""What must hold after a load and derivation; every finding says what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Table, exists, func, or_, select

from etl.warehouse.tables import (
    EVENT_TABLES,
    event,
    event_dose,
    event_series,
    fact_acquisition,
    fact_dose_event,
    fact_entry,
    fact_exam,
    fact_report_version,
    fact_scanner_hour,
    fact_slot,
    fact_visit,
    link,
    run,
)

MINUTES_SLACK = 1e-6
# decision 11: T07, T08, T13 and U10 may be negative, T06 is cut at zero; these may not without being flagged
NEVER_NEGATIVE = (
    "order_to_arrive_min",
    "patient_wait_min",
    "prep_min",
    "exam_duration_min",
    "dicom_duration_min",
    "images_delay_min",
    "report_tat_min",
    "first_communication_min",
    "total_tat_min",
    "unread_wait_min",
    "read_time_min",
    "prelim_to_final_min",
    "end_to_end_min",
)
REBUILD = "run `radpulse ingest` again; if it stays, report it: the facts differ from their events"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be: which check found it, how often, what to do."""

    check: str
    n: int
    text: str
    fix: str


def check_warehouse(connection: Connection) -> list[Finding]:
    """Return what is wrong with the warehouse, nothing when all checks hold."""
    return [finding for check in CHECKS for finding in check(connection)]


def _count(connection: Connection, table: Table, *conditions: object) -> int:
    query = select(func.count()).select_from(table).where(*conditions)  # type: ignore[arg-type]  # any conditions
    return int(connection.execute(query).scalar_one())


def _conservation(connection: Connection) -> Iterator[Finding]:
    """Every run accounts for every item it was offered."""
    parts = run.c.loaded + run.c.unchanged + run.c.quarantined + run.c.filtered
    n = _count(connection, run, run.c.offered != parts)
    if n:
        text = f"{n} runs whose items do not add up to what was offered"
        yield Finding("conservation", n, text, "list them in table run, then load those feeds again from the source")


def _duplicates(connection: Connection) -> Iterator[Finding]:
    """An event is held once, and a fact has one row a key."""
    for table, key in [(t, "event_id") for t in EVENT_TABLES] + [
        (fact_exam, "exam_key"),
        (fact_visit, "visit_key"),
        (fact_acquisition, "series_key"),
    ]:
        column = table.c[key]
        twice = select(column).group_by(column).having(func.count() > 1).subquery()
        n = int(connection.execute(select(func.count()).select_from(twice)).scalar_one())
        if n:
            yield Finding("duplicates", n, f"{n} values of {table.name}.{key} occur more than once", REBUILD)


def _orphans(connection: Connection) -> Iterator[Finding]:
    """A fact refers only to exams and visits that exist; a link to an event and exam that exist."""
    references: list[tuple[Column[int], Column[int]]] = [
        (fact_exam.c.visit_key, fact_visit.c.visit_key),
        (fact_slot.c.exam_key, fact_exam.c.exam_key),
        (fact_entry.c.exam_key, fact_exam.c.exam_key),
        (fact_acquisition.c.exam_key, fact_exam.c.exam_key),
        (fact_dose_event.c.exam_key, fact_exam.c.exam_key),
        (fact_report_version.c.exam_key, fact_exam.c.exam_key),
        (link.c.exam_key, fact_exam.c.exam_key),
    ]
    for child, parent in references:
        here = ~exists().where(parent == child)
        n = _count(connection, child.table, child.is_not(None), child != 0, here)
        if n:
            yield Finding("orphans", n, f"{n} rows of {child.table.name} have a {child.name} nobody has", REBUILD)
    held = [~exists().where(t.c.event_id == link.c.event_id) for t in (event, event_series, event_dose)]
    n = _count(connection, link, *held)
    if n:
        yield Finding("orphans", n, f"{n} links to events that are not held", REBUILD)


def _negative(connection: Connection) -> Iterator[Finding]:
    """Durations that cannot be negative are not, unless the exam is flagged for it."""
    unflagged = or_(fact_exam.c.has_order_violation.is_(None), fact_exam.c.has_order_violation.is_(False))
    for name in NEVER_NEGATIVE:
        n = _count(connection, fact_exam, fact_exam.c[name] < 0, unflagged)
        if n:
            yield Finding("negative", n, f"{n} exams have a negative {name} without being flagged", REBUILD)


def _minutes(connection: Connection) -> Iterator[Finding]:
    """An hour has at most sixty minutes, and what is used inside operating time is at most operating time."""
    hours = fact_scanner_hour.c
    for used in (hours.table_min, hours.room_min, hours.booked_min):
        n = _count(connection, fact_scanner_hour, used > hours.operating_min + MINUTES_SLACK)
        if n:
            text = f"{n} scanner hours with more {used.name} than operating_min"
            yield Finding("minutes", n, text, REBUILD)
    for column in (hours.operating_min, hours.scheduled_open_min, hours.down_min, hours.table_min):
        n = _count(connection, fact_scanner_hour, or_(column < 0, column > 60 + MINUTES_SLACK))
        if n:
            yield Finding("minutes", n, f"{n} scanner hours with {column.name} outside 0..60", REBUILD)


CHECKS: tuple[Callable[[Connection], Iterator[Finding]], ...] = (
    _conservation,
    _duplicates,
    _orphans,
    _negative,
    _minutes,
)
