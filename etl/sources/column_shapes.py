"""What the values of a column look like: times and their format, numbers, UIDs, codes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo

from etl.errors import ItemRefused
from etl.sources.times import DATE_ONLY, instant, instant_formatted
from etl.sources.wall_times import WALL_TIME

SAMPLE = 400
ENOUGH = 0.95  # of the values must be of a shape; the rest is what quarantine is for
UID = re.compile(r"[0-2](\.\d+){3,}", re.ASCII)
NUMBER = re.compile(r"-?\d{1,3}([.,' ]?\d{3})*([.,]\d+)?([eE][+-]?\d{1,2})?|-?\d+([.,]\d+)?", re.ASCII)
UTC = ZoneInfo("UTC")
# tried in this order; where day and month cannot be told apart the first one stands
FORMATS = (
    "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M",
    "%d-%b-%Y %H:%M:%S", "%d-%b-%Y %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M",
)  # fmt: skip
DATES = ("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d-%b-%Y", "%Y/%m/%d")
ISO = ""


class Shape(StrEnum):
    """The shapes that a mapping tells apart."""

    TIME = "time"
    DATE = "date"
    WALL = "wall time"
    NUMBER = "number"
    UID = "uid"
    CODE = "code"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its header, up to SAMPLE filled values, their shape, and the time formats that fit (ISO is '')."""

    header: str
    values: tuple[str, ...]
    shape: Shape
    formats: tuple[str, ...] = ()

    @property
    def distinct(self) -> int:
        """Return how many different values there are in the sample."""
        return len(set(self.values))


def columns_of(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[Column]:
    """Return the columns of a sheet, seen through its first rows."""
    values: list[list[str]] = [[] for _ in header]
    for cells in rows:
        for place, cell in enumerate(cells[: len(header)]):
            if (text := cell.strip()) and len(values[place]) < SAMPLE:
                values[place].append(text)
    return [column_of(name, found) for name, found in zip(header, values, strict=True)]


def column_of(header: str, values: Sequence[str]) -> Column:
    """Return a column with its shape."""
    held = tuple(values)
    if not held:
        return Column(header, held, Shape.EMPTY)
    for shape, pattern in ((Shape.WALL, WALL_TIME), (Shape.UID, UID)):
        if _share(pattern.fullmatch(v) is not None for v in held) >= ENOUGH and not _all_numbers(held):
            return Column(header, held, shape)
    whole = tuple(f for f in (ISO, *FORMATS) if _share(_is_time(v, f) for v in held) >= ENOUGH)
    if whole:
        return Column(header, held, Shape.TIME, whole)
    dates = tuple(f for f in (ISO, *DATES) if _share(_is_date(v, f) for v in held) >= ENOUGH)
    if dates:
        return Column(header, held, Shape.DATE, dates)
    return Column(header, held, Shape.NUMBER if _all_numbers(held) else Shape.CODE)


def _share(found: Iterable[bool]) -> float:
    hits = list(found)
    return sum(hits) / len(hits)


def _all_numbers(values: Sequence[str]) -> bool:
    return _share(NUMBER.fullmatch(v) is not None for v in values) >= ENOUGH


def _is_time(text: str, time_format: str) -> bool:
    """Return whether a text is a day with a wall time; a compact number is an identifier, not a time."""
    if text.isdecimal() and len(text) < 12:
        return False
    try:
        if time_format:
            instant_formatted(text, UTC, time_format)
            return True
        return instant(text, UTC, kind="csv").flag != DATE_ONLY
    except ItemRefused:
        return False


def _is_date(text: str, date_format: str) -> bool:
    if text.isdecimal():
        return False
    try:
        if date_format:
            instant_formatted(text, UTC, date_format)
            return True
        return instant(text, UTC, kind="csv").flag == DATE_ONLY or _is_time(text, ISO)
    except ItemRefused:
        return False
