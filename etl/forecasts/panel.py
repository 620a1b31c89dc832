"""Scanner hours as arrays (scanner x hour): what happened, what was open, and what the calendar says of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from etl.forecasts.base import HORIZON_H, Floats, Ints
from etl.forecasts.bookings import Bookings, read_bookings
from etl.forecasts.localtime import MISSING, LocalHours, local_hours
from etl.forecasts.read import History


@dataclass(frozen=True)
class Panel:
    """Arrays of shape (scanners, hours) on one UTC axis; hours without a row in the warehouse are closed and idle.

    `open_h` is the operating time that came about, `planned_h` the operating time known beforehand (unplanned
    downtime not yet taken off): forecasts may look at `planned_h` of the future, never at `open_h`.
    """

    scanners: pd.DataFrame  # scanner_code, site_code, modality
    sites: tuple[LocalHours, ...]
    site_of: Ints  # scanner -> position in `sites`
    visits: Floats
    table_h: Floats
    open_h: Floats
    planned_h: Floats
    bookings: Bookings

    @property
    def hours(self) -> int:
        """Length of the axis."""
        return int(self.visits.shape[1])

    def series(self, key: str) -> Floats:
        """Return what a target sums: begun visits, or busy table hours."""
        return self.visits if key == "scanner_demand" else self.table_h


def build_panel(history: History, until: datetime, horizon_h: int = HORIZON_H) -> Panel:
    """Lay the history out on an axis from its first hour to `until` + horizon.

    Raises ValueError when there is no scanner hour before `until`.
    """
    frame = history.hours
    if not (frame["hour_at"] < until).any():
        raise ValueError(f"no scanner hour before {until.isoformat()}; ingest feeds and derive first")
    first = int(frame["hour_at"].min().timestamp() // 3600)
    n = int(until.timestamp() // 3600) + horizon_h + 2 - first
    scanners = _scanners(frame)
    codes = sorted(scanners["site_code"].unique())
    sites = tuple(_site_hours(history.sites, code, first, n) for code in codes)
    site_of = scanners["site_code"].map({c: i for i, c in enumerate(codes)}).to_numpy(dtype=np.int64)
    row, step = _cells(frame, scanners, sites, site_of, first)
    inside = (step >= 0) & (step < n)
    fill = _Filler(row[inside], step[inside], frame[inside], (len(scanners), n))
    open_h = fill("operating_min", 60)
    planned = np.minimum(open_h + fill("unplanned_down_min", 60), 1.0)
    return Panel(
        scanners=scanners,
        sites=sites,
        site_of=site_of,
        visits=fill("begun_visits", 1),
        table_h=fill("table_min", 60),
        open_h=open_h,
        planned_h=_extend_calendar(planned, sites, site_of, _last_open(planned, history, scanners, sites, site_of)),
        bookings=read_bookings(history.slots, scanners, sites, site_of, n),
    )


def _scanners(frame: pd.DataFrame) -> pd.DataFrame:
    columns = ["scanner_code", "site_code", "modality"]
    known = frame[frame["scanner_code"].notna()]
    return known[columns].drop_duplicates("scanner_code").sort_values("scanner_code", ignore_index=True)


def _site_hours(sites: pd.DataFrame, code: str, first: int, n: int) -> LocalHours:
    row = sites[sites["site_code"] == code]
    if row.empty:
        return local_hours("UTC", first, n)
    zone, country, subdivision = row.iloc[0][["zone", "country", "subdivision"]]
    country = country if isinstance(country, str) else None
    return local_hours(zone, first, n, country, subdivision if isinstance(subdivision, str) else None)


def _cells(
    frame: pd.DataFrame, scanners: pd.DataFrame, sites: tuple[LocalHours, ...], site_of: Ints, first: int
) -> tuple[Ints, Ints]:
    """Return (scanner, step) of every row of the frame; the step is MISSING for a row without scanner."""
    row = pd.Index(scanners["scanner_code"]).get_indexer(frame["scanner_code"])
    phase = np.array([s.phase_min for s in sites], dtype=np.int64)[site_of][row]
    step = (epoch_seconds(frame["hour_at"]) - 60 * phase) // 3600 - first
    return row.astype(np.int64), np.where(row < 0, MISSING, step)


@dataclass(frozen=True)
class _Filler:
    row: Ints
    step: Ints
    frame: pd.DataFrame
    shape: tuple[int, int]

    def __call__(self, column: str, divisor: float) -> Floats:
        values = self.frame[column].to_numpy(dtype=np.float64, na_value=0.0) / divisor
        filled = np.zeros(self.shape)
        np.add.at(filled, (self.row, self.step), np.nan_to_num(values))
        return filled


def _last_open(
    planned: Floats, history: History, scanners: pd.DataFrame, sites: tuple[LocalHours, ...], site_of: Ints
) -> Ints:
    """Return, per scanner, the step up to which its operating calendar is published."""
    n = planned.shape[1]
    last = np.where(planned.any(axis=1), n - np.argmax(planned[:, ::-1] > 0, axis=1), 0).astype(np.int64)
    known = history.openings[history.openings["kind"] == "open"]
    if known.empty:
        return last
    ends = known.groupby("scanner_code")["end_at"].max()
    for i, code in enumerate(scanners["scanner_code"]):
        if code in ends.index:
            last[i] = max(last[i], sites[site_of[i]].first_unknown(ends[code].to_pydatetime()))
    return np.minimum(last, n)


def _extend_calendar(planned: Floats, sites: tuple[LocalHours, ...], site_of: Ints, last: Ints) -> Floats:
    """Beyond its published calendar a scanner is taken to be open as in the latest week that is published.

    Without this a calendar that ends early would turn into a forecast of zero.
    """
    extended = planned.copy()
    n = planned.shape[1]
    for i, end in enumerate(last):
        hours = sites[site_of[i]]
        for week in range(-(-int(n - end) // 168)):
            steps = np.arange(end + 168 * week, min(n, end + 168 * (week + 1)), dtype=np.int64)
            source = hours.lag(steps, 7)
            usable = source != MISSING
            extended[i, steps[usable]] = extended[i, source[usable]]
    return extended


def epoch_seconds(times: pd.Series) -> Ints:
    """Return aware times as whole seconds since 1970; missing times become the smallest integer."""
    naive = times.dt.tz_convert("UTC").dt.tz_localize(None)
    seconds: Ints = naive.to_numpy(dtype="datetime64[s]").astype(np.int64)
    return seconds
