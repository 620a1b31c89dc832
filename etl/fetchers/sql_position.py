"""Where a fetch from a database goes on: keyset paging over (watermark, key), with a window that is read again.

A row may become visible after rows with a later watermark: its transaction began earlier and committed later. So what
is kept between fetches never lies inside the last `lag` minutes; those are read again, and what was read before is
unchanged. A watermark in the future cannot carry the position past rows still to come.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    LargeBinary,
    Numeric,
    Select,
    Unicode,
    Uuid,
    and_,
    column,
    literal,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.types import TypeEngine

from etl.errors import PeerError
from etl.fetchers.base import Cursor

HOUR = timedelta(hours=1)
TAIL = re.compile(r";\s*(--[^\n]*\s*)*\Z")  # an end of statement, comments behind it
_READERS: dict[str, Callable[[str], Any]] = {
    "text": str,
    "int": int,
    "number": Decimal,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "bytes": bytes.fromhex,
    "uuid": UUID,
}


@dataclass(frozen=True, slots=True)
class Position:
    """The rows after this are still to be read: from watermark `after` on, behind `key` where it is known."""

    after: Any = None  # None: from the beginning
    key: tuple[Any, ...] = ()

    def as_cursor(self) -> Cursor:
        """Return the position as plain JSON values."""
        return {} if self.after is None else {"after": _packed(self.after), "key": [_packed(v) for v in self.key]}


def position_of(cursor: Cursor) -> Position:
    """Return a cursor's position; raises PeerError when it is not one of this fetcher's."""
    if not cursor:
        return Position()
    try:
        return Position(_unpacked(cursor["after"]), tuple(_unpacked(v) for v in cursor["key"]))
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise PeerError("the cursor is not of an SQL fetch; delete .cursor.json to read everything again") from error


def _packed(value: Any) -> list[str]:
    if isinstance(value, datetime):
        return ["datetime", value.isoformat()]
    if isinstance(value, date):
        return ["date", value.isoformat()]
    if isinstance(value, bool | int):
        return ["int", str(int(value))]
    if isinstance(value, float | Decimal):
        return ["number", str(value)]
    if isinstance(value, bytes | bytearray | memoryview):
        return ["bytes", bytes(value).hex()]
    if isinstance(value, UUID):
        return ["uuid", str(value)]
    if isinstance(value, str):
        return ["text", value]
    raise PeerError(f"a {type(value).__name__} is no watermark or key; select a time, a number or a text")


def _unpacked(packed: Sequence[str]) -> Any:
    kind, value = packed
    return _READERS[kind](value)


def page_query(query: str, watermark: str, keys: Sequence[str], start: Position, rows: int) -> Select[Any]:
    """Return the statement of one page: the site's query as a subselect, cut and ordered by (watermark, key).

    Row-value comparison is spelt out, which every dialect knows; `after <=` beside it lets an index be used.
    """
    names = [watermark, *keys]
    inner = text(_literally(query)).columns(*[column(name) for name in names]).subquery("site_query")
    columns = [inner.c[name] for name in names]
    page: Select[Any] = select(literal_column("*")).select_from(inner).where(columns[0].is_not(None))
    if start.after is not None:
        page = page.where(columns[0] >= _bound(start.after))
        if start.key:
            page = page.where(_behind(columns, [start.after, *start.key]))
    return page.order_by(*columns).limit(rows)


def _literally(query: str) -> str:
    """Keep colons from being taken for parameters, and a comment at the end from swallowing the bracket."""
    return TAIL.sub("", query.strip()).replace(":", "\\:") + "\n"


def _behind(columns: Sequence[ColumnElement[Any]], values: Sequence[Any]) -> ColumnElement[bool]:
    first, value = columns[0], _bound(values[0])
    if len(columns) == 1:
        return first > value
    return or_(first > value, and_(first == value, _behind(columns[1:], values[1:])))


def _bound(value: Any) -> ColumnElement[Any]:
    """Return a value as a parameter of its own type: a driver's guess would cut an aware time or a large number."""
    kinds: dict[type, TypeEngine[Any]] = {
        str: Unicode(),
        datetime: DateTime(timezone=isinstance(value, datetime) and value.tzinfo is not None),
        date: Date(),
        int: BigInteger(),
        Decimal: Numeric(),
        bytes: LargeBinary(),
        UUID: Uuid(),
    }
    return literal(value, kinds.get(type(value)))


@dataclass(frozen=True, slots=True)
class Window:
    """What is read again: `lag` before now for a time, `lag_ids` numbers for a number; `zone` of naive times."""

    now_at: datetime
    lag: timedelta
    lag_ids: int
    zone: ZoneInfo

    def kept(self, reached: Position, *, at_end: bool) -> Position:
        """Return the position to keep once all rows up to `reached` are landed; `at_end`: no more rows were there.

        Raises PeerError for a text that is no ISO 8601 time while a lag is wanted.
        """
        after = reached.after
        if isinstance(after, int | Decimal | float):
            return Position(after - self.lag_ids) if at_end and self.lag_ids else reached
        if not self.lag or isinstance(after, bytes | UUID):
            return reached
        edge, back = self._edge(after)
        return reached if after < edge else Position(min(edge, back))

    def _edge(self, after: Any) -> tuple[Any, Any]:
        """Return the begin of the window as a watermark, and `after` less the lag, in the form of `after`."""
        if isinstance(after, str):
            return self._edge_of_text(after)
        if not isinstance(after, datetime):  # a date: the whole day is still open
            edge = self._local(after).date()
            return edge, min(edge, after)
        if after.tzinfo is not None:
            return self.now_at - self.lag, after - self.lag
        return self._local(after), after - self.lag

    def _local(self, _after: Any) -> datetime:
        """Return the earliest wall-clock time that a row written from the window's begin on may bear.

        When the clock is put back, the hour after is told a second time.
        """
        begin = (self.now_at - self.lag).astimezone(self.zone)
        later = (begin.astimezone(UTC) + HOUR).astimezone(self.zone)
        set_back = max(timedelta(), (begin.utcoffset() or HOUR * 0) - (later.utcoffset() or HOUR * 0))
        return begin.replace(tzinfo=None) - set_back

    def _edge_of_text(self, after: str) -> tuple[str, str]:
        try:
            known = datetime.fromisoformat(after)
        except ValueError:
            raise PeerError("the watermark is a text but no ISO 8601 time; cast it, or set lag_min = 0") from None
        if len(after) <= 10:
            day = self._edge(known.date())
            return str(day[0]), str(day[1])
        edge, back = self._edge(known)
        return _like(after, known, edge), _like(after, known, back)


def _like(sample: str, known: datetime, at: datetime) -> str:
    """Return a time as a text that sorts among texts written like the sample: whole seconds, no offset."""
    at = at.astimezone(known.tzinfo) if known.tzinfo else at
    return at.replace(tzinfo=None).isoformat(sep=sample[10], timespec="seconds")
