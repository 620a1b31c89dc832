"""The averaged Poisson model keeps scikit-learn's promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from etl.forecasts.members import PoissonAverage

NOT_PROMISED = {"check_sample_weight_equivalence_on_dense_data": "a leaf needs so many rows, however much each weighs"}


@parametrize_with_checks([PoissonAverage(max_iter=10)], expected_failed_checks=lambda _: NOT_PROMISED)
def test_scikit_learn_checks_pass(estimator: Any, check: Any) -> None:
    check(estimator)


def _rates(n: int, seed: int = 0) -> tuple[np.ndarray[Any, Any], ...]:
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.normal(size=n), rng.integers(0, 4, n), rng.normal(size=n)])
    mean = np.exp(0.4 * x[:, 0] + np.array([-1.0, 0.0, 0.5, 1.0])[x[:, 1].astype(int)])
    return x, mean, rng.poisson(mean).astype(float)


def test_it_recovers_a_known_rate() -> None:
    x, mean, y = _rates(8000)
    model = PoissonAverage(one_hot=(1,)).fit(x[:6000], y[:6000])
    error = np.abs(model.predict(x[6000:]) - mean[6000:]).mean() / mean[6000:].mean()
    assert error < 0.08


def test_exposure_is_a_weight_on_a_rate() -> None:
    x, mean, _ = _rates(8000)
    exposure = np.random.default_rng(1).uniform(0.2, 3.0, len(x))
    y = np.random.default_rng(2).poisson(mean * exposure)
    model = PoissonAverage(one_hot=(1,)).fit(x, y / exposure, sample_weight=exposure)
    assert abs(model.predict(x).mean() / mean.mean() - 1) < 0.05


def test_a_category_never_seen_is_forecast_all_the_same() -> None:
    x, _, y = _rates(2000)
    model = PoissonAverage(one_hot=(1,)).fit(x, y)
    strange = x[:5].copy()
    strange[:, 1] = 99
    assert np.isfinite(model.predict(strange)).all()


def test_negative_counts_are_refused() -> None:
    x, _, y = _rates(300)
    with pytest.raises(ValueError, match="negative"):
        PoissonAverage().fit(x, y - 5)


def test_a_clone_fits_the_same() -> None:
    x, _, y = _rates(1500)
    model = PoissonAverage(one_hot=(1,), glm_rows=500)
    assert np.array_equal(model.fit(x, y).predict(x), clone(model).fit(x, y).predict(x))
