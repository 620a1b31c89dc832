"""Local wall clocks of Unix seconds, as the texts that messages, extracts and headers carry."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

QUARTER_S = 900  # every zone's offset is a whole number of quarter hours


class Hour(NamedTuple):
    """A quarter of a clock hour in several spellings; `minute` begins it."""

    day: str  # 20261101
    hour: str  # 01
    minute: int
    offset: str  # -0400
    day_number: int  # proleptic ordinal of the local date
    weekday: int


@lru_cache(maxsize=80_000)
def _hour(zone: str, quarter: int) -> Hour:
    at = datetime.fromtimestamp(quarter * QUARTER_S, UTC).astimezone(ZoneInfo(zone))
    return Hour(at.strftime("%Y%m%d"), at.strftime("%H"), at.minute, at.strftime("%z"), at.toordinal(), at.weekday())


class LocalClock:
    """The wall clock of a zone."""

    def __init__(self, zone: str) -> None:
        """Take an IANA zone name."""
        self.zone = zone

    def hour(self, at_s: int) -> Hour:
        """Return the clock hour that holds an instant (Unix seconds)."""
        return _hour(self.zone, at_s // QUARTER_S)

    def hl7(self, at_s: int) -> str:
        """Return ``YYYYMMDDHHMMSS`` without offset."""
        h = self.hour(at_s)
        rest = at_s % QUARTER_S
        return f"{h.day}{h.hour}{h.minute + rest // 60:02d}{rest % 60:02d}"

    def hl7_offset(self, at_s: int) -> str:
        """Return ``YYYYMMDDHHMMSS+ZZZZ``."""
        return self.hl7(at_s) + self.hour(at_s).offset

    def iso(self, at_s: int) -> str:
        """Return ``YYYY-MM-DD HH:MM:SS`` without offset."""
        t = self.hl7(at_s)
        return f"{t[:4]}-{t[4:6]}-{t[6:8]} {t[8:10]}:{t[10:12]}:{t[12:]}"

    def american(self, at_s: int) -> str:
        """Return ``MM/DD/YYYY HH:MM:SS`` without offset."""
        t = self.hl7(at_s)
        return f"{t[4:6]}/{t[6:8]}/{t[:4]} {t[8:10]}:{t[10:12]}:{t[12:]}"

    def local_date(self, at_s: int) -> date:
        """Return the local date."""
        return date.fromordinal(self.hour(at_s).day_number)

    def clock_hour(self, at_s: int) -> float:
        """Return the local hour of day with its fraction."""
        h = self.hour(at_s)
        return int(h.hour) + (h.minute * 60 + at_s % QUARTER_S) / 3600

    def second(self, day: date, hour: float) -> int:
        """Return the instant of a wall time; 24.0 is the next midnight, a repeated hour is its first pass."""
        minutes = round(hour * 60)
        at = day + timedelta(days=minutes // 1440)
        minutes %= 1440
        wall = datetime(at.year, at.month, at.day, minutes // 60, minutes % 60, tzinfo=ZoneInfo(self.zone))
        return int(wall.timestamp())


@lru_cache(maxsize=8)
def clock_of(zone: str) -> LocalClock:
    """Return the one clock of a zone."""
    return LocalClock(zone)


def utc(at_s: int) -> datetime:
    """Return Unix seconds as aware UTC."""
    return datetime.fromtimestamp(at_s, UTC)
