"""What is answered to an HL7 v2 message: the acknowledgement rules of v2.5.1 2.9.2 and 2.9.3, on the header alone.

Only MSH is looked at, as bytes: whether a message is of use is decided when it is read, long after the sender has
its answer. Nothing of the message but its header is ever echoed.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

HEADER_BYTES = 4096  # an MSH is shorter
STANDARD = b"|^~\\&"
LONGEST_ECHO = 250  # bytes of a field that are repeated to the sender
VERSION = re.compile(rb"2(\.\d){0,2}")
MESSAGE_TYPE = re.compile(rb"[A-Z][A-Z0-9]{2}")
ERR_SINCE = b"2.5"  # ERR-3 and ERR-4 are of this version


class Verdict(StrEnum):
    """The second letter of MSA-1, HL7 table 0008."""

    ACCEPT = "A"
    ERROR = "E"
    REJECT = "R"


class Answer(NamedTuple):
    """A verdict, its HL7 table 0357 code and text, and whether the message is to be kept."""

    verdict: Verdict
    code: str
    text: str
    keep: bool


ACCEPTED = Answer(Verdict.ACCEPT, "0", "Message accepted", True)
NO_END = Answer(Verdict.ERROR, "100", "No end block behind the message, kept for review", True)
BAD_HEADER = Answer(Verdict.ERROR, "102", "MSH cannot be read, kept for review", True)
NO_MESSAGE_TYPE = Answer(Verdict.ERROR, "101", "MSH-9 holds no message type, kept for review", True)
NO_MSH = Answer(Verdict.REJECT, "100", "Not an HL7 v2 message, kept for review", True)
BATCH = Answer(Verdict.REJECT, "200", "Batches are taken as files only", False)
WRONG_PROCESSING_ID = Answer(Verdict.REJECT, "202", "MSH-11 is not accepted here", False)
WRONG_VERSION = Answer(Verdict.REJECT, "203", "MSH-12 is not a version 2", False)
TOO_LONG = Answer(Verdict.REJECT, "207", "Message longer than accepted here", False)
# 2.9.2.2: a reason unrelated to content or format is a reject, to be sent again later
NOT_KEPT = Answer(Verdict.REJECT, "207", "Message could not be stored, send it again later", False)


@dataclass(frozen=True, slots=True)
class Header:
    """The fields of an MSH as bytes, numbered as in the standard: `fields[9]` is MSH-9."""

    fields: tuple[bytes, ...]

    def __getitem__(self, number: int) -> bytes:
        return self.fields[number][:LONGEST_ECHO] if number < len(self.fields) else b""

    @property
    def separators(self) -> bytes:
        """Field separator and encoding characters, MSH-1 and MSH-2."""
        return self.fields[1] + self.fields[2]

    def first(self, number: int) -> bytes:
        """Return a field's first component, stripped."""
        return self[number].split(self.separators[1:2])[0].strip()


def header_of(payload: bytes) -> Header | None:
    """Return the header of a message, None when it does not begin with an MSH of readable delimiters."""
    line = re.split(rb"[\r\n]", payload[:HEADER_BYTES].removeprefix(b"\xef\xbb\xbf"), maxsplit=1)[0]
    if not line.startswith(b"MSH") or len(line) < 8:
        return None
    fields = line.split(line[3:4])
    encoding = bytes(dict.fromkeys(fields[1]))  # a doubled escape character counts once
    separators = line[3:4] + encoding
    if not 4 <= len(separators) <= 6 or len(set(separators)) < len(separators) or re.search(rb"[\w\s]", separators):
        return None
    return Header((fields[0], line[3:4], encoding, *fields[2:]))


def judged(payload: bytes, complete: bool, processing_ids: frozenset[str]) -> tuple[Header | None, Answer]:
    """Return a message's header and what is to be answered once it is kept."""
    if payload.startswith((b"FHS", b"BHS")):
        return None, BATCH
    header = header_of(payload)
    if header is None:
        return None, BAD_HEADER if payload.lstrip(b"\xef\xbb\xbf").startswith(b"MSH") else NO_MSH
    if not complete:
        return header, NO_END
    return header, _of_header(header, processing_ids)


def _of_header(header: Header, processing_ids: frozenset[str]) -> Answer:
    if not MESSAGE_TYPE.fullmatch(header.first(9)):
        return NO_MESSAGE_TYPE
    processing_id, version = header.first(11), header.first(12)
    if processing_id and processing_id.decode("latin-1").upper() not in processing_ids:
        return WRONG_PROCESSING_ID
    if version and not VERSION.fullmatch(version):
        return WRONG_VERSION
    return ACCEPTED


def code_of(header: Header | None, verdict: Verdict) -> str | None:
    """Return MSA-1 for a verdict, None when the sender wants no answer to it (MSH-15, MSH-16, HL7 table 0155).

    Without either the original mode holds: AA, AE, AR. A sender that asks for accept acknowledgements gets these
    alone (CA, CE, CR); one that asks for application acknowledgements only gets AA, AE, AR, because storing is all
    the processing there is.
    """
    accept, application = (header.first(15), header.first(16)) if header else (b"", b"")
    if not accept and not application:
        return f"A{verdict}"
    for wanted, letter in ((accept, "C"), (application, "A")):
        if wanted and wanted != b"NE":
            fits = {b"ER": verdict is not Verdict.ACCEPT, b"SU": verdict is Verdict.ACCEPT}.get(wanted, True)
            return f"{letter}{verdict}" if fits else None
    return None


def acknowledgement(header: Header | None, answer: Answer, at: datetime | None = None) -> bytes | None:
    """Return the acknowledgement's segments in the sender's delimiters and character set, None when none is wanted."""
    code = code_of(header, answer.verdict)
    if code is None:
        return None
    h = header or Header((b"MSH", b"|", STANDARD[1:], *[b""] * 8, b"P", b"2.5.1"))
    f, c = h.separators[:1], h.separators[1:2]
    event = h[9].split(c)[1:2]
    kind = c.join([b"ACK", *event, b"ACK"] if event and event[0] else [b"ACK"])
    stamp = f"{(at or datetime.now(UTC)):%Y%m%d%H%M%S}+0000".encode()
    # receiver and sender change places; MSH-18 says how the echoed fields are written
    msh = [b"MSH", h.fields[2], h[5], h[6], h[3], h[4], stamp, b"", kind, secrets.token_hex(10).encode(),
           h[11], h[12], b"", b"", b"", b"", b"", h[18]]  # fmt: skip
    lines = [f.join(msh).rstrip(f), f.join([b"MSA", code.encode(), h[10], *_said(answer)])]
    if answer.verdict is not Verdict.ACCEPT and (h.first(12) or ERR_SINCE) >= ERR_SINCE:
        detail = c.join([answer.code.encode(), answer.text.encode(), b"HL70357"])
        lines.append(f.join([b"ERR", b"", b"", detail, b"E"]))
    return b"\r".join(lines) + b"\r"


def _said(answer: Answer) -> list[bytes]:
    return [] if answer.verdict is Verdict.ACCEPT else [answer.text.encode()]
