"""The control chart that suits a KPI: which chart, which grain, which points make the baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from etl.kpis.base import Kpi
from etl.kpis.control import Assurance, Control, Series, Variation, assurance, chance_to_meet, control, variation
from etl.kpis.control_limits import Chart
from etl.kpis.kinds import Aggregate
from etl.kpis.shares import Ratio
from etl.kpis.snapshot import Snapshot
from etl.kpis.spc import Floats

BASELINE_DAYS = 56  # eight whole weeks: every weekday eight times
BASELINE_WEEKS = 12
FEWEST_ITEMS = 8  # fewer make no median that could be charted
RARE = 1.0  # events a day below which the way from one to the next is charted
Read = Callable[[str], pd.DataFrame]  # grain -> frame with that column, the headline, n (and numerator)


@dataclass(frozen=True, slots=True, eq=False)
class KpiChart:
    """A KPI's control chart over time; `better` is turned round where gaps between events are charted."""

    kpi: Kpi
    grain: str
    buckets: tuple[date, ...]
    control: Control
    better: str

    @property
    def variation(self) -> Variation:
        """What the last point says."""
        return variation(self.control, self.better)

    def assurance(self, target: float | None) -> Assurance:
        """Return whether the process as it is meets a target in the KPI's unit."""
        return Assurance.NONE if self.is_of_gaps else assurance(self.control, target, self.better)

    def chance_to_meet(self, target: float) -> float | None:
        """Return the share of points that will meet a target if nothing changes; None where that cannot be said."""
        return None if self.is_of_gaps else chance_to_meet(self.control, target, self.better)

    @property
    def is_of_gaps(self) -> bool:
        """Whether the points are the way between two events, not the KPI's own values."""
        return self.control.series.chart in (Chart.G, Chart.T)

    @property
    def since(self) -> date | None:
        """The first bucket of the unbroken run that signals what the last point does."""
        place = self.control.since()
        return None if place is None else self.buckets[place]


def baseline_begin(first: date, last: date) -> date:
    """Return where the frozen baseline begins: eight weeks before the half-year of `last`, or where data begins.

    Frozen for half a year and the same for everybody who looks; a rebase says otherwise.
    """
    half = date(last.year, 7 if last.month > 6 else 1, 1)
    begin = half - timedelta(days=BASELINE_DAYS)
    return max(first, begin - timedelta(days=begin.weekday()))


def kpi_chart(
    kpi: Kpi, read: Read, first: date, last: date, rebases: Sequence[date] = (), excluded: Set[date] = frozenset()
) -> KpiChart | None:
    """Return the control chart of complete buckets from `first` to `last`; None for a KPI without days or data.

    `excluded` days are no points; they say nothing about the process.

    Daily where most days have enough items, else weekly; what is rarer than one a day is charted by its gaps.
    """
    if "day" not in kpi.grains:
        return None
    found = read("day")
    if found.empty or first >= last:
        return None
    daily = _whole(found, "day", first, last)
    daily[daily.index.isin(pd.to_datetime(sorted(excluded)))] = np.nan
    if _is_rare(kpi, daily):
        return _of_gaps(kpi, daily, rebases)
    if "week" not in kpi.grains or (_counted(kpi, daily) >= FEWEST_ITEMS).mean() >= 0.5:
        return _of_values(kpi, daily, "day", rebases)
    monday = first + timedelta(days=-first.weekday() % 7)
    sunday = last - timedelta(days=(last.weekday() + 1) % 7)
    weekly = _whole(read("week"), "week", monday, sunday)
    mondays = [day - timedelta(days=day.weekday()) for day in sorted(excluded)]
    weekly[weekly.index.isin(pd.to_datetime(mondays))] = np.nan
    return _of_values(kpi, weekly, "week", rebases)


def _whole(frame: pd.DataFrame, grain: str, first: date, last: date) -> pd.DataFrame:
    """Return a row for every bucket, NaN where nothing was."""
    buckets = pd.date_range(first, last, freq="D" if grain == "day" else "W-MON")
    return frame.set_index(pd.to_datetime(frame[grain])).drop(columns=grain).reindex(buckets)


def _is_counted(kpi: Kpi) -> bool:
    """Return whether the KPI is itself a count, a sum or a queue, to which no least number of items applies."""
    return isinstance(kpi.kind, Snapshot) or (isinstance(kpi.kind, Aggregate) and kpi.headline in ("count", "sum"))


def _counted(kpi: Kpi, frame: pd.DataFrame) -> Floats:
    """Return the items of each bucket; of what is itself a count, all there could be."""
    if _is_counted(kpi):
        return np.where(frame[kpi.headline].notna(), np.inf, 0.0)
    return frame["n"].fillna(0).to_numpy(dtype="float64")


def _events(kpi: Kpi, frame: pd.DataFrame) -> Floats | None:
    """Return the events of each bucket, None for a KPI that counts none."""
    if isinstance(kpi.kind, Ratio):
        return frame["numerator"].to_numpy(dtype="float64")
    return frame["n"].to_numpy(dtype="float64") if kpi.headline == "count" else None


def _is_rare(kpi: Kpi, daily: pd.DataFrame) -> bool:
    events = _events(kpi, daily)
    if events is None:
        return False
    known = np.nan_to_num(events[:BASELINE_DAYS])
    return bool(known.size and 0 < known.mean() < RARE)


def _of_values(kpi: Kpi, frame: pd.DataFrame, grain: str, rebases: Sequence[date]) -> KpiChart:
    series = _series(kpi, frame, grain)
    baseline = BASELINE_DAYS if grain == "day" else BASELINE_WEEKS
    starts = [int(frame.index.searchsorted(pd.Timestamp(day))) for day in rebases]
    buckets = tuple(bucket.date() for bucket in frame.index)
    return KpiChart(kpi, grain, buckets, control(series, baseline, starts), kpi.better)


def _series(kpi: Kpi, frame: pd.DataFrame, grain: str) -> Series:
    weekdays = pd.DatetimeIndex(frame.index).day_of_week.to_numpy().astype("int64") if grain == "day" else None
    values, n = (frame[name].to_numpy(dtype="float64") for name in (kpi.headline, "n"))
    if isinstance(kpi.kind, Ratio):
        exposure = np.nan_to_num(n) / kpi.kind.per
        events = np.nan_to_num(frame["numerator"].to_numpy(dtype="float64"))
        chart = Chart.P if kpi.kind.per == 1.0 else Chart.U
        with np.errstate(divide="ignore", invalid="ignore"):
            return Series(chart, np.where(exposure > 0, events / exposure, np.nan), events, exposure, weekdays)
    enough = _counted(kpi, frame) >= FEWEST_ITEMS
    return Series(Chart.XMR, np.where(enough, values, np.nan), weekdays=weekdays)


def _of_gaps(kpi: Kpi, daily: pd.DataFrame, rebases: Sequence[date]) -> KpiChart:
    """Return the chart of what lies between events: items where they are counted, else days.

    Events of one day lie evenly spread over it. The stretch after the last event is no point yet.
    """
    events = np.nan_to_num(_events(kpi, daily))  # type: ignore[arg-type]  # a rare KPI has events
    is_ratio = isinstance(kpi.kind, Ratio)
    between = np.nan_to_num(daily["n"].to_numpy(dtype="float64")) if is_ratio else np.ones(len(daily))
    days, gaps = _gaps(events, between)
    chart = Series(Chart.G if is_ratio else Chart.T, np.floor(gaps) if is_ratio else gaps)
    buckets = tuple(daily.index[day].date() for day in days)
    starts = [next((i for i, bucket in enumerate(buckets) if bucket >= day), 0) for day in rebases]
    better = {"lower": "higher", "higher": "lower"}.get(kpi.better, kpi.better)
    return KpiChart(kpi, "event", buckets, control(chart, BASELINE_DAYS, starts), better)


def _gaps(events: Floats, between: Floats) -> tuple[list[int], Floats]:
    """Return the day of each event but the first, and how much lies between it and the one before."""
    passed = np.concatenate([[0.0], np.cumsum(between)])
    at = [
        (day, passed[day] + between[day] * (k + 0.5) / count)
        for day, count in enumerate(events.astype(int))
        for k in range(count)
    ]
    return [day for day, _ in at[1:]], np.diff([place for _, place in at])
