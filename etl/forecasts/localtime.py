"""Site-local hours on a UTC axis: the same local hour on earlier days, weekdays and holiday classes.

The axis counts whole hours since 1970 in UTC, shifted by the zone's minutes past the hour (India: 30), so that a
step is one real hour. A DST day therefore has 23 or 25 steps, and "same hour last week" is looked up on the
local wall clock, not 168 steps back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.forecasts.base import Ints, utc

PARTS_OF_DAY = 4  # night 0-6, morning 6-12, afternoon 12-18, evening 18-24
HOLIDAY_CLASSES = 5  # 0 ordinary, 1 the quietest days of the year, 2 other public holiday, 3 eve of one, 4 day after
QUIETEST = frozenset({(12, 25), (12, 26), (1, 1)})
MISSING = -1


@dataclass(frozen=True)
class LocalHours:
    """Local calendar of the hours `first_hour + 0..n-1` of one site.

    `wall` counts local wall-clock hours since 1970; `lookup[w - wall_first]` is the first step with that wall
    hour, or MISSING for the hour a spring night skips.
    """

    zone: str
    phase_min: int
    first_hour: int
    wall: Ints
    lookup: Ints
    weekday: Ints
    holiday: Ints

    @property
    def hour(self) -> Ints:
        """Local hour of day, 0-23."""
        return self.wall % 24

    @property
    def day(self) -> Ints:
        """Local days since 1970."""
        return self.wall // 24

    @property
    def part_of_day(self) -> Ints:
        """Quarter of the local day, 0-3."""
        return self.hour // (24 // PARTS_OF_DAY)

    def lag(self, steps: Ints, days: int) -> Ints:
        """Return the steps of the same local hour `days` earlier; MISSING before the axis or in a skipped hour."""
        place = self.wall[steps] - 24 * days - self.wall[0]
        found = np.full(len(steps), MISSING, dtype=np.int64)
        inside = (place >= 0) & (place < len(self.lookup))
        found[inside] = self.lookup[place[inside]]
        return found

    def starts(self, steps: Ints) -> Ints:
        """Return the instants at which these steps begin, in seconds since 1970."""
        return (self.first_hour + steps) * 3600 + self.phase_min * 60

    def first_unknown(self, at: datetime) -> int:
        """Return the first step not wholly before `at`: nothing of it may be used by a forecast issued then."""
        return int((at.timestamp() - self.phase_min * 60) // 3600) - self.first_hour

    def first_future(self, at: datetime) -> int:
        """Return the first step that begins at or after `at`."""
        return -int(-(at.timestamp() - self.phase_min * 60) // 3600) - self.first_hour

    def local_date(self, steps: Ints) -> list[date]:
        """Return the site-local dates of these steps."""
        epoch = date(1970, 1, 1)
        return [epoch + timedelta(days=int(d)) for d in self.day[steps]]


def phase_of(zone: str, at: datetime) -> int:
    """Return how many minutes past the UTC hour a local hour begins in this zone."""
    offset = at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    return int(-(offset.total_seconds() // 60) % 60)


def local_hours(
    zone: str, first_hour: int, n: int, country: str | None = None, subdivision: str | None = None
) -> LocalHours:
    """Return the local calendar of `n` hours of a site from `first_hour` (UTC hours since 1970)."""
    phase = phase_of(zone, utc(first_hour * 3600.0))
    instants = pd.to_datetime((first_hour + np.arange(n)) * 3600 + phase * 60, unit="s", utc=True)
    local = instants.tz_convert(zone).tz_localize(None)
    wall = local.to_numpy().astype("datetime64[s]").astype(np.int64) // 3600
    lookup = np.full(wall.max() - wall[0] + 1, MISSING, dtype=np.int64)
    lookup[(wall - wall[0])[::-1]] = np.arange(n)[::-1]  # a repeated hour: the first one stays
    weekday = (wall // 24 + 3) % 7  # 1 January 1970 was a Thursday
    classes = holiday_classes(wall // 24, country, subdivision)
    return LocalHours(zone, phase, first_hour, wall, lookup, weekday, classes)


def holiday_classes(days: Ints, country: str | None, subdivision: str | None) -> Ints:
    """Return the holiday class (see HOLIDAY_CLASSES) of local days since 1970; all ordinary without a country."""
    unique, inverse = np.unique(days, return_inverse=True)
    dates = [date(1970, 1, 1) + timedelta(days=int(d)) for d in unique]
    calendar = _calendar(country, subdivision, {d.year for d in dates})
    classes = [_holiday_class(d, calendar) for d in dates]
    return np.asarray(classes, dtype=np.int64)[inverse]


def _calendar(country: str | None, subdivision: str | None, years: set[int]) -> Any:
    if country is None:
        return frozenset()
    import holidays

    wide = years | {min(years) - 1, max(years) + 1}
    return holidays.country_holidays(country, subdiv=subdivision, years=sorted(wide))


def _holiday_class(day: date, calendar: Any) -> int:
    if day in calendar:
        return 1 if (day.month, day.day) in QUIETEST else 2
    if day + timedelta(days=1) in calendar:
        return 3
    return 4 if day - timedelta(days=1) in calendar else 0


def lag_matrix(hours: LocalHours, steps: Ints, days: npt.NDArray[np.int64]) -> Ints:
    """Return `lag` for several days at once, shape (steps, days)."""
    return np.stack([hours.lag(steps, int(d)) for d in days], axis=1)
