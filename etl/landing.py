"""Landing: what came over a network, byte for byte on disk before the sender hears that it arrived.

A *segment* is a file of frames that only grows. While it grows its name ends in `.part`, which no feed lists; sealed
it ends in `.seg`, never changes again, and is read like any other file of its feed. A frame is a length, a checksum,
the time it was received, a note (media type, peer; never an identifier) and the payload. What a crash tears off at
the end was never acknowledged: `recover` cuts it away and seals the rest.
"""

from __future__ import annotations

import os
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from etl.errors import BusyError

MAGIC = b"RPSEG1\r\n"
GROWING, SEALED = ".part", ".seg"
HEAD = struct.Struct(">IIqH")  # payload bytes, CRC-32 of all that follows it, received (Unix µs), note bytes
LONGEST_PAYLOAD = 64 * 1024**2
SEAL_BYTES = 8 * 1024**2
SEAL_AGE = timedelta(seconds=5)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Frame:
    """One payload as received; `number` counts from 1 within its segment."""

    number: int
    received_at: datetime
    note: str
    payload: bytes


class TornSegmentError(Exception):
    """A segment does not go on as it should: cut off or changed after frame `after`."""

    def __init__(self, after: int) -> None:
        super().__init__(f"the segment is damaged behind frame {after}")
        self.after = after


def is_segment(path: Path) -> bool:
    """Return whether a path is named like a sealed segment."""
    return path.suffix == SEALED


def frames(path: Path) -> Iterator[Frame]:
    """Yield the frames of a segment in order; raises TornSegmentError at the first that is not whole, OSError."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise TornSegmentError(0)
        for number in count(1):
            frame = _frame(file, number)
            if frame is None:
                return
            yield frame


def _frame(file: BinaryIO, number: int) -> Frame | None:
    head = file.read(HEAD.size)
    if not head:
        return None
    if len(head) < HEAD.size:
        raise TornSegmentError(number - 1)
    size, checksum, received, note_size = HEAD.unpack(head)
    body = file.read(note_size + size) if size <= LONGEST_PAYLOAD else b""
    if len(body) != note_size + size or zlib.crc32(body, zlib.crc32(head[8:])) != checksum:
        raise TornSegmentError(number - 1)
    note = body[:note_size].decode("utf-8", "replace")
    return Frame(number, EPOCH + received * MICROSECOND, note, body[note_size:])


def _bytes(payload: bytes, received_at: datetime, note: str) -> bytes:
    if len(payload) > LONGEST_PAYLOAD:
        raise ValueError(f"a payload of {len(payload)} bytes; a frame holds {LONGEST_PAYLOAD}")
    text = note.encode()[:1000]
    tail = struct.pack(">qH", (received_at - EPOCH) // MICROSECOND, len(text))
    checksum = zlib.crc32(payload, zlib.crc32(text, zlib.crc32(tail)))
    return struct.pack(">II", len(payload), checksum) + tail + text + payload


class LandingWriter:
    """Appends frames to a folder's growing segment; one writer a folder, any number of threads.

    `append` writes, `sync` makes what was appended survive a power cut: acknowledge only after it. Raises BusyError
    when another process writes there.
    """

    def __init__(self, folder: Path, *, seal_bytes: int = SEAL_BYTES, seal_age: timedelta = SEAL_AGE) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder
        self._seal_bytes, self._seal_age = seal_bytes, seal_age
        self._lock = threading.RLock()
        self._file: BinaryIO | None = None
        self._path = folder
        self._since = EPOCH
        self._synced = True
        self._owner = FileLock(folder / ".landing.lock", timeout=0, thread_local=False)
        try:
            self._owner.acquire()
        except Timeout as error:
            raise BusyError(f"another process lands in {folder}; this start leaves it alone") from error
        recover(folder)

    def append(self, payload: bytes, received_at: datetime, note: str = "") -> None:
        """Write one frame; raises ValueError beyond LONGEST_PAYLOAD bytes, OSError as the disk says."""
        data = _bytes(payload, received_at, note)
        with self._lock:
            file = self._file or self._begin(received_at)
            start = file.tell()
            try:
                _write(file, data)
            except OSError:
                self._undo(file, start)
                raise
            self._synced = False

    def sync(self) -> None:
        """Make every frame appended so far durable."""
        with self._lock:
            if self._file is not None and not self._synced:
                try:
                    os.fsync(self._file.fileno())
                except OSError:  # what the disk holds now is not known, and the next fsync would not tell
                    self._give_up(self._file)
                    raise
                self._synced = True

    def seal_if_due(self, now_at: datetime) -> Path | None:
        """Seal the growing segment when it is old or large enough; return its path then."""
        with self._lock:
            if self._file is None:
                return None
            due = self._file.tell() >= self._seal_bytes or now_at - self._since >= self._seal_age
            return self.seal() if due else None

    def seal(self) -> Path | None:
        """Make the growing segment, if there is one, a file its feed reads; return its path."""
        with self._lock:
            if self._file is None:
                return None
            self.sync()
            self._file.close()
            self._file = None
            return _sealed(self._path)

    def discard(self) -> None:
        """Throw the growing segment away: what a fetch that failed half-way had written."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None
                self._path.unlink()

    def close(self) -> None:
        """Seal what there is and let another process write here."""
        self.seal()
        self._owner.release()

    def __enter__(self) -> LandingWriter:
        return self

    def __exit__(self, *_failure: object) -> None:
        self.close()

    def _undo(self, file: BinaryIO, start: int) -> None:
        """Cut a torn frame off: none may stand before the next whole one."""
        try:
            file.truncate(start)
            file.seek(start)
        except OSError:
            self._give_up(file)

    def _give_up(self, file: BinaryIO) -> None:
        """End this segment as it lies; the next start cuts it to its last whole frame and seals it."""
        self._file, self._synced = None, True
        with suppress(OSError):
            file.close()

    def _begin(self, at: datetime) -> BinaryIO:
        stem = f"{at:%Y%m%dT%H%M%S.%f}"
        path = next(p for n in count() if not (p := self.folder / f"{stem}-{n:03}{GROWING}").exists()
                    and not p.with_suffix(SEALED).exists())  # fmt: skip
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        file = os.fdopen(descriptor, "r+b", buffering=0)
        try:
            _write(file, MAGIC)
            _sync_folder(self.folder)
        except OSError:
            file.close()
            path.unlink()
            raise
        self._file, self._path, self._since = file, path, at
        return file


def _write(file: BinaryIO, data: bytes) -> None:
    """Write all of it: a disk that fills up takes a part first and says so only at the next call."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def recover(folder: Path) -> list[Path]:
    """Seal the segments a dead writer left, cut to their last whole frame, and return their paths."""
    growing = (path for path in sorted(folder.glob(f"*{GROWING}")) if not path.name.startswith("."))
    return [_recovered(path) for path in growing]


def _recovered(path: Path) -> Path:
    with path.open("r+b") as file:
        end = 0
        if file.read(len(MAGIC)) == MAGIC:
            end = file.tell()
            with suppress(TornSegmentError):
                for number in count(1):
                    if _frame(file, number) is None:
                        break
                    end = file.tell()
        else:  # not even the first bytes were written
            file.seek(0)
            file.write(MAGIC)
            end = len(MAGIC)
        file.truncate(end)
        os.fsync(file.fileno())
    return _sealed(path)


def _sealed(path: Path) -> Path:
    target = path.with_suffix(SEALED)
    path.rename(target)
    _sync_folder(path.parent)
    return target


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def purge(folder: Path, before_at: datetime, read: frozenset[str] | set[str]) -> int:
    """Delete the sealed segments last written before `before_at` whose names are in `read`; return how many."""
    old = [p for p in folder.glob(f"*{SEALED}") if p.name in read and p.stat().st_mtime < before_at.timestamp()]
    for path in old:
        path.unlink()
    return len(old)
