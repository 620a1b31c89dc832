"""Local hours: DST days of 23 and 25 hours, lags on the wall clock, holiday classes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from etl.forecasts.localtime import MISSING, LocalHours, holiday_classes, local_hours


def _hours(zone: str, begin: datetime, days: int) -> LocalHours:
    return local_hours(zone, int(begin.timestamp() // 3600), 24 * days)


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
        ("Europe/London", date(2026, 3, 29), 23),
        ("Europe/London", date(2026, 10, 25), 25),
        ("Asia/Kolkata", date(2026, 3, 8), 24),
    ],
)
def test_a_local_day_has_as_many_steps_as_hours_pass(zone: str, day: date, expected: int) -> None:
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=3)
    hours = _hours(zone, begin, 7)
    assert int((hours.day == (day - date(1970, 1, 1)).days).sum()) == expected


@pytest.mark.parametrize("begin", [datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 10, 20, tzinfo=UTC)])
def test_a_lag_of_a_week_has_the_same_local_hour_and_weekday_across_dst(begin: datetime) -> None:
    hours = _hours("America/New_York", begin, 21)
    steps = np.arange(24 * 8, 24 * 21, dtype=np.int64)
    lag = hours.lag(steps, 7)
    found = lag != MISSING
    assert found.sum() >= len(steps) - 1  # at most the hour skipped in spring has no counterpart
    assert np.array_equal(hours.hour[lag[found]], hours.hour[steps[found]])
    assert np.array_equal(hours.weekday[lag[found]], hours.weekday[steps[found]])
    assert set(np.unique(steps[found] - lag[found])) <= {167, 168, 169}


def test_a_lag_into_the_skipped_spring_hour_is_missing() -> None:
    hours = _hours("America/New_York", datetime(2026, 3, 6, tzinfo=UTC), 14)
    skipped_wall = ((date(2026, 3, 8) - date(1970, 1, 1)).days * 24) + 2
    assert skipped_wall not in hours.wall
    week_later = np.flatnonzero(hours.wall == skipped_wall + 168)
    assert hours.lag(week_later, 7).tolist() == [MISSING]


def test_hours_of_a_half_hour_zone_begin_at_half_past() -> None:
    hours = _hours("Asia/Kolkata", datetime(2026, 5, 1, tzinfo=UTC), 2)
    starts = [datetime.fromtimestamp(int(s), tz=UTC) for s in hours.starts(np.arange(3))]
    assert [s.minute for s in starts] == [30, 30, 30]
    assert hours.hour[0] == 6  # 00:30 UTC is 06:00 in India


def test_an_hour_is_known_only_when_it_is_over() -> None:
    hours = _hours("America/New_York", datetime(2026, 5, 1, tzinfo=UTC), 2)
    at = datetime(2026, 5, 1, 5, 59, tzinfo=UTC)
    assert hours.first_unknown(at) == 5
    assert hours.first_future(at) == 6
    on_the_hour = datetime(2026, 5, 1, 6, tzinfo=UTC)
    assert hours.first_unknown(on_the_hour) == hours.first_future(on_the_hour) == 6


def test_holiday_classes_follow_country_and_subdivision() -> None:
    def of(day: date, country: str, subdivision: str | None) -> int:
        return int(holiday_classes(np.array([(day - date(1970, 1, 1)).days]), country, subdivision)[0])

    assert of(date(2026, 12, 25), "US", "NY") == 1
    assert of(date(2026, 7, 3), "US", "NY") == 2  # Independence Day observed on the Friday
    assert of(date(2026, 12, 24), "US", "NY") == 3
    assert of(date(2026, 3, 17), "GB", "NIR") == 2  # St Patrick's Day
    assert of(date(2026, 3, 17), "GB", "ENG") == 0
    assert holiday_classes(np.array([20000]), None, None).tolist() == [0]
