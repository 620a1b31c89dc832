"""What servers and proxies do to JSON."""

from __future__ import annotations

import re

from bytes_mutations import Chance, Mutation

VALUES = (
    b"null",
    b"[]",
    b"{}",
    b"true",
    b"-1",
    b"1e999",
    b"9" * 5000,
    b'""',
    b'"../.."',
    b'"\\ud800"',
    b"[[[]]]",
    b'{"vr": 7}',
    b'{"vr": "SQ", "Value": [null]}',
    b'{"vr": "PN", "Value": [{"Alphabetic": 3}]}',
    b"NaN",
)


def value(data: bytes, chance: Chance) -> bytes:
    places = [match.span() for match in re.finditer(rb'"[^"]*"|[0-9]+', data)]
    if not places:
        return data
    begin, end = chance.choice(places)
    return data[:begin] + chance.choice(VALUES) + data[end:]


def deep(data: bytes, chance: Chance) -> bytes:
    return data.replace(b"[", b"[" * chance.choice((2, 1000, 100_000)), 1)


def page(data: bytes, chance: Chance) -> bytes:
    return chance.choice(
        (b"<html>429</html>", data + data, data.rstrip(b"] \n") + b",", b"[" + data + b"]", data[1:], data * 3)
    )


MUTATIONS: tuple[Mutation, ...] = (value, value, value, value, deep, page)
