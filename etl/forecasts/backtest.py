"""Score tables of the backtests, as rows of `fact_backtest`: the model beside its baselines, nothing left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from etl.forecasts import report_time
from etl.forecasts.base import BACKTEST_COLUMNS, LEVELS, MODEL, Bools, Floats, Target, level_index
from etl.forecasts.blocks import View
from etl.forecasts.metrics import (
    Estimate,
    auc,
    brier,
    covered,
    covered_fairly,
    mase_scale,
    pinball,
    skill,
)
from etl.forecasts.scanner import METHODS, Rolled, fit_quantiles


@dataclass(frozen=True)
class Scores:
    """Backtest rows without `is_served`, the strongest baseline, and the model's skill against it."""

    rows: list[dict[str, Any]]
    best_baseline: str
    skill: Estimate

    def frame(self, served: str) -> pd.DataFrame:
        """Return `fact_backtest` rows, those of the method served marked."""
        frame = pd.DataFrame(self.rows)
        frame["is_served"] = frame["model"] == served
        return frame[list(BACKTEST_COLUMNS)]


@dataclass(frozen=True)
class Tested:
    """The scanner rows of the test folds with every method's means and quantiles."""

    y: Floats
    scanner: Any
    day: Any
    origins: int
    means: dict[str, Floats]
    laws: dict[str, Floats]
    losses: dict[str, Floats]  # pinball a row


def score_scanner(seen: View, rolled: Rolled, target: Target) -> Scores:
    """Score the test folds; quantiles come from errors that were known when each fold began."""
    tested = _test_part(seen, rolled, target)
    pinballs = {m: float(tested.losses[m].mean()) for m in target.baselines}
    best = min(pinballs, key=pinballs.__getitem__)
    gained = skill(tested.losses[MODEL], tested.losses[best], tested.day)
    scale = _scales(seen, rolled)
    rows = [
        _row(target, method, site, scanner, metric, value, tested.origins, int(part.sum()))
        for site, scanner, part in _parts(seen, tested)
        for method in METHODS
        for metric, value in _metrics(tested, target, method, part, scale, best).items()
    ]
    if target.is_count:
        rows += _outside_hours(seen, rolled, target, tested.origins)
    return Scores(rows, best, gained)


def _outside_hours(seen: View, rolled: Rolled, target: Target, origins: int) -> list[dict[str, Any]]:
    """Say which share of what came about began in hours forecast as closed: every method misses these alike."""
    panel = seen.panel
    begin = min(int(rolled.block.step[rolled.fold == i].min()) for i, f in enumerate(rolled.folds) if f.is_test)
    end = int(rolled.block.step.max()) + 1
    y, closed = seen.y[:, begin:end], panel.planned_h[:, begin:end] <= 0
    groups = [("", "", np.ones(len(y), dtype=bool))]
    groups += [
        (str(r.site_code), str(r.scanner_code), np.arange(len(y)) == i)
        for i, r in enumerate(panel.scanners.itertuples())
    ]
    return [
        _row(
            target,
            MODEL,
            site,
            scanner,
            "share_outside_hours",
            _mean(closed[part], y[part]),
            origins,
            int(y[part].sum()),
        )
        for site, scanner, part in groups
    ]


def _test_part(seen: View, rolled: Rolled, target: Target) -> Tested:
    tests = [i for i, fold in enumerate(rolled.folds) if fold.is_test]
    rows = np.isin(rolled.fold, tests)
    laws = {m: _laws(seen, rolled, target, m, tests)[rows] for m in METHODS}
    y = rolled.y[rows]
    return Tested(
        y=y,
        scanner=rolled.block.scanner[rows],
        day=rolled.block.step[rows] // 24,
        origins=len(np.unique(rolled.block.origin_s[rows])),
        means={m: rolled.means[m][rows] for m in METHODS},
        laws=laws,
        losses={m: pinball(y, np.maximum(law, 0.0)) for m, law in laws.items()},
    )


def _laws(seen: View, rolled: Rolled, target: Target, method: str, tests: list[int]) -> Floats:
    laws = np.full((len(rolled.y), len(LEVELS)), np.nan)
    for i in tests:
        rows = rolled.fold == i
        conformal = fit_quantiles(seen, rolled, target, method, rolled.folds[i].begin)
        laws[rows] = conformal.predict(rolled.block.x[rows], rolled.means[method][rows])
    return laws


def _scales(seen: View, rolled: Rolled) -> Floats:
    """Return each scanner's MASE scale: the seasonal naive's error in the folds before the test."""
    early = ~np.isin(rolled.fold, [i for i, f in enumerate(rolled.folds) if f.is_test])
    naive = rolled.means["seasonal_naive"][early]
    return mase_scale(rolled.y[early], naive, rolled.block.scanner[early], len(seen.panel.scanners))


def _parts(seen: View, tested: Tested) -> Iterator[tuple[str, str, Bools]]:
    """Yield (site, scanner, rows): all, every site, every scanner with rows."""
    yield "", "", np.ones(len(tested.y), dtype=bool)
    scanners = seen.panel.scanners
    for site in sorted(scanners["site_code"].unique()):
        yield site, "", np.isin(tested.scanner, np.flatnonzero(scanners["site_code"] == site))
    for i, row in enumerate(scanners.itertuples()):
        part = tested.scanner == i
        if part.any():
            yield str(row.site_code), str(row.scanner_code), part


def _metrics(
    tested: Tested, target: Target, method: str, part: Bools, scale: Floats, best: str
) -> dict[str, float | Estimate]:
    y, mean, law = tested.y[part], tested.means[method][part], tested.laws[method][part]
    served_law = np.maximum(law, 0.0)
    found: dict[str, float | Estimate] = {
        "mae": float(np.abs(y - mean).mean()),
        "bias": float((mean - y).mean()),
        "mase": _mase(np.abs(y - mean), tested.scanner[part], scale),
        "pinball": float(tested.losses[method][part].mean()),
        "coverage_80": float(covered(y, served_law, "80").mean()),
        "coverage_95": float(covered(y, served_law, "95").mean()),
    }
    if target.is_count:
        found["coverage_80_fair"] = float(covered_fairly(y, law, "80").mean())
        found["coverage_95_fair"] = float(covered_fairly(y, law, "95").mean())
    if method == MODEL:
        found["skill"] = skill(tested.losses[MODEL][part], tested.losses[best][part], tested.day[part])
    return found


def _mase(errors: Floats, scanner: Any, scale: Floats) -> float:
    """Return the mean over scanners of their own MASE, NaN where no scanner has a scale."""
    each = [errors[scanner == s].mean() / scale[s] for s in np.unique(scanner) if np.isfinite(scale[s])]
    return float(np.mean(each)) if each else float("nan")


def score_reports(at_end: report_time.Judged, at_moment: report_time.Judged, target: Target) -> Scores:
    """Score report forecasts; the skill that decides is of the Brier score over exams open at a moment."""
    best = target.baselines[0]
    losses = {m: brier(at_moment.outcome, at_moment.probability[m]) for m in report_time.METHODS}
    rows = []
    for site in ["", *sorted(set(at_end.site) | set(at_moment.site))]:
        ended, opened = (_of_site(j, site) for j in (at_end, at_moment))
        for method in report_time.METHODS:
            found = _report_metrics(at_end, at_moment, ended, opened, method)
            if method == MODEL and opened.any():
                found["skill"] = skill(losses[MODEL][opened], losses[best][opened], at_moment.day[opened])
            origins = len(np.unique(at_moment.day))
            rows += [
                _row(target, method, site, "", k, v, origins, int((ended if k in AT_END else opened).sum()))
                for k, v in found.items()
            ]
    return Scores(rows, best, skill(losses[MODEL], losses[best], at_moment.day))


AT_END = frozenset(
    {"share_by_p50", "share_by_p90", "coverage_80", "coverage_95", "pinball", "mae", "brier_at_end", "auc_at_end"}
)


def _of_site(judged: report_time.Judged, site: str) -> Bools:
    rows: Bools = ~np.isnan(judged.outcome) if site == "" else (judged.site == site) & ~np.isnan(judged.outcome)
    return rows


def _report_metrics(
    at_end: report_time.Judged, at_moment: report_time.Judged, ended: Bools, opened: Bools, method: str
) -> dict[str, float | Estimate]:
    wait, law = at_end.duration_min[ended], at_end.quantiles[method][ended]
    median = law[:, level_index(0.5)]
    return {
        "share_by_p50": _mean(wait <= median),
        "share_by_p90": _mean(wait <= law[:, level_index(0.9)]),
        "coverage_80": _mean(covered(wait, law, "80")),
        "coverage_95": _mean(covered(wait, law, "95")),
        "mae": _mean(np.abs(wait - median)),
        "pinball": _mean(pinball(wait, law)),
        "brier_at_end": _mean(brier(at_end.outcome[ended], at_end.probability[method][ended])),
        "auc_at_end": auc(at_end.outcome[ended], at_end.probability[method][ended]),
        "brier": _mean(brier(at_moment.outcome[opened], at_moment.probability[method][opened])),
        "auc": auc(at_moment.outcome[opened], at_moment.probability[method][opened]),
    }


def _mean(values: Any, weights: Any = None) -> float:
    """Return the (weighted) mean, NaN of nothing."""
    empty = len(values) == 0 or (weights is not None and np.sum(weights) == 0)
    return float("nan") if empty else float(np.average(values, weights=weights))


def _row(
    target: Target, method: str, site: str, scanner: str, metric: str, value: float | Estimate, origins: int, n: int
) -> dict[str, Any]:
    estimate = value if isinstance(value, Estimate) else Estimate(value, float("nan"), float("nan"))
    return {
        "target": target.key,
        "model": method,
        "site_code": site,
        "scanner_code": scanner,
        "metric": metric,
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "origins": origins,
        "n": n,
    }


__all__ = ["Scores", "score_reports", "score_scanner"]
