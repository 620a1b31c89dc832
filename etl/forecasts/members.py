"""The scanner model: a Poisson GLM pipeline and Poisson gradient boosting, averaged."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import PoissonRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from etl.forecasts.base import Floats

BINS = 64


class PoissonAverage(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Mean of a Poisson GLM and Poisson histogram gradient boosting, for non-negative targets.

    Columns are named by position: `one_hot` go to the GLM as categories, `tree_columns` (None: all) to the trees.
    A rate is fitted by passing y/exposure with `sample_weight=exposure`. Raises ValueError for negative y.
    """

    def __init__(
        self,
        one_hot: tuple[int, ...] = (),
        tree_columns: tuple[int, ...] | None = None,
        alpha: float = 1e-2,
        learning_rate: float = 0.12,
        max_iter: int = 30,
        max_leaf_nodes: int = 15,
        min_samples_leaf: int = 40,
        l2_regularization: float = 5.0,
        glm_rows: int = 25_000,
        random_state: int = 0,
    ) -> None:
        self.one_hot = one_hot
        self.tree_columns = tree_columns
        self.alpha = alpha
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.max_leaf_nodes = max_leaf_nodes
        self.min_samples_leaf = min_samples_leaf
        self.l2_regularization = l2_regularization
        self.glm_rows = glm_rows
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803 - scikit-learn's name
        """Fit both members; the GLM on at most `glm_rows` random rows."""
        x, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        if np.min(y) < 0:
            raise ValueError("Negative values in y: a Poisson target cannot be negative")
        weight = _check_sample_weight(sample_weight, x, ensure_non_negative=True)
        kept = self._glm_sample(len(y))
        self.glm_ = self._glm().fit(x[kept], y[kept], poissonregressor__sample_weight=weight[kept])
        self.cuts_ = _cuts(self._tree_part(x), weight)
        self.trees_ = self._trees().fit(self._binned(x), y, sample_weight=weight)
        self.n_iter_ = self.trees_.n_iter_
        self.ceiling_ = float(np.max(y))
        return self

    def predict(self, X: Any) -> Floats:  # noqa: N803 - scikit-learn's name
        """Return the mean of both members, shape (rows,); the GLM never beyond the largest y it was fitted on."""
        check_is_fitted(self)
        x = validate_data(self, X, reset=False, dtype=np.float64)
        linear = np.minimum(self.glm_.predict(x), self.ceiling_)
        mean: Floats = (linear + self.trees_.predict(self._binned(x))) / 2
        return mean

    def _glm_sample(self, rows: int) -> Any:
        if rows <= self.glm_rows:
            return slice(None)
        return np.random.default_rng(self.random_state).choice(rows, self.glm_rows, replace=False)

    def _glm(self) -> Pipeline:
        rest = [c for c in range(self.n_features_in_) if c not in set(self.one_hot)]
        encode = OneHotEncoder(handle_unknown="ignore", min_frequency=50, sparse_output=True)
        columns = ColumnTransformer(
            [("numeric", StandardScaler(), rest), ("category", encode, list(self.one_hot))], sparse_threshold=1.0
        )
        return make_pipeline(columns, PoissonRegressor(alpha=self.alpha, max_iter=150, tol=1e-4))

    def _trees(self) -> HistGradientBoostingRegressor:
        return HistGradientBoostingRegressor(
            loss="poisson",
            learning_rate=self.learning_rate,
            max_iter=self.max_iter,
            max_leaf_nodes=self.max_leaf_nodes,
            min_samples_leaf=self.min_samples_leaf,
            l2_regularization=self.l2_regularization,
            early_stopping=False,
            random_state=self.random_state,
        )

    def _tree_part(self, x: Floats) -> Floats:
        return x if self.tree_columns is None else x[:, list(self.tree_columns)]

    def _binned(self, x: Floats) -> Floats:
        columns = [np.searchsorted(cut, c) for cut, c in zip(self.cuts_, self._tree_part(x).T, strict=True)]
        return np.stack(columns, axis=1).astype(np.float64)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        tags.regressor_tags.poor_score = True
        return tags


def _cuts(x: Floats, weight: Floats) -> list[Floats]:
    """Return at most BINS - 1 cuts a column, at its weighted quantiles.

    Binning here keeps boosting from looking for them its own, slower way, which takes most of its time.
    """
    grid = np.linspace(0, 1, BINS + 1)[1:-1]
    return [_weighted_quantiles(column, weight, grid) for column in x.T]


def _weighted_quantiles(values: Floats, weight: Floats, grid: Floats) -> Floats:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    at = np.searchsorted(reached, grid * reached[-1], side="left")
    distinct: Floats = np.unique(values[order][np.minimum(at, len(values) - 1)])
    return distinct
