"""Report turnaround of open exams: train on what was known, judge at operational moments, forecast."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from etl.forecasts.base import (
    BASE_RATE,
    LEVELS,
    MODEL,
    Bools,
    Floats,
    Progress,
    Target,
    forecast_frame,
    interval_columns,
    level_index,
    utc,
)
from etl.forecasts.hazard import (
    EDGES_MIN,
    BaseRateHazard,
    DiscreteHazard,
    probability_beyond,
    quantile_given_wait,
)
from etl.forecasts.read import History
from etl.forecasts.report_features import (
    CLOCK_COLUMN,
    MODEL_COLUMNS,
    Codes,
    Waits,
    ended_exams,
    exams_in_progress,
)

METHODS = (MODEL, BASE_RATE)
MOMENT_H = 6  # open exams are judged as they stand four times a day
LONGEST_MIN = float(EDGES_MIN[-1])
MATURE_DAYS = 3
SHORTEST = timedelta(days=42)


def fit_methods(waits: Waits) -> dict[str, Any]:
    """Fit the hazard model and the base rates on exams as known at `waits.at`; raises ValueError on too few."""
    base = BaseRateHazard(group_column=waits.x.shape[1] - 1)
    model = DiscreteHazard(clock_column=CLOCK_COLUMN)
    return {
        MODEL: model.fit(waits.x[:, :MODEL_COLUMNS], waits.duration_min, waits.watched_min),
        BASE_RATE: base.fit(waits.x, waits.duration_min, waits.watched_min),
    }


def survivals(methods: dict[str, Any], x: Floats) -> dict[str, Floats]:
    """Return survival at EDGES_MIN by method, each of shape (rows, BINS + 1)."""
    return {name: m.predict(x[:, :MODEL_COLUMNS] if name == MODEL else x) for name, m in methods.items()}


@dataclass(frozen=True)
class Judged:
    """Out-of-sample cases of a backtest; one row an exam (at its end) or an exam still open at a moment.

    `outcome` is 1 where the report missed its target, `day` the block for the bootstrap.
    """

    site: Any
    day: Any
    outcome: Floats
    probability: dict[str, Floats]
    duration_min: Floats
    quantiles: dict[str, Floats]

    @staticmethod
    def concatenate(parts: list[Judged]) -> Judged:
        """Return all cases in one."""
        return Judged(
            np.concatenate([p.site for p in parts]),
            np.concatenate([p.day for p in parts]),
            np.concatenate([p.outcome for p in parts]),
            {m: np.concatenate([p.probability[m] for p in parts]) for m in METHODS},
            np.concatenate([p.duration_min for p in parts]),
            {m: np.concatenate([p.quantiles[m] for p in parts]) for m in METHODS},
        )


def plan_test(first: datetime, issued_at: datetime) -> list[tuple[datetime, datetime]]:
    """Return two stretches over the final 20 % (14 to 28 days); raises ValueError below SHORTEST."""
    history = issued_at - first
    if history < SHORTEST:
        raise ValueError(f"{history.days} days of exams; a backtest needs {SHORTEST.days}")
    half = timedelta(days=int(np.clip(history.days // 5, 14, 28)) / 2)
    return [(issued_at - 2 * half, issued_at - half), (issued_at - half, issued_at)]


def judge(history: History, issued_at: datetime, progress: Progress) -> tuple[Judged, Judged]:
    """Return (cases at exam end, cases open at a moment) of the final part, forecast by models fitted before it."""
    codes = Codes.learn(history.exams)
    whole = ended_exams(history.exams, history.sites, codes, issued_at)
    first = utc(float(whole.ended_s.min())) if len(whole.ended_s) else issued_at
    stretches = plan_test(first, issued_at)
    at_end: list[Judged] = []
    at_moment: list[Judged] = []
    for i, (begin, end) in enumerate(stretches):
        progress("report_time backtest", i, len(stretches))
        methods = fit_methods(ended_exams(history.exams, history.sites, codes, begin))
        rows = _unreported(whole, begin) & (whole.ended_s < end.timestamp())
        part = _rows(whole, rows)
        survived = survivals(methods, part.x)
        at_end.append(_cases_at_end(part, survived, begin))
        at_moment.extend(_cases_at(part, survived, at) for at in _moments(begin, end))
    progress("report_time backtest", len(stretches), len(stretches))
    return Judged.concatenate(at_end), Judged.concatenate(at_moment)


def _unreported(waits: Waits, at: datetime) -> Bools:
    """Return which exams end after `at` or are still open then (and not too old to forecast)."""
    reported_s = waits.ended_s + 60 * waits.duration_min
    open_then: Bools = (reported_s > at.timestamp()) & (waits.ended_s > at.timestamp() - 60 * LONGEST_MIN)
    return open_then


def _rows(waits: Waits, rows: Bools) -> Waits:
    return Waits(
        waits.exams[rows].reset_index(drop=True),
        waits.x[rows],
        waits.ended_s[rows],
        waits.duration_min[rows],
        waits.target_min[rows],
        waits.at,
    )


def _moments(begin: datetime, end: datetime) -> list[datetime]:
    return [begin + timedelta(hours=h) for h in range(0, int((end - begin) / timedelta(hours=1)), MOMENT_H)]


def _cases_at_end(part: Waits, survived: dict[str, Floats], begin: datetime) -> Judged:
    """Judge exams that ended in the stretch and had time to mature."""
    mature = part.at.timestamp() - 86_400 * MATURE_DAYS
    rows = (part.ended_s >= begin.timestamp()) & (part.ended_s < mature)
    return _cases(_rows(part, rows), {m: s[rows] for m, s in survived.items()}, np.zeros(int(rows.sum())), None)


def _cases_at(part: Waits, survived: dict[str, Floats], at: datetime) -> Judged:
    """Judge exams open at a moment whose target was not yet missed and whose fate is known by now."""
    waited = (at.timestamp() - part.ended_s) / 60
    undecided = (waited >= 0) & (part.duration_min > waited) & (part.target_min > waited)
    known = np.isfinite(part.duration_min) | (part.watched_min >= part.target_min)
    rows = undecided & known & (waited < LONGEST_MIN)
    return _cases(_rows(part, rows), {m: s[rows] for m, s in survived.items()}, waited[rows], at)


def _cases(part: Waits, survived: dict[str, Floats], waited: Floats, at: datetime | None) -> Judged:
    when = part.ended_s if at is None else np.full(len(part.ended_s), at.timestamp())
    return Judged(
        site=part.exams["site_code"].to_numpy(dtype=object),
        day=(when // 86_400).astype(np.int64),
        outcome=np.where(np.isnan(part.target_min), np.nan, part.duration_min > part.target_min),
        probability={m: probability_beyond(s, waited, part.target_min) for m, s in survived.items()},
        duration_min=np.where(np.isfinite(part.duration_min), part.duration_min, part.watched_min),
        quantiles={m: quantiles(s, waited) for m, s in survived.items()},
    )


def quantiles(survived: Floats, waited_min: Floats) -> Floats:
    """Return turnaround quantiles given the wait so far, minutes, shape (rows, LEVELS)."""
    return np.stack([quantile_given_wait(survived, waited_min, float(q)) for q in LEVELS], axis=1)


def report_rows(
    target: Target, history: History, codes: Codes, method: Any, issued_at: datetime, served: str, model_hash: str
) -> pd.DataFrame:
    """Return a `fact_forecast` row for every exam ended or in progress and not yet final.

    `value` and the intervals are turnaround minutes from exam end, `expected_at` the median report time.
    """
    ended = ended_exams(history.exams, history.sites, codes, issued_at)
    waiting = _rows(ended, np.isinf(ended.duration_min) & (ended.watched_min < LONGEST_MIN))
    running = exams_in_progress(history.exams, history.sites, codes, issued_at)
    frames = [_forecast(target, w, method, history, served, model_hash) for w in (waiting, running)]
    return pd.concat([f for f in frames if len(f)] or frames[:1], ignore_index=True)


def _forecast(
    target: Target, waits: Waits, method: Any, history: History, served: str, model_hash: str
) -> pd.DataFrame:
    is_model = isinstance(method, DiscreteHazard)
    survived = method.predict(waits.x[:, :MODEL_COLUMNS] if is_model else waits.x) if len(waits.x) else None
    if survived is None:
        return forecast_frame({"target": []})
    law = quantiles(survived, waits.watched_min)
    median = law[:, level_index(0.5)]
    expected = pd.to_datetime(waits.ended_s + 60 * median, unit="s", utc=True)
    dates, hours = _local(waits.exams["site_code"], expected, history.sites)
    return forecast_frame(
        {
            "target": target.key,
            "kpi": target.kpi,
            **{c: waits.exams[c] for c in ("site_code", "scanner_code", "modality", "exam_key")},
            "issued_at": waits.at,
            "local_date": dates,
            "local_hour": hours,
            "value": median,
            **interval_columns(law),
            "probability": probability_beyond(survived, waits.watched_min, waits.target_min),
            "expected_at": expected,
            "served": served,
            "model_hash": model_hash,
        }
    )


def _local(site_codes: pd.Series, instants: pd.DatetimeIndex, sites: pd.DataFrame) -> tuple[list[Any], list[int]]:
    zones = dict(zip(sites["site_code"], sites["zone"], strict=True))
    local = [t.astimezone(ZoneInfo(zones.get(c, "UTC"))) for c, t in zip(site_codes, instants, strict=True)]
    return [t.date() for t in local], [t.hour for t in local]
