"""The instant that counts as now, as a bound parameter of every KPI's SQL, and arithmetic with instants.

No KPI calls now(): its expressions hold `AS_OF`, and `compute` binds it (decision 4).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Double, String, and_, bindparam, cast, extract, literal_column, or_

from etl.warehouse.tables import UtcDateTime

AS_OF: ColumnElement[datetime] = cast(bindparam("as_of", type_=UtcDateTime()), UtcDateTime())
LAST_WHOLE_HOUR: ColumnElement[datetime] = cast(bindparam("last_hour_at", type_=UtcDateTime()), UtcDateTime())


def moment_params(as_of: datetime) -> dict[str, datetime]:
    """Return the values of the moment's parameters; the last whole hour is the latest that ended by `as_of`."""
    return {"as_of": as_of, "last_hour_at": as_of - timedelta(hours=1)}


def epoch_min(instant: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return an instant as minutes since 1970, the same in both engines."""
    return cast(extract("epoch", instant), Double) / 60.0


def minutes_between(begin: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return `end - begin` in minutes."""
    return epoch_min(end) - epoch_min(begin)


def reached(instant: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return whether an instant exists and lies at or before now."""
    return and_(instant.is_not(None), instant <= AS_OF)


def not_reached(instant: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return whether an instant is missing or still to come."""
    return or_(instant.is_(None), instant > AS_OF)


def word(text: str) -> ColumnElement[str]:
    """Return a fixed word as it stands in the SQL, so that an expression repeated in GROUP BY stays the same."""
    return literal_column(f"'{text}'", String())
