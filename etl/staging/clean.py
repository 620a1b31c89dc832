"""Cleaning of single values on their way in: texts, years, sex, instants."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta
from functools import lru_cache

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SEXES = {
    "M": "M", "MALE": "M", "F": "F", "FEMALE": "F",
    "O": "O", "OTHER": "O", "A": "O", "N": "O", "X": "O",
    "U": "U", "UNKNOWN": "U",
}  # HL7 table 0001 and DICOM (0010,0040)  # fmt: skip


@lru_cache(maxsize=1 << 14)
def text(value: str | None, length: int) -> str | None:
    """Return the value without control characters, trimmed and cut to `length`; None when nothing is left."""
    if value is None:
        return None
    if not value.isprintable():
        value = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in value)
    return value.strip()[:length].rstrip() or None


def micros(at: datetime) -> int:
    """Return an aware instant as microseconds since 1970 (UTC)."""
    since = at - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def birth_year(value: str | None) -> int | None:
    """Return the year of a birth date in HL7, DICOM or ISO form, None when it has no plausible one."""
    year = "" if value is None else value.strip()[:4]
    if len(year) < 4 or not (year.isascii() and year.isdigit()):
        return None
    return int(year) if 1880 <= int(year) <= 2100 else None


def sex(value: str | None) -> str | None:
    """Return M, F, O or U; None when nothing was sent, U for a code nobody knows."""
    if value is None or not value.strip():
        return None
    return SEXES.get(value.strip().upper(), "U")
