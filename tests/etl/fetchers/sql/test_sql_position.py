"""Where a fetch goes on: hand-computed windows for every kind of watermark, the night of set-back clocks included."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from etl.errors import PeerError
from etl.fetchers.sql_position import Position, Window, position_of

NEW_YORK = ZoneInfo("America/New_York")
NOON = datetime(2026, 6, 1, 16, tzinfo=UTC)  # 12:00 in New York


def naive(text: str) -> datetime:
    return datetime.fromisoformat(text)


def window(now_at: datetime = NOON, lag_min: float = 15, lag_ids: int = 0) -> Window:
    return Window(now_at, timedelta(minutes=lag_min), lag_ids, NEW_YORK)


@pytest.mark.parametrize(
    "after",
    [
        "text", 7, Decimal("7.5"), naive("2026-06-01T10:00:00.000001"), NOON, date(2026, 6, 1), b"\x00\xff",
        UUID(int=5),
    ],
)  # fmt: skip
def test_a_position_survives_its_cursor(after: Any) -> None:
    here = Position(after, (after, "x"))
    assert position_of(here.as_cursor()) == here


@pytest.mark.parametrize(
    "cursor", [{"page": 3}, {"after": ["time", "x"], "key": []}, {"after": ["int", "x"], "key": []}]
)
def test_a_foreign_cursor_is_refused(cursor: dict[str, Any]) -> None:
    with pytest.raises(PeerError, match=r"delete \.cursor\.json"):
        position_of(cursor)


@pytest.mark.parametrize(
    ("after", "kept"),
    [
        ("2026-06-01T11:44:59", None),  # before the window of 11:45 to 12:00: kept as it is
        ("2026-06-01T11:50:00", "2026-06-01T11:35:00"),  # within: so much less, lest the clocks differ
        ("2026-06-01T12:00:00", "2026-06-01T11:45:00"),
        ("2036-01-01T00:00:00", "2026-06-01T11:45:00"),  # a stamp in the future
    ],
)
def test_what_is_kept_lies_before_the_window(after: str, kept: str | None) -> None:
    reached = Position(naive(after), (1,))
    expected = reached if kept is None else Position(naive(kept))
    assert window().kept(reached, at_end=True) == expected
    text = Position(after.replace("T", " ") + ".123", (1,))
    assert window().kept(text, at_end=True) == (text if kept is None else Position(kept.replace("T", " ")))


def test_an_aware_time_is_compared_as_the_instant_it_is() -> None:
    reached = Position(naive("2026-06-01T17:50:00+02:00"), (1,))  # 15:50 UTC
    assert window().kept(reached, at_end=True) == Position(datetime(2026, 6, 1, 15, 35, tzinfo=UTC))


def test_the_hour_told_twice_is_read_again() -> None:
    # 2026-11-01 06:00 UTC: 02:00 becomes 01:00 in New York. At 01:50 before it, rows of 01:00 to 01:59 are to come
    now_at = datetime(2026, 11, 1, 5, 50, tzinfo=UTC)
    reached = Position(naive("2026-11-01T01:30:00"), (1,))
    assert window(now_at).kept(reached, at_end=True) == Position(naive("2026-11-01T00:35:00"))
    # at 01:20 the second time, what was written since 01:05 the second time bears that hour again
    now_at = datetime(2026, 11, 1, 6, 20, tzinfo=UTC)
    reached = Position(naive("2026-11-01T01:59:00"), (1,))  # of the first time
    assert window(now_at).kept(reached, at_end=True) == Position(naive("2026-11-01T01:05:00"))


def test_a_date_keeps_its_whole_day_open() -> None:
    assert window().kept(Position(date(2026, 6, 1), (4,)), at_end=True) == Position(date(2026, 6, 1))
    before = Position(date(2026, 5, 31), (4,))
    assert window().kept(before, at_end=True) == before
    assert window().kept(Position("2026-06-01", (4,)), at_end=True) == Position("2026-06-01")


def test_numbers_are_read_again_by_lag_ids_once_the_end_is_reached() -> None:
    reached = Position(1000, (3,))
    assert window(lag_ids=20).kept(reached, at_end=False) == reached
    assert window(lag_ids=20).kept(reached, at_end=True) == Position(980)
    assert window().kept(reached, at_end=True) == reached


def test_a_text_that_is_no_time_needs_a_lag_of_nought() -> None:
    reached = Position("3260601.1423", (1,))
    with pytest.raises(PeerError, match="lag_min = 0"):
        window().kept(reached, at_end=True)
    assert window(lag_min=0).kept(reached, at_end=True) == reached
