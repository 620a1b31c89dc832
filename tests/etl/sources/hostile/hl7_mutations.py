"""What senders and lines do to HL7 v2 messages."""

from __future__ import annotations

import re

from bytes_mutations import Chance, Mutation

HUGE = 10_000_000
ENVELOPE = (b"FHS", b"BHS", b"BTS", b"FTS", b"MSH")
TIMES = (
    b"20261399250000",
    b"20261101013000",
    b"20260308023000",
    b"00000000",
    b"19000101",
    b"99991231235959+9999",
    b"2026",
    b"2026-11-01T10:00:00Z",
    b"20261101103000.123456789-0500",
    b"\xd9\xa2\xd9\xa0",
)
ESCAPES = (
    rb"\.br\ ",
    rb"\X0D\ ",
    rb"\X\ ",
    rb"\XZZ\ ",
    rb"\F\\S\\T\\R\\E\ ",
    rb"\H\bold\N\ ",
    b"\\",
    rb"\C2842\ ",
    rb"\Zabc",
)
HOSTILE = (
    b"../../etc/passwd",
    b"C:\\CON\\..",
    b"\xe2\x80\xae\xd7\x90",
    b"'; DROP TABLE event; --",
    b"=cmd|' /C calc'!A0",
    b"<script>",
    b"{{7*7}}",
    b"%s%n",
    b"\x1b[2J",
    b"\xff\xfe",
    b"A" * 300,
)


def delimiters(data: bytes, chance: Chance) -> bytes:
    old, new = chance.choice(b"|^~\\&"), chance.choice(b"|^~\\&#$;\t aZ0\x00\xa7")
    return data.replace(bytes([old]), bytes([new]), chance.choice((1, 2, 1_000_000)))


def no_header(data: bytes, chance: Chance) -> bytes:
    return chance.choice(
        (data.replace(b"MSH", b"", 1), re.sub(rb"MSH[^\r\n]*[\r\n]*", b"", data), data.replace(b"MSH", b"msh", 1))
    )


def line_ends(data: bytes, chance: Chance) -> bytes:
    plain = re.sub(rb"\r\n|\n|\r", b"\r", data)
    return plain.replace(b"\r", chance.choice((b"\n", b"\r\n", b"\n\r", b"\r\r", b"\x85", b"\x0c", b"\r \r")))


def encoding(data: bytes, chance: Chance) -> bytes:
    text = data.decode("latin-1")
    match chance.randrange(6):
        case 0:
            return b"\xef\xbb\xbf" + data
        case 1:
            return text.encode(chance.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32")))
        case 2:
            return data.replace(
                b"^", "^Müller-Łódź".encode(chance.choice(("latin-1", "cp1250", "utf-8")), "replace"), 2
            )
        case 3:
            return data.replace(b"^", "^山田^太郎".encode(chance.choice(("iso2022_jp", "shift_jis", "euc_jp"))), 2)
        case 4:
            name = chance.choice(
                (b"8859/1", b"UNICODE UTF-8", b"~ISO IR87", b"ISO IR87", b"KLINGON", b"BIG-5", b"GB 18030-2000")
            )
            return re.sub(rb"(MSH(?:\|[^|\r\n]*){16})\|?[^|\r\n]*", lambda m: m[1] + b"|" + name, data, count=1)
        case _:
            return data.replace(b"|", b"|\x1b$B\x3b\x33", 1)


def times(data: bytes, chance: Chance) -> bytes:
    return re.sub(rb"\d{12,14}", lambda m: chance.choice(TIMES) if chance.random() < 0.4 else m[0], data)


def escapes(data: bytes, chance: Chance) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice(ESCAPES).strip() + data[at:]


def hostile(data: bytes, chance: Chance) -> bytes:
    fields = data.split(b"|")
    fields[chance.randrange(len(fields))] = chance.choice(HOSTILE)
    return b"|".join(fields)


def segments(data: bytes, chance: Chance) -> bytes:
    lines = [line for line in re.split(rb"[\r\n]+", data) if line]
    if len(lines) < 2:
        return data
    place = chance.randrange(1, len(lines))
    match chance.randrange(4):
        case 0:
            lines[place:place] = [lines[place]] * chance.choice((1, 2, 30))
        case 1:
            lines[1:] = chance.sample(lines[1:], len(lines) - 1)
        case 2:
            del lines[place]
        case _:
            lines[place] = lines[place][: chance.randrange(len(lines[place]) + 1)]
    return b"\r".join(lines)


def large(data: bytes, chance: Chance) -> bytes:
    """Thousands of segments or repetitions; once in a few hundred a report of 10 MB."""
    lines = [line for line in re.split(rb"[\r\n]+", data) if line] or [b"MSH|^~\\&"]
    if chance.random() < 0.004:
        return b"\r".join([*lines, b"OBX|1|ED|PDF||" + b"JVBERi0x" * (HUGE // 8)])
    if chance.random() < 0.03:
        return b"\r".join(
            [*lines, *[chance.choice([line for line in lines if line[:3] not in ENVELOPE] or [b"OBX|1"])] * 5000]
        )
    return data.replace(b"^", chance.choice((b"~" * 5000, b"^" * 5000, b"&" * 5000)), 1)


def frames(data: bytes, chance: Chance) -> bytes:
    start, end = b"\x0b", b"\x1c\r"
    return chance.choice(
        (
            start + data + end,
            start + data,
            data + end,
            start + start + data + end + end,
            start + data + end + data,
            start + data[:60] + end + data[60:] + end,
        )
    )


def batches(data: bytes, chance: Chance) -> bytes:
    count = chance.choice((b"1", b"2", b"", b"x", b"99999999999999999999"))
    return b"FHS|^~\\&|A\rBHS|^~\\&|A\r" + data + b"\rBTS|" + count + b"\rFTS|" + chance.choice((count, b"1"))


MUTATIONS: tuple[Mutation, ...] = (
    delimiters,
    no_header,
    line_ends,
    encoding,
    times,
    escapes,
    hostile,
    segments,
    large,
    frames,
    batches,
)
