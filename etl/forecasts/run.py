"""Every forecast of one issue time: load or train, judge, decide what is served, and lay out the rows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Engine
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from etl.errors import RefusedError
from etl.forecasts import persist, report_time, scanner
from etl.forecasts.backtest import Scores, score_reports, score_scanner
from etl.forecasts.base import (
    BACKTEST_COLUMNS,
    LEVELS,
    ForecastOutput,
    Progress,
    Target,
    forecast_frame,
    interval_columns,
    silent,
    utc,
)
from etl.forecasts.blocks import SCHEMA_HASH, Block, View, view
from etl.forecasts.cards import backtest_frame, make_card, saved_model, scores_of
from etl.forecasts.features import features_at
from etl.forecasts.hazard import DiscreteHazard
from etl.forecasts.panel import Panel, build_panel
from etl.forecasts.read import History, read_history
from etl.forecasts.registry import TARGETS, Decision, decide, recipe_hash, signature
from etl.forecasts.report_features import REPORT_FEATURES, Codes, ended_exams
from etl.settings import Settings

REPORT_SCHEMA_HASH = hashlib.sha256("|".join(REPORT_FEATURES).encode()).hexdigest()


@dataclass(frozen=True)
class Job:
    """What every target needs: the frames, the settings, the origin, and where models lie."""

    history: History
    settings: Settings
    issued_at: datetime
    progress: Progress

    @property
    def folder(self) -> Path:
        """Folder of the model files."""
        return self.settings.at(self.settings.forecast_folder)


@dataclass(frozen=True)
class Part:
    """One target's rows, backtest and card."""

    forecast: pd.DataFrame
    backtest: pd.DataFrame
    card: dict[str, Any]


def run(engine: Engine, settings: Settings, issued_at: datetime, progress: Progress | None = None) -> ForecastOutput:
    """Forecast every target as of `issued_at` from the facts `engine` reads.

    A saved model is used again for a week; else it is trained and backtested, which writes the models folder.
    Raises RefusedError when the warehouse holds no scanner hours yet.
    """
    return forecast_all(read_history(engine, settings, issued_at), settings, issued_at, progress or silent)


def forecast_all(history: History, settings: Settings, issued_at: datetime, progress: Progress) -> ForecastOutput:
    """Forecast from frames; one thread, because boosting on two loses more to waiting than it gains at this size."""
    job = Job(history, settings, issued_at, progress)
    try:
        panel = build_panel(history, issued_at)
    except ValueError as error:
        raise RefusedError(str(error)) from error
    with threadpool_limits(limits=1):
        parts = [_scanner_part(job, panel, TARGETS[key]) for key in ("scanner_demand", "table_utilization")]
        parts.append(_report_part(job, TARGETS["report_time"]))
    backtests = [p.backtest for p in parts if len(p.backtest)]
    empty = pd.DataFrame(columns=list(BACKTEST_COLUMNS))
    return ForecastOutput(
        forecast=pd.concat([p.forecast for p in parts if len(p.forecast)], ignore_index=True),
        backtest=pd.concat(backtests, ignore_index=True) if backtests else empty,
        cards={p.card["target"]: p.card for p in parts},
    )


def _decision(job: Job, target: Target, card: dict[str, Any]) -> Decision:
    scores = scores_of(card)
    signed = signature(job.settings, target.key, card["recipe"])
    return decide(target, card["best_baseline"], scores.skill if scores else None, signed)


def _part(forecast: pd.DataFrame, card: dict[str, Any], decision: Decision) -> Part:
    spoken = {"served": decision.label, "decision": decision.reason, "signed_by": decision.signed_by}
    return Part(forecast, backtest_frame(card, decision.method), card | spoken)


# scanner targets


def _scanner_part(job: Job, panel: Panel, target: Target) -> Part:
    seen = view(panel, target.key)
    parameters = {k: v for k, v in scanner.new_model().get_params().items() if not callable(v)}
    expected = {
        "recipe": recipe_hash(target, SCHEMA_HASH, parameters),
        "schema": SCHEMA_HASH,
        "scanners": panel.scanners["scanner_code"].tolist(),
    }
    try:
        bundle, card = saved_model(job.folder, target.key, expected, job.issued_at)
    except RefusedError:
        bundle, card = _train_scanner(job, seen, target, expected)
    decision = _decision(job, target, card)
    block = features_at(seen, job.issued_at)
    mean = scanner.means(seen, block, bundle.get("model"), target)[decision.method]
    law = _scanner_law(bundle, block, mean, decision.method)
    rows = np.ones(len(block), dtype=bool) if target.is_count else block.planned_h > 0  # 0/0 is no utilization
    frame = scanner_rows(seen, target, block.take(rows), mean[rows], law[rows], job.issued_at)
    return _part(frame.assign(served=decision.label, model_hash=card.get("sha256")), card, decision)


def _train_scanner(
    job: Job, seen: View, target: Target, expected: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Backtest, then fit on everything known; with too little history only the baseline's quantiles are learned."""
    first = _first_open(seen.panel)
    window = (first, job.issued_at)
    try:
        folds = scanner.plan_folds(first, job.issued_at)
    except ValueError as error:
        card = make_card(target, expected["recipe"], SCHEMA_HASH, window, None, scanners=expected["scanners"])
        return {}, card | {"note": str(error)}
    training = scanner.training_rows(seen, first, job.issued_at)
    rolled = scanner.roll(seen, target, folds, training, job.progress)
    scores = score_scanner(seen, rolled, target)
    bundle = {
        "model": scanner.fit_model(seen, training, scanner.outcomes(seen, training, job.issued_at)),
        "quantiles": {m: scanner.fit_quantiles(seen, rolled, target, m, job.issued_at) for m in scanner.METHODS},
    }
    return _saved(job, target, bundle, expected, window, scores)


def _saved(
    job: Job,
    target: Target,
    bundle: dict[str, Any],
    expected: dict[str, Any],
    window: tuple[datetime, datetime],
    scores: Scores,
) -> tuple[dict[str, Any], dict[str, Any]]:
    more = {k: v for k, v in expected.items() if k not in ("recipe", "schema")}
    card = make_card(target, expected["recipe"], expected["schema"], window, scores, **more)
    return bundle, card | {"sha256": persist.save(job.folder, target.key, bundle, card)}


def _first_open(panel: Panel) -> datetime:
    """Return the first hour any scanner was open: stray stamps of a broken clock lie earlier."""
    return utc(float(panel.sites[0].starts(np.array([np.argmax(panel.open_h.any(axis=0))]))[0]))


def _scanner_law(bundle: dict[str, Any], block: Block, mean: np.ndarray[Any, Any], method: str) -> Any:
    """Return quantiles (rows, LEVELS), zero where closed, missing where no errors are known yet."""
    if "quantiles" not in bundle:
        return np.full((len(mean), len(LEVELS)), np.nan)
    law = np.maximum(bundle["quantiles"][method].predict(block.x, mean), 0.0)
    return np.where((block.planned_h > 0)[:, None], law, 0.0)


def scanner_rows(seen: View, target: Target, block: Block, mean: Any, law: Any, issued_at: datetime) -> pd.DataFrame:
    """Return `fact_forecast` rows of a block, by scanner and hour."""
    panel = seen.panel
    scanners = panel.scanners.iloc[block.scanner].reset_index(drop=True)
    starts = np.zeros(len(block), dtype=np.int64)
    dates: list[Any] = [None] * len(block)
    hours = np.zeros(len(block), dtype=np.int64)
    for i, site in enumerate(panel.sites):
        at = np.flatnonzero(panel.site_of[block.scanner] == i)
        starts[at], hours[at] = site.starts(block.step[at]), site.hour[block.step[at]]
        for place, day in zip(at, site.local_date(block.step[at]), strict=True):
            dates[place] = day
    return forecast_frame(
        {
            "target": target.key,
            "kpi": target.kpi,
            **{c: scanners[c] for c in ("site_code", "scanner_code", "modality")},
            "issued_at": issued_at,
            "hour_at": pd.to_datetime(starts, unit="s", utc=True),
            "local_date": dates,
            "local_hour": hours,
            "value": mean,
            **interval_columns(law),
        }
    )


# reports


def _report_part(job: Job, target: Target) -> Part:
    codes = Codes.learn(job.history.exams)
    parameters = DiscreteHazard().get_params()
    expected = {
        "recipe": recipe_hash(target, REPORT_SCHEMA_HASH, parameters),
        "schema": REPORT_SCHEMA_HASH,
    }
    try:
        bundle, card = saved_model(job.folder, target.key, expected, job.issued_at)
        codes = Codes({k: tuple(v) for k, v in card["categories"].items()})
    except RefusedError:
        bundle, card = _train_report(job, target, expected, codes)
    decision = _decision(job, target, card)
    if decision.method not in bundle:
        return _part(forecast_frame({"target": []}), card, decision)
    digest = card.get("sha256", "")
    method = bundle[decision.method]
    frame = report_time.report_rows(target, job.history, codes, method, job.issued_at, decision.label, digest)
    return _part(frame, card, decision)


def _train_report(
    job: Job, target: Target, expected: dict[str, Any], codes: Codes
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Backtest and fit; with too few reports nothing can be said, and no forecast is made."""
    waits = ended_exams(job.history.exams, job.history.sites, codes, job.issued_at)
    first = utc(float(np.quantile(waits.ended_s, 0.001))) if len(waits.ended_s) else job.issued_at
    window = (first, job.issued_at)
    categories = {k: list(v) for k, v in codes.values.items()}
    try:
        scores = score_reports(*report_time.judge(job.history, job.issued_at, job.progress), target)
        bundle = report_time.fit_methods(waits)
    except ValueError as error:
        card = make_card(target, expected["recipe"], REPORT_SCHEMA_HASH, window, None, categories=categories)
        return {}, card | {"note": str(error)}
    return _saved(job, target, bundle, expected | {"categories": categories}, window, scores)


__all__ = ["forecast_all", "run"]
