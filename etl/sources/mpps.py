"""Modality performed procedure steps: what the scanner itself says of begin, end and breaking off.

A landed message is ``{"message": "N-CREATE" | "N-SET", "sop_instance_uid", "received_at", "data_set", "created"}``:
the data set as sent in DICOM JSON, and for an N-SET what its N-CREATE had said, because an N-SET names neither
patient nor order (PS3.4 table F.7.2-1). Part 10 files that an archive keeps of whole steps are read too.

A step that is over says its begin again with its final state, so that derivation knows which begins were closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from etl.errors import ItemRefused, Reason
from etl.records import Attributes, EventRecord, Identifiers
from etl.settings import Feed
from etl.sources.dicom_elements import Plan
from etl.sources.dicom_header import (
    CODE_VALUE,
    MODALITY,
    PATIENT_BIRTH_DATE,
    PATIENT_SEX,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
)
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
from etl.sources.dicom_times import STEP_END_DATE, STEP_END_TIME, STEP_START_DATE, STEP_START_TIME
from etl.sources.times import Instant

MPPS_SOP_CLASS = "1.2.840.10008.3.1.2.3.3"
STATUS = 0x00400252
STATION_AE_TITLE, STATION_NAME = 0x00400241, 0x00400242
SCHEDULED_STEPS, DISCONTINUATION_REASON = 0x00400270, 0x00400281
PROCEDURE_CODE = 0x00081032
IN_PROGRESS, COMPLETED, DISCONTINUED = "IN PROGRESS", "COMPLETED", "DISCONTINUED"
FINAL = (COMPLETED, DISCONTINUED)
BEGIN = "#begin"  # suffix of a final state's local code at the event that repeats the step's begin
_MESSAGE_KEY = b'"data_set"'
_PLAN = Plan(
    STEP_VALUES
    | {STATUS, STATION_AE_TITLE, STATION_NAME, STEP_START_DATE, STEP_START_TIME, STEP_END_DATE, STEP_END_TIME},
    frozenset({SCHEDULED_STEPS, DISCONTINUATION_REASON, PROCEDURE_CODE, REQUESTED_PROCEDURE_CODE}),
)


@dataclass(frozen=True, slots=True)
class Step:
    """A step at one moment: `said` is the message's data set, `created` what the step was created with."""

    uid: str
    said: Node
    created: Node
    received_at: datetime | None

    @property
    def status(self) -> str:
        """Performed Procedure Step Status as one clean word or two."""
        return " ".join(self.said.text(STATUS).upper().split())[:16] or self.created.text(STATUS)

    @property
    def reason_code(self) -> str | None:
        """Code of (0040,0281), PS3.16 CID 9300."""
        return short(self.said.first(DISCONTINUATION_REASON).text(CODE_VALUE))


class Mpps(StepFiles):
    """Source `mpps`."""

    kind = "mpps"
    plan = _PLAN

    def recognises(self, path: Path, head: bytes) -> bool:
        """Return whether the file is a landed MPPS message, DICOM JSON of a step, or a Part 10 file of one."""
        if looks_like_dicom_json(head) or head.lstrip()[:1] == b"{":
            return _MESSAGE_KEY in head or b'"00400252"' in head
        if not looks_like_dicom(head):
            return False
        try:
            return node_of_part10(path.read_bytes(), _PLAN)[0] == MPPS_SOP_CLASS
        except (ItemRefused, OSError):
            return False

    def payloads(self, data: bytes) -> list[Any]:
        """Return the steps of a payload; raises ItemRefused."""
        if looks_like_dicom(data[:4096]):
            sop_class, sop_instance, node = node_of_part10(data, _PLAN)
            if (sop_class or node.text(SOP_CLASS_UID) or MPPS_SOP_CLASS) != MPPS_SOP_CLASS:
                raise ItemRefused(Reason.NOT_THIS_FORMAT, "DICOM, but no performed procedure step")
            return [Step(sop_instance or node.text(SOP_INSTANCE_UID), node, node, None)]
        return [_step(found) for found in parse_objects(data)]

    def events(self, payload: Any, zone: ZoneInfo, feed: Feed | None) -> tuple[str | None, tuple[EventRecord, ...]]:
        """Return the begin a step states, and its end or why it broke off; one set for each order it serves."""
        if payload is None:
            raise ItemRefused(Reason.BAD_STRUCTURE, "an array element that is no object")
        if not payload.status:
            raise ItemRefused(Reason.BAD_STRUCTURE, "no PerformedProcedureStepStatus")
        by_ae = feed is not None and feed.options.get(STATION_OPTION) == "ae_title"
        moments = list(_moments(payload, zone))
        served = payload.created.items.get(SCHEDULED_STEPS) or [Node({})]
        requests = {identifiers(payload.created, request): request for request in served}
        pairs = ((ids, request, moment) for ids, request in requests.items() for moment in moments)
        found = tuple(_event(payload, ids, request, *moment, by_ae=by_ae) for ids, request, moment in pairs)
        return payload.uid or None, found


def _step(found: Any) -> Step | None:
    if not isinstance(found, dict):
        return None
    if not isinstance(found.get("data_set"), dict):
        node = node_of_json(found, _PLAN)
        return Step(node.text(SOP_INSTANCE_UID), node, node, None)
    said = node_of_json(found["data_set"], _PLAN)
    created = found.get("created")
    known = node_of_json(created, _PLAN) if isinstance(created, dict) else said
    uid = found.get("sop_instance_uid")
    return Step(uid if isinstance(uid, str) else "", said, known, utc(found.get("received_at")))


def _moments(step: Step, zone: ZoneInfo) -> Iterator[tuple[str, str, Instant]]:
    """Yield local code, raw time and instant of what the step tells."""
    status = step.status
    reason = f"/{step.reason_code}" if status == DISCONTINUED and step.reason_code else ""
    begin = when(step.created, STEP_START_DATE, STEP_START_TIME, zone, "start")
    if status not in FINAL:
        yield (f"mpps:{status}", *begin)
        return
    yield (f"mpps:{status}{reason}{BEGIN}", *begin)
    yield (f"mpps:{status}{reason}", *when(step.said, STEP_END_DATE, STEP_END_TIME, zone, "end"))


def _event(
    step: Step, ids: Identifiers, request: Node, local_code: str, raw_time: str, instant: Instant, *, by_ae: bool
) -> EventRecord:
    created = step.created
    name, ae_title = short(created.text(STATION_NAME)), short(created.text(STATION_AE_TITLE))
    code = request.first(REQUESTED_PROCEDURE_CODE).text(CODE_VALUE) or created.first(PROCEDURE_CODE).text(CODE_VALUE)
    return EventRecord(
        ids=ids,
        local_code=local_code,
        raw_time=raw_time,
        occurred_at=instant.at,
        utc_offset_min=instant.utc_offset_min,
        known_at=max(step.received_at, instant.at) if step.received_at else None,
        clock=name or ae_title or "unknown device",  # as image headers name it, so that a correction meets both
        time_flag=instant.flag,
        attributes=Attributes(
            modality=short(created.text(MODALITY)),
            station_name=(ae_title or name) if by_ae else (name or ae_title),
            procedure_code=short(code),
            procedure_text=short(request.text(REQUESTED_PROCEDURE_DESCRIPTION)),
            birth_date=short(created.text(PATIENT_BIRTH_DATE)),
            sex=short(created.text(PATIENT_SEX)),
            reason_code=step.reason_code,
        ),
    )
