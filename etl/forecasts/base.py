"""What every forecast shares: its targets, the quantile levels, the frames it hands to the warehouse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Progress = Callable[[str, int, int], None]  # what, done, total

HORIZON_H = 168  # next 7 days
PINBALL_LEVELS: Floats = np.round(np.arange(0.05, 0.951, 0.05), 2)  # mean pinball over these is half the CRPS
LEVELS: Floats = np.array([0.025, *PINBALL_LEVELS, 0.975])
INTERVALS = {"80": (0.1, 0.9), "95": (0.025, 0.975)}

MODEL = "model"
SEASONAL_NAIVE = "seasonal_naive"
MEAN_4W = "mean_4w"
BASE_RATE = "base_rate"

FORECAST_COLUMNS = (
    "target",
    "kpi",
    "site_code",
    "scanner_code",
    "modality",
    "exam_key",
    "issued_at",
    "hour_at",
    "local_date",
    "local_hour",
    "value",
    "low_80",
    "high_80",
    "low_95",
    "high_95",
    "probability",
    "expected_at",
    "served",
    "model_hash",
)
BACKTEST_COLUMNS = (
    "target",
    "model",
    "site_code",
    "scanner_code",
    "metric",
    "value",
    "low",
    "high",
    "origins",
    "n",
    "is_served",
)


@dataclass(frozen=True, slots=True)
class Target:
    """One thing forecast: the KPI it stands for, its unit, and the baselines it must beat.

    `default` is the baseline served when no backtest is possible or the model does not win.
    """

    key: str
    kpi: str
    label: str
    unit: str
    baselines: tuple[str, ...]
    default: str
    ceiling: float | None = None  # largest possible value, for shares
    is_count: bool = False


@dataclass(frozen=True)
class ForecastOutput:
    """Rows for `fact_forecast` and `fact_backtest` (columns as there), and one model card a target."""

    forecast: pd.DataFrame
    backtest: pd.DataFrame
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)


def silent(_what: str, _done: int, _total: int) -> None:
    """Report no progress."""


def level_index(level: float) -> int:
    """Return the position of a quantile level in `LEVELS`; raises ValueError for a level that is not there."""
    found = np.flatnonzero(np.isclose(LEVELS, level))
    if len(found) != 1:
        raise ValueError(f"quantile level {level} is not one of {LEVELS.tolist()}")
    return int(found[0])


def interval_columns(quantiles: Floats) -> dict[str, Floats]:
    """Return low and high columns of the 80 % and 95 % interval from quantiles of shape (rows, LEVELS)."""
    columns: dict[str, Floats] = {}
    for name, (low, high) in INTERVALS.items():
        columns[f"low_{name}"] = quantiles[:, level_index(low)]
        columns[f"high_{name}"] = quantiles[:, level_index(high)]
    return columns


def forecast_frame(columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return a frame with exactly the columns of `fact_forecast`; those not given are missing."""
    frame = pd.DataFrame(dict(columns))
    for name in FORECAST_COLUMNS:
        if name not in frame:
            frame[name] = None
    frame["exam_key"] = frame["exam_key"].astype("Int64")
    frame["local_hour"] = frame["local_hour"].astype("Int32")
    for name in ("issued_at", "hour_at", "expected_at"):
        frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
    for name in ("value", "low_80", "high_80", "low_95", "high_95", "probability"):
        frame[name] = frame[name].astype("float64")
    return frame[list(FORECAST_COLUMNS)]


def utc(seconds: float) -> datetime:
    """Return the aware UTC instant of seconds since 1970."""
    return datetime.fromtimestamp(seconds, tz=UTC)
