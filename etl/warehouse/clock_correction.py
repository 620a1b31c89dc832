"""Corrections of device clocks: what a site wrote into its settings, applied to raw times, and what is proposed.

Event tables keep the raw times; a correction is a parameter of derivation, so taking it away gives back every fact.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from etl.settings import ClockCorrection, Corrections
from etl.warehouse.local_time import DAY_US, NO_TIME, microsecond, microseconds, times

DRIFT_SINCE = timedelta(days=60)  # how far back a proposed correction of a drift reaches


def corrected(frame: pd.DataFrame, names: Iterable[str], corrections: Mapping[str, Corrections]) -> pd.DataFrame:
    """Add each clock's correction (`clock_key`) to the times it wrote in columns `names`."""
    wrong = [clock for clock in frame["clock_key"].dropna().unique() if clock in corrections]
    if not wrong:
        return frame
    frame = frame.copy()
    for clock in wrong:
        mine = (frame["clock_key"] == clock).to_numpy()
        for name in names:
            frame.loc[mine, name] = moved(frame.loc[mine, name], corrections[clock]).to_numpy()
    return frame


def moved(written: pd.Series, correction: Corrections) -> pd.Series:
    """Return times as a right clock would have written them; of several corrections the first valid one counts."""
    at = microseconds(written)
    seconds, due = np.zeros(len(at)), at != NO_TIME
    rules = (ClockCorrection(seconds=correction),) if isinstance(correction, (int, float)) else correction
    for rule in rules:
        since = NO_TIME + 1 if rule.from_at is None else microsecond(rule.from_at)
        until = np.iinfo(np.int64).max if rule.to_at is None else microsecond(rule.to_at)
        mine = due & (at >= since) & (at < until)
        seconds[mine] = rule.seconds
        if rule.seconds_per_day:
            seconds[mine] += rule.seconds_per_day * (at[mine] - since) / DAY_US
        due &= ~mine
    return times(np.where(at == NO_TIME, NO_TIME, at + np.round(seconds * 1e6).astype(np.int64)))


def proposal(row: Any, data_at: datetime, present: Mapping[str, Corrections]) -> Iterator[str]:
    """Yield the lines of TOML that would correct a fact_clock row's clock, where it is proven to be off."""
    if row.verdict not in ("skewed", "drifting") or row.offset_min is None:
        return
    seconds = -row.offset_min * 60
    for clock in row.clock_keys.split():
        had = present.get(clock, 0.0)
        if not isinstance(had, (int, float)):
            yield f"    # {clock} has corrections with dates: end the last one and add what remains, {seconds:+.0f} s"
        elif row.verdict == "skewed":
            yield f"    clock_corrections.{_quoted(clock)} = {had + seconds:.0f}"
        else:
            since, per_day = data_at - DRIFT_SINCE, -row.drift_min_per_day * 60
            then = had + seconds - per_day * DRIFT_SINCE.days
            yield (
                f"    clock_corrections.{_quoted(clock)} = [{{ from = {since:%Y-%m-%dT%H:%M:%SZ}, "
                f"seconds = {then:.0f}, seconds_per_day = {per_day:.2f} }}]"
            )


def _quoted(clock: str) -> str:
    return clock if clock.replace("_", "").replace("-", "").isalnum() else f'"{clock}"'
