"""Scores against hand-computed values and scikit-learn's own."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson
from sklearn.metrics import mean_pinball_loss, roc_auc_score

from etl.forecasts.base import LEVELS, PINBALL_LEVELS, level_index
from etl.forecasts.metrics import auc, brier, covered_fairly, mase_scale, pinball, skill


def test_pinball_equals_scikit_learns_mean_over_the_levels() -> None:
    rng = np.random.default_rng(0)
    y, law = rng.normal(size=50), np.sort(rng.normal(size=(50, len(LEVELS))), axis=1)
    expected = np.mean([mean_pinball_loss(y, law[:, level_index(q)], alpha=q) for q in PINBALL_LEVELS])
    assert pinball(y, law).mean() == pytest.approx(expected)


def test_auc_equals_scikit_learns_with_ties() -> None:
    rng = np.random.default_rng(1)
    y = (rng.random(300) < 0.3).astype(float)
    score = np.round(rng.random(300) + 0.3 * y, 1)
    assert auc(y, score) == pytest.approx(roc_auc_score(y, score))
    assert np.isnan(auc(np.ones(3), np.arange(3.0)))


def test_brier_is_the_squared_error() -> None:
    assert brier(np.array([1.0, 0.0]), np.array([0.75, 0.5])).tolist() == [0.0625, 0.25]


def _jittered_quantile(mean: float, level: float) -> float:
    """The quantile of a Poisson count spread evenly over [k-1/2, k+1/2]."""
    k = int(poisson.ppf(level, mean))
    below = poisson.cdf(k - 1, mean)
    return float(k - 0.5 + (level - below) / poisson.pmf(k, mean))


@pytest.mark.parametrize("mean", [0.3, 1.0, 4.0, 15.0])
def test_fair_coverage_of_a_perfect_forecaster_is_nominal(mean: float) -> None:
    law = np.array([[_jittered_quantile(mean, float(q)) for q in LEVELS]])
    counts = np.arange(0, 80)
    chance = poisson.pmf(counts, mean)
    for interval, nominal in (("80", 0.8), ("95", 0.95)):
        part = covered_fairly(counts.astype(float), np.repeat(law, len(counts), axis=0), interval)
        assert (part * chance).sum() == pytest.approx(nominal, abs=1e-6)


def test_mase_scale_is_the_seasonal_naive_error_of_each_group() -> None:
    scale = mase_scale(np.array([1.0, 3.0, 5.0]), np.array([2.0, 1.0, 5.0]), np.array([0, 0, 1]), 3)
    assert scale[0] == 1.5
    assert np.isnan(scale[1:]).all()  # a group without error or without rows has no scale


def test_skill_is_zero_in_its_interval_when_nothing_is_gained_and_above_when_much_is() -> None:
    rng = np.random.default_rng(2)
    day = np.repeat(np.arange(28), 50)
    loss = rng.gamma(2.0, 1.0, len(day)) * np.repeat(rng.uniform(0.5, 1.5, 28), 50)
    same = skill(loss, rng.permutation(loss), day)
    assert same.low < 0 < same.high
    better = skill(0.8 * loss, loss, day)
    assert better.value == pytest.approx(0.2)
    assert better.above_zero


def test_skill_resamples_whole_days() -> None:
    rng = np.random.default_rng(3)
    day = np.repeat(np.arange(28), 100)
    gain = np.repeat(rng.normal(0.0, 0.5, 28), 100)  # a day's hours move together
    by_day, by_hour = (skill(1 + gain, np.ones(len(day)), block) for block in (day, np.arange(len(day))))
    assert by_day.high - by_day.low > 5 * (by_hour.high - by_hour.low)
