"""Time texts become the right instants, and the wrong ones are refused under the right reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from etl.errors import ItemRefused, Reason
from etl.sources.times import Instant, Kind, instant, instant_formatted, located

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("kind", "text", "iso", "offset", "flag"),
    [
        ("hl7", "20260115103000", "2026-01-15T15:30:00", -300, None),
        ("hl7", "202607151030", "2026-07-15T14:30:00", -240, None),
        ("hl7", "2026071510", "2026-07-15T14:00:00", -240, None),
        ("hl7", "20260115", "2026-01-15T05:00:00", -300, "date_only"),
        ("hl7", "20260115103000.25+0100", "2026-01-15T09:30:00.250000", 60, None),
        ("hl7", "20110613122406637", "2011-06-13T16:24:06.637000", -240, None),  # Mirth
        ("hl7", "20261101013000", "2026-11-01T05:30:00", -240, "ambiguous"),
        ("hl7", "20261101013000-0500", "2026-11-01T06:30:00", -300, None),
        ("dicom", "19970430113000.5", "1997-04-30T15:30:00.500000", -240, None),
        ("dicom", "1997.04.3011:30:00", "1997-04-30T15:30:00", -240, None),
        ("dicom", "20260101235960", "2026-01-02T04:59:59", -300, None),
        ("iso", "2026-01-15T10:30:00Z", "2026-01-15T10:30:00", 0, None),
        ("csv", "2026-01-15 10:30", "2026-01-15T15:30:00", -300, None),
        ("csv", "20260115103000", "2026-01-15T15:30:00", -300, None),
    ],
)
def test_text_is_read_as_its_instant(kind: Kind, text: str, iso: str, offset: int, flag: str | None) -> None:
    expected = Instant(datetime.fromisoformat(iso).replace(tzinfo=UTC), offset, flag)
    assert instant(text, NEW_YORK, kind=kind) == expected
    assert instant(text, NEW_YORK, kind=kind) == expected  # a second time, from the cache


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.MISSING_TIME),
        ("   ", Reason.MISSING_TIME),
        ("Aug 15, 1942", Reason.BAD_VALUE),
        ("202601", Reason.BAD_VALUE),
        ("2026011510300", Reason.BAD_VALUE),
        ("20260115103000+1900", Reason.BAD_VALUE),
        ("２０２６０１１５１０３０００", Reason.BAD_VALUE),  # noqa: RUF001 - full-width digits are the case
        ("20260231103000", Reason.IMPOSSIBLE_TIME),
        ("20260115106000", Reason.IMPOSSIBLE_TIME),
        ("20260115250000", Reason.IMPOSSIBLE_TIME),
        ("19700101000000", Reason.IMPOSSIBLE_TIME),
        ("02090115103000", Reason.IMPOSSIBLE_TIME),  # a clock that counts its years from nought
        ("21010101000000", Reason.IMPOSSIBLE_TIME),
        ("20260308023000", Reason.NONEXISTENT_LOCAL_TIME),
    ],
)
def test_bad_text_is_refused_with_its_reason(text: str, reason: Reason) -> None:
    instant("20260115100000", NEW_YORK, kind="hl7")  # a warm cache must not let bad minutes through
    with pytest.raises(ItemRefused) as refused:
        instant(text, NEW_YORK, kind="hl7")
    assert refused.value.reason == reason


def test_every_quarter_hour_of_a_year_equals_zoneinfo() -> None:
    wall = datetime(2026, 1, 1)  # noqa: DTZ001 - a wall clock
    for _ in range(365 * 96):
        wall += timedelta(minutes=15)
        aware = wall.replace(tzinfo=NEW_YORK)
        if aware.astimezone(UTC).astimezone(NEW_YORK).replace(tzinfo=None) != wall:
            with pytest.raises(ItemRefused):
                instant(f"{wall:%Y%m%d%H%M%S}", NEW_YORK, kind="hl7")
            continue
        found = instant(f"{wall:%Y%m%d%H%M%S}", NEW_YORK, kind="hl7")
        assert found.at == aware.astimezone(UTC)


def test_half_hour_transition_inside_an_hour_is_not_cached_wrongly() -> None:
    lord_howe = ZoneInfo("Australia/Lord_Howe")  # clock goes back from 02:00 to 01:30
    first = instant("20260405010000", lord_howe, kind="hl7")
    repeated = instant("20260405014500", lord_howe, kind="hl7")
    assert (first.utc_offset_min, first.flag) == (660, None)
    assert repeated.flag == "ambiguous"


def test_cache_keeps_zones_apart() -> None:
    east = instant("20260115103000", NEW_YORK, kind="hl7")
    central = instant("20260115103000", ZoneInfo("America/Chicago"), kind="hl7")
    assert central.at - east.at == timedelta(hours=1)


def test_local_form_needs_its_format() -> None:
    found = instant_formatted("3/9/2026 2:05 PM", NEW_YORK, "%m/%d/%Y %I:%M %p")
    assert found.at == datetime(2026, 3, 9, 18, 5, tzinfo=UTC)
    with pytest.raises(ItemRefused) as refused:
        instant_formatted("31/12/2026 2:05 PM", NEW_YORK, "%m/%d/%Y %I:%M %p")
    assert refused.value.reason == Reason.BAD_VALUE


def test_aware_wall_clock_keeps_its_offset() -> None:
    wall = datetime.fromisoformat("2026-01-15T10:30:00+05:30")
    assert located(wall, NEW_YORK) == Instant(datetime(2026, 1, 15, 5, 0, tzinfo=UTC), 330, None)
