"""How forecasts are judged: losses by row, coverage fair to counts, and block-bootstrap intervals of skill."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from etl.forecasts.base import INTERVALS, PINBALL_LEVELS, Floats, Ints, level_index

BOOTSTRAPS = 1000


def pinball(y: Floats, quantiles: Floats) -> Floats:
    """Return each row's pinball loss averaged over 0.05..0.95 (half the CRPS), unit of y."""
    columns = [level_index(q) for q in PINBALL_LEVELS]
    error = y[:, None] - quantiles[:, columns]
    loss: Floats = np.maximum(PINBALL_LEVELS * error, (PINBALL_LEVELS - 1) * error).mean(axis=1)
    return loss


def covered(y: Floats, quantiles: Floats, interval: str) -> Floats:
    """Return 1 where y lies inside the interval ("80" or "95"), ends included."""
    low, high = _ends(quantiles, interval)
    inside: Floats = ((y >= low) & (y <= high)).astype(np.float64)
    return inside


def covered_fairly(y: Floats, quantiles: Floats, interval: str) -> Floats:
    """Return which part of the stretch [y-1/2, y+1/2] of a count the interval covers, 0..1.

    Its mean is the nominal share for a perfect forecaster, where counting whole integers is not: with one
    exam an hour an inclusive [q10, q90] holds 95 %. Takes quantiles not yet cut at zero.
    """
    low, high = _ends(quantiles, interval)
    part: Floats = np.clip(np.minimum(y + 0.5, high) - np.maximum(y - 0.5, low), 0.0, 1.0)
    return part


def _ends(quantiles: Floats, interval: str) -> tuple[Floats, Floats]:
    low, high = INTERVALS[interval]
    return quantiles[:, level_index(low)], quantiles[:, level_index(high)]


def brier(outcome: Floats, probability: Floats) -> Floats:
    """Return each row's squared error of a probability."""
    loss: Floats = (outcome - probability) ** 2
    return loss


def auc(outcome: Floats, score: Floats) -> float:
    """Return the area under the ROC curve (ties count half); NaN when only one class occurs."""
    positive = outcome > 0.5
    n1, n0 = int(positive.sum()), int((~positive).sum())
    if n1 == 0 or n0 == 0:
        return float("nan")
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    mid_rank = np.cumsum(counts) - (counts - 1) / 2
    return float((mid_rank[inverse][positive].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def mase_scale(y: Floats, lagged: Floats, group: Ints, groups: int) -> Floats:
    """Return, per group, the mean absolute seasonal difference in sample; NaN where there is none."""
    size = np.bincount(group, minlength=groups).astype(np.float64)
    total = np.bincount(group, weights=np.abs(y - lagged), minlength=groups)
    scale: Floats = np.divide(total, size, out=np.full(groups, np.nan), where=(size > 0) & (total > 0))
    return scale


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % block-bootstrap interval."""

    value: float
    low: float
    high: float

    @property
    def above_zero(self) -> bool:
        """Whether the whole interval is above zero."""
        return bool(self.low > 0)


def skill(model: Floats, baseline: Floats, block: Ints, seed: int = 0) -> Estimate:
    """Return 1 - loss(model)/loss(baseline), with an interval from resampling whole blocks (days).

    Losses of one day belong together: resampling hours would make the interval far too narrow.
    """
    _, index = np.unique(block, return_inverse=True)
    ours, theirs = np.bincount(index, weights=model), np.bincount(index, weights=baseline)
    if theirs.sum() <= 0:
        return Estimate(float("nan"), float("nan"), float("nan"))
    days = len(ours)
    draws = np.random.default_rng(seed).multinomial(days, np.full(days, 1 / days), size=BOOTSTRAPS)
    ratios = 1 - (draws @ ours) / np.maximum(draws @ theirs, 1e-12)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return Estimate(float(1 - ours.sum() / theirs.sum()), float(low), float(high))
