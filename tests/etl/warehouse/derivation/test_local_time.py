"""Site-local days and hours over the nights on which clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from etl.warehouse.local_time import (
    HOUR_US,
    NO_TIME,
    ShiftHours,
    dates,
    day_numbers,
    hour_grid,
    local_days,
    microsecond,
    microseconds,
    shifts,
    times,
)


def _day(zone: str, day: date) -> tuple[int, int]:
    begin = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    after = pd.Timestamp(day) + pd.Timedelta(days=1)
    end = datetime(after.year, after.month, after.day, tzinfo=ZoneInfo(zone))
    return microsecond(begin), microsecond(end)


@pytest.mark.parametrize(
    ("zone", "day", "hours", "cells"),
    [
        ("America/New_York", date(2026, 11, 1), 25.0, 25),
        ("America/New_York", date(2026, 3, 8), 23.0, 23),
        ("Europe/London", date(2026, 3, 29), 23.0, 23),
        ("Europe/Berlin", date(2026, 10, 25), 25.0, 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5, 25),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5, 24),
        ("Asia/Kolkata", date(2026, 11, 1), 24.0, 24),
        ("Asia/Kathmandu", date(2026, 11, 1), 24.0, 24),
    ],
)
def test_a_day_has_the_hours_its_clock_gives_it(zone: str, day: date, hours: float, cells: int) -> None:
    begin, end = _day(zone, day)
    grid = hour_grid(begin, end, zone)
    assert (grid.edges[0], grid.edges[-1]) == (begin, end)
    assert (grid.edges[-1] - grid.edges[0]) / HOUR_US == hours
    assert len(grid.hour) == cells
    assert set(grid.day) == {(day - date(1970, 1, 1)).days}


def test_the_repeated_hour_in_new_york_has_two_cells_an_hour_long() -> None:
    grid = hour_grid(*_day("America/New_York", date(2026, 11, 1)), "America/New_York")
    again = np.flatnonzero(grid.hour == 1)
    assert len(again) == 2
    assert (np.diff(grid.edges)[again] == HOUR_US).all()
    assert times(grid.edges[again]).tolist() == [
        pd.Timestamp("2026-11-01T05:00Z"),
        pd.Timestamp("2026-11-01T06:00Z"),
    ]


def test_the_hour_skipped_in_london_has_no_cell() -> None:
    grid = hour_grid(*_day("Europe/London", date(2026, 3, 29)), "Europe/London")
    assert 1 not in grid.hour
    assert (np.diff(grid.edges) == HOUR_US).all()


def test_lord_howe_repeats_half_an_hour() -> None:
    grid = hour_grid(*_day("Australia/Lord_Howe", date(2026, 4, 5)), "Australia/Lord_Howe")
    lengths = np.diff(grid.edges) / HOUR_US
    assert grid.hour[:4].tolist() == [0, 1, 1, 2]
    assert lengths[:4].tolist() == [1.0, 1.0, 0.5, 1.0]


def test_local_days_and_hours_follow_each_sites_zone() -> None:
    at = np.array([microsecond(datetime(2026, 11, 1, 4, 30, tzinfo=UTC))] * 3 + [NO_TIME])
    zones = {"NORTH": "America/New_York", "SOUTH": "America/Chicago"}
    day, hour = local_days(at, ["NORTH", "SOUTH", "NOWHERE", "NORTH"], zones)
    assert hour.tolist() == [0, 23, 4, -1]
    assert dates(day).tolist() == [
        pd.Timestamp("2026-11-01"),
        pd.Timestamp("2026-10-31"),
        pd.Timestamp("2026-11-01"),
        pd.NaT,
    ]


@pytest.mark.parametrize(
    ("local", "shift"),
    [
        ("2026-09-01 06:59", "night"),
        ("2026-09-01 07:00", "day"),
        ("2026-09-01 16:59", "day"),
        ("2026-09-01 17:00", "evening"),
        ("2026-09-01 22:59", "evening"),
        ("2026-09-01 23:00", "night"),
        ("2026-09-04 23:30", "night"),
        ("2026-09-05 03:00", "weekend"),
        ("2026-09-06 23:59", "weekend"),
        ("2026-09-07 00:00", "night"),
    ],
)
def test_shifts_begin_at_their_local_hours(local: str, shift: str) -> None:
    stamp = pd.Series([pd.Timestamp(local, tz="America/New_York")])
    day, hour = local_days(microseconds(stamp), ["N"], {"N": "America/New_York"})
    assert shifts(day, hour, ShiftHours()).tolist() == [shift]


def test_no_time_has_no_shift() -> None:
    day, hour = local_days(np.array([NO_TIME]), ["N"], {"N": "UTC"})
    assert shifts(day, hour, ShiftHours()).tolist() == [None]


def test_dates_survive_the_round_trip_through_a_column() -> None:
    numbers = np.array([20697, 0, NO_TIME])
    assert day_numbers(dates(numbers)).tolist() == numbers.tolist()
    assert day_numbers(pd.Series([date(2026, 9, 1), None], dtype=object)).tolist() == [20697, NO_TIME]
