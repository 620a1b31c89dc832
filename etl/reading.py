"""Reads and stages a feed's new files on every core, in order, a bounded number of chunks ahead."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from etl.errors import ConfigurationError, FeedStoppedError
from etl.landing import is_segment
from etl.records import SourceItem
from etl.settings import Feed, Settings
from etl.sources import SOURCES
from etl.sources.base import Source
from etl.sources.landed import read_segment
from etl.staging import Batch, PlaceNamer, Pseudonymiser, stage

CHUNK_BYTES = 4 * 1024**2
CHUNK_FILES = 400
POOL_BYTES = 12 * 1024**2  # below this, and below POOL_FILES, starting processes costs more than it saves
POOL_FILES = 1500
AHEAD = 4  # chunks in work or waiting: bounds memory, keeps both cores busy

Stamp = tuple[int, int]  # size in bytes, modification time in nanoseconds


@dataclass(frozen=True, slots=True)
class FileStamp:
    """A feed file as it lay when listed; `source` is its path in the feed's folder, or that path's token."""

    source: str
    path: Path
    size_bytes: int
    mtime_ns: int


@dataclass(slots=True)
class Reading:
    """One feed's files on their way into the warehouse; `read` grows and `stopped` is set while iterating."""

    feed: Feed
    files: Sequence[FileStamp]
    read: list[FileStamp] = field(default_factory=list)
    stopped: str | None = None


def source_of(feed: Feed) -> Source:
    """Return the source that reads a feed; raises ConfigurationError naming the kinds there are."""
    try:
        return SOURCES[feed.kind]
    except KeyError:
        kinds = ", ".join(SOURCES)
        raise ConfigurationError(f"feed {feed.key}: kind {feed.kind!r} is not one of {kinds}") from None


def unread_files(feed: Feed, settings: Settings, known: Mapping[str, Stamp], key: bytes) -> list[FileStamp]:
    """Return the feed's files that are new or changed since the watermark `known` (place -> stamp)."""
    return [f for f in _stamps(feed, settings, key) if known.get(f.source) != (f.size_bytes, f.mtime_ns)]


def read_names(feed: Feed, settings: Settings, known: Mapping[str, Stamp], key: bytes) -> set[str]:
    """Return the names of the files directly in the feed's folder that lie there as they were read."""
    folder = settings.at(feed.path)
    read = (f.path for f in _stamps(feed, settings, key) if known.get(f.source) == (f.size_bytes, f.mtime_ns))
    return {path.name for path in read if path.parent == folder}


def _stamps(feed: Feed, settings: Settings, key: bytes) -> Iterator[FileStamp]:
    folder = settings.at(feed.path)
    place = PlaceNamer(feed, Pseudonymiser(key, settings.identity.key_epoch))
    for path in source_of(feed).files(feed, settings):
        status = path.stat()
        yield FileStamp(place(path.relative_to(folder).as_posix()), path, status.st_size, status.st_mtime_ns)


def chunks_of(files: Sequence[FileStamp]) -> Iterator[list[FileStamp]]:
    """Cut files into chunks of about CHUNK_BYTES and at most CHUNK_FILES, in order."""
    chunk: list[FileStamp] = []
    size = 0
    for stamp in files:
        if chunk and (size + stamp.size_bytes > CHUNK_BYTES or len(chunk) >= CHUNK_FILES):
            yield chunk
            chunk, size = [], 0
        chunk.append(stamp)
        size += stamp.size_bytes
    if chunk:
        yield chunk


@dataclass(slots=True)
class Chunk:
    """Files staged together: the batch, how many files it holds, and why the feed stopped, if it did."""

    batch: Batch
    files: int
    stopped: str | None


class _Items:
    """The items of some files, up to the first whose layout changed."""

    def __init__(self, paths: Sequence[Path], feed: Feed, settings: Settings) -> None:
        self._paths, self._feed, self._settings = paths, feed, settings
        self.files = 0
        self.stopped: str | None = None

    def __iter__(self) -> Iterator[SourceItem]:
        source = source_of(self._feed)
        for path in self._paths:
            try:
                yield from read_items(source, path, self._feed, self._settings)
            except FeedStoppedError as stopped:
                self.stopped = str(stopped)
                return
            self.files += 1


def read_items(source: Source, path: Path, feed: Feed, settings: Settings) -> Iterator[SourceItem]:
    """Yield the items of a file or of a landed segment; raises FeedStoppedError."""
    return read_segment(source, path, feed, settings) if is_segment(path) else source.read(path, feed, settings)


def stage_files(paths: Sequence[Path], feed: Feed, settings: Settings, key: bytes) -> Chunk:
    """Read and stage some files in this process; what a worker runs."""
    items = _Items(paths, feed, settings)
    batch = stage(items, feed, settings, Pseudonymiser(key, settings.identity.key_epoch))
    return Chunk(batch, items.files, items.stopped)


def is_worth_a_pool(readings: Sequence[Reading]) -> bool:
    """Return whether there is enough to read to pay for starting a process on every core."""
    files = [stamp for reading in readings for stamp in reading.files]
    return len(files) > POOL_FILES or sum(stamp.size_bytes for stamp in files) > POOL_BYTES


@contextmanager
def workers(wanted: bool) -> Iterator[ProcessPoolExecutor | None]:
    """Yield a pool with a process for every core, or None where the work is too small to pay for one.

    Processes are spawned: a fork would inherit the writer's open database.
    """
    if not wanted:
        yield None
        return
    with ProcessPoolExecutor(os.cpu_count() or 1, mp_context=get_context("spawn")) as pool:
        yield pool


def staged(reading: Reading, settings: Settings, key: bytes, pool: ProcessPoolExecutor | None) -> Iterator[Batch]:
    """Yield the reading's batches in file order, up to the file that stops the feed (kept in `reading.stopped`)."""
    for stamps, chunk in _in_order(chunks_of(reading.files), reading.feed, settings, key, pool):
        reading.read += stamps[: chunk.files]
        yield chunk.batch
        if chunk.stopped:
            reading.stopped = chunk.stopped
            return


def _in_order(
    chunks: Iterator[list[FileStamp]],
    feed: Feed,
    settings: Settings,
    key: bytes,
    pool: ProcessPoolExecutor | None,
) -> Iterator[tuple[list[FileStamp], Chunk]]:
    if pool is None:
        for stamps in chunks:
            yield stamps, stage_files([s.path for s in stamps], feed, settings, key)
        return
    waiting: deque[tuple[list[FileStamp], Future[Chunk]]] = deque()
    for stamps in chunks:
        waiting.append((stamps, pool.submit(stage_files, [s.path for s in stamps], feed, settings, key)))
        if len(waiting) >= AHEAD:
            done, future = waiting.popleft()
            yield done, future.result()
    for done, future in waiting:
        yield done, future.result()
