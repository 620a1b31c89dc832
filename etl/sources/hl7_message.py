"""HL7 v2 files split into messages, segments and fields: chapter 2 of v2.5.1 and what senders make of it.

Own code because a warehouse reads a few dozen of a message's thousand positions: segments are cut lazily and
report text is never looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from etl.errors import ItemRefused, Reason

MAX_MESSAGE_CHARS = 16_000_000  # a PDF in OBX-5 fits; more is not a message
MLLP_START = "\x0b"
MLLP_END = re.compile(r"\x1c(?=[\r\n\x0b]|\Z)")  # anywhere else it is text
_NAMES = r"[ \t]*(?:(?:MSH|FHS|BHS)(?=[^\w\s])|(?:BTS|FTS)(?=[^\w\s]|[\r\n]|\Z))"
FIRST_HEADER = re.compile(r"[\s\x0b]*?(?=" + _NAMES + ")")
HEADER = re.compile(r"[\r\n\x0b\x1c](?=" + _NAMES + ")")
SEGMENT_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")
ESCAPES = {"E": "escape", "F": "field", "S": "component", "T": "sub", "R": "repetition"}


class Delimiters(NamedTuple):
    """MSH-1 and MSH-2; v2.5.1 2.5.4."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    sub: str = "&"


class Chunk(NamedTuple):
    """One message, one batch envelope segment (`name` FHS, BHS, BTS, FTS) or, under name "", stray text."""

    name: str
    text: str
    complete: bool = True  # False for an MLLP frame without its end


def chunks(text: str) -> Iterator[Chunk]:
    """Cut the text of a file into messages and envelope segments, in order; stray text is a chunk of its own.

    A message begins where a line (or MLLP frame) does; blank lines and frame bytes between them are dropped.
    """
    first = FIRST_HEADER.match(text)
    starts = [first.end()] if first else []
    starts += [match.end() for match in HEADER.finditer(text, starts[0] if first else 0)]
    if lead := text[: starts[0] if starts else None].strip(" \t\r\n\x0b\x1c"):
        yield Chunk("", lead)
    for begin, end in pairwise([*starts, len(text)]):
        body, *rest = MLLP_END.split(text[begin:end], maxsplit=1)
        body = body.strip(" \t\r\n\x0b")
        open_frame = not rest and begin > 0 and text[begin - 1] == MLLP_START
        yield Chunk(body[:3], body, not open_frame)
        if rest and (stray := rest[0].strip(" \t\r\n\x0b\x1c")):
            yield Chunk("", stray)


@lru_cache(maxsize=64)
def delimiters(head: str) -> Delimiters:
    """Return the delimiters of ``MSH|^~\\&``; raises ItemRefused BAD_STRUCTURE when they cannot be such.

    A doubled character (``^~\\\\&``, seen where a sender escaped its own setting) counts once.
    """
    encoding = "".join(dict.fromkeys(head[4:]))
    known = head[3] + encoding
    if len(encoding) < 3 or len(set(known)) < len(known) or not known.isprintable():
        raise ItemRefused(Reason.BAD_STRUCTURE, "MSH-1 and MSH-2 are not three or more distinct delimiters")
    if any(c.isalnum() or c.isspace() for c in known):
        raise ItemRefused(Reason.BAD_STRUCTURE, "MSH-1 or MSH-2 holds a letter, digit or space")
    return Delimiters(*known[:5])


@lru_cache(maxsize=64)
def _boundary(separator: str) -> re.Pattern[str]:
    """A line that begins with a segment name begins a segment; any other continues the one before."""
    return re.compile(rf"\r+(?=[A-Z][A-Z0-9]{{2}}(?:{re.escape(separator)}|\r|\Z))")


def segments(text: str) -> tuple[Delimiters, list[str]]:
    """Return the delimiters and the segments of a message, continuation lines joined to their segment.

    Raises ItemRefused: BAD_STRUCTURE for impossible delimiters, OVERSIZED beyond 16 million characters.
    """
    if len(text) > MAX_MESSAGE_CHARS:
        raise ItemRefused(Reason.OVERSIZED, f"a message of {len(text)} characters")
    found = delimiters(text[: text.find(text[3], 4) if text.find(text[3], 4) > 0 else None][:12])
    if "\n" in text:
        text = text.replace("\r\n", "\r").replace("\n", "\r")
    lines = text.split("\r")
    if all(_is_segment(line[:4], found.field) for line in lines):
        return found, lines
    return found, _boundary(found.field).split(text)


@lru_cache(maxsize=4096)
def _is_segment(start: str, separator: str) -> bool:
    return SEGMENT_NAME.fullmatch(start[:3]) is not None and start[3:] in ("", separator)


def unescaped(text: str, d: Delimiters) -> str:
    """Return a value with its escape sequences resolved (v2.5.1 2.7); highlighting and unknown ones vanish."""
    if d.escape not in text:
        return text
    pieces = text.split(d.escape)
    if len(pieces) % 2 == 0:  # a lone escape character is text
        return text
    pieces[1::2] = [_sequence(piece, d) for piece in pieces[1::2]]
    return "".join(pieces)


def _sequence(code: str, d: Delimiters) -> str:
    if code in ESCAPES:
        return str(getattr(d, ESCAPES[code]))
    if code[:1] == "X":
        return _hexadecimal(code[1:])
    return "\n" if code[:3] in (".br", ".sp") else ""


def _hexadecimal(digits: str) -> str:
    try:
        data = bytes.fromhex(digits)
    except ValueError:
        return ""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
