"""Just enough of DICOM's file format to write headers fast: explicit VR little endian, Part 10 (PS3.5, PS3.10)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from struct import pack

TRANSFER_SYNTAX = "1.2.840.10008.1.2.1"
IMPLEMENTATION = "2.25.329800735698586629295641978511506172918"
LONG_VRS = frozenset({"OB", "OW", "SQ", "UC", "UN", "UT"})

Elements = dict[int, bytes]  # tag -> the whole element, encoded


def element(tag: int, vr: str, data: bytes) -> bytes:
    """Return one element of even length."""
    if vr in LONG_VRS:
        return pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr.encode(), 0, len(data)) + data
    return pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), len(data)) + data


def text(tag: int, vr: str, value: str) -> bytes:
    """Return an element of text, padded as its VR asks."""
    data = value.encode()
    if len(data) % 2:
        data += b"\0" if vr == "UI" else b" "
    return element(tag, vr, data)


def texts(triples: Iterable[tuple[int, str, str]]) -> Elements:
    """Return elements from (tag, VR, text)."""
    return {tag: text(tag, vr, value) for tag, vr, value in triples}


def short(tag: int, value: int) -> bytes:
    """Return an element of one unsigned 16-bit number (US)."""
    return element(tag, "US", pack("<H", value))


def double(tag: int, value: float) -> bytes:
    """Return an element of one 64-bit number (FD)."""
    return element(tag, "FD", pack("<d", value))


def sequence(tag: int, items: Iterable[Elements]) -> bytes:
    """Return a sequence with explicit lengths."""
    encoded = [encode(item) for item in items]
    data = b"".join(pack("<HHI", 0xFFFE, 0xE000, len(item)) + item for item in encoded)
    return element(tag, "SQ", data)


def encode(elements: Elements) -> bytes:
    """Return the elements in ascending tag order as a data set."""
    return b"".join([elements[tag] for tag in sorted(elements)])


@lru_cache(maxsize=2000)
def coded(tag: int, value: str, scheme: str, meaning: str) -> bytes:
    """Return a code sequence of one item."""
    item = texts([(0x00080100, "SH", value), (0x00080102, "SH", scheme), (0x00080104, "LO", meaning)])
    return sequence(tag, [item])


def part10(sop_class: str, sop_instance: str, elements: Elements) -> bytes:
    """Return a whole file: preamble, file meta information, data set."""
    meta = {0x00020001: element(0x00020001, "OB", b"\0\1")} | texts([
        (0x00020002, "UI", sop_class), (0x00020003, "UI", sop_instance), (0x00020010, "UI", TRANSFER_SYNTAX),
        (0x00020012, "UI", IMPLEMENTATION), (0x00020013, "SH", "RADPULSESIM"),
    ])  # fmt: skip
    head = encode(meta)
    group = element(0x00020000, "UL", pack("<I", len(head)))
    body = elements | texts([(0x00080016, "UI", sop_class), (0x00080018, "UI", sop_instance)])
    return bytes(128) + b"DICM" + group + head + encode(body)
