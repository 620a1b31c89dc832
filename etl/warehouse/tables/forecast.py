"""Forecasts as served, and how they were judged."""

from __future__ import annotations

from sqlalchemy import Table

from etl.warehouse.tables.columns import at, day, flag, key, metadata, num, text, whole

fact_forecast = Table(
    "fact_forecast",
    metadata,
    text("target", "forecast key, e.g. scanner_demand"),
    text("kpi", "KPI key it forecasts"),
    text("site_code", "site"),
    text("scanner_code", "scanner"),
    text("modality", "modality"),
    key("exam_key", "open exam (report forecasts); NULL otherwise"),
    at("issued_at", "origin"),
    at("hour_at", "hour forecast; NULL for exam forecasts"),
    day("local_date", "site-local"),
    whole("local_hour", "site-local"),
    num("value", "point forecast (mean or median)"),
    num("low_80", "10 % quantile"),
    num("high_80", "90 % quantile"),
    num("low_95", "2.5 % quantile"),
    num("high_95", "97.5 % quantile"),
    num("probability", "probability to exceed the target (report forecasts)"),
    at("expected_at", "expected report time (report forecasts)"),
    text("served", "model or the baseline that took over"),
    text("model_hash", "SHA-256 of the model file", 64),
    comment="Forecasts as served.",
)

fact_backtest = Table(
    "fact_backtest",
    metadata,
    text("target", "forecast key"),
    text("model", "model or baseline"),
    text("site_code", "'' for all"),
    text("scanner_code", "'' for all"),
    text("metric", "mase, pinball, coverage_80, coverage_95, mae, brier, auc ..."),
    num("value", "value"),
    num("low", "bootstrap interval, where computed"),
    num("high", "bootstrap interval, where computed"),
    whole("origins", "rolling origins"),
    key("n", "cases"),
    flag("is_served", "whether this one is served"),
    comment="Rolling-origin backtests beside their baselines.",
)
