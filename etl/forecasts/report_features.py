"""Exams as a report forecast sees them: what was known when each exam ended, and nothing later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from etl.forecasts.base import Floats, Ints
from etl.forecasts.hazard import WEEK_MIN
from etl.forecasts.localtime import holiday_classes
from etl.forecasts.panel import epoch_seconds

CATEGORIES = ("site_code", "section", "modality", "procedure_group", "priority", "patient_class")
NUMERIC = (
    "clock_min",
    "holiday",
    "duration_min",
    "section_queue",
    "site_queue",
    "section_ended_1h",
    "section_reported_2h",
    "section_reported_24h",
    "section_recent_wait",
    "priority_recent_wait",
)
BASE_RATE_GROUP = "priority_hour"  # for the baseline only
REPORT_FEATURES = (*CATEGORIES, *NUMERIC, BASE_RATE_GROUP)
MODEL_COLUMNS = len(CATEGORIES) + len(NUMERIC)
CLOCK_COLUMN = len(CATEGORIES)
MOST_CATEGORIES = 60
LEAVES_QUEUE_H = 7 * 24  # an exam whose report never comes must not stay in the queue for ever
STALE_BEGUN_H = 12  # an exam begun longer ago and never ended is a missing message
_MISSING_TIME = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Waits:
    """Exams whose wait has begun, as known at `at`: keys, features (REPORT_FEATURES), waits in minutes.

    `duration_min` is infinite while open, `target_min` NaN without a target. `ended_s` is the exam's end in seconds
    since 1970, an expected one where `is_expected`.
    """

    exams: pd.DataFrame
    x: Floats
    ended_s: Floats
    duration_min: Floats
    target_min: Floats
    at: datetime

    @property
    def watched_min(self) -> Floats:
        """How long ago each exam ended, minutes, never below zero."""
        return np.maximum(self.at.timestamp() - self.ended_s, 0.0) / 60


def as_known(exams: pd.DataFrame, at: datetime) -> pd.DataFrame:
    """Return the exams as they stood at `at`: later events are unknown, exams not begun or aborted are gone."""
    begun = exams[exams["exam_begin_at"].le(at) | exams["exam_end_at"].le(at)]
    frame = begun[~begun["aborted_at"].le(at)].copy()
    for column in ("exam_end_at", "first_final_at"):
        frame[column] = frame[column].where(frame[column] <= at)
    frame["exam_duration_min"] = frame["exam_duration_min"].where(frame["exam_end_at"].notna())
    return frame.reset_index(drop=True)


def ended_exams(exams: pd.DataFrame, sites: pd.DataFrame, codes: Codes, at: datetime) -> Waits:
    """Return every exam that had ended by `at`, with features frozen at its end."""
    known = as_known(exams, at)
    ended = known[known["exam_end_at"].notna()].reset_index(drop=True)
    return _waits(ended, ended, sites, codes, at)


def exams_in_progress(exams: pd.DataFrame, sites: pd.DataFrame, codes: Codes, at: datetime) -> Waits:
    """Return exams begun and not ended by `at`; their wait begins at an expected end, features are those of `at`.

    The expected end is the begin plus the planned length, else the median length of the modality.
    """
    known = as_known(exams, at)
    recent = known["exam_begin_at"] > pd.Timestamp(at) - pd.Timedelta(hours=STALE_BEGUN_H)
    running = known[known["exam_end_at"].isna() & known["first_final_at"].isna() & recent].copy()
    medians = known.groupby("modality")["exam_duration_min"].median()
    usual = running["modality"].map(medians).fillna(30.0)
    length = running["planned_duration_min"].fillna(usual).astype("float64")
    expected = running["exam_begin_at"] + pd.to_timedelta(length, unit="min")
    running["exam_end_at"] = expected.where(expected > at, pd.Timestamp(at)).astype(known["exam_end_at"].dtype)
    running["exam_duration_min"] = length
    ended = known[known["exam_end_at"].notna()].reset_index(drop=True)
    return _waits(running.reset_index(drop=True), ended, sites, codes, at)


@dataclass(frozen=True)
class Codes:
    """Category values by column, most frequent first; position is the code, unknown values get NaN."""

    values: dict[str, tuple[str, ...]]

    @staticmethod
    def learn(exams: pd.DataFrame) -> Codes:
        """Keep the MOST_CATEGORIES most frequent values of each categorical column."""
        kept = {c: exams[c].dropna().value_counts(sort=True).index[:MOST_CATEGORIES] for c in CATEGORIES}
        return Codes({c: tuple(sorted(str(v) for v in index)) for c, index in kept.items()})

    def encode(self, column: str, values: pd.Series) -> Floats:
        """Return codes as floats, NaN for a value not learned."""
        codes = pd.Index(self.values[column]).get_indexer(pd.Index(values.astype("object"))).astype(np.float64)
        return np.where(codes < 0, np.nan, codes)


def _waits(rows: pd.DataFrame, ended: pd.DataFrame, sites: pd.DataFrame, codes: Codes, at: datetime) -> Waits:
    """Compute features of `rows`, whose queues and recent waits come from the `ended` exams."""
    end_s = epoch_seconds(rows["exam_end_at"]).astype(np.float64)
    final = epoch_seconds(rows["first_final_at"])
    wait = np.where(final == _MISSING_TIME, np.inf, np.maximum(final - end_s, 0) / 60)
    seen_s = np.minimum(end_s, at.timestamp())  # an expected end lies ahead: look from now
    columns = {c: codes.encode(c, rows[c]) for c in CATEGORIES}
    columns |= _clock(rows, sites)
    columns |= _queues(rows, ended, seen_s)
    columns["duration_min"] = rows["exam_duration_min"].to_numpy(dtype=np.float64, na_value=np.nan)
    hour_block = columns["clock_min"] % 1440 // 240
    columns[BASE_RATE_GROUP] = np.nan_to_num(columns["priority"], nan=len(codes.values["priority"])) * 6 + hour_block
    x = np.column_stack([columns[name] for name in REPORT_FEATURES]) if len(rows) else np.empty((0, len(columns)))
    target = rows["report_target_min"].to_numpy(dtype=np.float64, na_value=np.nan)
    return Waits(rows, x, end_s, wait, target, at)


def _clock(rows: pd.DataFrame, sites: pd.DataFrame) -> dict[str, Floats]:
    """Return the local minute of the week and the holiday class at the exam's end."""
    minute, holiday = np.zeros(len(rows)), np.zeros(len(rows))
    for site in sites.itertuples():
        at = np.flatnonzero((rows["site_code"] == site.site_code).to_numpy())
        local = rows["exam_end_at"].iloc[at].dt.tz_convert(str(site.zone)).dt.tz_localize(None)
        since = local.to_numpy(dtype="datetime64[s]").astype(np.int64) // 60
        minute[at] = (since + 3 * 1440) % WEEK_MIN  # 1970 began on a Thursday
        country = site.country if isinstance(site.country, str) else None
        subdivision = site.subdivision if isinstance(site.subdivision, str) else None
        holiday[at] = holiday_classes(since // 1440, country, subdivision) if len(at) else 0
    return {"clock_min": minute, "holiday": holiday}


def _queues(rows: pd.DataFrame, ended: pd.DataFrame, seen_s: Floats) -> dict[str, Floats]:
    """Return unread queues, reading pace and recent waits of each row's section, site and priority at `seen_s`."""
    section = _History.by(ended, ["site_code", "section"])
    site = _History.by(ended, ["site_code"])
    priority = _History.by(ended, ["site_code", "priority"])
    section_of, site_of, priority_of = section.find(rows), site.find(rows), priority.find(rows)
    return {
        "section_queue": section.waiting(section_of, seen_s),
        "site_queue": site.waiting(site_of, seen_s),
        "section_ended_1h": section.ended(section_of, seen_s, 1),
        "section_reported_2h": section.reported(section_of, seen_s, 2),
        "section_reported_24h": section.reported(section_of, seen_s, 24),
        "section_recent_wait": section.recent_wait(section_of, seen_s, 48),
        "priority_recent_wait": priority.recent_wait(priority_of, seen_s, 24),
    }


@dataclass(frozen=True)
class _Group:
    """Times of one group, each sorted: ends, departures from the queue, reports with running sums of log waits."""

    end_s: Ints
    leave_s: Ints
    report_s: Ints
    log_waits: Floats


@dataclass(frozen=True)
class _History:
    columns: list[str]
    groups: dict[tuple[str, ...], _Group]

    @staticmethod
    def by(ended: pd.DataFrame, columns: list[str]) -> _History:
        """Return the history of ended exams, grouped by columns; what is missing is a group of its own."""
        keys = ended[columns].astype("object").where(ended[columns].notna(), "")
        end_s, final = epoch_seconds(ended["exam_end_at"]), epoch_seconds(ended["first_final_at"])
        groups: dict[tuple[str, ...], _Group] = {}
        for key, index in keys.groupby(columns).indices.items():
            name = key if isinstance(key, tuple) else (key,)
            groups[name] = _group(end_s[index], final[index])
        return _History(columns, groups)

    def find(self, rows: pd.DataFrame) -> dict[tuple[str, ...], Ints]:
        """Return the positions of the rows of each group."""
        keys = rows[self.columns].astype("object").where(rows[self.columns].notna(), "")
        found = keys.groupby(self.columns).indices
        return {(k if isinstance(k, tuple) else (k,)): np.asarray(v, dtype=np.int64) for k, v in found.items()}

    def waiting(self, of: dict[tuple[str, ...], Ints], at_s: Floats) -> Floats:
        """Ended and not yet reported, at each row's time."""
        return self._each(of, at_s, lambda g, t: _until(g.end_s, t) - _until(g.leave_s, t))

    def ended(self, of: dict[tuple[str, ...], Ints], at_s: Floats, hours: float) -> Floats:
        """Exams ended in the last hours."""
        return self._each(of, at_s, lambda g, t: _until(g.end_s, t) - _until(g.end_s, t - 3600 * hours))

    def reported(self, of: dict[tuple[str, ...], Ints], at_s: Floats, hours: float) -> Floats:
        """Reports signed in the last hours."""
        return self._each(of, at_s, lambda g, t: _until(g.report_s, t) - _until(g.report_s, t - 3600 * hours))

    def recent_wait(self, of: dict[tuple[str, ...], Ints], at_s: Floats, hours: float) -> Floats:
        """Mean log wait of reports signed in the last hours, NaN without any."""
        return self._each(of, at_s, lambda g, t: _recent(g, t, hours))

    def _each(self, of: dict[tuple[str, ...], Ints], at_s: Floats, measure: _Measure) -> Floats:
        values = np.full(len(at_s), np.nan)
        for key, index in of.items():
            if key in self.groups:
                values[index] = measure(self.groups[key], at_s[index])
        return values


_Measure = Callable[[_Group, Floats], Floats]


def _group(end_s: Ints, final_s: Ints) -> _Group:
    gone = end_s + 3600 * LEAVES_QUEUE_H
    leave = np.where(final_s == _MISSING_TIME, gone, np.minimum(np.maximum(final_s, end_s), gone))
    signed = final_s != _MISSING_TIME
    order = np.argsort(final_s[signed], kind="stable")
    waits = np.maximum(final_s[signed] - end_s[signed], 60)[order] / 60
    sums = np.concatenate([[0.0], np.cumsum(np.log(waits))])
    return _Group(np.sort(end_s), np.sort(leave), final_s[signed][order], sums)


def _until(times: Ints, at_s: Floats) -> Floats:
    return np.searchsorted(times, at_s, side="right").astype(np.float64)


def _recent(group: _Group, at_s: Floats, hours: float) -> Floats:
    last = np.searchsorted(group.report_s, at_s, side="right")
    first = np.searchsorted(group.report_s, at_s - 3600 * hours, side="right")
    count = last - first
    total = group.log_waits[last] - group.log_waits[first]
    mean: Floats = np.divide(total, count, out=np.full(len(at_s), np.nan), where=count > 0)
    return mean
