"""What spreadsheets, exports and editors do to delimited files."""

from __future__ import annotations

import re

from bytes_mutations import Chance, Mutation

LONG_CELL = 1_000_000
CELLS = (
    b"45931.4375",
    b"1.234,56",
    b"1,234.5",
    b"1'234",
    b"12/31/2026 10:00",
    b"31.12.2026 10:00",
    b"2026-02-30 10:00:00",
    b"2026-11-01 01:30:00",
    b"2026-03-08 02:30:00",
    b'=HYPERLINK("x")',
    b"NULL",
    b"#N/A",
    b"-",
    b"1e309",
    b"\xc4rzte",
    b"\xe2\x80\xae",
    b"../..",
    b"",
    b" ",
    b"0000-00-00",
    b"2026-01-15T10:00:00+99:00",
    b"tomorrow",
)


def _lines(data: bytes) -> list[bytes]:
    return [line for line in data.splitlines() if line] or [b""]


def _on_a_row(data: bytes, chance: Chance, change: object) -> bytes:
    lines = _lines(data)
    place = chance.randrange(len(lines))
    lines[place] = change(lines[place])  # type: ignore[operator]  # a lambda below
    return b"\n".join(lines)


def ragged(data: bytes, chance: Chance) -> bytes:
    return _on_a_row(
        data, chance, lambda row: chance.choice((row + b",,x", row.rpartition(b",")[0], b",", row + b"," + row))
    )


def quotes(data: bytes, chance: Chance) -> bytes:
    return _on_a_row(
        data, chance, lambda row: row.replace(b",", chance.choice((b'","', b',"', b'",', b'"",', b',"a\nb",')), 1)
    )


def delimiter(data: bytes, chance: Chance) -> bytes:
    return data.replace(b",", chance.choice((b";", b"\t", b"|", b":", b" ", b",,")), chance.choice((1, 3, 1_000_000)))


def cells(data: bytes, chance: Chance) -> bytes:
    def changed(row: bytes) -> bytes:
        parts = row.split(b",")
        parts[chance.randrange(len(parts))] = chance.choice(CELLS)
        return b",".join(parts)

    return _on_a_row(data, chance, changed)


def day_and_month(data: bytes, chance: Chance) -> bytes:
    pattern = chance.choice((rb"\3-\2-\1", rb"\2/\3/\1", rb"\3.\2.\1", rb"\1-\3-\2", rb"\1\2\3"))
    return re.sub(rb"(\d{4})-(\d\d)-(\d\d)", pattern, data)


def header(data: bytes, chance: Chance) -> bytes:
    """Columns doubled, renamed, re-ordered (under rows that were not), missing, or none."""
    lines = _lines(data)
    names = lines[0].split(b",")
    place = chance.randrange(len(names))
    match chance.randrange(7):
        case 0:
            names.insert(place, names[place])
        case 1:
            names[place] = names[place] + chance.choice((b"_new", b" ", b"\xa0", b"s"))
        case 2:
            chance.shuffle(names)
        case 3:
            del names[place]
        case 4:
            names = [name.upper() for name in names]
        case 5:
            names[place] = b""
        case _:
            return b"\n".join(lines[1:])
    return b"\n".join([b",".join(names), *lines[1:]])


def column(data: bytes, chance: Chance) -> bytes:
    """A whole column moved or taken out, header and rows alike."""
    rows = [line.split(b",") for line in _lines(data)]
    place, there = chance.randrange(len(rows[0])), chance.randrange(len(rows[0]) + 1)
    for row in rows:
        if place < len(row):
            cell = row.pop(place)
            if there < len(rows[0]):
                row.insert(there, cell)
    return b"\n".join(b",".join(row) for row in rows)


def encoding(data: bytes, chance: Chance) -> bytes:
    text = data.decode("latin-1")
    return chance.choice(
        (
            b"\xef\xbb\xbf" + data,
            text.encode("utf-16"),
            text.encode("utf-16-le"),
            data.replace(b"A", b"\x93\x80"),
            data.replace(b"A", b"\x81"),
            b"\xff\xfe" + data,
            text.encode("utf-32"),
        )
    )


def line_ends(data: bytes, chance: Chance) -> bytes:
    return b"".join(line + chance.choice((b"\r\n", b"\n", b"\r", b"\n\n")) for line in _lines(data))


def large(data: bytes, chance: Chance) -> bytes:
    if chance.random() < 0.1:
        return _on_a_row(data, chance, lambda row: row.replace(b",", b"," + b"x" * LONG_CELL, 1))
    return data + b"\n" + b"\n".join(_lines(data)[-1:] * 2000) if chance.random() < 0.1 else data + b"\n\n,,,\n"


MUTATIONS: tuple[Mutation, ...] = (
    ragged,
    quotes,
    delimiter,
    cells,
    cells,
    cells,
    day_and_month,
    header,
    header,
    column,
    encoding,
    line_ends,
    large,
)
