"""Turns raw DICOM values into short clean texts: charset, first value, no control characters, bounded.

Character sets: PS3.3 C.12.1.1.2 and PS3.5 6.1.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable
from hashlib import sha256
from struct import unpack

from etl.sources.dicom_elements import Dataset

LONGEST_TEXT = 64
HASH_DIGITS = 16
CHARSET = 0x00080005
ESCAPE = b"\x1b"
_CODECS = {
    "ISO_IR 100": "latin-1",
    "ISO_IR 101": "iso8859_2",
    "ISO_IR 109": "iso8859_3",
    "ISO_IR 110": "iso8859_4",
    "ISO_IR 144": "iso8859_5",
    "ISO_IR 127": "iso8859_6",
    "ISO_IR 126": "iso8859_7",
    "ISO_IR 138": "iso8859_8",
    "ISO_IR 148": "iso8859_9",
    "ISO_IR 203": "iso8859_15",
    "ISO_IR 166": "tis_620",
    "ISO_IR 13": "shift_jis",
    "ISO_IR 192": "utf-8",
    "GB18030": "gb18030",
    "GBK": "gbk",
}
DELIMITERS = {ord(mark) for mark in "\\^="}
# control characters, and the invisible marks that turn the reading direction or hide in copied text
_UNWANTED = dict.fromkeys(
    [
        *(*range(0x20), *range(0x7F, 0xA0), *range(0x200B, 0x2010), *range(0x202A, 0x202F)),
        *(*range(0x2060, 0x2070), *range(0xD800, 0xE000), 0xFEFF, 0xFFFE, 0xFFFF),
    ]
)


def charset_of(dataset: Dataset, inherited: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the character sets a data set declares, else those it inherits."""
    raw = dataset.values.get(CHARSET)
    if not raw or not raw.isascii():
        return inherited
    return tuple(part.strip(" \0") for part in raw.decode("ascii").split("\\"))[:8]


def decode(raw: bytes, charset: tuple[str, ...]) -> str:
    """Return the whole text of a value; bytes that its character set lacks are read as Latin-1."""
    if ESCAPE in raw:
        return _decode_extended(raw, charset)
    if raw.isascii():
        return raw.decode("ascii")
    name = (charset[0] if charset else "").replace("ISO 2022", "ISO_IR").replace("ISO_IR IR", "ISO_IR").upper()
    try:
        return raw.decode(_CODECS.get(name, "latin-1"))
    except UnicodeDecodeError:
        return raw.decode("latin-1")  # loses nothing: two values stay two


def _decode_extended(raw: bytes, charset: tuple[str, ...]) -> str:
    """Decode a value that changes its character set by escape sequences, as pydicom does (PS3.5 6.1.2.5)."""
    from pydicom.charset import convert_encodings, decode_bytes  # a second to import, and rarely needed

    logging.getLogger("pydicom").setLevel(logging.ERROR)  # it warns of each bad byte, which is expected here
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return decode_bytes(raw, convert_encodings(list(charset) or [""]), DELIMITERS)
    except (LookupError, ValueError):  # a charset that Python lacks, bytes that no codec takes
        return raw.decode("latin-1")


def clean(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return a text without control characters and outer spaces, cut to `longest` characters."""
    if not text.isprintable():
        text = "".join(mark if mark.isprintable() else " " * mark.isspace() for mark in text.translate(_UNWANTED))
    return text.strip()[:longest].rstrip()


def identifier(text: str) -> str | None:
    """Return a clean identifier of at most 64 characters, or None for an empty one.

    A longer one keeps its beginning and ends in a hash of the whole, so that two never become one by cutting.
    """
    whole = clean(text, longest=max(len(text), 1))
    if len(whole) <= LONGEST_TEXT:
        return whole or None
    digest = sha256(whole.encode("utf-8")).hexdigest()[:HASH_DIGITS]
    return f"{whole[: LONGEST_TEXT - HASH_DIGITS - 1]}~{digest}"


def texts_of(dataset: Dataset, tags: Iterable[int], charset: tuple[str, ...] = ()) -> dict[int, str]:
    """Return the first value of each present, non-empty tag as unbounded text."""
    charset = charset_of(dataset, charset)
    found = {}
    for tag in tags:
        raw = dataset.values.get(tag)
        if raw:
            text = decode(raw, charset).split("\\", 1)[0].strip(" \0")
            if text:
                found[tag] = text
    return found


def number_of(dataset: Dataset, tag: int) -> float | None:
    """Return the first number of a DS or IS text or of an FD value, or None where there is none."""
    raw = dataset.values.get(tag)
    if not raw:
        return None
    value = number(raw.split(b"\\", 1)[0].strip(b" \0").decode("latin-1"))
    if value is None and len(raw) % 8 == 0:
        value = finite(unpack(">d" if dataset.big else "<d", raw[:8])[0])
    return value


def number(text: str) -> float | None:
    """Return a finite number from a DS or IS text such as ``1.6e-005``, or None."""
    text = text.strip()
    if not text or len(text) > LONGEST_TEXT or "_" in text:
        return None
    try:
        return finite(float(text))
    except ValueError:
        return None


def finite(value: float) -> float | None:
    """Return the number unless it is infinite or not a number."""
    return value if abs(value) < float("inf") else None
