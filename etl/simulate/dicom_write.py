"""Just enough of DICOM's file format to write headers fast: explicit VR little endian, Part 10 (PS3.5, PS3.10)."""

from __future__ import annotations

from collections.abc import Iterable
from struct import pack
from typing import NamedTuple

TRANSFER_SYNTAX = "1.2.840.10008.1.2.1"
IMPLEMENTATION = "2.25.329800735698586629295641978511506172918"
LONG_VRS = frozenset({"OB", "OW", "SQ", "UC", "UN", "UT"})


class Element(NamedTuple):
    """A value with its VR: text, raw bytes, a float (FD), a short (US), or the items of a sequence."""

    vr: str
    value: str | bytes | float | tuple[Elements, ...]


Elements = dict[int, Element]


def encode(elements: Elements) -> bytes:
    """Return the elements in ascending tag order as a data set."""
    return b"".join(_element(tag, elements[tag]) for tag in sorted(elements))


def _element(tag: int, element: Element) -> bytes:
    vr, data = element.vr, _data(element)
    if vr in LONG_VRS:
        return pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr.encode(), 0, len(data)) + data
    return pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), len(data)) + data


def _data(element: Element) -> bytes:
    vr, value = element
    if isinstance(value, str):
        data = value.encode()
        return data + ((b"\0" if vr == "UI" else b" ") if len(data) % 2 else b"")
    if isinstance(value, bytes):
        return value
    if isinstance(value, tuple):
        items = (encode(item) for item in value)
        return b"".join(pack("<HHI", 0xFFFE, 0xE000, len(item)) + item for item in items)
    return pack("<d", value) if vr == "FD" else pack("<H", int(value))


def part10(sop_class: str, sop_instance: str, elements: Elements) -> bytes:
    """Return a whole file: preamble, file meta information, data set."""
    meta: Elements = {
        0x00020001: Element("OB", b"\0\1"),
        0x00020002: Element("UI", sop_class),
        0x00020003: Element("UI", sop_instance),
        0x00020010: Element("UI", TRANSFER_SYNTAX),
        0x00020012: Element("UI", IMPLEMENTATION),
        0x00020013: Element("SH", "RADPULSESIM"),
    }
    head = encode(meta)
    group = pack("<HH2sHI", 2, 0, b"UL", 4, len(head))
    body = {**elements, 0x00080016: Element("UI", sop_class), 0x00080018: Element("UI", sop_instance)}
    return bytes(128) + b"DICM" + group + head + encode(body)


def coded(tag: int, value: str, scheme: str, meaning: str) -> Elements:
    """Return a code sequence of one item, as a data set of one element."""
    item: Elements = {
        0x00080100: Element("SH", value),
        0x00080102: Element("SH", scheme),
        0x00080104: Element("LO", meaning),
    }
    return {tag: Element("SQ", (item,))}


def texts(pairs: Iterable[tuple[int, str, str]]) -> Elements:
    """Return elements from (tag, VR, text), empty texts as empty values."""
    return {tag: Element(vr, text) for tag, vr, text in pairs}
