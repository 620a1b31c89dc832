"""Turns raw DICOM values into short clean texts: charset, first value, no control characters, bounded.

Character sets: PS3.3 C.12.1.1.2 and PS3.5 6.1, through pydicom's tables.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from hashlib import sha256
from struct import unpack

from etl.sources.dicom_elements import Dataset

LONGEST_TEXT = 64
HASH_DIGITS = 16
CHARSET = 0x00080005
ESCAPE = b"\x1b"
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
    """Return the whole text of a value; bytes that the character set lacks become U+FFFD or backslash escapes."""
    if raw.isascii() and ESCAPE not in raw:
        return raw.decode("ascii")
    from pydicom.charset import convert_encodings, decode_bytes  # half a second to import, and rarely needed

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # unknown sets and bad bytes are expected here, and replaced
            return decode_bytes(raw, convert_encodings(list(charset) or [""]), DELIMITERS)
    except (LookupError, ValueError):  # a charset that Python lacks, bytes that no codec takes
        return raw.decode("latin-1")


def clean(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return a text without control characters and outer spaces, cut to `longest` characters."""
    if not (text.isascii() and text.isprintable()):
        text = text.translate(_UNWANTED)
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


def masked(value: str) -> str:
    """Return an identifier for display: its first two characters and its length."""
    return f"{value[:2]}…({len(value)})"
