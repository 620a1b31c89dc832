"""Dimensions and time grains: the SQL expression behind each."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Date, DateTime, Integer, and_, cast, extract, false, func, literal_column, or_

from etl.errors import RefusedError
from etl.kpis.base import DIMENSION_COLUMNS, Kpi

UNKNOWN = "unknown"  # how a missing dimension value is shown, and asked for

_EPOCH_DAY = literal_column("DATE '1970-01-01'", Date())


def dimension_value(kpi: Kpi, name: str) -> ColumnElement[Any]:
    """Return the expression of a dimension; weekdays are ISO (1 Monday .. 7 Sunday), NULL reads 'unknown'."""
    if name == "weekday":
        assert kpi.at.date is not None  # noqa: S101 - Kpi.dimensions offers it only then
        return cast(extract("isodow", kpi.at.date), Integer)
    if name == "hour_of_day":
        assert kpi.at.hour is not None  # noqa: S101 - as above
        return cast(kpi.at.hour, Integer)
    return func.coalesce(kpi.table.c[DIMENSION_COLUMNS[name]], literal_column(f"'{UNKNOWN}'"))


def dimension_filter(kpi: Kpi, name: str, wanted: tuple[str, ...]) -> ColumnElement[bool]:
    """Return the condition that a dimension has one of the values wanted (none wanted: nothing passes).

    Raises RefusedError where a weekday or an hour is not a number.
    """
    if name in ("weekday", "hour_of_day"):
        return dimension_value(kpi, name).in_([_number(name, value) for value in wanted])
    column = kpi.table.c[DIMENSION_COLUMNS[name]]
    known = [value for value in wanted if value != UNKNOWN]
    condition = column.in_(known) if known else false()
    return or_(condition, column.is_(None)) if UNKNOWN in wanted else and_(condition)


def _number(name: str, value: str) -> int:
    allowed = range(1, 8) if name == "weekday" else range(24)
    if value.isdecimal() and int(value) in allowed:
        return int(value)
    raise RefusedError(f"{name} {value!r} is not known; allowed: {allowed.start} to {allowed.stop - 1}")


def grain_value(kpi: Kpi, grain: str) -> ColumnElement[Any]:
    """Return the bucket an item falls in: its date, its week's Monday, its month's first, or its local hour.

    Local hours are counted from 1970-01-01 00:00 local time; `bucket_times` turns them into times.
    """
    assert kpi.at.date is not None  # noqa: S101 - Kpi.grains offers none otherwise
    if grain == "day":
        return cast(kpi.at.date, Date)
    if grain == "hour":
        assert kpi.at.hour is not None  # noqa: S101 - Kpi.grains offers it only then
        return cast((kpi.at.date - _EPOCH_DAY) * 24 + kpi.at.hour, Integer)
    # the unit is text in the SQL: as a parameter it would repeat in GROUP BY and not match
    return cast(func.date_trunc(literal_column(f"'{grain}'"), cast(kpi.at.date, DateTime)), Date)
