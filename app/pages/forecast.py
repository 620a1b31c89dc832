"""Forecast: what comes next on each scanner, which reports will be late, and how far to trust it."""

from __future__ import annotations

import streamlit as st

from app import data, filters, outlook
from app.forecasts import TARGETS, ahead_and_past, backtest_table, draw_ahead, draw_at_risk, fullest_hours, model_card
from app.widgets import empty, header, section

who = data.asker()
view = filters.current(who)
issued = outlook.issued_words(who, view)
header(
    who,
    view,
    "Forecast",
    "What comes next, and how far can it be trusted?",
    period=f"{issued}; the period filter does not apply here",
    not_applied=("priority", "patient_class", "procedure_group"),
    reason="Scanner forecasts have no such cut; the list of open exams takes it.",
)

target = (
    st.segmented_control(
        "Forecast",
        list(TARGETS),
        format_func=lambda key: TARGETS[key].label,
        default="table_utilization",
        required=True,
        key="forecast",
        bind="query-params",
    )
    or "table_utilization"
)
rows = data.rows(who, "scanner_forecast", target, view.where)
if rows.empty:
    empty(
        "No forecast is published for this filter.",
        "Clear a filter, or run `radpulse forecast` and then `radpulse publish`.",
    )
else:
    scanners = sorted(rows["scanner_code"].unique())
    scanner = st.selectbox("Scanner", scanners, key="forecast_scanner", bind="query-params", width=220)
    past, ahead = ahead_and_past(who, view, rows, target, scanner or scanners[0])
    section(who, f"{scanner}, the next seven days")
    draw_ahead(past, ahead, target, scanner or scanners[0])
    section(who, "Fullest hours ahead, all scanners shown")
    fullest_hours(who, rows, target)

section(who, "Open exams at risk of a late report")
draw_at_risk(who, view)

section(who, "How good were such forecasts?")
backtest_table(who, target)
section(who, "Model card")
model_card(who, target, rows)
