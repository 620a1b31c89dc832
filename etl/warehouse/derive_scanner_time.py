"""Scanner time by every hour of the clock: what variants of utilization with constant denominators divide by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import pandas as pd
from sqlalchemy import Connection, func, select

from etl.warehouse.append import read_frame
from etl.warehouse.intervals import MINUTE_US, Floats
from etl.warehouse.keys import Ints
from etl.warehouse.local_time import (
    DAY_US,
    HourGrid,
    dates,
    day_numbers,
    hour_grid,
    hours,
    microsecond,
    microseconds,
    shifts,
    times,
)
from etl.warehouse.parameters import Parameters
from etl.warehouse.tables import fact_scanner_hour, fact_scanner_time

WEEK_50H_MIN = 50 * 60 / 7  # of each local day: 50 hours a week
NAMED = ("site_code", "scanner_code", "modality", "hour_at", "local_date", "local_hour", "shift")
MADE = ("clock_min", "week_50h_min", "stated_min")
KEPT = tuple(c.name for c in fact_scanner_time.columns if c.name not in (*NAMED, *MADE))


def derive_scanner_time(connection: Connection, parameters: Parameters, data_at: datetime) -> pd.DataFrame:
    """Return fact_scanner_time rows from fact_scanner_hour, hours without a row filled with noughts.

    A scanner's hours reach from its first operating day to the last one the calendar tells of, and no further than
    `data_at`: today's count before the doors open.
    """
    columns = (fact_scanner_hour.c[n] for n in ("site_code", "scanner_code", "hour_at", "local_date", *KEPT))
    rows = read_frame(connection, select(*columns).where(fact_scanner_hour.c.hour_at <= data_at))
    frames = list(_by_site(rows, _spans(connection), parameters, microsecond(data_at)))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=[*NAMED, *MADE, *KEPT])


def _spans(connection: Connection) -> dict[str, tuple[int, int]]:
    """Return by scanner its first and last operating day, days to come included."""
    hour = fact_scanner_hour.c
    query = select(hour.scanner_code, func.min(hour.local_date).label("first"), func.max(hour.local_date).label("last"))
    found = read_frame(connection, query.where(hour.operating_min > 0).group_by(hour.scanner_code))
    days = zip(day_numbers(found["first"]), day_numbers(found["last"]), strict=True)
    return {str(code): (int(first), int(last)) for code, (first, last) in zip(found["scanner_code"], days, strict=True)}


def _by_site(
    rows: pd.DataFrame, spans: dict[str, tuple[int, int]], parameters: Parameters, data_at: int
) -> Iterator[pd.DataFrame]:
    at = microseconds(rows["hour_at"])
    for site in parameters.sites:
        scanners = [s for s in parameters.scanners if s.site == site.code and s.code in spans]
        if not scanners:
            continue
        low, high = min(spans[s.code][0] for s in scanners), max(spans[s.code][1] for s in scanners)
        grid = hour_grid((low - 2) * DAY_US, min((high + 3) * DAY_US, data_at + DAY_US), site.zone)
        for s in scanners:
            first, last = spans[s.code]
            span = (grid.day >= first) & (grid.day <= last) & (grid.edges[:-1] <= data_at)
            mine = (rows["scanner_code"] == s.code).to_numpy()
            found = _filled(grid, span, at[mine], rows[mine])
            yield _with_capacity(found, s.stated_hours_per_day).assign(
                site_code=site.code,
                scanner_code=s.code,
                modality=s.modality,
                shift=lambda f: shifts(f["day"].to_numpy(), f["local_hour"].to_numpy(), parameters.rules.shift_hours),
            )


def _filled(
    grid: HourGrid, span: np.ndarray[tuple[int], np.dtype[np.bool_]], at: Ints, rows: pd.DataFrame
) -> pd.DataFrame:
    """Return the grid's hours within the span with the rows' numbers; nought where there is no row."""
    cells = np.flatnonzero(span)
    begin = grid.edges[:-1][cells]
    place = np.searchsorted(begin, at)
    inside = (place < len(begin)) & (begin[np.minimum(place, len(begin) - 1)] == at) if len(begin) else at < at
    found: dict[str, Floats] = {}
    for name in KEPT:
        found[name] = np.zeros(len(cells))
        found[name][place[inside]] = rows[name].to_numpy(dtype=np.float64, na_value=0.0)[inside]
    length = np.diff(grid.edges) / MINUTE_US
    _, day_of = np.unique(grid.day, return_inverse=True)
    day_min = np.bincount(day_of, weights=length)[day_of]
    return pd.DataFrame(found).assign(
        hour_at=times(begin),
        day=grid.day[cells],
        local_date=dates(grid.day[cells]),
        local_hour=hours(grid.hour[cells]),
        clock_min=length[cells],
        day_share=(length / day_min)[cells],
    )


def _with_capacity(found: pd.DataFrame, stated: float | None) -> pd.DataFrame:
    """Add the constant denominators; stated hours count on days the calendar has the scanner open."""
    week = found["day_share"] * WEEK_50H_MIN
    if stated is None:
        return found.assign(week_50h_min=week, stated_min=found["scheduled_open_min"])
    is_open = found.groupby("day")["scheduled_open_min"].transform("sum") > 0
    return found.assign(week_50h_min=week, stated_min=np.where(is_open, found["day_share"] * stated * 60, 0.0))
