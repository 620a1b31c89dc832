"""Time to report as a discrete-time hazard: open exams count as far as they were watched, no further."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.utils.validation import check_is_fitted

from etl.forecasts.base import Floats, Ints

EDGES_MIN: Floats = np.concatenate(
    [
        [0, 5, 10, 15, 20, 30, 40, 50, 60, 75, 90, 120, 150, 180, 240, 300, 360, 420, 480],
        np.arange(600, 2881, 120),
        np.arange(3240, 7201, 360),
        np.arange(8640, 20161, 1440),
    ]
).astype(np.float64)
BINS = len(EDGES_MIN) - 1
WEEK_MIN = 7 * 1440
SMALLEST_HAZARD = 1e-5


def person_periods(duration_min: Floats, watched_min: Floats) -> tuple[Ints, Ints, Floats]:
    """Return (exam, bin, event) for every bin an exam was at risk in and watched to its end.

    `duration_min` is infinite while open; `watched_min` is how long ago the wait began. A bin still running at the
    origin is left out for finished exams too: keeping only those would raise the hazard.
    """
    last = np.minimum(
        np.searchsorted(EDGES_MIN, duration_min, side="right") - 1,
        np.searchsorted(EDGES_MIN, watched_min, side="right") - 2,
    )
    count = np.clip(last + 1, 0, BINS)
    exam = np.repeat(np.arange(len(count)), count)
    period = np.arange(len(exam)) - np.repeat(np.cumsum(count) - count, count)
    return exam, period, (duration_min[exam] < EDGES_MIN[period + 1]).astype(np.float64)


class DiscreteHazard(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Probability to be reported in each bin of EDGES_MIN given that it was not before, by gradient boosting.

    Column `clock_column` of X holds the local minute of the week at which the wait began; hour and weekday of every
    later bin follow from it, since reading happens in shifts. Categories come as codes: few values, and no column
    transformer in the file that skops would have to trust.
    """

    def __init__(
        self,
        clock_column: int = 0,
        learning_rate: float = 0.12,
        max_iter: int = 60,
        max_leaf_nodes: int = 31,
        min_samples_leaf: int = 150,
        l2_regularization: float = 5.0,
        max_rows: int = 250_000,
        random_state: int = 0,
    ) -> None:
        self.clock_column = clock_column
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.max_leaf_nodes = max_leaf_nodes
        self.min_samples_leaf = min_samples_leaf
        self.l2_regularization = l2_regularization
        self.max_rows = max_rows
        self.random_state = random_state

    def fit(self, X: Any, duration_min: Any, watched_min: Any) -> Self:  # noqa: N803 - scikit-learn's name
        """Fit on exams (rows of X), their waits (infinite: open) and how long each was watched, minutes.

        Raises ValueError when fewer than 100 reports fall into watched bins.
        """
        columns = np.asarray(X, dtype=np.float64)
        exam, period, event = person_periods(np.asarray(duration_min), np.asarray(watched_min))
        if event.sum() < 100:
            raise ValueError(f"{int(event.sum())} reports watched; at least 100 are needed")
        kept = self._sample(exam, len(columns))
        self.classifier_ = HistGradientBoostingClassifier(
            learning_rate=self.learning_rate,
            max_iter=self.max_iter,
            max_leaf_nodes=self.max_leaf_nodes,
            min_samples_leaf=self.min_samples_leaf,
            l2_regularization=self.l2_regularization,
            early_stopping=False,
            random_state=self.random_state,
        ).fit(self._expand(columns[exam[kept]], period[kept]), event[kept])
        return self

    def predict(self, X: Any) -> Floats:  # noqa: N803 - scikit-learn's name
        """Return survival at EDGES_MIN, shape (rows, BINS + 1): the probability of still being open."""
        check_is_fitted(self)
        columns = np.asarray(X, dtype=np.float64)
        exam, period = np.divmod(np.arange(len(columns) * BINS), BINS)
        hazard = self.classifier_.predict_proba(self._expand(columns[exam], period))[:, 1]
        return survival(hazard.reshape(len(columns), BINS))

    def _sample(self, exam: Ints, exams: int) -> Any:
        """Whole exams are drawn, not periods, so that each kept wait is complete."""
        if len(exam) <= self.max_rows:
            return slice(None)
        share = self.max_rows / len(exam)
        drawn = np.random.default_rng(self.random_state).random(exams) < share
        return drawn[exam]

    def _expand(self, x: Floats, period: Ints) -> Floats:
        middle = (EDGES_MIN[period] + EDGES_MIN[period + 1]) / 2
        clock = (x[:, self.clock_column] + middle) % WEEK_MIN
        return np.column_stack([x, period, (clock % 1440) / 60, clock // 1440])


class BaseRateHazard(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """The baseline: observed hazard by bin within one group column of X, drawn to the hazard of all."""

    def __init__(self, group_column: int = 0, prior: float = 20.0) -> None:
        self.group_column = group_column
        self.prior = prior

    def fit(self, X: Any, duration_min: Any, watched_min: Any) -> Self:  # noqa: N803 - scikit-learn's name
        """Count events and exams at risk by group and bin (the discrete Kaplan-Meier estimate)."""
        exam, period, event = person_periods(np.asarray(duration_min), np.asarray(watched_min))
        group = np.asarray(X)[exam, self.group_column].astype(np.int64)
        groups = int(group.max(initial=0)) + 1
        cell = group * BINS + period
        events = np.bincount(cell, weights=event, minlength=groups * BINS).reshape(groups, BINS)
        at_risk = np.bincount(cell, minlength=groups * BINS).reshape(groups, BINS)
        overall = (events.sum(axis=0) + 0.5) / (at_risk.sum(axis=0) + 1.0)
        self.overall_ = overall
        self.hazard_ = (events + self.prior * overall) / (at_risk + self.prior)
        return self

    def predict(self, X: Any) -> Floats:  # noqa: N803 - scikit-learn's name
        """Return survival at EDGES_MIN, shape (rows, BINS + 1); an unseen group has the hazard of all."""
        check_is_fitted(self)
        group = np.asarray(X)[:, self.group_column].astype(np.int64)
        known = (group >= 0) & (group < len(self.hazard_))
        hazard = np.where(known[:, None], self.hazard_[np.where(known, group, 0)], self.overall_)
        return survival(hazard)


def survival(hazard: Floats) -> Floats:
    """Return the probability of still waiting at every edge, from hazards of shape (rows, BINS)."""
    stays = 1 - np.clip(hazard, SMALLEST_HAZARD, 1 - 1e-9)
    return np.column_stack([np.ones(len(hazard)), np.cumprod(stays, axis=1)])


def cumulative_hazard_at(survived: Floats, minutes: Floats) -> Floats:
    """Return -log survival at a time of its own for every row; the hazard is constant within a bin.

    Beyond the last edge the last bin's hazard goes on.
    """
    logs = -np.log(survived)
    at = np.clip(np.searchsorted(EDGES_MIN, minutes, side="right") - 1, 0, BINS - 1)
    rows = np.arange(len(survived))
    slope = (logs[rows, at + 1] - logs[rows, at]) / (EDGES_MIN[at + 1] - EDGES_MIN[at])
    value: Floats = logs[rows, at] + slope * (minutes - EDGES_MIN[at])
    return value


def quantile_given_wait(survived: Floats, waited_min: Floats, level: float) -> Floats:
    """Return the minutes by which a share `level` of such exams is reported, given the wait so far."""
    logs = -np.log(survived)
    goal = cumulative_hazard_at(survived, waited_min) - np.log1p(-level)
    at = np.clip((logs <= goal[:, None]).sum(axis=1) - 1, 0, BINS - 1)
    rows = np.arange(len(survived))
    slope = (logs[rows, at + 1] - logs[rows, at]) / (EDGES_MIN[at + 1] - EDGES_MIN[at])
    reached: Floats = EDGES_MIN[at] + (goal - logs[rows, at]) / slope
    return np.maximum(reached, waited_min)


def probability_beyond(survived: Floats, waited_min: Floats, limit_min: Floats) -> Floats:
    """Return the probability to exceed the limit given the wait so far; 1 where it is exceeded, NaN without one."""
    later = np.maximum(limit_min, waited_min)
    gone = cumulative_hazard_at(survived, np.nan_to_num(later)) - cumulative_hazard_at(survived, waited_min)
    return np.where(np.isnan(limit_min), np.nan, np.where(waited_min >= limit_min, 1.0, np.exp(-gone)))
