"""The planted evening on which a hospital's network was slow."""

from __future__ import annotations

from datetime import timedelta

from etl.simulate.local import clock_of
from etl.simulate.scenario import SITE, Scenario

SLOW_SITE, SLOW_DAY, SLOW_HOURS = "NORTH", -3, (17.0, 23.0)  # days from the anchor, local hours
SLOW = 0.06  # of the usual rate


def is_slow(scenario: Scenario, site: str, at_s: int) -> bool:
    """Whether the planted slow evening was on at a hospital."""
    begin_s, end_s = slow_evening(scenario)
    return site == SLOW_SITE and begin_s <= at_s < end_s


def slow_evening(scenario: Scenario) -> tuple[int, int]:
    """Return when the slow evening began and ended."""
    clock, day = clock_of(SITE[SLOW_SITE].zone), scenario.anchor + timedelta(days=SLOW_DAY)
    return clock.second(day, SLOW_HOURS[0]), clock.second(day, SLOW_HOURS[1])
