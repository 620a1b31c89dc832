"""Fetcher `folder`: files of any kind from a folder on another machine, each once, and again when it changed.

Files land as files, never as frames: their source reads them in place, whatever their size. The cursor holds for each
remote path a hash of it and of its version (size, time, etag), and forgets paths that are no longer listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from etl.errors import ConfigurationError, PeerError
from etl.fetchers.base import Cursor, Page, options_of
from etl.fetchers.remote import Entry, FileLostError, RemoteFolder, opened
from etl.fetchers.spool import path_digest, put, settle, spool_name, sweep
from etl.settings import Feed, Settings
from etl.sources.base import UNFINISHED
from etl.sources.dicom_files import prefix_lengths
from etl.sources.dicom_part10 import WINDOWS
from etl.staging.places import has_personal_paths

PAGE_FILES = 500
PAGE_BYTES = 256 * 1024**2
SETTLE_S = 30
CHECKED_FILES = 10_000
HEADER_KIND = "dicom_files"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which files, and how much of each."""

    pattern: re.Pattern[str]
    since_at: datetime | None
    settle: timedelta
    headers_only: bool
    is_personal: bool

    def takes(self, entry: Entry) -> bool:
        """Return whether a listed file is asked for: finished, of a wanted name and not too old."""
        if Path(entry.relative).suffix in UNFINISHED or not self.pattern.match(entry.relative):
            return False
        return self.since_at is None or entry.changed_at is None or entry.changed_at >= self.since_at


@dataclass(slots=True)
class _Page:
    """What was laid into the feed's folder since the last page."""

    files: list[Path] = field(default_factory=list)
    bytes: int = 0

    @property
    def is_full(self) -> bool:
        """Whether it holds as many files or bytes as a page may."""
        return len(self.files) >= PAGE_FILES or self.bytes >= PAGE_BYTES


class Folder:
    """Brings the files of a remote folder that are new or changed."""

    kind = "folder"
    options = frozenset(
        {"url", "user", "password", "key", "host_key", "endpoint_url", "region"}
        | {"pattern", "since", "settle_s", "headers_only"}
    )

    def pages(self, feed: Feed, settings: Settings, cursor: Cursor, now_at: datetime) -> Iterator[Page]:
        """Yield pages of files already laid into the feed's folder; raises PeerError, ConfigurationError.

        A file that cannot be had leaves the others alone; PeerError after the last page says how many there were.
        """
        wanted, remote = _open(feed, self, settings, now_at)
        folder = settings.at(feed.path)
        sweep(folder)
        try:
            yield from _Run(remote, wanted, folder, cursor, now_at).pages()
        finally:
            remote.close()

    def check(self, feed: Feed, settings: Settings) -> str:
        """List the folder and return how many files of it are wanted, and the newest's time; reads none of them."""
        wanted, remote = _open(feed, self, settings, datetime.now(UTC))
        count, newest = 0, None
        try:
            for entry in remote.entries():
                if wanted.takes(entry):
                    count += 1
                    newest = max(filter(None, (newest, entry.changed_at)), default=None)
                if count >= CHECKED_FILES:
                    break
        finally:
            remote.close()
        shown = f"; newest of {newest:%Y-%m-%d %H:%M} UTC" if newest else ""
        return f"{'at least ' * (count >= CHECKED_FILES)}{count} files to fetch from {(feed.fetch or {})['url']}{shown}"


class _Run:
    """One fetch: lists, takes what is new and has settled, oldest first."""

    def __init__(self, remote: RemoteFolder, wanted: _Wanted, folder: Path, cursor: Cursor, now_at: datetime) -> None:
        self._remote, self._wanted, self._folder, self._now_at = remote, wanted, folder, now_at
        self._known: dict[str, str] = dict(cursor.get("known", {}))
        self._waiting: dict[str, list[Any]] = dict(cursor.get("waiting", {}))
        self._lost: dict[str, int] = {}

    def pages(self) -> Iterator[Page]:
        """Yield the pages of what is new, each with the cursor that stands for it and all before it."""
        before = (self._known, self._waiting)
        new = self._listed()
        page = _Page()
        try:
            for entry in new:
                self._take(entry, page)
                if page.is_full:
                    yield self._turned(page)
                    page = _Page()
        except PeerError:
            if page.files:
                yield self._turned(page)  # what came whole stays
            raise
        if page.files or before != (self._known, self._waiting):
            yield self._turned(page)
        if self._lost:
            raise PeerError("; ".join(f"{n} files could not be had: {why}" for why, n in sorted(self._lost.items())))

    def _listed(self) -> list[Entry]:
        """Return the files to take, and forget in the cursor what is no longer there."""
        found, seen, waiting = [], set(), {}
        for entry in self._remote.entries():
            if not self._wanted.takes(entry):
                continue
            digest = path_digest(entry.relative)
            seen.add(digest)
            if self._known.get(digest) == entry.version:
                continue
            if self._is_settled(digest, entry):
                found.append(entry)
            else:
                waiting[digest] = self._first_seen(digest, entry)
        self._known = {digest: version for digest, version in self._known.items() if digest in seen}
        self._waiting = waiting
        return sorted(found, key=lambda e: (e.changed_at or self._now_at, e.relative))

    def _is_settled(self, digest: str, entry: Entry) -> bool:
        """Return whether a file has stopped growing: by its own time, or because we saw it so before.

        The second is for servers whose clock runs ahead of ours, or that tell no time.
        """
        if not self._remote.settles:
            return True
        if entry.changed_at is not None and timedelta() <= self._now_at - entry.changed_at:
            return self._now_at - entry.changed_at >= self._wanted.settle
        since = self._first_seen(digest, entry)[1]
        return self._now_at - datetime.fromisoformat(since) >= self._wanted.settle

    def _first_seen(self, digest: str, entry: Entry) -> list[Any]:
        seen = self._waiting.get(digest)
        return seen if seen and seen[0] == entry.version else [entry.version, self._now_at.isoformat()]

    def _take(self, entry: Entry, page: _Page) -> None:
        name = spool_name(entry.relative, is_personal=self._wanted.is_personal)
        try:
            page.bytes += put(self._folder, name, *self._parts(entry))
        except FileLostError as lost:
            self._lost[str(lost)] = self._lost.get(str(lost), 0) + 1
            return
        self._known[path_digest(entry.relative)] = entry.version
        page.files.append(self._folder / name)

    def _parts(self, entry: Entry) -> tuple[Iterator[bytes], int | None]:
        if self._wanted.headers_only:
            parts = self._remote.parts(entry, first_bytes=WINDOWS[0])
            return self._checked(entry, prefix_lengths(parts, entry.size), None), entry.size
        return self._checked(entry, self._remote.parts(entry), entry.size), None

    def _checked(self, entry: Entry, parts: Iterator[bytes], size: int | None) -> Iterator[bytes]:
        """Pass parts through; raises FileLostError when it is not one version of the file that comes."""
        count = 0
        for part in parts:
            count += len(part)
            if count > entry.size:  # it may grow faster than we read
                break
            yield part
        if count > entry.size or (size is not None and count != size) or not self._remote.is_unchanged(entry):
            raise FileLostError("changed while it was read")

    def _turned(self, page: _Page) -> Page:
        settle(self._folder)
        return Page((), {"known": dict(self._known), "waiting": self._waiting}, files=tuple(page.files))


def _open(feed: Feed, fetcher: Folder, settings: Settings, now_at: datetime) -> tuple[_Wanted, RemoteFolder]:
    options = options_of(feed, fetcher)
    setting = f"feed {feed.key}: fetch"
    wanted = _Wanted(
        pattern=_pattern(str(options.get("pattern", "**/*")), setting),
        since_at=_since(options.get("since"), now_at, setting),
        settle=timedelta(seconds=_number(options, "settle_s", SETTLE_S, setting)),
        headers_only=_headers_only(options, feed, setting),
        is_personal=has_personal_paths(feed),
    )
    return wanted, opened(options, settings.base, setting)


def _pattern(text: str, setting: str) -> re.Pattern[str]:
    from fsspec.utils import glob_translate

    try:
        return re.compile(glob_translate(text))
    except (ValueError, re.error) as error:
        raise ConfigurationError(f"{setting}.pattern {text!r} is no pattern such as '**/*.hl7': {error}") from error


def _since(given: Any, now_at: datetime, setting: str) -> datetime | None:
    """Return the time before which nothing is fetched: a date or time of TOML, or a number of days back."""
    if given is None:
        return None
    if isinstance(given, datetime):
        return given if given.tzinfo else given.replace(tzinfo=UTC)
    if isinstance(given, date):
        return datetime.combine(given, time(), UTC)
    if isinstance(given, int) and not isinstance(given, bool) and given >= 0:
        return now_at - timedelta(days=given)
    raise ConfigurationError(f"{setting}.since is neither a date (2026-10-01) nor a number of days back")


def _number(options: dict[str, Any], name: str, default: float, setting: str) -> float:
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ConfigurationError(f"{setting}.{name} is no number of seconds")
    return float(value)


def _headers_only(options: dict[str, Any], feed: Feed, setting: str) -> bool:
    chosen = options.get("headers_only", feed.kind == HEADER_KIND)
    if chosen and feed.kind != HEADER_KIND:
        raise ConfigurationError(f"{setting}.headers_only is for feeds of kind {HEADER_KIND}; others read whole files")
    return bool(chosen)
