"""Feed kinds `ris_csv` and `extract_csv`: rows of RIS extracts and of the department's own lists, by a mapping.

Of an exam's row each filled milestone column is one event; a row of a list is an entry or a stretch of a calendar.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from etl.errors import FeedStoppedError, ItemRefused, Reason
from etl.records import Attributes, EventRecord, Identifiers, OpeningRecord, Read, Record, Refused, SourceItem
from etl.settings import Feed, Settings
from etl.sources.base import feed_files, masked, relative_ref, whole_file
from etl.sources.delimited import Row, Sheet, read_sheet, row_bytes
from etl.sources.list_rows import ListRows, shown_row
from etl.sources.mapping import EXAM, Mapping, load_mapping, presets
from etl.sources.status_map import shipped_event_type
from etl.sources.times import DATE_ONLY, Instant, instant, instant_formatted

OPTIONS = frozenset({"mapping", "clock", "status_preset"})
REASON = re.compile(r"[\w .,/+-]{1,48}")  # a coded reason's words, no sentence
MINUTES = re.compile(r"\d{1,4}(\.\d{1,3})?", re.ASCII)
EXCEL_TEXT = re.compile(r'="(.*)"')  # how Excel keeps leading zeros
INSPECTED_ROWS = 20
NO_IDENTIFIERS = Identifiers()


class RisCsv:
    """Reads extracts by a column mapping; each row is one item."""

    def __init__(self, kind: str = "ris_csv") -> None:
        self.kind = kind

    def files(self, feed: Feed, settings: Settings) -> list[Path]:
        """Return the files of the feed, sorted by relative path."""
        return feed_files(feed, settings)

    def read(self, path: Path, feed: Feed, settings: Settings) -> Iterator[SourceItem]:
        """Yield the rows of one file; raises FeedStoppedError when its columns are not those of the mapping."""
        mapping, ref = _mapping(feed, settings), relative_ref(path, feed, settings)
        try:
            data = whole_file(path)
        except ItemRefused as refused:
            yield Refused(ref, refused.reason, refused.detail)
            return
        yield from items(data, ref, settings.zone_of(feed), mapping, _clock(feed))

    def read_bytes(self, data: bytes, ref: str, feed: Feed, settings: Settings) -> Iterator[SourceItem]:
        """Yield the rows of a file's bytes; raises FeedStoppedError as `read` does."""
        yield from items(data, ref, settings.zone_of(feed), _mapping(feed, settings), _clock(feed))

    def recognises(self, path: Path, head: bytes) -> bool:
        """Return whether the header line has three columns of a shipped preset of this kind's."""
        try:
            header = read_sheet(head).header
        except ItemRefused:
            return False
        return any(_belongs(mapping, header) for mapping in self._presets())

    def _presets(self) -> list[Mapping]:
        """Return the presets for exams (`ris_csv`) or for lists (`extract_csv`)."""
        return [m for m in presets().values() if (m.target == EXAM) == (self.kind == "ris_csv")]

    def inspect(self, path: Path) -> dict[str, Any]:
        """Return preset, columns and first rows of the file; raises ItemRefused when no preset fits."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ItemRefused(Reason.READ_ERROR, f"{path.name}: {error.strerror}") from error
        sheet = read_sheet(data)
        mapping = _fitting(sheet.header, self._presets())
        rows = [*_rows(sheet, path.name, ZoneInfo("UTC"), mapping, "inspect", INSPECTED_ROWS)]
        refused = [row for row in rows if isinstance(row, Refused)]
        if refused and len(refused) == len(rows):
            raise ItemRefused(refused[0].reason, refused[0].detail)
        return {
            "kind": self.kind,
            "zone": "UTC (assumed)",
            "mapping": mapping.name,
            "rows": [_shown(row, mapping) for row in rows],
        }


def _mapping(feed: Feed, settings: Settings) -> Mapping:
    unknown = feed.options.keys() - OPTIONS
    if unknown:
        raise FeedStoppedError(f"unknown options {sorted(unknown)}; known: {sorted(OPTIONS)}")
    return load_mapping(feed.options, settings)


def _clock(feed: Feed) -> str:
    return str(feed.options.get("clock", feed.key))


@dataclass(frozen=True, slots=True)
class Extract:
    """What all rows of one file share."""

    mapping: Mapping
    positions: dict[str, int]
    width: int
    zone: ZoneInfo
    clock: str
    file_known_at: datetime | None
    rows: ListRows

    def record(self, cells: list[str]) -> tuple[Record, ...]:
        """Return a row's records; raises ItemRefused when it has no identifier, no time or a bad one."""
        if len(cells) != self.width:
            raise ItemRefused(Reason.BAD_STRUCTURE, f"{len(cells)} cells under {self.width} headers")
        ids = Identifiers(**{f: self._text(cells, h) for f, h in self.mapping.identifiers.items()})
        if self.mapping.target != EXAM:
            told = {f: self._text(cells, h) or "" for f, h in self.mapping.fields.items()}
            return self.rows.records(told, ids, self._known_at(cells))
        if ids == NO_IDENTIFIERS:
            raise ItemRefused(Reason.MISSING_IDENTIFIER, "no identifier column is filled")
        return self._events(cells, ids)

    def _events(self, cells: list[str], ids: Identifiers) -> tuple[EventRecord, ...]:
        known_at, attributes = self._known_at(cells), self._attributes(cells)
        found = []
        for header in self.mapping.milestones.values():
            raw = self._text(cells, header)
            if raw is not None:
                at = self._instant(raw, header)
                code = self._local_code(cells, header)
                found.append(
                    EventRecord(ids, code, raw, at.at, at.utc_offset_min, known_at, self.clock, 0, at.flag, attributes)
                )
        if not found:
            raise ItemRefused(Reason.MISSING_TIME, "no milestone column is filled")
        return tuple(found)

    def _text(self, cells: list[str], header: str) -> str | None:
        position = self.positions.get(header)
        if position is None:
            return None
        text = cells[position].strip()
        if text.startswith('="') and (match := EXCEL_TEXT.fullmatch(text)):
            text = match.group(1).strip()
        return text or None

    def _instant(self, text: str, header: str) -> Instant:
        try:
            if self.mapping.time_format:
                return instant_formatted(text, self.zone, self.mapping.time_format)
            return instant(text, self.zone, kind="csv")
        except ItemRefused as refused:
            raise ItemRefused(refused.reason, f"column {header!r}: {refused.detail}") from refused

    def _local_code(self, cells: list[str], header: str) -> str:
        qualifier = self.mapping.qualified_by.get(header)
        if qualifier is None:
            return f"csv:{header}"
        return f"csv:{header}/{self._text(cells, qualifier) or ''}"

    def _known_at(self, cells: list[str]) -> datetime | None:
        header = self.mapping.known_at
        text = self._text(cells, header) if header else None
        return self._instant(text, header).at if text and header else self.file_known_at

    def _attributes(self, cells: list[str]) -> Attributes:
        texts = {f: self._text(cells, h) for f, h in self.mapping.attributes.items()}
        values: dict[str, Any] = {**self.mapping.constants}
        values |= {f: self.mapping.coded(f, text) for f, text in texts.items() if text}
        if text := values.get("appointment_at"):
            values["appointment_at"] = self._instant(text, self.mapping.attributes["appointment_at"]).at
        if text := values.get("planned_duration_min"):
            values["planned_duration_min"] = float(text) if MINUTES.fullmatch(text) else None
        for name in ("reason_code", "result_code"):
            if (text := values.get(name)) and not REASON.fullmatch(text):
                values[name] = None
        return Attributes(**values)


def items(data: bytes, ref: str, zone: ZoneInfo, mapping: Mapping, clock: str) -> Iterator[SourceItem]:
    """Yield the rows of a file's bytes; raises FeedStoppedError on drifted columns, nothing else."""
    try:
        sheet = read_sheet(data)
        if not _belongs(mapping, sheet.header, least=1):
            raise ItemRefused(Reason.NOT_THIS_FORMAT, f"no column of mapping {mapping.name!r} in the first line")
    except ItemRefused as refused:
        yield Refused(ref, refused.reason, refused.detail, data)
        return
    yield from _rows(sheet, ref, zone, mapping, clock)


def _rows(
    sheet: Sheet, ref: str, zone: ZoneInfo, mapping: Mapping, clock: str, most: int | None = None
) -> Iterator[SourceItem]:
    positions = mapping.positions(sheet.header)
    known_at = _file_known_at(ref, zone, mapping)
    rows = ListRows(mapping, zone, clock)
    extract = Extract(mapping, positions, len(sheet.header), zone, clock, known_at, rows)
    number = 0
    try:
        for row in sheet.rows():
            number = row.number
            if most is not None and number > most:
                return
            yield _item(row, f"{ref}#{number}", extract)
    except csv.Error as error:
        yield Refused(f"{ref}#{number + 1}", Reason.BAD_STRUCTURE, f"the rest of the file: {error}")


def _item(row: Row, ref: str, extract: Extract) -> SourceItem:
    try:
        return Read(ref, extract.record(row.cells))
    except ItemRefused as refused:
        return Refused(ref, refused.reason, refused.detail, row_bytes(row.cells))


def _file_known_at(ref: str, zone: ZoneInfo, mapping: Mapping) -> datetime | None:
    match = re.search(mapping.known_at_in_name, ref) if mapping.known_at_in_name else None
    if match is None or not match.groups():
        return None
    try:
        found = instant(match.group(1), zone, kind="csv")
    except ItemRefused:
        return None
    return None if found.flag == DATE_ONLY else found.at  # midnight would lie before what the file tells


def _belongs(mapping: Mapping, header: list[str], least: int = 3) -> bool:
    folded = {text.casefold() for text in header}
    return len(folded & {text.casefold() for text in mapping.headers()}) >= least


def _fitting(header: list[str], known: list[Mapping]) -> Mapping:
    folded = {text.casefold() for text in header}
    best = max(known, key=lambda m: len(folded & {text.casefold() for text in m.headers()}))
    try:
        best.positions(header)
    except FeedStoppedError as drift:
        raise ItemRefused(Reason.COLUMN_DRIFT, "; ".join(str(drift).splitlines()[:-1])) from drift
    return best


def _shown(item: SourceItem, mapping: Mapping) -> dict[str, Any]:
    if isinstance(item, Refused):
        return {"row": item.source_ref, "refused": str(item.reason), "detail": item.detail}
    if not isinstance(item, Read):
        return {"row": item.source_ref, "filtered": str(item.reason)}
    record = item.records[0]
    ids = NO_IDENTIFIERS if isinstance(record, OpeningRecord) else record.ids
    fields = {**mapping.identifiers, **mapping.attributes, **mapping.fields}
    return {
        "row": item.source_ref,
        "known_at": known.isoformat() if (known := record.known_at) else None,
        "ids": {name: masked(v) for name in Identifiers.__slots__ if (v := getattr(ids, name))},
        "fields": fields,
        "events": [_shown_event(r, mapping) for r in item.records if isinstance(r, EventRecord)],
        **({} if isinstance(record, EventRecord) else {"rows": [shown_row(r) for r in item.records]}),
    }


def _shown_event(event: EventRecord, mapping: Mapping) -> dict[str, Any]:
    code = event.local_code
    return {
        "local_code": code,
        "event_type": shipped_event_type("ris_csv", code, mapping.name) or mapping.event_type(code),
        "raw_time": event.raw_time,
        "occurred_at": event.occurred_at.isoformat(),
        "time_field": code.removeprefix("csv:").partition("/")[0],
    }
