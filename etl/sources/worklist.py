"""Modality worklist: the schedule as scanners see it, and who has arrived.

A landed answer is ``{"queried_at", "answers": [DICOM JSON]}``. A worklist says how things stand, not since when: an
entry is taken to have become so when it was first seen, so times are as fine as the fetches are frequent. The same
entry seen with another start is a booking again, which derivation reads as the appointment having been moved.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from etl.errors import ItemRefused, Reason
from etl.records import Attributes, EventRecord
from etl.settings import Feed
from etl.sources.dicom_elements import Plan
from etl.sources.dicom_header import CODE_VALUE, MODALITY, PATIENT_BIRTH_DATE, PATIENT_SEX
from etl.sources.dicom_json import looks_like_dicom_json, parse_objects
from etl.sources.dicom_node import Node, node_of_json, node_of_part10
from etl.sources.dicom_part10 import looks_like_dicom
from etl.sources.dicom_steps import (
    REQUESTED_PROCEDURE_CODE,
    REQUESTED_PROCEDURE_DESCRIPTION,
    STATION_OPTION,
    STEP_VALUES,
    StepFiles,
    identifiers,
    short,
    utc,
    when,
)
from etl.sources.times import Instant

SCHEDULED_STEPS = 0x00400100
SCHEDULED_AE_TITLE, SCHEDULED_STATION_NAME = 0x00400001, 0x00400010
START_DATE, START_TIME = 0x00400002, 0x00400003
STATUS = 0x00400020  # SCHEDULED, ARRIVED, READY, STARTED, DEPARTED (PS3.3 C.4.10); archives add their own
PRIORITY = 0x00401003
NO_STATUS = "SCHEDULED"  # optional: what a worklist lists is scheduled unless it says more
_PLAN = Plan(
    STEP_VALUES | {SCHEDULED_AE_TITLE, SCHEDULED_STATION_NAME, START_DATE, START_TIME, STATUS, PRIORITY},
    frozenset({SCHEDULED_STEPS, REQUESTED_PROCEDURE_CODE}),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One worklist entry, and when it was seen."""

    node: Node
    queried_at: datetime | None
    raw_queried: str


class Worklist(StepFiles):
    """Source `worklist`."""

    kind = "worklist"
    plan = _PLAN

    def recognises(self, path: Path, head: bytes) -> bool:
        """Return whether the file is a landed worklist, DICOM JSON of an entry, or a DICOM file of one."""
        if looks_like_dicom_json(head) or head.lstrip()[:1] == b"{":
            return b'"queried_at"' in head or b'"00400100"' in head
        if not looks_like_dicom(head):
            return False
        try:
            _, _, node = node_of_part10(path.read_bytes(), _PLAN)
        except (ItemRefused, OSError):
            return False
        return bool(node.items.get(SCHEDULED_STEPS))

    def payloads(self, data: bytes) -> list[Any]:
        """Return the entries of a payload; raises ItemRefused."""
        if looks_like_dicom(data[:4096]):
            node = node_of_part10(data, _PLAN)[2]
            if not node.items.get(SCHEDULED_STEPS):
                raise ItemRefused(Reason.NOT_THIS_FORMAT, "DICOM, but no worklist entry")
            return [Entry(node, None, "")]
        return [entry for found in parse_objects(data) for entry in _entries(found)]

    def events(self, payload: Any, zone: ZoneInfo, feed: Feed | None) -> tuple[str | None, tuple[EventRecord, ...]]:
        """Return an event for each scheduled step of an entry; raises ItemRefused."""
        if payload is None:
            raise ItemRefused(Reason.BAD_STRUCTURE, "an array element that is no object")
        steps = payload.node.items.get(SCHEDULED_STEPS, [])
        if not steps:
            raise ItemRefused(Reason.BAD_STRUCTURE, "no ScheduledProcedureStepSequence")
        if payload.queried_at is None and feed is not None:
            raise ItemRefused(Reason.MISSING_TIME, "a worklist entry without the time it was asked for")
        by_ae = feed is not None and feed.options.get(STATION_OPTION) == "ae_title"
        return None, tuple(_event(payload, step, place, zone, by_ae=by_ae) for place, step in enumerate(steps))


def _entries(found: Any) -> list[Entry | None]:
    if not isinstance(found, dict):
        return [None]
    if not isinstance(found.get("answers"), list):
        return [Entry(node_of_json(found, _PLAN), None, "")]
    queried = found.get("queried_at")
    at, raw = utc(queried), queried if isinstance(queried, str) else ""
    return [Entry(node_of_json(a, _PLAN), at, raw) if isinstance(a, dict) else None for a in found["answers"]]


def _event(entry: Entry, step: Node, ordinal: int, zone: ZoneInfo, *, by_ae: bool) -> EventRecord:
    node = entry.node
    booked = _start(step, node, zone)
    name, ae_title = short(step.text(SCHEDULED_STATION_NAME)), short(step.text(SCHEDULED_AE_TITLE))
    status = " ".join(step.text(STATUS).upper().split())[:16] or NO_STATUS
    return EventRecord(
        ids=identifiers(node, node),
        local_code=f"mwl:{status}",
        raw_time=entry.raw_queried[:64],
        occurred_at=entry.queried_at or booked.at,
        utc_offset_min=booked.utc_offset_min,
        known_at=entry.queried_at,
        clock="worklist",
        ordinal=ordinal,
        attributes=Attributes(
            modality=short(step.text(MODALITY)),
            station_name=(ae_title or name) if by_ae else (name or ae_title),
            procedure_code=short(node.first(REQUESTED_PROCEDURE_CODE).text(CODE_VALUE)),
            procedure_text=short(node.text(REQUESTED_PROCEDURE_DESCRIPTION)),
            priority_code=short(node.text(PRIORITY)),
            birth_date=short(node.text(PATIENT_BIRTH_DATE)),
            sex=short(node.text(PATIENT_SEX)),
            appointment_at=booked.at,
        ),
    )


def _start(step: Node, node: Node, zone: ZoneInfo) -> Instant:
    """Return when the step is to start; the entry's own offset from UTC counts for it too."""
    return when(Node(node.texts | step.texts), START_DATE, START_TIME, zone, "scheduled start")[1]
