"""Scheduled jobs: each business window once, through clock jumps, DST and downtime."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from etl.schedule import Job, daily_windows, interval_windows, run_due, windows_due
from etl.settings import Settings, Site

ZONES = ["America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kolkata"]


def _settings(tmp_path: Path, zone: str = "Europe/London", hour: int = 5) -> Settings:
    return Settings(base=tmp_path, sites=(Site(code="A", name="A", zone=zone),), business_hour=hour)


def test_interval_windows_are_half_open_multiples() -> None:
    since = datetime(2026, 1, 1, 0, 0, tzinfo=UTC)
    assert interval_windows(15, since, since + timedelta(minutes=44)) == [
        since + timedelta(minutes=15),
        since + timedelta(minutes=30),
    ]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("hour", [1, 2, 3, 5])
def test_every_local_date_of_a_year_has_exactly_one_daily_window(zone: str, hour: int) -> None:
    start = datetime(2026, 1, 1, tzinfo=ZoneInfo(zone))
    closes = daily_windows(ZoneInfo(zone), hour, start.astimezone(UTC), start.astimezone(UTC) + timedelta(days=365))
    dates = [c.astimezone(ZoneInfo(zone)).date() for c in closes]
    assert len(dates) == len(set(dates)) == 365


@pytest.mark.parametrize("zone", ZONES)
def test_clock_jumps_and_downtime_process_each_window_once(tmp_path: Path, zone: str) -> None:
    seen: list[datetime] = []
    job = Job("daily", lambda _s, window: seen.append(window), per_window=True)
    settings = _settings(tmp_path, zone)
    true_now = datetime(2026, 3, 20, 12, tzinfo=UTC)
    jumps = [0, -2, 2, 0, 48, 0, -2]  # hours the machine's clock is wrong by, one step a day
    for step in range(60):
        if step % 11 in (5, 6):  # host off
            continue
        now = true_now + timedelta(days=step, hours=jumps[step % len(jumps)])
        run_due(settings, [job], now)
    assert seen == sorted(set(seen))
    expected = daily_windows(ZoneInfo(zone), 5, seen[0] - timedelta(seconds=1), seen[-1])
    assert seen == expected


def test_second_start_in_the_same_window_does_nothing(tmp_path: Path) -> None:
    calls: list[datetime] = []
    job = Job("ingest", lambda _s, w: calls.append(w), every_min=15)
    now = datetime(2026, 5, 1, 10, 7, tzinfo=UTC)
    settings = _settings(tmp_path)
    assert run_due(settings, [job], now) == {"ingest": 1}
    assert run_due(settings, [job], now + timedelta(minutes=2)) == {"ingest": 0}
    assert run_due(settings, [job], now + timedelta(hours=3)) == {"ingest": 12}
    assert len(calls) == 2  # twelve missed windows are caught up in one call


def test_a_failed_job_stays_due(tmp_path: Path) -> None:
    def broken(_settings: Settings, _window: datetime) -> None:
        raise OSError("disk full")

    now = datetime(2026, 5, 1, 10, 7, tzinfo=UTC)
    settings = _settings(tmp_path)
    with pytest.raises(OSError, match="disk full"):
        run_due(settings, [Job("retention", broken)], now)
    assert len(windows_due(Job("retention", broken), settings, now, set())) == 1


def test_a_clock_that_ran_ahead_does_not_stall_an_interval_job(tmp_path: Path) -> None:
    calls: list[datetime] = []
    job = Job("ingest", lambda _s, w: calls.append(w), every_min=15)
    settings, now = _settings(tmp_path), datetime(2026, 5, 1, 10, 7, tzinfo=UTC)
    for wrong in (timedelta(), timedelta(days=2), timedelta(minutes=15)):
        run_due(settings, [job], now + wrong)
    assert len(calls) == 3
