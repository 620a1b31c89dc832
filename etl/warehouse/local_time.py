"""Site-local calendars: local date and hour of instants, shifts, and the grid of local hours (decision 9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.warehouse.intervals import MINUTE_US
from etl.warehouse.keys import Ints

HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
QUARTER_US = 15 * MINUTE_US  # every zone's offset since 1972 is a multiple of a quarter of an hour
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NO_TIME = np.iinfo(np.int64).min
NO_DAY = np.iinfo(np.int64).min

Texts = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class ShiftHours:
    """When the weekday's shifts begin, site-local hours; Saturday and Sunday are the weekend."""

    day: int = 7
    evening: int = 17
    night: int = 23


def microseconds(times: pd.Series) -> Ints:
    """Return aware times as int64 microseconds since 1970 UTC, NO_TIME where there is none."""
    utc = times if isinstance(times.dtype, pd.DatetimeTZDtype) else pd.to_datetime(times, utc=True)
    naive = utc.dt.tz_convert("UTC").dt.tz_localize(None)
    return np.asarray(naive.to_numpy("datetime64[us]").view(np.int64), dtype=np.int64)


def times(values: Ints) -> pd.Series:
    """Return microseconds as an aware UTC series, NaT for NO_TIME."""
    return pd.Series(values.view("datetime64[us]")).dt.tz_localize("UTC")


def microsecond(at: datetime) -> int:
    """Return one aware time as microseconds since 1970 UTC."""
    return (at - EPOCH) // timedelta(microseconds=1)


def offsets(at: Ints, site: npt.ArrayLike, zones: Mapping[str, str]) -> Ints:
    """Return the UTC offset in microseconds of each instant at its site; sites without a zone count as UTC."""
    sites = np.asarray(site, dtype=object)
    found = np.zeros(len(at), dtype=np.int64)
    for code, zone in zones.items():
        mine = (sites == code) & (at != NO_TIME)
        if mine.any():
            found[mine] = _zone_offsets(at[mine], zone)
    return found


def _zone_offsets(at: Ints, zone: str) -> Ints:
    """Ask the zone once a quarter of an hour: it answers slowly, one instant at a time."""
    quarter, place = np.unique(at // QUARTER_US, return_inverse=True)
    utc = pd.DatetimeIndex((quarter * QUARTER_US).view("datetime64[us]")).tz_localize("UTC")
    wall = utc.tz_convert(ZoneInfo(zone)).tz_localize(None)
    return np.asarray((wall.as_unit("us").asi8 - quarter * QUARTER_US)[place], dtype=np.int64)


def local_days(at: Ints, site: npt.ArrayLike, zones: Mapping[str, str]) -> tuple[Ints, Ints]:
    """Return site-local days since 1970 and hours 0-23 of instants; NO_DAY and -1 where there is no time."""
    wall = at + offsets(at, site, zones)
    known = at != NO_TIME
    return np.where(known, wall // DAY_US, NO_DAY), np.where(known, wall % DAY_US // HOUR_US, -1)


def local_hours_begin(at: Ints, site: npt.ArrayLike, zones: Mapping[str, str]) -> Ints:
    """Return the start of the site-local hour each instant lies in, as `hour_grid` has it; NO_TIME stays.

    An hour in which the zone's offset changes begins anew there.
    """
    wall = at + offsets(at, site, zones)
    begin = np.where(at == NO_TIME, NO_TIME, at - wall % HOUR_US)
    turned = (at != NO_TIME) & (offsets(begin, site, zones) != offsets(at, site, zones))
    while turned.any():  # the change lies on a quarter between the two
        begin = np.where(turned, np.minimum((begin // QUARTER_US + 1) * QUARTER_US, at), begin)
        turned = (at != NO_TIME) & (offsets(begin, site, zones) != offsets(at, site, zones))
    return begin


def dates(days: Ints) -> pd.Series:
    """Return days since 1970 as a nullable date column (Arrow date32)."""
    stamps = np.where(days == NO_DAY, np.datetime64("NaT", "D"), days.astype("datetime64[D]"))
    return pd.Series(stamps.astype("datetime64[s]"))


def day_numbers(column: pd.Series) -> Ints:
    """Return a date column as days since 1970, NO_DAY where there is none."""
    stamps = np.asarray(pd.to_datetime(column).to_numpy("datetime64[D]"))
    return np.where(np.isnat(stamps), NO_DAY, stamps.view(np.int64))


def hours(values: Ints) -> pd.Series:
    """Return hours 0-23 as a nullable integer column, -1 becoming NULL."""
    return pd.Series(values, dtype="Int64").mask(values < 0)


def shifts(day: Ints, hour: Ints, rule: ShiftHours) -> Texts:
    """Return day, evening, night or weekend for local days and hours; None where there is no time."""
    weekday = (day + 3) % 7  # 1970-01-01 was a Thursday
    named = np.select(
        [hour < 0, weekday >= 5, (hour >= rule.day) & (hour < rule.evening)],
        ["", "weekend", "day"],
        default=np.where((hour >= rule.evening) & (hour < rule.night), "evening", "night"),
    ).astype(object)
    named[hour < 0] = None
    return named


@dataclass(frozen=True, slots=True)
class HourGrid:
    """The local hours of one zone between two instants: cell i is `[edges[i], edges[i+1])`.

    An hour in which the zone's offset changes is cut there, so that a repeated hour has two cells and a DST day
    23, 25 or (Lord Howe) 23.5 or 24.5 hours.
    """

    edges: Ints
    day: Ints
    hour: Ints


def hour_grid(begin: int, end: int, zone: str) -> HourGrid:
    """Return the grid of whole local hours that covers `[begin, end)` (microseconds)."""
    first, last = (begin - HOUR_US) // QUARTER_US, (end + HOUR_US) // QUARTER_US + 1
    at = np.arange(first, last + 1, dtype=np.int64) * QUARTER_US
    offset = _zone_offsets(at, zone)
    turned = np.concatenate(([False], np.diff(offset) != 0))
    edges = at[((at + offset) % HOUR_US == 0) | turned]
    low = max(int(np.searchsorted(edges, begin, side="right")) - 1, 0)
    high = int(np.searchsorted(edges, end, side="left"))
    edges = edges[low : high + 1]
    wall = edges[:-1] + _zone_offsets(edges[:-1], zone)
    return HourGrid(edges, wall // DAY_US, wall % DAY_US // HOUR_US)
