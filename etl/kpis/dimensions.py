"""Dimensions and time grains: which a KPI can take, and the SQL expression behind each."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Date, DateTime, Integer, and_, cast, extract, false, func, literal_column, or_

from etl.errors import RefusedError
from etl.kpis.base import Kpi
from etl.kpis.query import DIMENSIONS, GRAINS

UNKNOWN = "unknown"  # how a missing dimension value is shown, and asked for

_COLUMNS = {
    "site": "site_code",
    "scanner": "scanner_code",
    "modality": "modality",
    "priority": "priority",
    "patient_class": "patient_class",
    "procedure_group": "procedure_group",
    "section": "section",
    "shift": "shift",
    "reader_mode": "reader_mode",
    "feed": "feed_key",
    "reason": "reason",
    "milestone": "milestone",
}
_EPOCH_DAY = literal_column("DATE '1970-01-01'", Date())


def dimensions_of(kpi: Kpi) -> tuple[str, ...]:
    """Return the dimensions a KPI can be cut and filtered by: those its table has a column for."""
    names = [name for name, column in _COLUMNS.items() if column in kpi.table.c]
    if kpi.at is not None:
        names.append("weekday")
    if kpi.hour is not None:
        names.append("hour_of_day")
    return tuple(name for name in DIMENSIONS if name in names and name not in kpi.without)


def grains_of(kpi: Kpi) -> tuple[str, ...]:
    """Return the time grains a KPI can be bucketed by."""
    if kpi.grains is not None:
        return kpi.grains
    if kpi.at is None:
        return ()
    return GRAINS if kpi.hour is not None else GRAINS[1:]


def dimension_value(kpi: Kpi, name: str) -> ColumnElement[Any]:
    """Return the expression of a dimension; weekdays are ISO (1 Monday .. 7 Sunday), NULL reads 'unknown'."""
    if name == "weekday":
        assert kpi.at is not None  # noqa: S101 - dimensions_of offers it only then
        return cast(extract("isodow", kpi.at), Integer)
    if name == "hour_of_day":
        assert kpi.hour is not None  # noqa: S101 - as above
        return cast(kpi.hour, Integer)
    return func.coalesce(kpi.table.c[_COLUMNS[name]], literal_column(f"'{UNKNOWN}'"))


def dimension_filter(kpi: Kpi, name: str, wanted: tuple[str, ...]) -> ColumnElement[bool]:
    """Return the condition that a dimension has one of the values wanted (none wanted: nothing passes).

    Raises RefusedError where a weekday or an hour is not a number.
    """
    if name in ("weekday", "hour_of_day"):
        return dimension_value(kpi, name).in_([_number(name, value) for value in wanted])
    column = kpi.table.c[_COLUMNS[name]]
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
    assert kpi.at is not None  # noqa: S101 - grains_of offers none otherwise
    if grain == "day":
        return cast(kpi.at, Date)
    if grain == "hour":
        assert kpi.hour is not None  # noqa: S101 - grains_of offers it only then
        return cast((kpi.at - _EPOCH_DAY) * 24 + kpi.hour, Integer)
    # the unit is text in the SQL: as a parameter it would repeat in GROUP BY and not match
    return cast(func.date_trunc(literal_column(f"'{grain}'"), cast(kpi.at, DateTime)), Date)
