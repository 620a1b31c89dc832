"""Snapshots are taken at the end of site-local buckets, on days of 23, 24 and 25 hours, never after now."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from etl.kpis.instants import instants_of
from etl.kpis.query import Query

NEW_YORK = {"NORTH": ZoneInfo("America/New_York")}
LATE = datetime(2030, 1, 1, tzinfo=UTC)


def rows(
    start: date, end: date, grain: str | None, as_of: datetime = LATE, zones: dict[str, ZoneInfo] = NEW_YORK
) -> list[tuple[str, object, datetime]]:
    """Return a query's instants."""
    return list(instants_of(Query("U21", start, end), grain, as_of, zones, history=True).rows)


def test_days_end_at_local_midnight_whatever_their_length() -> None:
    found = rows(date(2026, 10, 31), date(2026, 11, 3), "day")
    assert [at for _, _, at in found] == [
        datetime(2026, 11, 1, 4, tzinfo=UTC),
        datetime(2026, 11, 2, 5, tzinfo=UTC),  # 25 hours later
        datetime(2026, 11, 3, 5, tzinfo=UTC),
    ]


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 8), 23), (date(2026, 11, 1), 24)])
def test_a_missing_hour_has_no_instant_and_a_repeated_one_the_later(day: date, hours: int) -> None:
    found = rows(day, day + pd.Timedelta(days=1), "hour")
    assert len(found) == hours  # a repeated hour is one bucket
    ends = [at for _, _, at in found]
    assert ends == sorted(set(ends))
    assert ends[-1] == rows(day, day + pd.Timedelta(days=1), "day")[0][2]


def test_each_site_has_its_own_midnight() -> None:
    found = rows(date(2026, 9, 1), date(2026, 9, 2), None, zones=NEW_YORK | {"SOUTH": ZoneInfo("America/Chicago")})
    assert [(site, at.hour) for site, _, at in found] == [("NORTH", 4), ("SOUTH", 5)]


def test_the_running_bucket_is_taken_now_and_later_ones_not_at_all() -> None:
    now = datetime(2026, 9, 2, 15, tzinfo=UTC)
    found = rows(date(2026, 9, 1), date(2026, 10, 1), "day", now)
    assert [(bucket, at) for _, bucket, at in found] == [
        (date(2026, 9, 1), datetime(2026, 9, 2, 4, tzinfo=UTC)),
        (date(2026, 9, 2), now),
    ]


def test_weeks_and_months_keep_their_names_and_end_with_the_period() -> None:
    weeks = rows(date(2026, 9, 2), date(2026, 9, 10), "week")
    assert [(bucket, at.date()) for _, bucket, at in weeks] == [
        (date(2026, 8, 31), date(2026, 9, 7)),
        (date(2026, 9, 7), date(2026, 9, 10)),
    ]
    months = rows(date(2026, 12, 15), date(2027, 2, 1), "month")
    assert [(bucket, at.date()) for _, bucket, at in months] == [
        (date(2026, 12, 1), date(2027, 1, 1)),
        (date(2027, 1, 1), date(2027, 2, 1)),
    ]
