"""What devices, media and lines do to DICOM files: slips of structure above all."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache

from bytes_mutations import Chance, Mutation

SLIPS = (
    b"\xff\xff\xff\xff",
    b"\0\0\0\x80",
    b"\xff\xff\xff\x7f",
    b"\xfe\xff\x00\xe0\xff\xff\xff\xff",
    b"\xfe\xff\xdd\xe0\0\0\0\0",
    b"\xfe\xff\x0d\xe0\0\0\0\0",
    b"SQ\0\0",
    b"UN",
    b"OB",
    b"DS",
    b"\x40\x00\x30\xa7SQ\0\0\xff\xff\xff\xff",
)
TEXTS = (
    b"../../..",
    b"C:\\CON\\..",
    b"\\\\host\\x",
    b"\xe2\x80\xae",
    b"\x1b$B\x1b(B",
    b"\x1b$)C\xff",
    b"NaN",
    b"1e999",
    b"-1",
    b"\\\\\\\\",
    b"', ''); --",
    b"20269999",
    b"999999",
    b"\0\0\0\0",
)
VRS = b"AE AS CS DA DS DT FD IS LO LT OB OF OW PN SH SQ ST TM UI UL UN US UT ZZ".split()
SYNTAX = b"\x02\x00\x10\x00UI"
BOMB_BYTES = 48 * 1024 * 1024


def slip(data: bytes, chance: Chance) -> bytes:
    at, piece = chance.randrange(len(data) + 1), chance.choice(SLIPS)
    return data[:at] + piece + data[at + len(piece) :]


def _elements(data: bytes) -> list[int]:
    """Return where explicit little-endian elements may begin: a known VR stands four bytes on."""
    known = set(VRS)
    return [at for at in range(132, min(len(data) - 8, 6000), 2) if data[at + 4 : at + 6] in known]


def element_length(data: bytes, chance: Chance) -> bytes:
    places = _elements(data)
    if not places:
        return slip(data, chance)
    at = chance.choice(places)
    if data[at + 4 : at + 6] in (b"SQ", b"UN", b"OB", b"OW", b"UT", b"OF"):
        size = chance.choice((0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, 0, 1, len(data)))
        return data[: at + 8] + struct.pack("<L", size) + data[at + 12 :]
    return data[: at + 6] + struct.pack("<H", chance.choice((0xFFFF, 0, 1, 7))) + data[at + 8 :]


def element_vr(data: bytes, chance: Chance) -> bytes:
    places = _elements(data)
    if not places:
        return slip(data, chance)
    at = chance.choice(places)
    return data[: at + 4] + chance.choice(VRS) + data[at + 6 :]


def element_gone(data: bytes, chance: Chance) -> bytes:
    places = _elements(data)
    if not places:
        return slip(data, chance)
    at = chance.choice(places)
    (size,) = struct.unpack_from("<H", data, at + 6)
    return data[:at] + data[at + 8 + size :]


def element_text(data: bytes, chance: Chance) -> bytes:
    places = _elements(data)
    if not places:
        return slip(data, chance)
    at, text = chance.choice(places), chance.choice(TEXTS) * chance.choice((1, 1, 40))
    (size,) = struct.unpack_from("<H", data, at + 6)
    text += b" " * (len(text) % 2)
    return data[: at + 6] + struct.pack("<H", len(text)) + text + data[at + 8 + size :]


def deep(data: bytes, chance: Chance) -> bytes:
    """A thousand sequences in each other, ended or not, before the last wanted group."""
    places = _elements(data) or [132]
    tag = chance.choice((b"\x40\x00\x30\xa7", b"\x08\x00\x40\x11", b"\x40\x00\x75\x02", b"\x09\x00\x01\x10"))
    depth = chance.choice((1000, 1000, 5000, 60))
    open_ = (tag + b"SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff") * depth
    close = (b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0") * chance.choice((0, depth, depth - 1))
    at = chance.choice(places)
    return data[:at] + open_ + close + data[at:]


@lru_cache(maxsize=2)
def _bomb(filling: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(filling * (BOMB_BYTES // len(filling))) + packer.flush()


def deflated(data: bytes, chance: Chance) -> bytes:
    """The data set deflated, or a deflate bomb of 1:1000 behind the meta information."""
    head = b"\0" * 128 + b"DICM" + SYNTAX + b"\x16\x001.2.840.10008.1.2.1.99"
    if chance.random() < 0.02:
        return head + _bomb(chance.choice((b"\0" * 64, b"\x08\x00\x18\x00UI\x04\x001.2\0")))
    packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(data[132:] or b"\0") + packer.flush()
    return head + (body if chance.random() < 0.7 else body[: len(body) // 2])


def syntax(data: bytes, chance: Chance) -> bytes:
    """Another transfer syntax than the data are written in."""
    at = data.find(SYNTAX)
    if at < 0:
        return slip(data, chance)
    (size,) = struct.unpack_from("<H", data, at + 6)
    name = chance.choice(
        (b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.2", b"1.2.840.10008.1.2.1.99", b"9.9", b"1.2.840.10008.1.2.4.50")
    )
    name += b"\0" * (len(name) % 2)
    return data[: at + 6] + struct.pack("<H", len(name)) + name + data[at + 8 + size :]


def preamble(data: bytes, chance: Chance) -> bytes:
    return chance.choice(
        (data[128:], data[132:], data[:128] + data[132:], b"\0" * 128 + data, data[:132], b"DICM" + data[132:])
    )


MUTATIONS: tuple[Mutation, ...] = (
    slip,
    slip,
    element_length,
    element_length,
    element_vr,
    element_gone,
    element_text,
    element_text,
    deep,
    deflated,
    syntax,
    preamble,
)
