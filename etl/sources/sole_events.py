"""What a SOLE audit message says in the warehouse's words: event codes, identifiers, persons and places."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from etl.errors import ItemRefused, Reason
from etl.records import Attributes, EventRecord, Identifiers
from etl.sources.dicom_audit import AuditMessage, Code, Participant, Subject
from etl.sources.times import DATE_ONLY, instant

EVENT_ID = "SOLE"  # (SOLE, IHE-RAD, "Imaging Operational Event")
RFC5424_LENGTH = 20  # 2026-10-01T07:00:00Z: shorter texts lack seconds or zone
LOCATIONS = ("SOLE51", "SOLE52")  # location of the event, location assigned
# DICOM PS3.16 CID 7450 and the like
REQUESTING, REFERRING, PERFORMING, VERIFYING, ASSISTING = "121096", "121095", "121094", "121098", "121099"
TECHNOLOGIST, RADIOGRAPHER = "121083", "121084"
PATIENT_NUMBER = "2"  # (2, RFC-3881, "Patient Number")
EXAM = "363679005"  # SNOMED CT, imaging procedure
# identifier -> codes (DCM or HL7 table 0203) that name it, else the words senders put beside a code
NAMED: dict[str, tuple[str, ...]] = {
    "accession_number": ("121022", "ACSN", "accession number"),
    "study_instance_uid": ("110180", "study instance uid"),
    "placer_order_number": ("121020", "PLAC", "placer number", "placer order number"),
    "filler_order_number": ("121021", "FILL", "filler number", "filler order number"),
    "visit_number": ("VN", "visit number"),
    "appointment_id": ("appointment", "appointment id"),
    "requested_procedure_id": ("requested_procedure", "requested procedure id"),
}


def events(message: AuditMessage, timestamp: str, hostname: str, zone: ZoneInfo) -> tuple[EventRecord, ...]:
    """Return an event for each EventTypeCode.

    Raises ItemRefused BAD_STRUCTURE without a code, MISSING_IDENTIFIER when nothing says whose event it is, and
    what the time text gives.
    """
    codes = [code for code in message.types if code.value]
    if not codes:
        raise ItemRefused(Reason.BAD_STRUCTURE, "no EventTypeCode")
    found = instant(message.event_time, zone, kind="iso")
    if found.flag == DATE_ONLY:
        raise ItemRefused(Reason.BAD_VALUE, "EventDateTime has no time of day")
    ids = identifiers(message.subjects)
    if ids == Identifiers():
        raise ItemRefused(Reason.MISSING_IDENTIFIER, "no participant object has an id")
    return tuple(
        EventRecord(
            ids=ids,
            local_code=f"sole:{code.value}^{code.scheme}",
            raw_time=message.event_time,
            occurred_at=found.at,
            utc_offset_min=found.utc_offset_min,
            known_at=_known_at(timestamp, zone),
            clock=_clock(message.source_id, hostname),
            ordinal=ordinal,
            time_flag=found.flag,
            attributes=_attributes(message),
        )
        for ordinal, code in enumerate(codes)
    )


def _known_at(timestamp: str, zone: ZoneInfo) -> datetime | None:
    """Return the sender's message time; None for a text that is not whole, as repositories give out."""
    try:
        return instant(timestamp, zone, kind="iso").at if len(timestamp) >= RFC5424_LENGTH else None
    except ItemRefused:
        return None


def _clock(source_id: str, hostname: str) -> str:
    """Return which system's clock it was; an audit source that is a person's address is not a clock's name."""
    return (source_id if "@" not in source_id else "") or hostname or "sole"


def identifiers(subjects: Iterable[Subject]) -> Identifiers:
    """Return the identifiers of the participant objects; the first of each kind is taken."""
    found: dict[str, str] = {}
    for subject in subjects:
        for name, value in (*_own(subject), *_described(subject)):
            if value:
                found.setdefault(name, value)
    return Identifiers(**found)


def _described(subject: Subject) -> list[tuple[str, str]]:
    return [("study_instance_uid", uid) for uid in subject.studies] + [
        ("accession_number", number) for number in subject.accessions
    ]


def _own(subject: Subject) -> list[tuple[str, str]]:
    if _is_patient(subject):
        return list(zip(("patient_id", "patient_id_issuer"), _patient(subject.object_id), strict=True))
    words = subject.kind.text.lower()
    return [(name, subject.object_id) for name, known in NAMED.items() if subject.kind.value in known or words in known]


def _is_patient(subject: Subject) -> bool:
    return subject.kind.value == PATIENT_NUMBER or (subject.type_code, subject.role) == ("1", "1")


def _patient(text: str) -> tuple[str, str]:
    """Return id and issuer of a CX (``123^^^ISSUER&1.2.3&ISO``) or of a bare id."""
    parts = text.split("^")
    authority = parts[3].split("&") if len(parts) > 3 else [""]
    return parts[0].strip(), next((part.strip() for part in authority[:2] if part.strip()), "")


def _attributes(message: AuditMessage) -> Attributes:
    exam = next((s for s in message.subjects if s.kind.value == EXAM), None)
    person = _person(message.participants)
    return Attributes(
        station_name=_place(message),
        procedure_code=(exam.object_id or None) if exam else None,
        procedure_text=(exam.name or None) if exam else None,
        ordering_person=person(REQUESTING) or person(REFERRING),
        technologist=person(TECHNOLOGIST, RADIOGRAPHER, PERFORMING),
        reader=person(VERIFYING),
        assistant_reader=person(ASSISTING),
    )


def _person(participants: Iterable[Participant]) -> Callable[..., str | None]:
    """Return a look-up of the first participant in one of some roles."""
    roles: dict[str, str] = {}
    for participant in participants:
        for role in participant.roles:
            if participant.user_id:
                roles.setdefault(role.value, participant.user_id)
    return lambda *wanted: next((roles[role] for role in wanted if role in roles), None)


def _place(message: AuditMessage) -> str | None:
    """Return where it happened, else where it is to happen, else the AE title of a machine that took part."""
    for code in LOCATIONS:
        for subject in message.subjects:
            if subject.kind.value == code and (subject.object_id or subject.name):
                return subject.object_id or subject.name
        for participant in message.participants:
            if any(_is(role, code) for role in participant.roles) and participant.user_id:
                return participant.user_id
    return next((p.ae_title for p in message.participants if p.ae_title), None)


def _is(role: Code, code: str) -> bool:
    return role.value == code
