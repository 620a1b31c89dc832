"""Delimited text files as they come: character set and delimiter found out, rows counted."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import NamedTuple

from etl.errors import ItemRefused, Reason

DELIMITERS = ",;\t|"


class Row(NamedTuple):
    """One data row: its number (1 for the first below the header) and its cells."""

    number: int
    cells: list[str]


class Sheet(NamedTuple):
    """Header, delimiter and the text of a delimited file."""

    header: list[str]
    delimiter: str
    text: str

    def rows(self) -> Iterator[Row]:
        """Yield the rows below the header, blank lines left out; raises csv.Error where quoting is broken."""
        reader = csv.reader(io.StringIO(self.text, newline=""), delimiter=self.delimiter)
        filled = (cells for cells in reader if any(cell.strip() for cell in cells))
        next(filled, None)
        for number, cells in enumerate(filled, start=1):
            yield Row(number, cells)


def read_sheet(data: bytes) -> Sheet:
    """Return the sheet of a file's bytes: UTF-8 or UTF-16 with mark, UTF-8 without, else Windows-1252.

    Raises ItemRefused: TRUNCATED when the file is empty, BAD_CHARSET, NOT_THIS_FORMAT for binary data.
    """
    text = _decoded(data)
    if "\0" in text:
        raise ItemRefused(Reason.NOT_THIS_FORMAT, "binary data, not delimited text")
    line = next((line for line in text.splitlines() if line.strip()), None)
    if line is None:
        raise ItemRefused(Reason.TRUNCATED, "the file is empty")
    delimiter = max(DELIMITERS, key=line.count)
    try:
        header = next(csv.reader(io.StringIO(line), delimiter=delimiter))
    except csv.Error as error:
        raise ItemRefused(Reason.BAD_STRUCTURE, f"header: {error}") from error
    return Sheet([cell.strip() for cell in header], delimiter, text)


def _decoded(data: bytes) -> str:
    codecs = ("utf-16",) if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "cp1252")
    for codec in codecs:
        try:
            return data.decode(codec)
        except UnicodeDecodeError:
            continue
    raise ItemRefused(Reason.BAD_CHARSET, f"the bytes are not {' or '.join(codecs)}")


def row_bytes(cells: list[str]) -> bytes:
    """Return a row as a line of CSV, for the retained copy of a refused one."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue().encode("utf-8", "backslashreplace")
