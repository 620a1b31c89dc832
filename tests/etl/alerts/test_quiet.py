"""Quiet hours on the site's wall clock, through nights in which the clocks change."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from etl.alerts.quiet import quiet_until
from etl.alerts.rules import Quiet

LONDON = ZoneInfo("Europe/London")
NIGHT = Quiet.model_validate({"from": "22:00", "to": "07:00"})


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        ("2026-06-10 20:59", None),  # 21:59 in London
        ("2026-06-10 21:00", "2026-06-11 06:00"),  # 22:00
        ("2026-06-11 05:59", "2026-06-11 06:00"),  # 06:59
        ("2026-06-11 06:00", None),  # 07:00: the end is not included
        # the night of 29 March 2026 has nine hours less one: GMT before 01:00, BST after
        ("2026-03-28 22:00", "2026-03-29 06:00"),
        # the night of 25 October 2026 has nine hours and one: BST before, GMT after
        ("2026-10-24 21:00", "2026-10-25 07:00"),
    ],
)
def test_night_hours_end_at_seven_by_the_wall_clock(now: str, ends: str | None) -> None:
    assert quiet_until(utc(now), LONDON, "LON", [NIGHT]) == (utc(ends) if ends else None)


def test_an_hour_told_twice_is_quiet_both_times() -> None:
    early = Quiet.model_validate({"from": "00:00", "to": "01:30"})
    # 01:30 comes at 00:30 UTC (BST) and again at 01:30 UTC (GMT): quiet until the second
    assert quiet_until(utc("2026-10-25 00:45"), LONDON, None, [early]) == utc("2026-10-25 01:30")
    assert quiet_until(utc("2026-10-25 01:30"), LONDON, None, [early]) is None


def test_an_end_that_a_spring_night_leaves_out_is_the_change_itself() -> None:
    early = Quiet.model_validate({"from": "00:00", "to": "01:30"})
    # at 01:00 GMT clocks go to 02:00 BST
    assert quiet_until(utc("2026-03-29 00:30"), LONDON, None, [early]) == utc("2026-03-29 01:00")


def test_a_weekend_without_a_gap_is_one_quiet_time() -> None:
    weekend = Quiet.model_validate({"from": "00:00", "to": "00:00", "days": ["sat", "sun"]})
    # Friday 22:00 to Monday 07:00: the night before, two whole days, the night after
    assert quiet_until(utc("2026-07-03 21:30"), LONDON, None, [NIGHT, weekend]) == utc("2026-07-06 06:00")


def test_hours_of_another_site_do_not_hold_but_hold_what_is_of_no_single_site() -> None:
    only = Quiet.model_validate({"from": "22:00", "to": "07:00", "sites": ["LON"]})
    assert quiet_until(utc("2026-06-10 23:00"), LONDON, "NYC", [only]) is None
    assert quiet_until(utc("2026-06-10 23:00"), LONDON, None, [only]) is not None


@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
def test_quiet_always_ends_at_an_instant_that_is_not_quiet(zone: str) -> None:
    seed = random.randrange(10**6)  # noqa: S311 - test data
    print("seed", seed)  # noqa: T201 - to repeat it
    draws = random.Random(seed)  # noqa: S311 - test data
    for _ in range(300):
        a, b = (f"{draws.randrange(24):02}:{draws.randrange(60):02}" for _ in range(2))
        hours = [Quiet.model_validate({"from": a, "to": b, "days": draws.sample(["mon", "wed", "sun"], 2)})]
        now = utc("2026-01-01 00:00") + timedelta(minutes=draws.randrange(365 * 24 * 60))
        end = quiet_until(now, ZoneInfo(zone), None, hours)
        if end is not None:
            assert now < end <= now + timedelta(hours=74)
            assert quiet_until(end, ZoneInfo(zone), None, hours) is None
            between = now + (end - now) * draws.random()
            assert quiet_until(between, ZoneInfo(zone), None, hours) == end
