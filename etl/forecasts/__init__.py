"""Forecasts of KPIs with honest intervals, judged by rolling backtests and served only where they win.

Importing this package loads no scikit-learn; `run_forecasts` does.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine

from etl.forecasts.base import ForecastOutput, Progress
from etl.settings import Settings

__all__ = ["ForecastOutput", "run_forecasts"]


def run_forecasts(
    engine: Engine, settings: Settings, issued_at: datetime, progress: Progress | None = None
) -> ForecastOutput:
    """Return forecasts, backtests and model cards as of `issued_at`, from the facts `engine` reads.

    Writes model files under `settings.forecast_folder`; raises RefusedError when no scanner hours are derived yet.
    """
    from etl.forecasts.run import run

    return run(engine, settings, issued_at, progress)
