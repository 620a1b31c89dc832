"""The metadata all tables belong to, and the kinds of columns they are made of.

Times are naive UTC in both engines and aware UTC in Python (`UtcDateTime`). Keys are 64-bit hashes of natural
keys with the site in front. Facts carry their low-cardinality dimensions inline (site, scanner, modality, ...),
so a KPI is one SELECT without joins; `dim_` tables hold labels.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Double,
    Integer,
    MetaData,
    String,
    TypeDecorator,
)

metadata = MetaData()


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime in Python, a naive UTC timestamp in the database."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive datetimes, store the UTC wall clock."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value.isoformat()}; warehouse times are aware UTC")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the stored wall clock as aware UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


def text(name: str, comment: str, length: int = 64, **kw: Any) -> Column[str]:
    """Return a column of text."""
    return Column(name, String(length), comment=comment, **kw)


def at(name: str, comment: str, **kw: Any) -> Column[datetime]:
    """Return a column of instants."""
    return Column(name, UtcDateTime, comment=comment, **kw)


def num(name: str, comment: str) -> Column[float]:
    """Return a column of numbers."""
    return Column(name, Double, comment=comment)


def whole(name: str, comment: str) -> Column[int]:
    """Return a column of whole numbers."""
    return Column(name, Integer, comment=comment)


def key(name: str, comment: str, **kw: Any) -> Column[int]:
    """Return a column of 64-bit keys or counts."""
    return Column(name, BigInteger, comment=comment, **kw)


def flag(name: str, comment: str) -> Column[bool]:
    """Return a column of truth values."""
    return Column(name, Boolean, comment=comment)


def day(name: str, comment: str) -> Column[Any]:
    """Return a column of site-local dates."""
    return Column(name, Date, comment=comment)


def exam_dimensions() -> list[Column[Any]]:
    """Dimensions shared by exam-grain facts; all may be filtered and grouped by."""
    return [
        text("site_code", "site"),
        text("scanner_code", "performing scanner, else the booked one"),
        text("modality", "canonical modality"),
        text("procedure_code", "local procedure code", 128),
        text("procedure_group", "standard procedure group"),
        text("priority", "STAT, URGENT, ROUTINE"),
        text("patient_class", "E, I, O"),
        text("section", "reading section"),
        text("shift", "day, evening, night, weekend: of exam end, else begin, else order (site-local)"),
        text("reader_mode", "single, trainee (K0.10); NULL while unread"),
    ]


def variant_minutes() -> list[Column[Any]]:
    """What variants of utilization are made of beside the hour's own minutes (etl.kpis.waterfall)."""
    return [
        num("room_before_min", "table minutes widened by the buffer before alone, inside operating time"),
        num("used_booked_min", "table minutes inside operating time that were booked too"),
        num("summed_min", "visit minutes, inside and outside operating time, overlapping visits counted each"),
        num("begun_scan_min", "minutes of visits begun in the hour, whole"),
        num("turnover_min", "turnover gaps before visits begun in the hour"),
        whole("turnovers", "number of these gaps"),
        num("imaged_min", "minutes of ended visits begun in the hour whose series tell how long they took"),
        num("acquired_min", "of these under acquisition (U07)"),
    ]
