"""An event as IHE SOLE reports it: a DICOM audit message (PS3.15 A.5) in a syslog message (RFC 5424, ITI-20)."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from typing import NamedTuple
from xml.etree import ElementTree as ET

from etl.emit.happenings import Happening

PRIORITY = 85  # facility 10 (security), severity 5 (notice): ITI-20
HOST = "radpulse"
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
MESSAGE_ID_CHARACTERS = 32


class Coded(NamedTuple):
    """A coded value as audit messages write it."""

    value: str
    scheme: str
    text: str


SUBJECT_CODES = {  # kind -> code, ParticipantObjectTypeCode, ParticipantObjectTypeCodeRole
    "patient": (Coded("2", "RFC-3881", "Patient Number"), "1", "1"),
    "accession": (Coded("121022", "DCM", "Accession Number"), "2", "20"),
    "placer": (Coded("121020", "DCM", "Placer Number"), "2", "20"),
    "filler": (Coded("121021", "DCM", "Filler Number"), "2", "20"),
    "study": (Coded("110180", "DCM", "Study Instance UID"), "2", "3"),
    "visit": (Coded("VN", "HL70203", "Visit Number"), "2", "20"),
    "appointment": (Coded("appointment", "urn:radpulse", "Appointment Id"), "2", "10"),
    "procedure": (Coded("requested_procedure", "urn:radpulse", "Requested Procedure Id"), "2", "20"),
}
ROLE_CODES = {  # PS3.16 CID 7450
    "ordering": Coded("121096", "DCM", "Requesting"),
    "technologist": Coded("121094", "DCM", "Performing"),
    "reader": Coded("121098", "DCM", "Verifying"),
    "assistant": Coded("121099", "DCM", "Assisting"),
}
EXAM = Coded("363679005", "SNOMED-CT", "Imaging Procedure - Exam")
LOCATION = Coded("SOLE51", "urn:ihe:rad", "Location of event")
APPLICATION = Coded("110150", "DCM", "Application")


def syslog_message(happening: Happening) -> bytes:
    """Return the message without framing and without line ends."""
    header = f"<{PRIORITY}>1 {_stamp(happening.known_at)} {HOST} IHE+SOLE - "
    message_id = re.sub(r"[^\x21-\x7e]", "", happening.term.code)[:MESSAGE_ID_CHARACTERS] or "-"
    return f"{header}{message_id} - \ufeff".encode() + audit_xml(happening).encode()


def audit_xml(happening: Happening) -> str:
    """Return the audit message as one line of XML."""
    root = ET.Element("AuditMessage")
    event = ET.SubElement(
        root, "EventIdentification",
        EventActionCode="E", EventDateTime=happening.at.isoformat(), EventOutcomeIndicator="0",
    )  # fmt: skip
    _coded(event, "EventID", Coded("SOLE", "IHE-RAD", "Imaging Operational Event"))
    term = happening.term
    _coded(event, "EventTypeCode", Coded(term.code, term.scheme, term.names[0] if term.names else str(term.key)))
    for kind, person in happening.persons.items():
        _coded(_participant(root, person), "RoleIDCode", ROLE_CODES[kind])
    _coded(_participant(root, HOST, requestor=not happening.persons), "RoleIDCode", APPLICATION)
    ET.SubElement(
        root,
        "AuditSourceIdentification",
        AuditEnterpriseSiteID=_clean(happening.site),
        AuditSourceID=_clean(happening.source),
    )
    for kind, identifier in happening.subjects.items():
        code, type_code, role = SUBJECT_CODES[kind]
        _coded(_subject(root, identifier, type_code, role), "ParticipantObjectIDTypeCode", code)
    _exam(root, happening)
    return ET.tostring(root, encoding="unicode").replace("\n", " ")


def _exam(root: ET.Element, happening: Happening) -> None:
    if happening.procedure_code or happening.procedure_text:
        exam = _subject(root, happening.procedure_code or "unknown", "2", "20", sensitive=False)
        _coded(exam, "ParticipantObjectIDTypeCode", EXAM)
        ET.SubElement(exam, "ParticipantObjectName").text = _clean(happening.procedure_text or "")
        if happening.modality:
            value = base64.b64encode(happening.modality.encode()).decode()
            ET.SubElement(exam, "ParticipantObjectDetail", type="Modality", value=value)
    if happening.station:
        place = _subject(root, happening.station, "2", "2", sensitive=False)
        _coded(place, "ParticipantObjectIDTypeCode", LOCATION)


def _participant(root: ET.Element, user: str, *, requestor: bool = True) -> ET.Element:
    return ET.SubElement(root, "ActiveParticipant", UserID=_clean(user), UserIsRequestor=str(requestor).lower())


def _subject(root: ET.Element, identifier: str, type_code: str, role: str, *, sensitive: bool = True) -> ET.Element:
    attributes = {
        "ParticipantObjectID": _clean(identifier),
        "ParticipantObjectTypeCode": type_code,
        "ParticipantObjectTypeCodeRole": role,
    }
    if sensitive:
        attributes["ParticipantObjectSensitivity"] = "pseudonym"
    return ET.SubElement(root, "ParticipantObjectIdentification", attributes)


def _coded(parent: ET.Element, name: str, code: Coded) -> None:
    attributes = {
        "csd-code": _clean(code.value),
        "codeSystemName": _clean(code.scheme),
        "originalText": _clean(code.text),
    }
    ET.SubElement(parent, name, attributes)


def _clean(text: str) -> str:
    return NOT_XML.sub("", text)


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
