"""DICOM audit messages (PS3.15 A.5) read as XML without document types, entities or anything else that grows.

Attribute names of RFC 3881 (`code`, `displayName`) are understood beside DICOM's (`csd-code`, `originalText`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from etl.errors import ItemRefused, Reason

LARGEST_MESSAGE = 4 * 1024**2
DECLARED = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["']([\w.-]+)["']""", re.ASCII)
FORBIDDEN = re.compile(r"<!(DOCTYPE|ENTITY)")
AE_TITLES = re.compile(r"AETITLES?=([^;]+)")


@dataclass(frozen=True, slots=True)
class Code:
    """A coded value: `value`, its scheme and the words sent with it."""

    value: str
    scheme: str
    text: str


@dataclass(frozen=True, slots=True)
class Participant:
    """An ActiveParticipant: a person or a machine, with its roles."""

    user_id: str
    alternative_id: str
    roles: tuple[Code, ...]

    @property
    def ae_title(self) -> str:
        """The first AE title of the alternative id (A.5.2.2), empty when there is none."""
        found = AE_TITLES.search(self.alternative_id)
        return found.group(1).strip() if found else ""


@dataclass(frozen=True, slots=True)
class Subject:
    """A ParticipantObjectIdentification: patient, study, order, report, location."""

    object_id: str
    name: str
    kind: Code
    type_code: str
    role: str
    studies: tuple[str, ...] = ()  # ParticipantObjectContainsStudy
    accessions: tuple[str, ...] = ()  # ParticipantObjectDescription/Accession


@dataclass(frozen=True, slots=True)
class AuditMessage:
    """What an audit message says; texts as sent, empty where absent."""

    event_id: Code
    types: tuple[Code, ...]
    event_time: str
    source_id: str
    participants: tuple[Participant, ...]
    subjects: tuple[Subject, ...]


def decoded(data: bytes) -> str:
    """Return the text of XML bytes: UTF-8, else what the declaration names; raises ItemRefused BAD_CHARSET."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        codec = "utf-16"
    else:
        declared = DECLARED.match(data.removeprefix(b"\xef\xbb\xbf").lstrip()[:200])
        codec = declared.group(1).decode("ascii") if declared else "utf-8"
    for name in ("utf-8", codec) if codec != "utf-16" else (codec,):
        try:
            return data.decode(name).removeprefix("\ufeff").replace("\0", "")
        except (UnicodeDecodeError, LookupError):
            continue
    raise ItemRefused(Reason.BAD_CHARSET, "the bytes are neither UTF-8 nor what the XML declares")


def parse(text: str) -> AuditMessage:
    """Return the message of an XML text.

    Raises ItemRefused: OVERSIZED beyond 4 MB, BAD_STRUCTURE for broken XML or a document type,
    NOT_THIS_FORMAT for XML that is no AuditMessage.
    """
    if len(text) > LARGEST_MESSAGE:
        raise ItemRefused(Reason.OVERSIZED, f"an audit message of {len(text)} characters")
    if FORBIDDEN.search(text):
        raise ItemRefused(Reason.BAD_STRUCTURE, "the XML declares a document type or entities")
    try:
        root = ET.fromstring(text.strip())  # noqa: S314 - without a document type nothing can expand
    except (ET.ParseError, ValueError) as error:
        where = getattr(error, "position", (0, 0))
        raise ItemRefused(Reason.BAD_STRUCTURE, f"broken XML at line {where[0]}, column {where[1]}") from error
    if _name(root) != "AuditMessage":
        raise ItemRefused(Reason.NOT_THIS_FORMAT, "the XML is no AuditMessage")
    return _message(root)


def _message(root: ET.Element) -> AuditMessage:
    event = next(_children(root, "EventIdentification"), ET.Element("none"))
    sources = [_attribute(e, "AuditSourceID") for e in _children(root, "AuditSourceIdentification")]
    return AuditMessage(
        event_id=next((_code(e) for e in _children(event, "EventID")), Code("", "", "")),
        types=tuple(_code(e) for e in _children(event, "EventTypeCode")),
        event_time=_attribute(event, "EventDateTime"),
        source_id=next(filter(None, sources), ""),
        participants=tuple(_participant(e) for e in _children(root, "ActiveParticipant")),
        subjects=tuple(_subject(e) for e in _children(root, "ParticipantObjectIdentification")),
    )


def _participant(element: ET.Element) -> Participant:
    roles = tuple(_code(e) for e in _children(element, "RoleIDCode"))
    return Participant(_attribute(element, "UserID"), _attribute(element, "AlternativeUserID"), roles)


def _subject(element: ET.Element) -> Subject:
    names = [(e.text or "").strip() for e in _children(element, "ParticipantObjectName")]
    described = [element, *_children(element, "ParticipantObjectDescription")]
    studies = [s for d in described for c in _children(d, "ParticipantObjectContainsStudy") for s in c]
    accessions = [a for d in described for a in _children(d, "Accession")]
    return Subject(
        object_id=_attribute(element, "ParticipantObjectID"),
        name=next(filter(None, names), ""),
        kind=next((_code(e) for e in _children(element, "ParticipantObjectIDTypeCode")), Code("", "", "")),
        type_code=_attribute(element, "ParticipantObjectTypeCode"),
        role=_attribute(element, "ParticipantObjectTypeCodeRole"),
        studies=tuple(filter(None, (_attribute(s, "UID") for s in studies))),
        accessions=tuple(filter(None, (_attribute(a, "Number") for a in accessions))),
    )


def _name(element: ET.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _children(element: ET.Element, name: str) -> Iterator[ET.Element]:
    return (child for child in element if _name(child) == name)


def _attribute(element: ET.Element, *names: str) -> str:
    return next((value for name in names if (value := element.get(name, "").strip())), "")


def _code(element: ET.Element) -> Code:
    value = _attribute(element, "csd-code", "code")
    return Code(
        value, _attribute(element, "codeSystemName", "codeSystem"), _attribute(element, "originalText", "displayName")
    )
