"""Rows of a database as CSV (RFC 4180): one value always gives one text, whatever driver or page brought it.

Event identity rests on the text of a time, so nothing here may depend on the session, the driver or the page.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from etl.landing import LONGEST_PAYLOAD

PAYLOAD_BYTES = 8 * 1024**2  # a page of wide rows lands as several payloads
MEDIA_TYPE = "text/csv; charset=utf-8; header=present"  # RFC 7111, RFC 4180


def cell(value: Any) -> str:
    """Return a value's text: NULL is empty, times are ISO 8601 with every digit they have, aware ones in UTC.

    Numbers are plain decimals without trailing zeros, booleans ``true`` and ``false``, intervals ISO 8601 seconds
    (``PT90S``), bytes hexadecimal, documents JSON with sorted keys.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return (value if value.tzinfo is None else value.astimezone(UTC)).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, int | float | Decimal | timedelta):
        return _number(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, dict | list):
        return json.dumps(value, sort_keys=True, default=cell, ensure_ascii=False)
    return str(value)


def _number(value: int | float | Decimal | timedelta) -> str:
    if isinstance(value, timedelta):
        seconds = Decimal(value // timedelta(microseconds=1)).scaleb(-6)
        return f"PT{_number(seconds)}S"
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not exact.is_finite():
        return ""
    text = f"{exact:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def payloads(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """Yield rows as CSV documents, the header on each, none longer than about PAYLOAD_BYTES unless one row is.

    Raises ValueError for a row that no landing frame holds.
    """
    head = _line(header)
    waiting, size = [head], len(head)
    for line in (_line(map(cell, row)) for row in rows):
        if len(head) + len(line) > LONGEST_PAYLOAD:
            raise ValueError(f"a row of {len(line)} bytes")
        if len(waiting) > 1 and size + len(line) > PAYLOAD_BYTES:
            yield b"".join(waiting)
            waiting, size = [head], len(head)
        waiting.append(line)
        size += len(line)
    if len(waiting) > 1:
        yield b"".join(waiting)


def _line(values: Iterable[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue().encode("utf-8", "backslashreplace")
