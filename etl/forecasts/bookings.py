"""Bookings as they stood at an origin: only states known by then count (design.md decision 3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from etl.forecasts.base import Bools, Floats, Ints
from etl.forecasts.localtime import LocalHours

COUNTED_STATES = ("booked", "rescheduled", "arrived")
DEFAULT_SLOT_MIN = 30.0
LONGEST_SLOT_H = 8
NEVER = np.iinfo(np.int64).max
_MISSING_TIME = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Bookings:
    """Pieces of booked time, one an hour touched, with the span during which that state was the known one.

    `from_s` and `to_s` are seconds since 1970, half-open; `start` marks the piece in which the appointment begins.
    """

    scanner: Ints
    step: Ints
    begin_s: Ints  # begin of the step
    hours: Floats
    start: Bools
    from_s: Ints
    to_s: Ints
    shape: tuple[int, int]

    def as_of(self, at: datetime) -> tuple[Floats, Floats]:
        """Return appointments beginning and booked hours per (scanner, hour) as known at `at`."""
        second = int(at.timestamp())
        return self._sum((self.from_s <= second) & (second < self.to_s))

    def as_of_lead(self, lead_h: float) -> tuple[Floats, Floats]:
        """Return the same as known `lead_h` before each hour began."""
        second = self.begin_s - int(lead_h * 3600)
        return self._sum((self.from_s <= second) & (second < self.to_s))

    def _sum(self, known: Bools) -> tuple[Floats, Floats]:
        cell = self.scanner[known] * self.shape[1] + self.step[known]
        size = self.shape[0] * self.shape[1]
        starts = np.bincount(cell, weights=self.start[known], minlength=size).astype(np.float64).reshape(self.shape)
        hours = np.bincount(cell, weights=self.hours[known], minlength=size).astype(np.float64).reshape(self.shape)
        return starts, hours


def read_bookings(
    slots: pd.DataFrame, scanners: pd.DataFrame, sites: tuple[LocalHours, ...], site_of: Ints, n: int
) -> Bookings:
    """Cut the booking states of known scanners into hourly pieces on the panel's axis of `n` hours."""
    rows = _counted(slots, scanners)
    scanner = pd.Index(scanners["scanner_code"]).get_indexer(rows["scanner_code"]).astype(np.int64)
    origin_s = np.array([s.first_hour * 3600 + s.phase_min * 60 for s in sites], dtype=np.int64)[site_of]
    begin_h = (_seconds(rows["appointment_at"]) - origin_s[scanner]) / 3600
    length = rows["planned_duration_min"].fillna(DEFAULT_SLOT_MIN).clip(1, 60 * LONGEST_SLOT_H).to_numpy() / 60
    source, step, hours, start = _pieces(begin_h, length, n)
    to_s = _seconds(rows["valid_to_at"])
    return Bookings(
        scanner=scanner[source],
        step=step,
        begin_s=origin_s[scanner[source]] + 3600 * step,
        hours=hours,
        start=start,
        from_s=_seconds(rows["valid_from_at"])[source],
        to_s=np.where(to_s == _MISSING_TIME, NEVER, to_s)[source],
        shape=(len(scanners), n),
    )


def _counted(slots: pd.DataFrame, scanners: pd.DataFrame) -> pd.DataFrame:
    """A state without a time at which it was known must not be used: its feed cannot be asked as of then."""
    usable = (
        slots["state"].isin(COUNTED_STATES)
        & slots["scanner_code"].isin(scanners["scanner_code"])
        & slots["appointment_at"].notna()
        & slots["valid_from_at"].notna()
    )
    return slots[usable]


def _pieces(begin_h: Floats, length_h: Floats, n: int) -> tuple[Ints, Ints, Floats, Bools]:
    """Return (row, step, hours inside the step, is first) for every hour `[begin, begin+length)` touches."""
    first = np.floor(begin_h).astype(np.int64)
    count = np.ceil(begin_h + length_h).astype(np.int64) - first
    row = np.repeat(np.arange(len(first)), count)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    step = first[row] + nth
    end = np.minimum(begin_h[row] + length_h[row], step + 1)
    hours = end - np.maximum(begin_h[row], step)
    inside = (step >= 0) & (step < n)
    return row[inside], step[inside], hours[inside], (nth == 0)[inside]


def _seconds(times: pd.Series) -> Ints:
    naive = pd.to_datetime(times, utc=True).dt.tz_localize(None)
    return naive.to_numpy(dtype="datetime64[s]").astype(np.int64)
