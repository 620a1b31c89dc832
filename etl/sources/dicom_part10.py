"""Opens a DICOM Part 10 file, or a bare data set, and scans its beginning; pixel data are never read.

PS3.10 chapter 7 (preamble, File Meta Information), PS3.5 annex A (transfer syntaxes).
"""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from etl.errors import ItemRefused, Reason
from etl.sources.dicom_elements import (
    EXPLICIT_LITTLE,
    KNOWN_VRS,
    Dataset,
    NeedMoreError,
    Plan,
    scan,
    sniff,
)

PREAMBLE = 128
MAGIC = b"DICM"
DEFLATED = b"1.2.840.10008.1.2.1.99"
WINDOWS = (1 << 16, 1 << 21, 1 << 25)  # bytes looked at: nearly every header fits the first, 32 MiB is the end
LARGEST_INFLATED = 1 << 25
LONGEST_META = 4096
TRANSFER_SYNTAX_UID = 0x00020010
MEDIA_SOP_CLASS_UID = 0x00020002
MEDIA_SOP_INSTANCE_UID = 0x00020003
META_PLAN = Plan(
    frozenset((TRANSFER_SYNTAX_UID, MEDIA_SOP_CLASS_UID, MEDIA_SOP_INSTANCE_UID)), stop_group=0x0003, budget=1000
)


@dataclass(frozen=True, slots=True)
class DicomFile:
    """The scanned part of a file: meta information, data set, size in bytes."""

    meta: Dataset
    dataset: Dataset
    size: int


def looks_like_dicom(head: bytes) -> bool:
    """Return whether the first bytes of a file are those of DICOM, with or without preamble."""
    return head[PREAMBLE : PREAMBLE + 4] == MAGIC or _bare_data_set(head)


def read_part10(path: Path, plan: Plan, windows: tuple[int, ...] = WINDOWS) -> DicomFile:
    """Return what `plan` wants of a file, looking at prefixes of the lengths in `windows` until one is enough.

    Raises ItemRefused: NOT_THIS_FORMAT, TRUNCATED, BAD_STRUCTURE, OVERSIZED, READ_ERROR.
    """
    try:
        with path.open("rb") as stream:
            return _widening(stream, os.fstat(stream.fileno()).st_size, plan, windows)
    except OSError as error:
        raise ItemRefused(Reason.READ_ERROR, f"cannot read: {error.strerror or 'input/output error'}") from error


def _widening(stream: BinaryIO, size: int, plan: Plan, windows: tuple[int, ...]) -> DicomFile:
    """Scan a growing prefix until it holds all that is wanted."""
    data = b""
    for window in windows:
        data += stream.read(window - len(data))
        try:
            return parse_part10(data, max(size, len(data)), plan)
        except NeedMoreError:
            continue
    raise ItemRefused(Reason.OVERSIZED, f"no end of the header within {windows[-1]} bytes")


def parse_part10(data: bytes, size: int, plan: Plan) -> DicomFile:
    """Return what `plan` wants of a file of `size` bytes that begins with `data`; raises as `read_part10`."""
    start = _start(data)
    meta, position = _meta(data, start, size)
    syntax = meta.values.get(TRANSFER_SYNTAX_UID, b"").strip(b" \0")
    if syntax == DEFLATED:
        body, whole = _inflate(data[position:], len(data) == size)
        dataset, _ = scan(body, 0, sniff(body, 0), plan, whole)
    else:
        dataset, _ = scan(data, position, sniff(data, position), plan, size)
    return DicomFile(meta, dataset, size)


def _start(data: bytes) -> int:
    """Return where the meta information (or the bare data set) begins."""
    if data[PREAMBLE : PREAMBLE + 4] == MAGIC:
        start = PREAMBLE + 4
        if len(data) < start + 8:
            raise ItemRefused(Reason.TRUNCATED, "nothing follows the DICM mark")
        if data[start + 1] != 0 and data[start] != 0:  # no such group begins a DICOM file in either byte order
            raise _no_element(data[start:])
        return start
    if _bare_data_set(data):
        return 0
    if not data:
        raise ItemRefused(Reason.NOT_THIS_FORMAT, "the file is empty")
    raise ItemRefused(Reason.NOT_THIS_FORMAT, "no DICM mark at byte 128 and no data set at byte 0")


def _no_element(data: bytes) -> ItemRefused:
    """Say what follows the DICM mark instead of a data element; some deflate the meta information as well."""
    if data[0] == 0x78:  # a zlib stream
        inflater = zlib.decompressobj()
        try:
            inflater.decompress(data, LARGEST_INFLATED)
        except zlib.error:
            return ItemRefused(Reason.BAD_STRUCTURE, "a damaged zlib stream follows the DICM mark")
        if not inflater.eof:
            return ItemRefused(Reason.TRUNCATED, "a zlib stream that breaks off follows the DICM mark")
    return ItemRefused(Reason.BAD_STRUCTURE, "no data element follows the DICM mark")


def _meta(data: bytes, start: int, size: int) -> tuple[Dataset, int]:
    """Read group 2 by its tags: its declared length is wrong too often to be used."""
    if data[start : start + 2] != b"\x02\x00":
        return Dataset(), start
    try:
        return scan(data, start, EXPLICIT_LITTLE, META_PLAN, size)
    except ItemRefused as refusal:
        if refusal.reason is Reason.TRUNCATED and size - start > LONGEST_META:
            raise ItemRefused(Reason.BAD_STRUCTURE, "the File Meta Information is damaged") from refusal
        raise


def _bare_data_set(data: bytes) -> bool:
    """Return whether the bytes begin with an element of group 2 or 8, as files without preamble do."""
    group, element, rest = data[:2], data[2:4], data[4:8]
    if group in (b"\x02\x00", b"\x08\x00"):
        return rest[:2] in KNOWN_VRS or (element[1:] == b"\0" and rest[1:] == b"\0\0\0" and len(data) > 16)
    return group == b"\x00\x08" and rest[:2] in KNOWN_VRS


def _inflate(packed: bytes, is_all: bool) -> tuple[bytes, int]:
    """Return inflated bytes and the size of the whole (more than returned while input or bound cut it short)."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        body = inflater.decompress(packed, LARGEST_INFLATED)
    except zlib.error as error:
        raise ItemRefused(Reason.BAD_STRUCTURE, "the deflated data set does not inflate") from error
    ends_here = inflater.eof or (is_all and len(body) < LARGEST_INFLATED)
    return body, len(body) if ends_here else 1 << 62
