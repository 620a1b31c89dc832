"""Fetcher `sql`: what is new in a RIS's database, by a query of the site's own, read-only and a page at a time.

The query's rows land as CSV and are read by a feed of kind `ris_csv`. The query is the administrator's configuration,
like the mapping; nothing a user types reaches it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from time import sleep
from typing import Any

from pydantic import Field, ValidationError, field_validator, model_validator
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from etl.credentials import secret
from etl.errors import ConfigurationError, PeerError
from etl.fetchers.base import Cursor, Page, options_of
from etl.fetchers.sql_csv import MEDIA_TYPE, payloads
from etl.fetchers.sql_peer import address, engine, is_broken, said
from etl.fetchers.sql_position import Position, Window, page_query, position_of
from etl.settings import Feed, Part, Settings

WAITS_S = (0.5, 3.0)  # before a page is asked for again on a new connection


class Options(Part):
    """What `fetch = {kind = "sql", ...}` may say."""

    url: str
    watermark: str  # column of the query's result that grows whenever a row changes
    key: tuple[str, ...]  # columns that tell rows of one watermark apart
    query: str | None = None
    query_file: Path | None = None
    user: str | None = None
    password: str | None = None  # by reference
    tls_ca: Path | None = None
    since: datetime | date | int | str | None = None  # first watermark ever read
    lag_min: float = Field(15, ge=0, le=7 * 1440)
    lag_ids: int = Field(0, ge=0)
    page_rows: int = Field(5000, ge=1, le=100_000)
    max_rows: int = Field(1_000_000, ge=1)
    timeout_s: float = Field(60, gt=0, le=3600)

    @field_validator("key", mode="before")
    @classmethod
    def _several(cls, key: Any) -> Any:
        return (key,) if isinstance(key, str) else key

    @model_validator(mode="after")
    def _one_query(self) -> Options:
        if (self.query is None) == (self.query_file is None):
            raise ValueError("give either query or query_file")
        if not self.key:
            raise ValueError("key: name the columns that tell rows of one watermark apart")
        return self


class RisSql:
    """Reads one query's result in the order of (watermark, key)."""

    kind = "sql"
    options = frozenset(Options.model_fields)

    def pages(self, feed: Feed, settings: Settings, cursor: Cursor, now_at: datetime) -> Iterator[Page]:
        """Yield what is new since `cursor`, a page of rows a time, up to about `max_rows` rows.

        Raises PeerError when the database does not answer or refuses, ConfigurationError for wrong options.
        """
        reading = _Reading(_options(feed, self), feed, settings)
        with reading:
            yield from reading.pages(cursor, now_at)

    def check(self, feed: Feed, settings: Settings) -> str:
        """Return which columns the query gives; raises as `pages`, and PeerError when a named column is missing."""
        with _Reading(_options(feed, self), feed, settings) as reading:
            header, rows = reading.rows(Position(), 1)
        return f"{len(header)} columns, {'a first row' if rows else 'no row'}: {', '.join(header)}"


def _options(feed: Feed, fetcher: RisSql) -> Options:
    try:
        return Options(**options_of(feed, fetcher))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, ("fetch", *first["loc"])))
        raise ConfigurationError(f"feed {feed.key}: {where}: {first['msg']}") from None


class _Reading:
    """One fetch: a connection that is made again when it breaks."""

    def __init__(self, options: Options, feed: Feed, settings: Settings) -> None:
        self._options = options
        self._zone = settings.zone_of(feed)
        self._where = f"feed {feed.key}"
        self._query = _query(options, settings, self._where)
        self._engine = _engine(options, settings, self._where, self._zone.key)
        self._connection: Connection | None = None

    def __enter__(self) -> _Reading:
        return self

    def __exit__(self, *_failure: object) -> None:
        self._hang_up()
        self._engine.dispose()

    def pages(self, cursor: Cursor, now_at: datetime) -> Iterator[Page]:
        """Yield pages until one is not full, or `max_rows` are read and the position may be kept as it is."""
        o = self._options
        window = Window(now_at, timedelta(minutes=o.lag_min), o.lag_ids, self._zone)
        position, read = position_of(cursor) if cursor else Position(o.since), 0
        while True:
            header, rows = self.rows(position, o.page_rows)
            if not rows:
                return
            reached = self._reached(header, rows[-1], position)
            kept = window.kept(reached, at_end=len(rows) < o.page_rows)
            yield Page(self._payloads(header, rows), kept.as_cursor(), MEDIA_TYPE)
            position, read = reached, read + len(rows)
            if len(rows) < o.page_rows or (read >= o.max_rows and kept == reached):
                return

    def rows(self, start: Position, most: int) -> tuple[list[str], Sequence[Any]]:
        """Return the header and the rows behind a position, asking again when the connection breaks."""
        for wait_s in (*WAITS_S, None):
            try:
                return self._asked(start, most)
            except DBAPIError as error:
                self._hang_up()
                if wait_s is None or not is_broken(error):
                    raise PeerError(f"{self._where}: {said(error, self._options.timeout_s)}") from None
                sleep(wait_s)
        raise AssertionError("the last attempt returns or raises")

    def _asked(self, start: Position, most: int) -> tuple[list[str], Sequence[Any]]:
        o = self._options
        if self._connection is None:
            self._connection = self._engine.connect()
        with self._connection.begin() as transaction:
            result = self._connection.execute(page_query(self._query, o.watermark, o.key, start, most))
            header, rows = list(result.keys()), result.fetchall()
            transaction.rollback()
        return header, rows

    def _hang_up(self) -> None:
        if self._connection is not None:
            with suppress(DBAPIError):  # it is broken already
                self._connection.close()
            self._connection = None

    def _reached(self, header: list[str], last: Sequence[Any], before: Position) -> Position:
        """Return the position behind a page's last row; raises PeerError where paging would stand still."""
        values = [last[self._place(header, name)] for name in (self._options.watermark, *self._options.key)]
        if None in values:
            raise PeerError(f"{self._where}: a key column is NULL; COALESCE it in the query")
        reached = Position(values[0], tuple(values[1:]))
        if reached == before:
            raise PeerError(f"{self._where}: the watermark has more digits than are kept; cast it to microseconds")
        return reached

    def _place(self, header: list[str], name: str) -> int:
        if name not in header:
            raise PeerError(f"{self._where}: no column {name!r} in the query's result: {', '.join(header)}")
        return header.index(name)

    def _payloads(self, header: list[str], rows: Sequence[Any]) -> tuple[bytes, ...]:
        try:
            return tuple(payloads(header, rows))
        except ValueError as error:
            raise PeerError(f"{self._where}: {error} is too long; leave report texts and images out") from None


def _query(options: Options, settings: Settings, where: str) -> str:
    if options.query is not None:
        return options.query
    path = settings.at(options.query_file or Path())
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{where}: fetch.query_file {path} cannot be read: {error}") from error


def _engine(options: Options, settings: Settings, where: str, zone: str) -> Engine:
    url = address(options.url, f"{where}: fetch.url", settings.base)
    if options.user is not None:
        url = url.set(username=options.user)
    if options.password is not None:
        url = url.set(password=secret(options.password, settings.base))
    tls_ca = settings.at(options.tls_ca) if options.tls_ca else None
    return engine(url, timeout_s=options.timeout_s, zone=zone, tls_ca=tls_ca)
