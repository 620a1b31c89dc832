"""Explore's chart and table: the picture follows from the cut."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import streamlit as st

from app import charts, matrix, words
from app.cross_filter import show_cutting
from app.filters import DIMENSIONS, View
from app.note_layers import show_days
from app.theme import PATIENT_CLASSES, PRIORITIES, WEEKDAYS
from etl.kpis.query import GRAINS, Result

GRAIN_WORDS = {"none": "not", "hour": "by hour", "day": "by day", "week": "by week", "month": "by month"}
MOST_LINES = 8
MOST_BARS = 30
MEASURE_WORDS = {
    "p50": "Median", "p90": "P90", "p50_closed": "Median, closed only", "p90_closed": "P90, closed only",
    "mean_closed": "Mean, closed only", "n": "n", "per_hour": "Per hour",
}  # fmt: skip


def dimension_label(name: str) -> str:
    """Return a dimension's name for people."""
    return DIMENSIONS.get(name, name.replace("_", " ").capitalize())


def measure_label(name: str) -> str:
    """Return a measure's name for people."""
    return MEASURE_WORDS.get(name, name.replace("_", " ").capitalize())


def said_value(dimension: str, value: Any) -> str:
    """Return a dimension's value for people."""
    if dimension == "weekday":
        return WEEKDAYS[int(value) - 1]
    if dimension == "hour_of_day":
        return f"{int(value):02d}:00"
    return PATIENT_CLASSES.get(str(value), str(value)) if dimension == "patient_class" else str(value)


def draw(result: Result, measure: str, view: View) -> None:
    """Draw lines over time, a matrix for two cuts, bars for one, or the bare number."""
    cuts = [name for name in result.meta.by if name not in GRAINS]
    grain = next((name for name in result.meta.by if name in GRAINS), None)
    unit = result.meta.columns[measure]
    frame = result.frame.assign(**{c: [said_value(c, v) for v in result.frame[c]] for c in cuts})
    what = f"{result.meta.label}, {measure_label(measure).lower()}"
    if grain:
        _over_time(frame, grain, cuts, measure, unit, what, view)
    elif len(cuts) == 2:
        rows, columns = _order(result, cuts[0]), _order(result, cuts[1])
        charts.show(matrix.heat(frame, cuts[1], cuts[0], measure, unit, what=what, x_order=columns, y_order=rows))
    elif cuts:
        order = _order(result, cuts[0]) if cuts[0] in {"weekday", "hour_of_day", "priority"} else None
        kept = frame.nlargest(MOST_BARS, measure) if len(frame) > MOST_BARS else frame
        if len(kept) < len(frame):
            st.caption(f"The {MOST_BARS} highest of {len(frame)} are drawn; the table has all.")
        show_cutting(charts.ranked(kept, cuts[0], measure, unit, what=what, order=order), cuts[0], "cut_explore")
    else:
        st.metric(what, words.amount(frame[measure].iloc[0], unit))


def _order(result: Result, cut: str) -> list[str]:
    found = sorted(result.frame[cut].unique())
    if cut == "priority":
        found = [p for p in PRIORITIES if p in found] + [v for v in found if v not in PRIORITIES]
    return [said_value(cut, v) for v in found]


def _over_time(
    frame: pd.DataFrame, grain: str, cuts: list[str], measure: str, unit: str, what: str, view: View
) -> None:
    running = running_from(grain, view)
    if not cuts:
        chart = charts.trend(frame, grain, {measure: measure_label(measure)}, unit, what=what, incomplete_from=running)
        show_days(chart, view)
        return
    named = frame.assign(line=frame[cuts].agg(" / ".join, axis=1))
    weight = "n" if "n" in named else measure
    keep = list(named.groupby("line")[weight].sum().sort_values(ascending=False).head(MOST_LINES).index)
    wide = named[named["line"].isin(keep)].pivot_table(index=grain, columns="line", values=measure).reset_index()
    lines = {str(c): str(c) for c in wide.columns if c != grain}
    if named["line"].nunique() > MOST_LINES:
        st.caption(f"The {MOST_LINES} with most items of {named['line'].nunique()} are drawn; the table has all.")
    show_days(charts.trend(wide, grain, lines, unit, what=what, incomplete_from=running), view)


def running_from(grain: str, view: View) -> date | None:
    """Return the first day of the bucket that is still running, None where all are complete."""
    if not view.incomplete or grain == "hour":
        return None
    if grain == "week":
        return date.fromordinal(view.today.toordinal() - view.today.weekday())
    return view.today.replace(day=1) if grain == "month" else view.today


def result_table(result: Result) -> None:
    """Show every row of the result, sortable, with units in the headings; numbers rounded for reading only."""
    config: dict[str, Any] = {}
    shown = result.frame.copy()
    for name in result.meta.by:
        if name in GRAINS:
            kind = "YYYY-MM-DD HH:mm" if name == "hour" else "YYYY-MM-DD"
            config[name] = st.column_config.DatetimeColumn(name.capitalize(), format=kind)
        else:
            shown[name] = [said_value(name, v) for v in shown[name]]
            config[name] = dimension_label(name)
    for name, unit in result.meta.columns.items():
        if unit == "share":
            shown[name] = shown[name] * 100
        label = f"{measure_label(name)} ({'%' if unit == 'share' else unit})"
        digits = "localized" if pd.api.types.is_integer_dtype(shown[name]) else "%.1f"
        config[name] = st.column_config.NumberColumn(label, format=digits)
    st.dataframe(shown, hide_index=True, column_config=config, height=380 if len(shown) > 10 else "auto",
        alt=f"{result.meta.label}: {len(shown)} rows by {', '.join(result.meta.by) or 'nothing'}")  # fmt: skip
    st.caption(
        f"{words.plural(len(shown), 'row')}. Sort by a heading; the export keeps full precision and its own order."
    )
