"""Model cards: what was trained, on what, how it scored, and whether a saved model may be used again."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from etl.errors import RefusedError
from etl.forecasts import persist
from etl.forecasts.backtest import Scores
from etl.forecasts.base import BACKTEST_COLUMNS, Target
from etl.forecasts.metrics import Estimate

RETRAIN_AFTER = timedelta(days=7)


def make_card(
    target: Target, recipe: str, schema: str, window: tuple[datetime, datetime], scores: Scores | None, **more: Any
) -> dict[str, Any]:
    """Return the card of a freshly trained model; `window` is the training window, `more` what identifies its data."""
    return {
        "target": target.key,
        "kpi": target.kpi,
        "label": target.label,
        "unit": target.unit,
        "recipe": recipe,
        "schema": schema,
        "trained_from": window[0].isoformat(),
        "trained_until": window[1].isoformat(),
        "baselines": list(target.baselines),
        "best_baseline": scores.best_baseline if scores else target.default,
        "skill": [scores.skill.value, scores.skill.low, scores.skill.high] if scores else None,
        "scores": [_without_nan(row) for row in scores.rows] if scores else [],
        **more,
    }


def _without_nan(row: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()}


def scores_of(card: dict[str, Any]) -> Scores | None:
    """Return the backtest scores a card holds, or None where there was no backtest."""
    if card["skill"] is None:
        return None
    rows = [{k: math.nan if v is None else v for k, v in row.items()} for row in card["scores"]]
    return Scores(rows, card["best_baseline"], Estimate(*card["skill"]))


def backtest_frame(card: dict[str, Any], served: str) -> pd.DataFrame:
    """Return the card's scores as rows of `fact_backtest`, those of the served method marked."""
    scores = scores_of(card)
    return scores.frame(served) if scores else pd.DataFrame(columns=list(BACKTEST_COLUMNS))


def saved_model(
    folder: Path, key: str, expected: dict[str, Any], issued_at: datetime
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (bundle, card) of a saved model that is young enough and saw nothing after `issued_at`.

    Raises RefusedError when there is none: the caller trains.
    """
    bundle, card = persist.load(folder, key, expected)
    until = datetime.fromisoformat(card["trained_until"])
    if not until <= issued_at < until + RETRAIN_AFTER:
        raise RefusedError(f"model {key}: trained on data until {until}, the forecast starts {issued_at}; retrain")
    return bundle, card
