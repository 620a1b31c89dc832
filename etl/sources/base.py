"""The promise every source keeps, and the context it gets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from etl.records import SourceItem
from etl.settings import Feed, Settings


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
