"""Quantiles from out-of-sample errors of earlier origins: conformal, scaled, and fair to small counts."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.utils.validation import check_is_fitted

from etl.forecasts.base import LEVELS, Floats

SMALLEST_SCALE = 0.02
FOLDS = 3  # consecutive rows, hence consecutive days
SIZE_ROWS = 15_000  # rows from which the size of errors is learned


class ConformalQuantiles(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Quantiles at `LEVELS` around a point forecast, learned from errors the forecaster made out of sample.

    Errors are divided by an expected size (sqrt of the mean, refined by boosting on the features) and their
    quantiles are taken per bin of the mean, because the shape of a count's law changes with its mean.
    With `is_count`, a count k stands for the stretch [k-1/2, k+1/2]: the quantiles are those of the continuous law,
    so that they can be judged without the steps of a discrete one.
    """

    def __init__(
        self,
        is_count: bool = False,
        ceiling: float | None = None,
        bins: int = 12,
        use_features: bool = True,
        random_state: int = 0,
    ) -> None:
        self.is_count = is_count
        self.ceiling = ceiling
        self.bins = bins
        self.use_features = use_features
        self.random_state = random_state

    def fit(self, X: Any, y: Any, mean: Any) -> Self:  # noqa: N803 - scikit-learn's name
        """Learn from features (rows, columns), outcomes and out-of-sample means; raises ValueError below 200 rows."""
        y, mean = np.asarray(y, dtype=np.float64), np.asarray(mean, dtype=np.float64)
        if len(y) < 200:
            raise ValueError(f"{len(y)} out-of-sample errors; at least 200 are needed for 95 % intervals")
        jitter = np.random.default_rng(self.random_state).uniform(-0.5, 0.5, len(y)) if self.is_count else 0.0
        error = y + jitter - mean
        size = np.abs(error) / _root(mean)
        scaled = error / (_root(mean) * self._sizes_out_of_fold(np.asarray(X), size))
        self.sizes_ = self._fit_sizes(np.asarray(X), size) if self.use_features else None
        self.edges_ = np.unique(np.quantile(mean, np.linspace(0, 1, self.bins + 1)[1:-1]))
        bin_of = np.searchsorted(self.edges_, mean, side="right")
        used = [scaled[bin_of == b] for b in range(len(self.edges_) + 1)]
        self.table_ = np.stack([np.quantile(u if len(u) else scaled, LEVELS) for u in used])
        return self

    def _sizes_out_of_fold(self, X: Any, size: Floats) -> Floats:  # noqa: N803 - scikit-learn's name
        """Return expected sizes learned on other rows: sizes that know their own error make intervals too tight."""
        if not self.use_features:
            return np.ones(len(size))
        expected = np.empty(len(size))
        for held in np.array_split(np.arange(len(size)), FOLDS):
            rest = np.setdiff1d(np.arange(len(size)), held)
            expected[held] = self._fit_sizes(X[rest], size[rest]).predict(X[held])
        return np.maximum(expected, SMALLEST_SCALE)

    def _fit_sizes(self, x: Any, size: Floats) -> HistGradientBoostingRegressor:
        sizes = HistGradientBoostingRegressor(
            loss="squared_error",
            learning_rate=0.1,
            max_iter=30,
            max_leaf_nodes=8,
            min_samples_leaf=100,
            early_stopping=False,
            random_state=self.random_state,
        )
        if len(size) > SIZE_ROWS:
            drawn = np.random.default_rng(self.random_state).choice(len(size), SIZE_ROWS, replace=False)
            x, size = x[drawn], size[drawn]
        return sizes.fit(x, size)

    def _scale(self, X: Any, mean: Floats) -> Floats:  # noqa: N803 - scikit-learn's name
        if self.sizes_ is None:
            return _root(mean)
        scale: Floats = _root(mean) * np.maximum(self.sizes_.predict(X), SMALLEST_SCALE)
        return scale

    def predict(self, X: Any, mean: Any) -> Floats:  # noqa: N803 - scikit-learn's name
        """Return quantiles of shape (rows, LEVELS), never crossing, within [0, ceiling] (counts: [-1/2, ..])."""
        check_is_fitted(self)
        mean = np.asarray(mean, dtype=np.float64)
        scaled = self.table_[np.searchsorted(self.edges_, mean, side="right")]
        quantiles = mean[:, None] + scaled * self._scale(X, mean)[:, None]
        return np.sort(np.clip(quantiles, -0.5 if self.is_count else 0.0, self.ceiling), axis=1)


def _root(mean: Floats) -> Floats:
    return np.sqrt(np.maximum(mean, 0.0) + 0.05)
