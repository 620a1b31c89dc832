"""The promise every fetcher keeps, and how its pages come to lie in their feed's folder.

A fetcher only brings: it asks another system for what is new since its cursor and yields what came, byte for byte.
A page that came whole lands as frames of a sealed segment, and only then the cursor moves on; the feed's source
reads the segment like any other file. So a fetch that dies repeats its last page, which changes nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

from etl.errors import ConfigurationError, PeerError
from etl.landing import LandingWriter
from etl.settings import Feed, Settings

Cursor = dict[str, Any]  # plain JSON values; empty before the first fetch
CURSOR_FILE = ".cursor.json"
PATIENCE = timedelta(minutes=10)  # a long history comes in stretches, so that the other feeds get their turn


@dataclass(frozen=True, slots=True)
class Page:
    """What one request brought, whole: its payloads, and where to go on once they are kept."""

    payloads: tuple[bytes, ...]
    cursor: Cursor
    note: str = ""  # media type; never an identifier, never a credential
    files: tuple[Path, ...] = ()  # files the fetcher has already laid into the feed's folder, each whole


class Fetcher(Protocol):
    """Asks one kind of peer; `options` are the keys `fetch = {...}` of a feed may have beside `kind`."""

    kind: str
    options: frozenset[str]

    def pages(self, feed: Feed, settings: Settings, cursor: Cursor, now_at: datetime) -> Iterator[Page]:
        """Yield what is new since `cursor`, oldest first, a page a time.

        Raises PeerError when the peer does not answer as it should (after its own retries), ConfigurationError for
        settings a person must mend.
        """
        ...

    def check(self, feed: Feed, settings: Settings) -> str:
        """Try the connection without moving the cursor and return one line of what answered; raises as `pages`."""
        ...


@dataclass(slots=True)
class Fetched:
    """What one fetch brought, and why it ended early, if it did."""

    feed_key: str
    pages: int = 0
    payloads: int = 0
    bytes: int = 0
    segments: list[Path] = field(default_factory=list)
    failed: str | None = None
    more: bool = False  # its time was up before the peer had told everything; the next fetch goes on


def options_of(feed: Feed, fetcher: Fetcher) -> dict[str, Any]:
    """Return a feed's fetch options without `kind`; raises ConfigurationError for one the fetcher does not know."""
    given = {name: value for name, value in (feed.fetch or {}).items() if name != "kind"}
    unknown = given.keys() - fetcher.options
    if unknown:
        raise ConfigurationError(
            f"feed {feed.key}: fetch option {sorted(unknown)} is not one of {sorted(fetcher.options)}"
        )
    return given


def read_cursor(folder: Path) -> Cursor:
    """Return a folder's cursor, empty where nothing was fetched yet; raises ConfigurationError when it is damaged."""
    path = folder / CURSOR_FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ConfigurationError(
            f"{path} is no JSON; delete it to fetch everything again (nothing counts twice)"
        ) from error
    return found if isinstance(found, dict) else {}


def write_cursor(folder: Path, cursor: Cursor) -> None:
    """Put a cursor in place of the last one, durably and at once."""
    path, fresh = folder / CURSOR_FILE, folder / f"{CURSOR_FILE}.part"
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(cursor, file, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def land(fetcher: Fetcher, feed: Feed, settings: Settings, now_at: datetime, patience: timedelta = PATIENCE) -> Fetched:
    """Fetch what is new into the feed's folder; what fails is said in the result, whole pages before it are kept.

    After the page that exceeds `patience` the rest is left to the next fetch. Raises BusyError when another process
    lands there, ConfigurationError for wrong settings.
    """
    folder = settings.at(feed.path)
    result, until_s = Fetched(feed.key), monotonic() + patience.total_seconds()
    with LandingWriter(folder) as writer:
        cursor = read_cursor(folder)
        try:
            for page in fetcher.pages(feed, settings, cursor, now_at):
                _keep(page, folder, writer, result)
                if monotonic() > until_s:
                    result.more = True
                    break
        except PeerError as error:
            result.failed = str(error)
    return result


def _keep(page: Page, folder: Path, writer: LandingWriter, result: Fetched) -> None:
    try:
        for payload in page.payloads:
            writer.append(payload, datetime.now(UTC), page.note)
    except (OSError, ValueError):
        writer.discard()
        raise
    segment = writer.seal()
    write_cursor(folder, page.cursor)
    result.pages += 1
    result.payloads += len(page.payloads) + len(page.files)
    result.bytes += sum(map(len, page.payloads)) + sum(path.stat().st_size for path in page.files)
    if segment is not None:
        result.segments.append(segment)
