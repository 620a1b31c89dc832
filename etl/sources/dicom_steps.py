"""What worklists and performed procedure steps have in common: where they lie, whose they are, when they happened."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from etl.errors import ItemRefused, Reason
from etl.records import EventRecord, Identifiers, Read, Refused, SourceItem
from etl.settings import Feed, Settings
from etl.sources.base import feed_files, masked
from etl.sources.dicom_elements import Plan
from etl.sources.dicom_files import source_ref
from etl.sources.dicom_header import (
    ACCESSION_NUMBER,
    CODE_VALUE,
    MODALITY,
    PATIENT_BIRTH_DATE,
    PATIENT_ID,
    PATIENT_ID_ISSUER,
    PATIENT_SEX,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    STUDY_UID,
    uid,
)
from etl.sources.dicom_node import WHOLE, Node
from etl.sources.dicom_text import clean, identifier
from etl.sources.dicom_times import TIMEZONE, date_time
from etl.sources.status_map import shipped_event_type
from etl.sources.times import Instant

REQUESTED_PROCEDURE_ID = 0x00401001
PLACER_ORDER_NUMBER, FILLER_ORDER_NUMBER = 0x00402016, 0x00402017
REQUESTED_PROCEDURE_DESCRIPTION = 0x00321060
REQUESTED_PROCEDURE_CODE = 0x00321064
ADMISSION_ID = 0x00380010
KEPT_RAW_BYTES = 1 << 20
STEP_VALUES = frozenset(
    {SOP_CLASS_UID, SOP_INSTANCE_UID, ACCESSION_NUMBER, MODALITY, STUDY_UID, CODE_VALUE, TIMEZONE}
    | {PATIENT_ID, PATIENT_ID_ISSUER, PATIENT_BIRTH_DATE, PATIENT_SEX, ADMISSION_ID}
    | {REQUESTED_PROCEDURE_ID, PLACER_ORDER_NUMBER, FILLER_ORDER_NUMBER, REQUESTED_PROCEDURE_DESCRIPTION}
)
STATION_OPTION = "station"  # "name" (default) or "ae_title": which of the two names a scanner's station_names lists


class StepFiles:
    """The part of a source that both share: one payload (file or landed frame) holds one or several data sets."""

    kind = ""
    plan = Plan(STEP_VALUES)

    def payloads(self, data: bytes) -> list[Any]:
        """Return what a payload holds; raises ItemRefused when it is something else."""
        raise ItemRefused(Reason.NOT_THIS_FORMAT, f"{len(data)} bytes of no known form")

    def events(self, payload: Any, zone: ZoneInfo, feed: Feed | None) -> tuple[str | None, tuple[EventRecord, ...]]:
        """Return control id and events of one of them; raises ItemRefused."""
        raise ItemRefused(Reason.NOT_THIS_FORMAT, "no known form")

    def files(self, feed: Feed, settings: Settings) -> list[Path]:
        """Return the feed's files, sorted by relative path."""
        return feed_files(feed, settings)

    def read(self, path: Path, feed: Feed, settings: Settings) -> Iterator[SourceItem]:
        """Yield one item a data set; a file that is something else is one refused item."""
        ref = source_ref(path, settings.at(feed.path))
        try:
            data = _content(path)
        except ItemRefused as refusal:
            yield Refused(ref, refusal.reason, refusal.detail)
            return
        yield from self.read_bytes(data, ref, feed, settings)

    def read_bytes(self, data: bytes, ref: str, feed: Feed, settings: Settings) -> Iterator[SourceItem]:
        """Yield one item a data set of a landed payload."""
        zone = settings.zone_of(feed)
        try:
            found = self.payloads(data)
        except ItemRefused as refusal:
            yield Refused(ref, refusal.reason, refusal.detail, data[:KEPT_RAW_BYTES])
            return
        for position, payload in enumerate(found, start=1):
            yield self._item(payload, f"{ref}#{position}", zone, feed, data)

    def inspect(self, path: Path) -> dict[str, Any]:
        """Return what each data set would become, times without offset as if UTC; raises ItemRefused."""
        answers: list[dict[str, Any]] = []
        refusal: ItemRefused | None = None
        for payload in self.payloads(_content(path)):
            try:
                _, events = self.events(payload, ZoneInfo("UTC"), None)
            except ItemRefused as refused:
                refusal = refusal or refused
                answers.append({"refused": f"{refused.reason}: {refused.detail}"})
                continue
            answers.append({"events": [_shown(self.kind, event) for event in events]})
        if refusal is not None and not any("events" in answer for answer in answers):
            raise refusal
        return {"kind": self.kind, "steps": answers}

    def _item(self, payload: Any, ref: str, zone: ZoneInfo, feed: Feed, data: bytes) -> SourceItem:
        try:
            control_id, events = self.events(payload, zone, feed)
        except ItemRefused as refusal:
            return Refused(ref, refusal.reason, refusal.detail, data[:KEPT_RAW_BYTES])
        return Read(ref, events, control_id=control_id)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(WHOLE + 1)
    except OSError as error:
        raise ItemRefused(Reason.READ_ERROR, f"cannot read: {error.strerror or 'input/output error'}") from error
    if len(data) > WHOLE:
        raise ItemRefused(Reason.OVERSIZED, f"more than {WHOLE} bytes")
    return data


def identifiers(patient: Node, request: Node) -> Identifiers:
    """Return the identifiers of a step: `patient` is its root, `request` the item that names what was ordered.

    Raises ItemRefused (MISSING_IDENTIFIER) without any of an order, a study and a patient.
    """

    def either(tag: int) -> str:
        return request.text(tag) or patient.text(tag)

    ids = Identifiers(
        patient_id=identifier(patient.text(PATIENT_ID)),
        patient_id_issuer=identifier(patient.text(PATIENT_ID_ISSUER)),
        accession_number=identifier(either(ACCESSION_NUMBER)),
        placer_order_number=identifier(either(PLACER_ORDER_NUMBER)),
        filler_order_number=identifier(either(FILLER_ORDER_NUMBER)),
        study_instance_uid=uid(either(STUDY_UID)),
        visit_number=identifier(patient.text(ADMISSION_ID)),
        requested_procedure_id=identifier(either(REQUESTED_PROCEDURE_ID)),
    )
    if not (ids.accession_number or ids.study_instance_uid or ids.patient_id or ids.filler_order_number):
        raise ItemRefused(Reason.MISSING_IDENTIFIER, "neither AccessionNumber nor StudyInstanceUID nor PatientID")
    return ids


def when(node: Node, date_tag: int, time_tag: int, zone: ZoneInfo, name: str) -> tuple[str, Instant]:
    """Return a date and a time tag as sent and as an instant; raises ItemRefused, MISSING_TIME without either."""
    day, time = node.text(date_tag), node.text(time_tag)
    if not day or not time:
        raise ItemRefused(Reason.MISSING_TIME, f"no {name} date with a time of day")
    return clean(f"{day} {time}"), date_time(day + time, node.texts, zone)


def utc(text: object) -> datetime | None:
    """Return an ISO 8601 instant with offset as aware UTC, None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo is not None else None


def short(text: str) -> str | None:
    """Return a clean text of at most 64 characters, or None."""
    return clean(text) or None


def _shown(kind: str, event: EventRecord) -> dict[str, Any]:
    ids = {name: masked(value) for name in Identifiers.__slots__ if (value := getattr(event.ids, name)) is not None}
    booked = event.attributes.appointment_at
    return {
        "event_type": shipped_event_type(kind, event.local_code) or None,
        "local_code": event.local_code,
        "raw_time": event.raw_time,
        "occurred_at": event.occurred_at.isoformat(),
        "station_name": event.attributes.station_name,
        "modality": event.attributes.modality,
        "reason_code": event.attributes.reason_code,
        "appointment_at": booked.isoformat() if booked else None,
        "identifiers": ids,
    }
