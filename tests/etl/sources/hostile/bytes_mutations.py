"""Mistakes any bytes can suffer: flipped bits, cuts, doubled and removed parts, foreign bytes."""

from __future__ import annotations

import random
from collections.abc import Callable

Chance = random.Random
LARGEST = 12_000_000  # several growing mutations in a row; still larger files have a test of their own
Mutation = Callable[[bytes, Chance], bytes]


def flip(data: bytes, chance: Chance) -> bytes:
    found = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        if found:
            found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
    return bytes(found)


def delete(data: bytes, chance: Chance) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + data[at + chance.randint(1, 64) :]


def insert(data: bytes, chance: Chance) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.randbytes(chance.randint(1, 16)) + data[at:]


def double(data: bytes, chance: Chance) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + data[at : at + chance.randint(1, 400)] + data[at:]


def cut(data: bytes, chance: Chance) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def nul(data: bytes, chance: Chance) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + b"\0" * chance.choice((1, 1, 2, 50)) + data[at:]


PLAIN: tuple[Mutation, ...] = (flip, flip, delete, insert, double, cut, nul)


def mutated(data: bytes, own: tuple[Mutation, ...], chance: Chance) -> bytes:
    """Return the bytes with one to eight mistakes: most of the format's own, some of any bytes."""
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        mutation = chance.choice(own if chance.random() < 0.6 else PLAIN)
        data = mutation(data, chance)[:LARGEST]
    return data
