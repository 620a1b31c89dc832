"""Quantiles hold what they say, never cross, and stay inside the possible."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from etl.forecasts.base import LEVELS, level_index
from etl.forecasts.conformal import ConformalQuantiles
from etl.forecasts.metrics import covered, covered_fairly


def _counts(n: int, seed: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    rng = np.random.default_rng(seed)
    mean = np.exp(rng.uniform(-1.5, 2.5, n))
    booked = rng.random(n) < 0.5  # a booked hour varies like a binomial, an unbooked one like a Poisson count
    y = np.where(booked, rng.binomial(np.ceil(mean / 0.88).astype(int), 0.88), rng.poisson(mean)).astype(float)
    mean = np.where(booked, np.ceil(mean / 0.88) * 0.88, mean)
    return np.column_stack([booked, mean]).astype(float), y, mean


def test_intervals_of_counts_are_fair_overall_and_for_booked_and_unbooked_hours() -> None:
    fitted = ConformalQuantiles(is_count=True).fit(*_counts(12_000, 1))
    x, y, mean = _counts(12_000, 2)
    law = fitted.predict(x, mean)
    assert covered_fairly(y, law, "80").mean() == pytest.approx(0.80, abs=0.015)
    assert covered_fairly(y, law, "95").mean() == pytest.approx(0.95, abs=0.01)
    for booked in (0, 1):
        rows = x[:, 0] == booked
        assert covered_fairly(y[rows], law[rows], "80").mean() == pytest.approx(0.80, abs=0.04)


def test_inclusive_coverage_of_small_counts_is_above_nominal_even_when_perfect() -> None:
    fitted = ConformalQuantiles(is_count=True).fit(*_counts(12_000, 1))
    x, y, mean = _counts(12_000, 2)
    small = mean < 1
    assert covered(y[small], np.maximum(fitted.predict(x, mean), 0)[small], "80").mean() > 0.85


def test_quantiles_never_cross_and_stay_in_range_wherever_asked() -> None:
    rng = np.random.default_rng(4)
    mean = rng.uniform(0, 1, 3000)
    y = np.clip(mean + rng.normal(0, 0.3, 3000), 0, 1)
    fitted = ConformalQuantiles(ceiling=1.0).fit(mean[:, None], y, mean)
    law = fitted.predict(np.linspace(-2, 3, 500)[:, None], np.linspace(0, 1, 500))
    assert (np.diff(law, axis=1) >= 0).all()
    assert law.min() >= 0
    assert law.max() <= 1


def test_a_constant_forecast_still_gets_the_quantiles_of_its_errors() -> None:
    rng = np.random.default_rng(5)
    y = rng.gamma(2.0, 1.0, 20_000)
    fitted = ConformalQuantiles(use_features=False).fit(np.zeros((len(y), 1)), y, np.full(len(y), 2.0))
    law = fitted.predict(np.zeros((1, 1)), np.array([2.0]))[0]
    assert law[level_index(0.9)] == pytest.approx(np.quantile(y, 0.9), rel=0.01)


def test_too_few_errors_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 200"):
        ConformalQuantiles().fit(np.zeros((10, 1)), np.zeros(10), np.zeros(10))


def test_an_unknown_level_is_refused() -> None:
    assert level_index(0.5) == int(np.argmin(np.abs(LEVELS - 0.5)))
    with pytest.raises(ValueError, match="not one of"):
        level_index(0.33)
