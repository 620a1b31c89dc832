"""Operating calendars: local wall times, midnights, clock changes and bad rows."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from etl.errors import FeedStoppedError, Reason
from etl.records import OpeningKind, OpeningRecord, Read, Refused, SourceItem
from etl.sources.openings_csv import items

HEADER = "scanner_code,kind,date,begin,end,reason\n"


def read(text: str, header: str = HEADER) -> list[SourceItem]:
    return list(items((header + text).encode(), "o.csv", ZoneInfo("America/New_York"), "openings"))


def opening(row: str, header: str = HEADER) -> OpeningRecord:
    (item,) = read(row, header)
    assert isinstance(item, Read), item
    (record,) = item.records
    assert isinstance(record, OpeningRecord)
    return record


def hours(record: OpeningRecord) -> float:
    return (record.end_at - record.begin_at).total_seconds() / 3600


def test_row_is_read_in_the_feeds_zone() -> None:
    found = opening("NCT1,open,2026-01-15,07:00,19:00,\n")
    assert found.begin_at == datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
    assert (found.kind, found.local_date, hours(found)) == (OpeningKind.OPEN, date(2026, 1, 15), 12)
    assert (found.reason_code, found.known_at, found.clock) == (None, None, "openings")


@pytest.mark.parametrize("kind", [str(kind) for kind in OpeningKind])
def test_every_kind_is_read(kind: str) -> None:
    assert opening(f"NCT1,{kind},2026-01-15,07:00,07:30,maintenance\n").reason_code == "maintenance"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("2026-01-15,00:00,24:00", 24),
        ("2026-01-15,22:00,06:00", 8),
        ("2026-01-15,22:00,00:00", 2),
        ("2026-03-08,00:00,24:00", 23),  # the clock skips an hour
        ("2026-11-01,00:00,24:00", 25),  # and repeats one
        ("2026-01-15,07:00:30,07:01", 1 / 120),
    ],
)
def test_length_follows_the_clock(row: str, expected: float) -> None:
    assert hours(opening(f"NCT1,open,{row},\n")) == pytest.approx(expected)


def test_optional_knowledge_time() -> None:
    header = HEADER.replace("reason", "reason,known_at")
    found = opening("NCT1,open,2026-01-15,07:00,19:00,,2026-01-10 12:00\n", header)
    assert found.known_at == datetime(2026, 1, 10, 17, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",open,2026-01-15,07:00,19:00,", Reason.MISSING_IDENTIFIER),
        ("NCT1,opened,2026-01-15,07:00,19:00,", Reason.BAD_VALUE),
        ("NCT1,open,15.01.2026,07:00,19:00,", Reason.BAD_VALUE),
        ("NCT1,open,,07:00,19:00,", Reason.MISSING_TIME),
        ("NCT1,open,2026-01-15,,19:00,", Reason.MISSING_TIME),
        ("NCT1,open,2026-01-15,7 am,19:00,", Reason.BAD_VALUE),
        ("NCT1,open,2026-01-15,07:00,24:30,", Reason.IMPOSSIBLE_TIME),
        ("NCT1,open,9999-12-31,22:00,06:00,", Reason.IMPOSSIBLE_TIME),
        ("NCT1,open,2026-01-15,07:00,07:00,", Reason.BAD_VALUE),
        ("NCT1,open,2026-03-08,02:30,19:00,", Reason.NONEXISTENT_LOCAL_TIME),
        ("NCT1,open,2026-01-15,07:00", Reason.BAD_STRUCTURE),
    ],
)
def test_bad_row_is_refused_and_the_next_is_read(row: str, reason: Reason) -> None:
    first, second = read(f"{row}\nNCT1,open,2026-01-15,07:00,19:00,\n")
    assert isinstance(first, Refused)
    assert first.reason == reason
    assert isinstance(second, Read)


def test_missing_column_stops_the_feed() -> None:
    with pytest.raises(FeedStoppedError, match="missing columns: end"):
        read("NCT1,open,2026-01-15,07:00,19:00,\n", HEADER.replace("end", "until"))


def test_other_table_is_refused_whole() -> None:
    (item,) = read("1,2\n", "a,b\n")
    assert isinstance(item, Refused)
    assert item.reason == Reason.NOT_THIS_FORMAT
