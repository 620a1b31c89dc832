"""Where fetched files lie in their feed's folder: under names of our own, whole or not at all.

A remote name never becomes a path here. A spooled name is a readable stem of letters and digits, a hash of the whole
remote path, and the ending; for feeds whose paths may name patients the stem is left out.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Set
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

LONGEST_STEM = 60
LONGEST_ENDING = 8
HASH_DIGITS = 16
SPOOLED = re.compile(rf"[A-Za-z0-9_-]*~[0-9a-f]{{{HASH_DIGITS}}}(\.[a-z0-9]{{1,{LONGEST_ENDING}}})?")
DOWNLOADING = ".tmp"  # not `.part`: those are segments to be recovered
_KEPT_APART = frozenset({".seg", ".tmp", ".part", ".lock"})  # endings that mean something in a feed's folder


def path_digest(relative: str) -> str:
    """Return what stands for a remote path in names and cursors."""
    return blake2b(relative.encode("utf-8", "surrogatepass"), digest_size=HASH_DIGITS // 2).hexdigest()


def spool_name(relative: str, *, is_personal: bool) -> str:
    """Return the name under which a remote file lies here: letters, digits, ``-_~`` and one ending."""
    last = unicodedata.normalize("NFKD", re.split(r"[/\\]", relative)[-1]).encode("ascii", "ignore").decode()
    stem, dot, ending = last.rpartition(".")
    if not dot:
        stem, ending = last, ""
    suffix = f".{ending.lower()}" if re.fullmatch(rf"[A-Za-z0-9]{{1,{LONGEST_ENDING}}}", ending) else ""
    readable = "" if is_personal else re.sub(r"[^A-Za-z0-9]+", "-", stem).strip("-")[:LONGEST_STEM]
    return f"{readable}~{path_digest(relative)}{'' if suffix in _KEPT_APART else suffix}"


def put(folder: Path, name: str, parts: Iterable[bytes], size: int | None = None) -> int:
    """Write a file, durable before it is visible, and return how many bytes came.

    `size` makes a prefix as long as the whole: what was not fetched is a hole. Whatever `parts` raises leaves nothing.
    """
    hidden = folder / f".{name}{DOWNLOADING}"
    try:
        descriptor = os.open(hidden, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            written = sum(file.write(part) for part in parts)
            if size is not None:
                file.truncate(size)
            file.flush()
            os.fsync(file.fileno())
        hidden.replace(folder / name)
    finally:
        hidden.unlink(missing_ok=True)
    return written


def settle(folder: Path) -> None:
    """Make the names of files that were put here durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Remove what a download that died left hidden."""
    for path in folder.glob(f".*~*{DOWNLOADING}"):
        path.unlink()


def purge(folder: Path, before_at: datetime, read: Set[str]) -> int:
    """Delete the spooled files fetched before `before_at` whose names are in `read`; return how many."""
    spooled = (p for p in folder.iterdir() if p.name in read and SPOOLED.fullmatch(p.name)) if folder.is_dir() else ()
    old = [p for p in spooled if p.stat().st_mtime < before_at.timestamp()]
    for path in old:
        path.unlink()
    return len(old)
