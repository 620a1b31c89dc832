"""Rows of the department's own lists as records: entries (rosters, reviews, totals) and stretches of calendars."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from etl.errors import ItemRefused, Reason
from etl.records import EntryKind, EntryRecord, Identifiers, OpeningKind, OpeningRecord, Record
from etl.sources.base import masked
from etl.sources.mapping import OPENING, Mapping
from etl.sources.times import Instant, instant, instant_formatted, located
from etl.sources.wall_times import day_of, stretch_of, wall_of

CODE = re.compile(r"[\w .,:;/+()#%&-]{1,64}")  # a code or a few words, no sentence
NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,9})?([eE][+-]?\d{1,2})?", re.ASCII)
CODES = ("modality", "code", "outcome_code", "unit")
NUMBERS = ("value", "limit_value")
SHOWN = (
    "kind", "scanner_code", "station_name", "begin_at", "end_at", "code", "outcome_code", "reason_code", "value",
    "unit", "count",
)  # fmt: skip
MAX_SLOTS = 300  # of one row; a day has 288 of five minutes
OPENING_KINDS = frozenset(OpeningKind)
NO_IDENTIFIERS = Identifiers()


@dataclass(frozen=True, slots=True)
class Stretch:
    """When a row holds: its begin, its end where told, and the text both came from."""

    begin: Instant
    end: Instant | None
    day: date
    raw: str


@dataclass(frozen=True, slots=True)
class ListRows:
    """Makes records of one file's rows; `seen` tells apart rows that differ in nothing that names them."""

    mapping: Mapping
    zone: ZoneInfo
    clock: str
    seen: Counter[int] = field(default_factory=Counter)

    def records(self, cells: dict[str, str], ids: Identifiers, known_at: datetime | None) -> tuple[Record, ...]:
        """Return a row's records from its mapped cells (field -> text); raises ItemRefused when it cannot be read."""
        told = self.mapping.constants | {f: self.mapping.coded(f, text) for f, text in cells.items() if text}
        when = self._stretch(told)
        if self.mapping.target == OPENING:
            return tuple(self._openings(told, when, known_at))
        return (self._entry(told, when, ids, known_at),)

    def _stretch(self, told: dict[str, str]) -> Stretch:
        if "date" in self.mapping.fields:
            return self._on_day(told)
        begin = self._instant(told.get("begin", ""))
        end = self._instant(told["end"]) if "end" in told else None
        raw = f"{told.get('begin', '')}{'-' + told['end'] if 'end' in told else ''}"
        return self._with_length(told, Stretch(begin, end, _day(begin), raw))

    def _on_day(self, told: dict[str, str]) -> Stretch:
        """Read wall times beside a day; without them the day itself is meant, from its midnight on."""
        day = day_of(told.get("date", ""), self.mapping.date_format)
        begin, end = told.get("begin", "00:00"), told.get("end")
        raw = " ".join(told[n] for n in ("date", "begin", "end") if n in told)
        if end is None:
            return self._with_length(told, Stretch(located(wall_of(day, begin), self.zone), None, day, raw))
        first, last = stretch_of(day, begin, end)
        return Stretch(located(first, self.zone), located(last, self.zone), day, raw)

    def _with_length(self, told: dict[str, str], when: Stretch) -> Stretch:
        if when.end is not None or "duration_min" not in told:
            return when
        length = timedelta(minutes=self._number("duration_min", told["duration_min"]))
        end = Instant(when.begin.at + length, when.begin.utc_offset_min)
        return Stretch(when.begin, end, when.day, f"{when.raw} +{told['duration_min']}")

    def _instant(self, text: str) -> Instant:
        if self.mapping.time_format:
            return instant_formatted(text, self.zone, self.mapping.time_format)
        return instant(text, self.zone, kind="csv")

    def _number(self, name: str, text: str) -> float:
        plain = text.replace(" ", "").replace("\u00a0", "")
        plain = plain.replace(".", "").replace(",", ".") if self.mapping.decimal == "," else plain.replace(",", "")
        if NUMBER.fullmatch(plain) is None:
            raise ItemRefused(Reason.BAD_VALUE, f"column {self._header(name)!r} holds no number")
        return float(plain) * self.mapping.factors.get(name, 1.0)

    def _header(self, name: str) -> str:
        return self.mapping.fields.get(name, name)

    def _code(self, name: str, told: dict[str, str]) -> str | None:
        text = told.get(name)
        if text is not None and CODE.fullmatch(text) is None:
            raise ItemRefused(Reason.BAD_VALUE, f"column {self._header(name)!r} holds a sentence, not a code")
        return text

    def _entry(self, told: dict[str, str], when: Stretch, ids: Identifiers, known_at: datetime | None) -> EntryRecord:
        if ids == NO_IDENTIFIERS and not any(told.get(n) for n in ("person", "station_name", "code")):
            raise ItemRefused(Reason.MISSING_IDENTIFIER, "no exam, person, place or code")
        values: dict[str, Any] = {n: self._code(n, told) for n in CODES}
        values |= {n: self._number(n, told[n]) if n in told else None for n in NUMBERS}
        values |= {n: told.get(n) for n in ("station_name", "person", "other_person")}
        key = hash((ids, when.raw, *(values[n] for n in ("station_name", "person", "other_person", "code"))))
        self.seen[key] += 1
        return EntryRecord(
            kind=EntryKind(self.mapping.target), ids=ids, raw_time=when.raw, begin_at=when.begin.at,
            utc_offset_min=when.begin.utc_offset_min, known_at=known_at, clock=self.clock,
            end_at=when.end.at if when.end else None, ordinal=self.seen[key] - 1, time_flag=when.begin.flag,
            count=round(self._number("count", told["count"])) if "count" in told else None, **values,
        )  # fmt: skip

    def _openings(self, told: dict[str, str], when: Stretch, known_at: datetime | None) -> list[OpeningRecord]:
        scanner, kind = told.get("scanner_code"), told.get("kind", "").casefold()
        if not scanner:
            raise ItemRefused(Reason.MISSING_IDENTIFIER, "no scanner")
        if kind not in OPENING_KINDS:
            raise ItemRefused(Reason.BAD_VALUE, f"kind is none of {', '.join(sorted(OPENING_KINDS))}")
        if when.end is None:
            raise ItemRefused(Reason.MISSING_TIME, "no end yet")
        return [
            OpeningRecord(
                scanner, OpeningKind(kind), when.raw, begin, end, when.day, known_at, self.clock,
                self._code("reason_code", told),
            )
            for begin, end in self._pieces(told, when.begin.at, when.end.at)
        ]  # fmt: skip

    def _pieces(self, told: dict[str, str], begin: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """Cut a template row into its slots; a rest shorter than a slot is none."""
        if "every_min" not in told:
            return [(begin, end)]
        length = timedelta(minutes=self._number("every_min", told["every_min"]))
        if length < timedelta(minutes=1) or (end - begin) / length > MAX_SLOTS:
            raise ItemRefused(Reason.BAD_VALUE, "slots shorter than a minute, or too many of them")
        return [(begin + n * length, begin + (n + 1) * length) for n in range((end - begin) // length)]


def _day(begin: Instant) -> date:
    return (begin.at + timedelta(minutes=begin.utc_offset_min)).date()


def shown_row(record: Record) -> dict[str, Any]:
    """Return an entry or stretch as `inspect` shows it: persons masked, codes and numbers as read."""
    shown = {name: getattr(record, name) for name in SHOWN if hasattr(record, name)}
    if isinstance(record, EntryRecord):
        shown |= {name: masked(getattr(record, name)) for name in ("person", "other_person")}
    return {name: v.isoformat() if isinstance(v, datetime) else v for name, v in shown.items()}
