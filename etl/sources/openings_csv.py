"""Feed kind `openings_csv`: hours, closures, downtime and slot templates of scanners, in local wall time."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from etl.errors import FeedStoppedError, ItemRefused, Reason
from etl.records import OpeningKind, OpeningRecord, Read, Refused, SourceItem
from etl.settings import Feed, Settings
from etl.sources.base import feed_files, relative_ref, whole_file
from etl.sources.delimited import Row, Sheet, read_sheet, row_bytes
from etl.sources.times import instant, located
from etl.sources.wall_times import day_of, stretch_of

REQUIRED = ("scanner_code", "kind", "date", "begin", "end")
OPTIONAL = ("reason", "known_at")
KINDS = frozenset(OpeningKind)
INSPECTED_ROWS = 20


class OpeningsCsv:
    """Reads ``scanner_code,kind,date,begin,end,reason[,known_at]``; each row is one item.

    `begin` and `end` are wall times of `date` in the feed's zone; `end` may be 24:00, and an end before the
    begin lies on the next day.
    """

    kind = "openings_csv"

    def files(self, feed: Feed, settings: Settings) -> list[Path]:
        """Return the files of the feed, sorted by relative path."""
        return feed_files(feed, settings)

    def read(self, path: Path, feed: Feed, settings: Settings) -> Iterator[SourceItem]:
        """Yield the rows of one file; raises FeedStoppedError when a required column is missing."""
        ref = relative_ref(path, feed, settings)
        try:
            data = whole_file(path)
        except ItemRefused as refused:
            yield Refused(ref, refused.reason, refused.detail)
            return
        yield from items(data, ref, settings.zone_of(feed), feed.key)

    def recognises(self, path: Path, head: bytes) -> bool:
        """Return whether the first line has the required columns."""
        try:
            return {*REQUIRED} <= {text.casefold() for text in read_sheet(head).header}
        except ItemRefused:
            return False

    def inspect(self, path: Path) -> dict[str, Any]:
        """Return the first rows of the file; raises ItemRefused when none can be read."""
        try:
            found = [*items(path.read_bytes(), path.name, ZoneInfo("UTC"), "inspect")]
        except OSError as error:
            raise ItemRefused(Reason.READ_ERROR, f"{path.name}: {error.strerror}") from error
        except FeedStoppedError as drift:
            raise ItemRefused(Reason.COLUMN_DRIFT, str(drift).splitlines()[0]) from drift
        refused = [row for row in found if isinstance(row, Refused)]
        if refused and len(refused) == len(found):
            raise ItemRefused(refused[0].reason, refused[0].detail)
        rows = [_shown(row) for row in found[:INSPECTED_ROWS]]
        return {"kind": self.kind, "zone": "UTC (assumed)", "n_rows": len(found), "rows": rows}


def items(data: bytes, ref: str, zone: ZoneInfo, clock: str) -> Iterator[SourceItem]:
    """Yield the rows of a file's bytes; raises FeedStoppedError on missing columns, nothing else."""
    try:
        sheet = read_sheet(data)
        positions = _positions(sheet)
    except ItemRefused as refused:
        yield Refused(ref, refused.reason, refused.detail, data)
        return
    number = 0
    try:
        for row in sheet.rows():
            number = row.number
            yield _item(row, f"{ref}#{number}", sheet, positions, zone, clock)
    except csv.Error as error:
        yield Refused(f"{ref}#{number + 1}", Reason.BAD_STRUCTURE, f"the rest of the file: {error}")


def _positions(sheet: Sheet) -> dict[str, int]:
    folded = [text.casefold() for text in sheet.header]
    missing = [name for name in REQUIRED if name not in folded]
    if len(missing) == len(REQUIRED):
        raise ItemRefused(Reason.NOT_THIS_FORMAT, "no column of an operating calendar in the first line")
    if missing:
        lines = [f"missing columns: {', '.join(missing)}", *(f"  - {name}" for name in missing)]
        extra = [name for name in folded if name not in (*REQUIRED, *OPTIONAL)]
        raise FeedStoppedError("\n".join([*lines, *(f"  + {name}" for name in extra)]))
    return {name: folded.index(name) for name in (*REQUIRED, *OPTIONAL) if name in folded}


def _item(row: Row, ref: str, sheet: Sheet, positions: dict[str, int], zone: ZoneInfo, clock: str) -> SourceItem:
    try:
        if len(row.cells) != len(sheet.header):
            detail = f"{len(row.cells)} cells under {len(sheet.header)} headers"
            raise ItemRefused(Reason.BAD_STRUCTURE, detail)
        cells = {name: row.cells[position].strip() for name, position in positions.items()}
        return Read(ref, (_record(cells, zone, clock),))
    except ItemRefused as refused:
        return Refused(ref, refused.reason, refused.detail, row_bytes(row.cells))


def _record(cells: dict[str, str], zone: ZoneInfo, clock: str) -> OpeningRecord:
    if not cells["scanner_code"]:
        raise ItemRefused(Reason.MISSING_IDENTIFIER, "no scanner_code")
    kind = cells["kind"].casefold()
    if kind not in KINDS:
        raise ItemRefused(Reason.BAD_VALUE, f"kind is none of {', '.join(sorted(KINDS))}")
    day = day_of(cells["date"])
    begin, end = stretch_of(day, cells["begin"], cells["end"])
    known = cells.get("known_at")
    return OpeningRecord(
        scanner_code=cells["scanner_code"],
        kind=OpeningKind(kind),
        raw_time=f"{cells['date']} {cells['begin']}-{cells['end']}",
        begin_at=located(begin, zone).at,
        end_at=located(end, zone).at,
        local_date=day,
        known_at=instant(known, zone, kind="csv").at if known else None,
        clock=clock,
        reason_code=cells.get("reason") or None,
    )


def _shown(item: SourceItem) -> dict[str, Any]:
    if isinstance(item, Refused):
        return {"row": item.source_ref, "refused": str(item.reason), "detail": item.detail}
    if not isinstance(item, Read) or not isinstance(record := item.records[0], OpeningRecord):
        return {"row": item.source_ref}
    return {
        "row": item.source_ref,
        "scanner_code": record.scanner_code,
        "kind": str(record.kind),
        "begin_at": record.begin_at.isoformat(),
        "end_at": record.end_at.isoformat(),
        "reason_code": record.reason_code,
    }
