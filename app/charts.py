"""Charts as plain Vega-Lite dictionaries: only drawn columns travel, every chart says itself in words (`alt`).

Colours come from the theme's categorical range by order of the domain, so light and dark need no second spec:
first blue, then orange, then grey. Dates are sent as UTC milliseconds and drawn in UTC, so the browser's zone
cannot shift a site-local day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
import streamlit as st

from app import words
from app.theme import GREY

Spec = dict[str, Any]
ROW_PX = 26
FEW_POINTS = 8
AXIS_PX, LEGEND_PX, TITLE_PX = 52, 34, 20  # Streamlit fits axes and legends into the height asked for


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawable: the data, the specification without data, and the sentence that says what is seen."""

    frame: pd.DataFrame
    spec: Spec
    alt: str


def show(chart: Chart, key: str | None = None) -> None:
    """Draw a chart over the full width."""
    st.vega_lite_chart(chart.frame, chart.spec, width="stretch", alt=chart.alt, key=key)


def height(rows: int, row: int = ROW_PX, *, legend: bool = False, title: bool = True, color_bar: bool = False) -> int:
    """Return the height that leaves each row its pixels."""
    extra = AXIS_PX + LEGEND_PX * legend + TITLE_PX * title + 62 * color_bar
    return max(rows, 1) * row + extra


def millis(days: pd.Series[Any]) -> pd.Series[Any]:
    """Return dates or naive local times as UTC milliseconds."""
    return pd.to_datetime(days).astype("datetime64[ms]").astype("int64")


def _title(text: str) -> Spec:
    """Return the axis title; percent signs already say that it is a share."""
    return {"title": None} if text == "share" else {"title": text, "titleAnchor": "end", "titleFontWeight": "normal"}


def names_axis(limit: int) -> Spec:
    """Return the axis of named rows: every name shown, none skipped."""
    return {
        "title": None,
        "labelLimit": limit,
        "ticks": False,
        "domain": False,
        "labelOverlap": False,
        "labelFlush": False,
    }


def legend(shown: bool = True) -> Spec | None:
    """Return the legend above a chart, None where one series needs none."""
    return {"orient": "top", "title": None, "labelLimit": 220} if shown else None


def _time_axis(days: int, at: Sequence[date]) -> Spec:
    """Return the axis of `days` days; few points, as weeks or months are, carry their own ticks."""
    step = "%a %-d" if days <= 10 else "%-d %b"
    axis = {"title": None, "format": step, "grid": False, "labelOverlap": True, "tickCount": min(days, 8)}
    ticks = [{"year": d.year, "month": d.month, "date": d.day, "utc": True} for d in at]
    return axis | {"values": ticks} if len(at) <= FEW_POINTS else axis


_UP_TO_ALL: Spec = {"labelExpr": "datum.value > 1.001 ? '' : datum.label"}  # no share is 120 %


def tips(**titles: str) -> list[Spec]:
    """Return a tooltip of fields and their titles."""
    return [{"field": field, "title": title} for field, title in titles.items()]


def trend(
    frame: pd.DataFrame,
    day: str,
    series: Mapping[str, str],
    unit: str,
    *,
    what: str,
    incomplete_from: date | None = None,
) -> Chart:
    """Draw one line per column of `series` (column -> label) over site-local days; a running last bucket is hollow."""
    frame = frame.assign(**{day: pd.to_datetime(frame[day])})
    limit = None if incomplete_from is None else pd.Timestamp(incomplete_from)
    factor, title, number = words.axis(unit, float(frame[list(series)].max().max()) if len(frame) else 0.0)
    drawn = _long(frame, day, series, unit, factor, limit)
    span = (frame[day].max() - frame[day].min()).days + 1 if len(frame) else 1
    place: Spec = {
        "x": {
            "field": "t",
            "type": "temporal",
            "scale": {"type": "utc"},
            "axis": _time_axis(span, sorted(set(frame[day]))),
        },
        "y": {
            "field": "value",
            "type": "quantitative",
            "axis": {**_title(title), "format": number},
            "scale": {"zero": True},
        },
    }
    scale = {"domain": list(series.values())}
    colour = {"field": "series", "type": "nominal", "scale": scale, "legend": legend(len(series) > 1)}
    line = {
        "transform": [{"filter": "!datum.running"}],
        "mark": {"type": "line", "strokeWidth": 2},
        "encoding": {**place, "color": colour},
    }
    points = {
        "mark": {"type": "point", "size": 42, "strokeWidth": 1.5},
        "encoding": {
            **place,
            "color": colour,
            "tooltip": tips(day="Day", series="Series", said="Value"),
            "fillOpacity": {"condition": {"test": "datum.running", "value": 0}, "value": 1},
            "fill": {**colour, "legend": None},
        },
    }
    return Chart(drawn, {"height": 280, "layer": [line, points]}, trend_words(frame, day, series, unit, what, limit))


def _long(
    frame: pd.DataFrame, day: str, series: Mapping[str, str], unit: str, factor: float, limit: pd.Timestamp | None
) -> pd.DataFrame:
    """Return one row a point, with its words and whether its bucket is still running; the first series lies on top."""
    long = (
        frame[[day, *reversed(list(series))]].melt(day, var_name="column", value_name="value").dropna(subset=["value"])
    )
    running = [limit is not None and d >= limit for d in long[day]]
    return pd.DataFrame(
        {
            "t": millis(long[day]),
            "series": long["column"].map(series),
            "value": long["value"].astype(float) * factor,
            "said": [words.amount(float(v), unit) for v in long["value"]],
            "running": running,
            "day": [words.day(d) + (" (incomplete)" if r else "") for d, r in zip(long[day], running, strict=True)],
        }
    )


def trend_words(
    frame: pd.DataFrame, day: str, series: Mapping[str, str], unit: str, what: str, incomplete_from: pd.Timestamp | None
) -> str:
    """Say a trend: last complete value of each series against the range of the period."""
    said = []
    for column, label in series.items():
        known = frame[[day, column]].dropna()
        if incomplete_from is not None:
            known = known[known[day] < incomplete_from]
        if known.empty:
            said.append(f"{label}: no complete day")
            continue
        last, low, high = known[column].iloc[-1], known[column].min(), known[column].max()
        said.append(
            f"{label} {words.amount(float(last), unit)} on {words.day(known[day].iloc[-1])}, "
            f"between {words.amount(float(low), unit)} and {words.amount(float(high), unit)} "
            f"over {words.plural(len(known), 'point')}"
        )
    return f"{what}. {'; '.join(said)}."


def ranked(
    frame: pd.DataFrame, category: str, value: str, unit: str, *, what: str, order: Sequence[str] | None = None
) -> Chart:
    """Draw horizontal bars with their values written beside them, sorted by value or in `order`."""
    shown = frame.dropna(subset=[value])
    if order is None:
        shown = shown.sort_values(value, ascending=False)
    domain = list(order) if order is not None else [str(c) for c in shown[category]]
    factor, title, number = words.axis(unit, float(shown[value].max()) if len(shown) else 0.0)
    drawn = pd.DataFrame({"category": shown[category].astype(str), "value": shown[value].astype(float) * factor})
    drawn["said"] = [words.amount(float(v), unit) for v in shown[value]]
    drawn["label"] = [words.figure(float(v), unit) for v in shown[value]]
    tooltip = tips(category=" ", said="Value")
    if "n" in shown:
        drawn["n"] = [words.count(float(n)) for n in shown["n"]]
        tooltip += tips(n="n")
        if unit == "share":
            drawn["label"] = [f"{said}, n = {n}" for said, n in zip(drawn["said"], drawn["n"], strict=True)]
    room = 1.1 + 0.02 * max(map(len, drawn["label"]), default=0)  # for the words at the bars
    place: Spec = {
        "y": {"field": "category", "type": "nominal", "sort": domain, "axis": names_axis(190)},
        "x": {
            "field": "value",
            "type": "quantitative",
            "axis": {**_title(title), "format": number, "tickCount": 5, **(_UP_TO_ALL if unit == "share" else {})},
            "scale": {"domainMax": room * float(drawn["value"].max())} if (drawn["value"] > 0).any() else {},
        },
    }
    bar = {
        "mark": {"type": "bar", "height": {"band": 0.62}, "cornerRadiusEnd": 2},
        "encoding": {**place, "tooltip": tooltip},
    }
    text = {
        "mark": {"type": "text", "aria": False, "align": "left", "dx": 4, "color": GREY},
        "encoding": {**place, "text": {"field": "label"}},
    }
    spec = {"height": height(len(drawn)), "layer": [bar, text]}
    return Chart(drawn, spec, ranked_words(shown, category, value, unit, what))


def extreme(frame: pd.DataFrame, column: str, *, largest: bool = True) -> Any:
    """Return the row with the largest (or smallest) value of a column."""
    values = frame[column].to_numpy(dtype="float64")
    return frame.iloc[int(values.argmax() if largest else values.argmin())]


def ranked_words(shown: pd.DataFrame, category: str, value: str, unit: str, what: str) -> str:
    """Say the highest and lowest of a ranking."""
    if shown.empty:
        return f"{what}: no values."
    top, bottom = extreme(shown, value), extreme(shown, value, largest=False)
    return (
        f"{what}. Highest {top[category]} {words.amount(float(top[value]), unit)}, "
        f"lowest {bottom[category]} {words.amount(float(bottom[value]), unit)}, {words.plural(len(shown), 'row')}."
    )
