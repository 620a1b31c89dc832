"""What a record must satisfy before it may become an event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from etl.errors import Reason
from etl.records import DoseRecord, EntryRecord, EventRecord, Identifiers, OpeningRecord, Record, SeriesRecord
from etl.staging.clean import EPOCH

EARLIEST_AT = EPOCH.replace(year=1980)
AHEAD = timedelta(days=1)  # a device clock may be minutes off, a zone mix-up hours; a day is broken
PLANNED_AHEAD = timedelta(days=400)  # how far calendars are published
BOOKED_AHEAD = timedelta(days=3 * 365)
OFFSET_LIMIT_MIN = 26 * 60
INT32 = 2**31 - 1
INT64 = 2**63 - 1

Fault = tuple[Reason, str]


@dataclass(frozen=True, slots=True)
class Bounds:
    """The instants and scanners that a run accepts."""

    now_at: datetime
    scanners: frozenset[str]

    @property
    def ahead_at(self) -> datetime:
        """Latest plausible instant of something that has happened."""
        return self.now_at + AHEAD


def plain_name(name: str) -> str:
    """Return a scanner's code or station name as names are compared."""
    return name.strip().upper()


def fault(record: Record, bounds: Bounds) -> Fault | None:
    """Return why a record cannot be loaded, None when it can."""
    if isinstance(record, OpeningRecord):
        return _opening_fault(record, bounds)
    if isinstance(record, EntryRecord):
        return _entry_fault(record, bounds)
    if isinstance(record, EventRecord) and not _identified(record.ids):
        return Reason.MISSING_IDENTIFIER, "no patient, order, study, visit or appointment identifier"
    at = record.begin_at if isinstance(record, SeriesRecord) else record.occurred_at
    return (
        _time_fault(at, record.known_at, bounds) or _offset_fault(record.utc_offset_min) or _own_fault(record, bounds)
    )


def _identified(ids: Identifiers) -> bool:
    return any(
        value and not value.isspace()
        for value in (
            ids.accession_number,
            ids.filler_order_number,
            ids.placer_order_number,
            ids.study_instance_uid,
            ids.patient_id,
            ids.appointment_id,
            ids.visit_number,
        )
    )


def _time_fault(at: datetime, known_at: datetime | None, bounds: Bounds) -> Fault | None:
    """Refuse what lies before 1980, after the present, or more than a day after it was said to be known."""
    if at < EARLIEST_AT:
        return Reason.IMPOSSIBLE_TIME, f"time lies before {EARLIEST_AT.year}"
    if known_at is not None and known_at > bounds.ahead_at:
        return Reason.IMPOSSIBLE_TIME, "message time lies more than a day in the future"
    if at > (known_at + AHEAD if known_at is not None else bounds.ahead_at):
        return Reason.IMPOSSIBLE_TIME, "time lies more than a day after it was known"
    return None


def _offset_fault(offset_min: int | None) -> Fault | None:
    if offset_min is not None and abs(offset_min) > OFFSET_LIMIT_MIN:
        return Reason.BAD_VALUE, "UTC offset beyond 26 hours"
    return None


def _own_fault(record: EventRecord | SeriesRecord | DoseRecord, bounds: Bounds) -> Fault | None:
    if isinstance(record, SeriesRecord):
        return _series_fault(record)
    if isinstance(record, DoseRecord):
        return _dose_fault(record)
    booked_at = record.attributes.appointment_at
    if booked_at is not None and not EARLIEST_AT <= booked_at <= bounds.now_at + BOOKED_AHEAD:
        return Reason.IMPOSSIBLE_TIME, "appointment before 1980 or more than three years ahead"
    return None


def _series_fault(record: SeriesRecord) -> Fault | None:
    if not record.series_instance_uid.strip():
        return Reason.MISSING_IDENTIFIER, "no Series Instance UID"
    if not 0 <= record.number_of_instances <= INT32 or not 0 <= (record.size_bytes or 0) <= INT64:
        return Reason.BAD_VALUE, "number of instances or size out of range"
    return None


def _dose_fault(record: DoseRecord) -> Fault | None:
    if not record.report_uid.strip() or not record.irradiation_event_uid.strip():
        return Reason.MISSING_IDENTIFIER, "no report or irradiation event UID"
    if record.phantom_cm is not None and not 0 <= record.phantom_cm <= INT32:
        return Reason.BAD_VALUE, "phantom size out of range"
    return None


def _entry_fault(record: EntryRecord, bounds: Bounds) -> Fault | None:
    """Refuse a list's row out of bounds; rosters and validities are published ahead."""
    latest_at = bounds.now_at + PLANNED_AHEAD
    if not EARLIEST_AT <= record.begin_at <= latest_at or (record.end_at is not None and record.end_at > latest_at):
        return Reason.IMPOSSIBLE_TIME, "row before 1980 or more than 400 days ahead"
    if record.end_at is not None and record.end_at <= record.begin_at:
        return Reason.BAD_VALUE, "row ends before it begins"
    if record.count is not None and not 0 <= record.count <= INT64:
        return Reason.BAD_VALUE, "count out of range"
    return _offset_fault(record.utc_offset_min)


def _opening_fault(record: OpeningRecord, bounds: Bounds) -> Fault | None:
    if bounds.scanners and plain_name(record.scanner_code) not in bounds.scanners:
        return Reason.UNKNOWN_SCANNER, "scanner is not in the settings"
    if record.begin_at < EARLIEST_AT or record.end_at > bounds.now_at + PLANNED_AHEAD:
        return Reason.IMPOSSIBLE_TIME, "stretch before 1980 or more than 400 days ahead"
    if record.end_at <= record.begin_at:
        return Reason.BAD_VALUE, "stretch ends before it begins"
    return None
