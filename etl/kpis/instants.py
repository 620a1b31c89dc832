"""The instants a snapshot is taken at: the end of each site-local bucket, or of the period, none after now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import ColumnElement, Date, Integer, String, cast, column, select, values
from sqlalchemy.sql.selectable import FromClause

from etl.errors import RefusedError
from etl.kpis.query import Query
from etl.warehouse.tables import UtcDateTime

MOST_HOURS = 31 * 24
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - a site-local wall clock


@dataclass(frozen=True)
class Instants:
    """Rows (site, bucket, instant); the bucket is a date, or for hours the local hours since 1970."""

    rows: tuple[tuple[str, Any, datetime], ...]
    grain: str | None

    @cached_property
    def table(self) -> FromClause:
        """The rows as a VALUES clause with the columns site, bucket, at."""
        kind: Any = Integer() if self.grain == "hour" else Date()
        listed = values(
            column("site", String()), column("bucket", kind), column("at", UtcDateTime()), name="listed"
        ).data(list(self.rows) or [("", 0 if self.grain == "hour" else date.min, datetime.min.replace(tzinfo=UTC))])
        # the engines take a column of parameters for text unless told
        typed = select(
            listed.c.site,
            cast(listed.c.bucket, kind).label("bucket"),
            cast(listed.c["at"], UtcDateTime()).label("at"),
        )
        return typed.subquery("instants")

    @property
    def at(self) -> ColumnElement[Any]:
        """The instant's column."""
        return self.table.c["at"]

    @property
    def bucket(self) -> ColumnElement[Any]:
        """The bucket's column."""
        return self.table.c["bucket"]

    def last(self) -> Instants:
        """Return only the instants of the last bucket."""
        if not self.rows:
            return self
        newest = max(row[1] for row in self.rows)
        return Instants(tuple(row for row in self.rows if row[1] == newest), self.grain)

    def filled(self, frame: pd.DataFrame, key: str | None, others: list[str]) -> pd.DataFrame:
        """Return `frame` with a row for every bucket of every slice seen, so that empty queues show."""
        if key is None or not self.rows:
            return frame
        buckets = pd.DataFrame({key: sorted({row[1] for row in self.rows})})
        if others:
            slices = frame[others].drop_duplicates()
            buckets = buckets.merge(slices, how="cross")
        return buckets.merge(frame, how="left", on=[key, *others])


def instants_of(
    query: Query, grain: str | None, as_of: datetime, zones: dict[str, ZoneInfo], history: bool
) -> Instants:
    """Return the instants of a query: `as_of` where it lies inside the period, else the period's local end.

    With a grain one per bucket. A period wholly after `as_of` has none. Raises RefusedError for more hours than a
    month has. Without `history` the only instant is `as_of` (the state is known for now alone).
    """
    if not history:
        return Instants(tuple((site, query.from_date, as_of) for site in sorted(zones)), None)
    if grain == "hour" and (query.to_date - query.from_date).days * 24 > MOST_HOURS:
        raise RefusedError("a snapshot by hour covers at most 31 days; ask for a shorter period or by day")
    rows: list[tuple[str, Any, datetime]] = []
    for site, zone in sorted(zones.items()):
        buckets = _hours(query, zone) if grain == "hour" else _dates(query, grain, zone)
        rows += [(site, bucket, min(end, as_of)) for bucket, begin, end in buckets if begin < as_of]
    return Instants(tuple(rows), grain)


def local_midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the UTC instant a local day begins."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def _dates(query: Query, grain: str | None, zone: ZoneInfo) -> Iterator[tuple[date, datetime, datetime]]:
    day = query.from_date
    while day < query.to_date:
        first, after = _bucket(day, grain, query)
        end = min(after, query.to_date)
        yield first, local_midnight(day, zone), local_midnight(end, zone)
        day = end


def _bucket(day: date, grain: str | None, query: Query) -> tuple[date, date]:
    """Return a bucket's name and the first day after it."""
    if grain is None:
        return query.from_date, query.to_date
    if grain == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    if grain == "month":
        return day.replace(day=1), (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return day, day + timedelta(days=1)


def _hours(query: Query, zone: ZoneInfo) -> Iterator[tuple[int, datetime, datetime]]:
    """Yield local hours; a repeated hour counts once, until its second end."""
    begin, stop = local_midnight(query.from_date, zone), local_midnight(query.to_date, zone)
    ends: dict[int, tuple[datetime, datetime]] = {}
    while begin < stop:
        end = begin + timedelta(hours=1)
        wall = begin.astimezone(zone).replace(tzinfo=None)
        hours = int((wall - _EPOCH).total_seconds() // 3600)
        ends[hours] = (ends.get(hours, (begin, end))[0], end)
        begin = end
    yield from ((hours, first, last) for hours, (first, last) in ends.items())
