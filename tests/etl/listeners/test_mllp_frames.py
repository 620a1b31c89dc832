"""MLLP blocks: whatever a sender makes of start and end, no message is lost, doubled or held without bound."""

from __future__ import annotations

import random
import secrets
import tracemalloc
from itertools import chain

import pytest

from etl.listeners.mllp_frames import Blocks, Cut, TooLongError

ONE, TWO = b"MSH|^~\\&|A|||||1\rPID|1\r", b"MSH|^~\\&|B|||||2\r"
LIMIT = 1 << 20


def cut(data: bytes, step: int = 0) -> list[Cut]:
    blocks = Blocks(LIMIT)
    pieces = [data[i : i + step] for i in range(0, len(data), step)] if step else [data]
    found = [c for piece in pieces for c in blocks.feed(piece)]
    rest = blocks.rest()
    return found if rest is None else [*found, rest]


WHOLE = [Cut(ONE), Cut(TWO)]
SHAPES = {
    "as the standard says": (b"\x0b" + ONE + b"\x1c\r\x0b" + TWO + b"\x1c\r", WHOLE),
    "doubled start blocks": (b"\x0b\x0b" + ONE + b"\x1c\r\x0b\x0b" + TWO + b"\x1c\r", WHOLE),
    "doubled end blocks": (b"\x0b" + ONE + b"\x1c\r\x1c\r\x0b" + TWO + b"\x1c\r\x1c\r", WHOLE),
    "line ends between": (b"\r\n\x0b" + ONE + b"\x1c\r\n\r\n\x0b" + TWO + b"\x1c\r\n", WHOLE),
    "no start blocks": (ONE + b"\x1c\r" + TWO + b"\x1c\r", WHOLE),
    "first end block missing": (b"\x0b" + ONE + b"\x0b" + TWO + b"\x1c\r", [Cut(ONE, False), Cut(TWO)]),
    "last end block missing": (b"\x0b" + ONE + b"\x1c\r\x0b" + TWO, [Cut(ONE), Cut(TWO, False)]),
    "FS without CR is text": (b"\x0b" + ONE + b"NTE|a\x1cb\r\x1c\r", [Cut(ONE + b"NTE|a\x1cb\r")]),
    "VT without MSH is text": (b"\x0b" + ONE + b"NTE|a\x0bb\r\x1c\r", [Cut(ONE + b"NTE|a\x0bb\r")]),
    "no HL7 at all": (b"GET / HTTP/1.1\r\n\r\n", [Cut(b"GET / HTTP/1.1\r\n\r\n", False)]),
    "an end block alone": (b"\x1c\r\x0b\x1c\r", []),
    "nothing": (b"", []),
}


@pytest.mark.parametrize("step", [0, 1, 2, 3, 7])
@pytest.mark.parametrize("shape", SHAPES)
def test_messages_come_out_whole_however_they_are_cut_into_packets(shape: str, step: int) -> None:
    data, expected = SHAPES[shape]
    assert cut(data, step) == expected


def test_random_streams_in_random_packets_give_what_one_packet_gives() -> None:
    seed = secrets.randbits(32)
    chance = random.Random(seed)  # noqa: S311 - a test's own dice
    tokens = [b"\x0b", b"\x1c", b"\r", b"MSH", b"MS", b"x", b"\x1c\r", b"\x0bMSH|", b"FHS", b"\n"]
    for _ in range(2000):
        data = b"".join(chance.choices(tokens, k=chance.randint(0, 30)))
        blocks, at, found = Blocks(LIMIT), 0, []
        while at < len(data):
            step = chance.randint(1, 6)
            found += blocks.feed(data[at : at + step])
            at += step
        rest = blocks.rest()
        assert [*found, *([rest] if rest else [])] == cut(data), (seed, data)


def test_a_message_without_end_is_refused_at_the_limit_and_never_held_beyond_it() -> None:
    blocks = Blocks(LIMIT)
    tracemalloc.start()
    with pytest.raises(TooLongError):
        list(chain.from_iterable(blocks.feed(b"x" * (1 << 16)) for _ in range(50)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert blocks.pending <= LIMIT + (1 << 16)
    assert peak < 3 * LIMIT
    assert blocks.head == b"x" * 4096


def test_a_message_of_just_the_limit_is_taken_and_one_byte_more_is_not() -> None:
    assert cut(b"\x0b" + b"x" * LIMIT + b"\x1c\r") == [Cut(b"x" * LIMIT)]
    with pytest.raises(TooLongError):
        cut(b"\x0b" + b"x" * (LIMIT + 1) + b"\x1c\r")
