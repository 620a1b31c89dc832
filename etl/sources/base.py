"""The promise every source keeps, and the context it gets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from etl.errors import ItemRefused, Reason
from etl.records import SourceItem
from etl.settings import Feed, Settings

UNFINISHED = frozenset({".tmp", ".part"})
LARGEST_FILE = 256 * 1024**2  # of the files that are read into memory whole; a year's extract is smaller


class Source(Protocol):
    """Reads one kind of feed; each item it offers ends in exactly one class, and nothing raises out of it.

    `files` lists what lies ready, sorted. `read` yields the items of one file; only FeedStoppedError may
    leave it (a layout change that a person must confirm). `inspect` returns what one file would become as
    plain JSON values, with identifiers masked, needing no key and no settings.
    """

    kind: str

    def files(self, feed: Feed, settings: Settings) -> list[Path]:
        """Return the files of the feed, sorted by relative path."""
        ...

    def read(self, path: Path, feed: Feed, settings: Settings) -> Iterator[SourceItem]:
        """Yield the items of one file; `source_ref` starts with the path relative to the feed's folder."""
        ...

    def recognises(self, path: Path, head: bytes) -> bool:
        """Return whether a file with this name and first 4 KiB looks like this kind (for `inspect`)."""
        ...

    def inspect(self, path: Path) -> dict[str, Any]:
        """Return what the file would become; raises ItemRefused with one line of reason."""
        ...


def feed_files(feed: Feed, settings: Settings) -> list[Path]:
    """Return the regular files of a feed's folder that match its pattern, sorted by relative path.

    Hidden files and the names writers use while still writing (``.tmp``, ``.part``) are passed over.
    """
    folder = settings.at(feed.path)
    found = (path for path in folder.glob(feed.pattern) if path.suffix not in UNFINISHED)
    shown = (path for path in found if not path.name.startswith(".") and path.is_file())
    return sorted(shown, key=lambda path: path.relative_to(folder).as_posix())


def whole_file(path: Path) -> bytes:
    """Return a file's bytes; raises ItemRefused OVERSIZED beyond LARGEST_FILE bytes, READ_ERROR."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1) if os.fstat(file.fileno()).st_size <= LARGEST_FILE else None
    except OSError as error:
        raise ItemRefused(Reason.READ_ERROR, str(error.strerror)) from error
    if data is None or len(data) > LARGEST_FILE:
        raise ItemRefused(Reason.OVERSIZED, f"a file of more than {LARGEST_FILE} bytes; export it in smaller ones")
    return data


def relative_ref(path: Path, feed: Feed, settings: Settings) -> str:
    """Return the path as source references begin with it: relative to the feed's folder where it lies there."""
    folder = settings.at(feed.path)
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name


def masked(value: str | None) -> str | None:
    """Return an identifier as `inspect` shows it: its first two characters and its length, ``AB…(12)``.

    Of four characters and fewer none is shown.
    """
    if value is None:
        return None
    return f"{value[:2] if len(value) > 4 else ''}…({len(value)})"
