"""Source items: what a source yields, each in exactly one class."""

from __future__ import annotations

from dataclasses import dataclass, field

from etl.errors import FilterReason, Reason
from etl.records.devices import DoseRecord, SeriesRecord
from etl.records.lists import EntryRecord, OpeningRecord
from etl.records.workflow import EventRecord

Record = EventRecord | SeriesRecord | DoseRecord | OpeningRecord | EntryRecord


@dataclass(frozen=True, slots=True)
class Read:
    """An item that yielded records (at least one with an identifier and a time)."""

    source_ref: str  # relative file and position: "2026-10-01.hl7#17"
    records: tuple[Record, ...]
    control_id: str | None = None  # MSH-10, SOP Instance UID; goes to the receipt, never into event identity


@dataclass(frozen=True, slots=True)
class Refused:
    """An item that goes to quarantine; `detail` is already free of patient data, `raw` is kept encrypted."""

    source_ref: str
    reason: Reason
    detail: str
    raw: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Filtered:
    """A readable item left out under a listed reason."""

    source_ref: str
    reason: FilterReason


SourceItem = Read | Refused | Filtered
