"""Forecasts and backtests beside the facts they were made from."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
import pyarrow as pa
from sqlalchemy import Connection, delete, func, select

from etl.warehouse.append import append, arrow_schema
from etl.warehouse.tables import fact_backtest, fact_forecast


def last_issue(connection: Connection) -> datetime | None:
    """Return the origin of the forecasts held, None when there are none."""
    last: datetime | None = connection.scalar(select(func.max(fact_forecast.c.issued_at)))
    return last


def store_forecasts(connection: Connection, forecast: pd.DataFrame, backtest: pd.DataFrame) -> None:
    """Replace the forecasts and backtests by new ones (columns as their tables')."""
    for table, frame in ((fact_forecast, forecast), (fact_backtest, backtest)):
        connection.execute(delete(table))
        rows = frame.reindex(columns=[c.name for c in table.columns])
        append(connection, table, pa.Table.from_pandas(rows, schema=arrow_schema(table), preserve_index=False))
