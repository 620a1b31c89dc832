"""The engine of both scanner targets: rows in, model and baselines out of sample, quantiles, forecast rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from etl.forecasts.base import MEAN_4W, MODEL, SEASONAL_NAIVE, Bools, Floats, Progress, Target
from etl.forecasts.blocks import CATEGORIES, NUMERIC, TREE_COLUMNS, Block, View
from etl.forecasts.conformal import ConformalQuantiles
from etl.forecasts.features import features_at
from etl.forecasts.members import PoissonAverage

WARM_UP = timedelta(days=28)  # profiles need four weeks
SHORTEST = timedelta(days=63)  # warm-up, two weeks to train, errors, and a final part to judge by
TRAINING_STRIDE_H = 25  # one origin a day, walking through the hours of the day
MOST_ORIGINS = 150
MOST_ROWS = 60_000
METHODS = (MODEL, SEASONAL_NAIVE, MEAN_4W)


@dataclass(frozen=True, slots=True)
class Fold:
    """A stretch of daily origins `[begin, end)` forecast by a model that saw nothing from `begin` on."""

    begin: datetime
    end: datetime
    is_test: bool


@dataclass(frozen=True)
class Rolled:
    """Out-of-sample rows of all folds: outcomes (NaN: undefined) and means by method; the fold of every row."""

    block: Block
    y: Floats
    means: dict[str, Floats]
    fold: Any
    folds: tuple[Fold, ...]


def plan_folds(first: datetime, issued_at: datetime) -> tuple[Fold, ...]:
    """Return folds over the last half of the history; the two in its final 20 % (14 to 28 days) are the test.

    Those before give the errors from which intervals are learned.

    Raises ValueError below SHORTEST.
    """
    history = issued_at - first
    if history < SHORTEST:
        raise ValueError(f"{history.days} days of scanner hours; a backtest needs {SHORTEST.days}")
    test_days = int(np.clip(history.days // 5, 14, 28))
    fold_days = -(-test_days // 2)
    test_from = issued_at - timedelta(days=2 * fold_days)
    errors_days = min((history - WARM_UP).days - 2 * fold_days - 14, 3 * fold_days)
    halves = 2 if errors_days >= 14 else 1
    begins = [test_from - timedelta(days=errors_days * k / halves) for k in range(halves, 0, -1)]
    tests = [test_from, test_from + timedelta(days=fold_days)]
    every = [*begins, *tests, issued_at]
    return tuple(Fold(a, b, a in tests) for a, b in pairwise(every))


def daily_origins(begin: datetime, end: datetime, zone: str) -> list[datetime]:
    """Return the local midnights in `[begin, end)` of a zone."""
    day = begin.astimezone(ZoneInfo(zone)).date()
    found: list[datetime] = []
    while True:
        at = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
        if at >= end:
            return found
        if at >= begin:
            found.append(at)
        day += timedelta(days=1)


def training_rows(seen: View, first: datetime, issued_at: datetime) -> Block:
    """Return the rows of training origins from the end of the warm-up to `issued_at`."""
    hours = (issued_at - first - WARM_UP) / timedelta(hours=1)
    stride = TRAINING_STRIDE_H * max(1, round(hours / TRAINING_STRIDE_H / MOST_ORIGINS))
    origins = [first + WARM_UP + timedelta(hours=k * stride) for k in range(int(hours // stride) + 1)]
    blocks = [features_at(seen, at) for at in origins]
    return Block.concatenate([b.take(b.planned_h > 0) for b in blocks])


def outcomes(seen: View, block: Block, issued_at: datetime) -> Floats:
    """Return what came about: visits, or table hours per open hour; NaN where undefined or not over by `issued_at`."""
    panel = seen.panel
    known = np.array([s.first_unknown(issued_at) for s in panel.sites])[panel.site_of][block.scanner]
    y = seen.y[block.scanner, block.step]
    if not seen.by_count:
        opened = panel.open_h[block.scanner, block.step]
        y = np.divide(y, opened, out=np.full(len(y), np.nan), where=opened > 0)
        y = np.minimum(y, 1.0)
    return np.where(block.step < known, y, np.nan)


def unit(seen: View, block: Block) -> Floats:
    """Return what a relative forecast is multiplied by: level x planned hours for counts, the level for shares."""
    if seen.by_count:
        return block.scale
    return np.divide(block.scale, block.planned_h, out=np.zeros(len(block)), where=block.planned_h > 0)


def fit_model(seen: View, block: Block, y: Floats, **options: Any) -> PoissonAverage:
    """Fit the averaged model on the rows with an outcome (at most MOST_ROWS of them, drawn at random)."""
    rows = np.flatnonzero(~np.isnan(y))
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(rows, MOST_ROWS, replace=False))
    scale = unit(seen, block)[rows]
    exposure = scale if seen.by_count else scale * seen.panel.open_h[block.scanner[rows], block.step[rows]]
    model = new_model(**options)
    return model.fit(block.x[rows], y[rows] / scale, sample_weight=exposure)


def new_model(**options: Any) -> PoissonAverage:
    """Return the unfitted model for the columns of FEATURES."""
    crossed = tuple(len(NUMERIC) + i for i in range(len(CATEGORIES)))
    return PoissonAverage(one_hot=crossed, tree_columns=TREE_COLUMNS, **options)


def means(seen: View, block: Block, model: PoissonAverage | None, target: Target) -> dict[str, Floats]:
    """Return point forecasts by method; zero where the scanner is closed, never above the target's ceiling."""
    found: dict[str, Floats] = {}
    planned = np.where(block.planned_h > 0, block.planned_h, np.inf)
    for name, base in ((SEASONAL_NAIVE, block.naive), (MEAN_4W, block.mean_4w)):
        found[name] = base if seen.by_count else base / planned
    if model is not None:
        found[MODEL] = model.predict(block.x) * unit(seen, block)
    is_open = block.planned_h > 0
    return {name: np.where(is_open, np.clip(m, 0.0, target.ceiling), 0.0) for name, m in found.items()}


def roll(seen: View, target: Target, folds: tuple[Fold, ...], training: Block, progress: Progress) -> Rolled:
    """Forecast the daily origins of every fold with a model fitted on what was known at the fold's begin.

    `training` are the rows of all training origins; each fold takes those before it.
    """
    issued_at = folds[-1].end
    blocks, ys, found, of = [], [], [], []
    for i, fold in enumerate(folds):
        progress(f"{target.key} backtest", i, len(folds))
        seen_by_then = training.origin_s < fold.begin.timestamp()
        before = training.take(seen_by_then)
        model = fit_model(seen, before, outcomes(seen, before, fold.begin))
        block = _open_rows(seen, fold)
        y = outcomes(seen, block, issued_at)
        block, y = block.take(~np.isnan(y)), y[~np.isnan(y)]
        blocks.append(block)
        ys.append(y)
        found.append(means(seen, block, model, target))
        of.append(np.full(len(block), i))
    progress(f"{target.key} backtest", len(folds), len(folds))
    joined = {name: np.concatenate([m[name] for m in found]) for name in METHODS}
    return Rolled(Block.concatenate(blocks), np.concatenate(ys), joined, np.concatenate(of), folds)


def _open_rows(seen: View, fold: Fold) -> Block:
    origins = daily_origins(fold.begin, fold.end, seen.panel.sites[0].zone)
    block = Block.concatenate([features_at(seen, at) for at in origins])
    return block.take(block.planned_h > 0)


def matured(seen: View, rolled: Rolled, at: datetime) -> Bools:
    """Return which out-of-sample rows had both their origin and their hour over by `at`."""
    known = np.array([s.first_unknown(at) for s in seen.panel.sites])[seen.panel.site_of]
    return (rolled.block.step < known[rolled.block.scanner]) & (rolled.block.origin_s <= at.timestamp())


def fit_quantiles(seen: View, rolled: Rolled, target: Target, method: str, at: datetime) -> ConformalQuantiles:
    """Learn a method's quantiles from its out-of-sample errors known at `at`."""
    rows = matured(seen, rolled, at)
    conformal = ConformalQuantiles(target.is_count, target.ceiling, use_features=method == MODEL)
    return conformal.fit(rolled.block.x[rows], rolled.y[rows], rolled.means[method][rows])
