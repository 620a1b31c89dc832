"""Features of scanner hours, frozen as of an origin: one function serves training, backtest and service.

Everything is relative to the scanner's recent level (trees do not extrapolate), lead is a feature (direct, not
recursive), and every past value is looked up on the local wall clock and only if its hour ended by the origin.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np

from etl.forecasts.base import HORIZON_H, Bools, Floats, Ints
from etl.forecasts.blocks import FEATURES, Block, View
from etl.forecasts.localtime import MISSING, PARTS_OF_DAY, LocalHours, lag_matrix

WEEKS = 7 * np.arange(1, 10, dtype=np.int64)  # in days
DAYS = np.arange(1, 36, dtype=np.int64)
LEVEL_WINDOW_H = 28 * 24
SHOW_RATE = 0.88  # only shapes the "usual plus booked" feature; the members learn the rest
SMALLEST_LEVEL = 0.02
LOG_RANGE = 3.5


def features_at(seen: View, issued_at: datetime, horizon_h: int = HORIZON_H) -> Block:
    """Return the features of every scanner and hour of the horizon as of `issued_at`.

    Uses hours that ended by then, bookings known by then, and the published calendar.
    """
    past = _Past.at(seen, issued_at, horizon_h)
    level = past.level()
    profile = past.profiles(level)
    booked = past.booked(level)
    calendar = past.calendar()
    usual = np.maximum(profile["mean_8w"] + SHOW_RATE * booked["booked_above_usual"], 0.0)
    logs = {name: _log(profile[name]) for name in ("mean_4w", "mean_8w", "hour_profile", "last_week")}
    ratios = {"level_7d": _log(past.level(7 * 24) / level), "level_1d": _log(past.level(24) / level)}
    columns = calendar | booked | logs | ratios
    columns |= {"usual_plus_booked": _log(usual), "level": np.log(level)}
    shape = past.steps.shape
    x = np.stack([np.broadcast_to(columns[name], shape).ravel() for name in FEATURES], axis=1)
    return Block(
        scanner=np.broadcast_to(np.arange(shape[0])[:, None], shape).ravel(),
        step=past.steps.ravel(),
        origin_s=np.full(past.steps.size, int(issued_at.timestamp()), dtype=np.int64),
        lead_h=np.broadcast_to(np.arange(shape[1]), shape).ravel(),
        x=x,
        scale=(level * past.planned).ravel(),
        planned_h=past.planned.ravel(),
        naive=(profile["last_week"] * level * past.planned).ravel(),
        mean_4w=(profile["mean_4w"] * level * past.planned).ravel(),
    )


def _log(ratio: Floats) -> Floats:
    return np.clip(np.log(np.maximum(ratio, 1e-9)), -LOG_RANGE, LOG_RANGE)


@dataclass(frozen=True)
class _Past:
    """The horizon's steps (scanner x lead) and the last step known, per scanner."""

    seen: View
    issued_at: datetime
    steps: Ints
    known: Ints
    planned: Floats

    @staticmethod
    def at(seen: View, issued_at: datetime, horizon_h: int) -> _Past:
        """Return the steps that a forecast issued at an instant is about, and what was known by then."""
        panel = seen.panel
        first = np.array([s.first_future(issued_at) for s in panel.sites], dtype=np.int64)[panel.site_of]
        known = np.array([s.first_unknown(issued_at) for s in panel.sites], dtype=np.int64)[panel.site_of]
        steps = first[:, None] + np.arange(horizon_h, dtype=np.int64)
        rows = np.arange(len(first))[:, None]
        return _Past(seen, issued_at, steps, known, panel.planned_h[rows, steps])

    @property
    def rows(self) -> Ints:
        """The scanners' positions as a column, to index by scanner and lead at once."""
        return np.arange(len(self.steps), dtype=np.int64)[:, None]

    def level(self, window_h: int = LEVEL_WINDOW_H) -> Floats:
        """Return the mean per open hour over the last `window_h`, (scanners, 1), drawn a little to the long mean."""
        end = np.maximum(self.known, 0)[:, None]
        begin = np.maximum(end - window_h, 0)
        y, opened = self.seen.total_y, self.seen.total_open
        longer = y[self.rows, end] / np.maximum(opened[self.rows, end], 1e-9)
        prior_h = 2.0
        sums = y[self.rows, end] - y[self.rows, begin] + prior_h * longer
        mean = sums / (opened[self.rows, end] - opened[self.rows, begin] + prior_h)
        level: Floats = np.maximum(mean, SMALLEST_LEVEL)
        return level

    @cached_property
    def weekly(self) -> Ints:
        """The same local hour of the last weeks."""
        return self._lags(WEEKS)

    def profiles(self, level: Floats) -> dict[str, Floats]:
        """Return means per open hour of the same local hour, relative to the level."""
        same_kind = self._lags(DAYS, same_day_kind=True)
        hour = self._mean(same_kind, 2.0, np.broadcast_to(level, self.steps.shape))
        mean_8w = self._mean(self.weekly, 1.0, hour)
        mean_4w = self._mean(_first_usable(self.weekly, 4), 0.5, mean_8w)
        last = self._mean(_first_usable(self.weekly, 1), 1e-9, mean_4w)
        found = {"hour_profile": hour, "mean_8w": mean_8w, "mean_4w": mean_4w, "last_week": last}
        return {name: values / level for name, values in found.items()}

    def _lags(self, days: Ints, *, same_day_kind: bool = False) -> Ints:
        """Return past steps of the same local hour, (scanners, leads, days); MISSING where not to be used."""
        found = np.empty((*self.steps.shape, len(days)), dtype=np.int64)
        for i, site in enumerate(self.seen.panel.sites):
            at = np.flatnonzero(self.seen.panel.site_of == i)
            lags = lag_matrix(site, self.steps[at[0]], days)
            lags[lags >= self.known[at[0]]] = MISSING
            found[at] = np.where(_comparable(site, self.steps[at[0]], lags, same_day_kind), lags, MISSING)
        closed = self.seen.panel.open_h[self.rows[:, :, None], np.maximum(found, 0)] <= 0
        found[closed] = MISSING
        return found

    def _mean(self, lags: Ints, prior_h: float, prior: Floats) -> Floats:
        """Return the open-hour-weighted mean over the lags, with `prior` counting as `prior_h` hours."""
        rows, at = self.rows[:, :, None], np.maximum(lags, 0)
        used = lags != MISSING
        y = np.where(used, self.seen.y[rows, at], 0.0).sum(axis=2)
        opened = np.where(used, self.seen.panel.open_h[rows, at], 0.0).sum(axis=2)
        mean: Floats = (y + prior_h * prior) / (opened + prior_h)
        return mean

    def booked(self, level: Floats) -> dict[str, Floats]:
        """Return bookings as of the origin, around the hour, over the day, and above what is usual at this lead."""
        starts, hours = self.seen.panel.bookings.as_of(self.issued_at)
        now, other = (starts, hours) if self.seen.by_count else (hours, starts)
        here = now[self.rows, self.steps]
        lead_day = np.minimum(np.arange(self.steps.shape[1]) // 24, len(self.seen.lead_bookings) - 1)
        usual = self._usual_booked(lead_day)
        after = np.minimum(self.steps + 1, self.seen.panel.hours - 1)
        return {
            "booked": here / level,
            "booked_before": now[self.rows, np.maximum(self.steps - 1, 0)] / level,
            "booked_after": now[self.rows, after] / level,
            "booked_other_unit": other[self.rows, self.steps],
            "booked_day": self._per_day(now) / level,
            "booked_above_usual": (here - usual) / level / np.maximum(self.planned, 0.25),
        }

    def _usual_booked(self, lead_day: Ints) -> Floats:
        lags = self.weekly
        used = lags != MISSING
        past = self.seen.lead_bookings[lead_day[None, :, None], self.rows[:, :, None], np.maximum(lags, 0)]
        usual: Floats = np.where(used, past, 0.0).sum(axis=2) / np.maximum(used.sum(axis=2), 1)
        return usual

    def _per_day(self, booked: Floats) -> Floats:
        """Return what is booked on the local day of every step, per open hour of that day within the horizon."""
        mean = np.zeros(self.steps.shape)
        for i, site in enumerate(self.seen.panel.sites):
            at = np.flatnonzero(self.seen.panel.site_of == i)
            day = site.day[self.steps[at[0]]]
            same = (day[:, None] == day[None, :]).astype(np.float64)
            opened = self.planned[at] @ same
            mean[at] = (booked[at[:, None], self.steps[at]] @ same) / np.maximum(opened, 1.0)
        return mean

    def calendar(self) -> dict[str, Floats]:
        """Return lead, opening and local calendar columns."""
        panel = self.seen.panel
        local = {n: self._local(n) for n in ("hour", "weekday", "holiday", "part_of_day")}
        modality = self.seen.modality_code[:, None]
        after = np.minimum(self.steps + 1, panel.hours - 1)
        lead = np.arange(self.steps.shape[1])
        columns: dict[str, Floats | Ints] = {
            "lead_h": lead,
            "lead_day": lead // 24,
            "open_h": self.planned,
            "open_before_h": panel.planned_h[self.rows, np.maximum(self.steps - 1, 0)],
            "open_after_h": panel.planned_h[self.rows, after],
            "hour": local["hour"],
            "weekday": local["weekday"],
            "scanner": self.rows,
            "modality": modality,
            "holiday_part": local["holiday"] * PARTS_OF_DAY + local["part_of_day"],
            "modality_hour": modality * 24 + local["hour"],
            "modality_weekday": modality * 7 + local["weekday"],
        }
        return {name: np.asarray(values, dtype=np.float64) for name, values in columns.items()}

    def _local(self, name: str) -> Ints:
        panel = self.seen.panel
        return np.stack([getattr(panel.sites[i], name)[self.steps[s]] for s, i in enumerate(panel.site_of)])


def _first_usable(lags: Ints, count: int) -> Ints:
    """Keep the latest `count` usable lags of each row."""
    rank = np.cumsum(lags != MISSING, axis=2)
    return np.where(rank <= count, lags, MISSING)


def _comparable(site: LocalHours, steps: Ints, lags: Ints, same_day_kind: bool) -> Bools:
    """Return which lags resemble their step: no holiday for an ordinary day, the same kind of day where asked."""
    at = np.maximum(lags, 0)
    public = np.isin(site.holiday[at], (1, 2))
    fits: Bools = ~public | np.isin(site.holiday[steps], (1, 2))[:, None]
    if same_day_kind:
        fits &= _day_kind(site.weekday[at]) == _day_kind(site.weekday[steps])[:, None]
    return fits


def _day_kind(weekday: Ints) -> Ints:
    """Working day, Saturday or Sunday."""
    return np.maximum(weekday - 4, 0)
