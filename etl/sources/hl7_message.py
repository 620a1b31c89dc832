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
MLLP_START, MLLP_END = "\x0b", "\x1c"
_NAMES = r"[ \t]*(?:(?:MSH|FHS|BHS)(?=[^\w\s])|(?:BTS|FTS)(?=[^\w\s]|[\r\n]|\Z))"
FIRST_HEADER = re.compile(r"[\s\x0b]*?(?=" + _NAMES + ")")
HEADER = re.compile(r"[\r\n\x0b\x1c](?=" + _NAMES + ")")
ESCAPES = {"E": "escape", "F": "field", "S": "component", "T": "sub", "R": "repetition"}

# HL7 table 0211 (MSH-18), spaces and punctuation removed -> Python codec
CHARSETS = {
    "ASCII": "ascii",
    **{f"8859{part}": f"iso8859_{part}" for part in (*range(1, 10), 15)},
    "UNICODE": "utf-8",
    "UNICODEUTF8": "utf-8",
    "UTF8": "utf-8",
    "ISOIR6": "ascii",
    "ISOIR14": "shift_jis",
    "ISOIR87": "iso2022_jp_2",
    "ISOIR159": "iso2022_jp_2",
    "ISOIR100": "iso8859_1",
    "GB180302000": "gb18030",
    "KSX1001": "euc_kr",
    "BIG5": "big5",
}


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


def decode(data: bytes) -> tuple[str, bool]:
    """Return the text of a file and whether it still is one character a byte, each message to be decoded.

    UTF-16 is known by its byte order mark or its zero bytes; valid UTF-8 is taken as such whatever MSH-18 says.
    Raises ItemRefused BAD_CHARSET for broken UTF-16.
    """
    wide = _utf16(data)
    try:
        if wide:
            return data.decode(wide).removeprefix("\ufeff"), False
        return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8"), False
    except UnicodeDecodeError as error:
        if wide:
            raise ItemRefused(Reason.BAD_CHARSET, f"UTF-16 breaks at byte {error.start}") from error
        return data.decode("latin-1"), True


def _utf16(data: bytes) -> str | None:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if data[1:6:2] == b"\0\0\0" and data[0:5:2] in (b"MSH", b"FHS", b"BHS"):
        return "utf-16-le"
    return "utf-16-be" if data[1:6:2] in (b"MSH", b"FHS", b"BHS") and data[0:5:2] == b"\0\0\0" else None


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
        body, framed, rest = text[begin:end].partition(MLLP_END)
        body = body.strip(" \t\r\n\x0b")
        open_frame = not framed and begin > 0 and text[begin - 1] == MLLP_START
        yield Chunk(body[:3], body, not open_frame)
        if stray := rest.strip(" \t\r\n\x0b\x1c"):
            yield Chunk("", stray)


def decode_chunk(text: str, raw: bool) -> str:
    """Return a message in its own character set: MSH-18, unless its bytes say otherwise.

    `raw` text is one character a byte. Bytes that are no UTF-8 and not what MSH-18 declares are read as
    Windows-1252, the commonest mislabelled set; raises ItemRefused BAD_CHARSET when that fails too.
    """
    if not raw and "\x1b" not in text:
        return text
    declared = charset(text)
    data = text.encode("latin-1") if raw else text.encode("utf-8")
    for codec in (declared, "cp1252") if raw else (declared,):
        try:
            return data.decode(codec)
        except UnicodeDecodeError:
            continue
    raise ItemRefused(Reason.BAD_CHARSET, f"the bytes are neither UTF-8 nor {declared}")


def charset(text: str) -> str:
    """Return the Python codec MSH-18 asks for; "utf-8" when it is empty or unknown (HL7 table 0211).

    Where its repetitions name several sets and the text switches by escape sequence (ISO 2022, as Japanese
    senders do with ``~ISO IR87``), the one that understands these is meant.
    """
    fields = re.split("[\r\n]", text, maxsplit=1)[0].split(text[3:4] or "|")
    declared = fields[17].split(fields[1][1:2] or "~") if len(fields) > 17 else []
    codecs = [CHARSETS.get(re.sub(r"[^A-Z0-9]", "", name.upper()), "utf-8") for name in declared if name]
    if "\x1b" in text:
        codecs = [codec for codec in codecs if codec.startswith("iso2022")] or codecs
    return codecs[0] if codecs else "utf-8"


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
    return found, _boundary(found.field).split(text)


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
