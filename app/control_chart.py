"""The picture of a KPI's control chart: values between frozen limits, phases, annotations, the target."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from app import words
from app.charts import Chart, Spec, legend, millis, tips
from app.control import limits
from app.note_layers import with_notes
from app.theme import GREY
from etl.annotations import Annotation
from etl.kpis.kpi_chart import KpiChart

USUAL, BETTER_SIDE, WORSE_SIDE, OTHER = "common cause", "improvement", "concern", "special cause"
KINDS = {USUAL: "circle", BETTER_SIDE: "triangle-up", WORSE_SIDE: "diamond", OTHER: "square"}
COLOURS = {USUAL: GREY, BETTER_SIDE: "#1F77C9", WORSE_SIDE: "#D9730D", OTHER: "#7B61A8"}
HEIGHT_PX = 260


def control_picture(
    chart: KpiChart, unit: str, *, notes: Sequence[Annotation] = (), target: float | None = None, said: str = ""
) -> Chart:
    """Draw a control chart; `said` is the sentence under it, part of what a screen reader hears."""
    frame = points(chart, unit)
    factor, title, number = words.axis(unit, float(np.nanmax([*frame["high"], *frame["value"]])) if len(frame) else 0.0)
    drawn = frame.assign(**{name: frame[name] * factor for name in ("value", "expected", "low", "high")})
    x: Spec = {"field": "t", "type": "temporal", "scale": {"type": "utc"}, "axis": {"title": None, "format": "%-d %b"}}
    y_axis = {"title": None if title == "share" else title, "format": number, "titleAnchor": "end"}
    y: Spec = {"field": "value", "type": "quantitative", "axis": y_axis, "scale": {"zero": False}}
    layers = [*_limit_layers(x), _line(x, y), _points(x, y)]
    if target is not None:
        layers.insert(0, _target_layer(target * factor))
    plain = Chart(drawn, {"height": HEIGHT_PX, "layer": layers}, alt_words(chart, frame, unit, said))
    return with_notes(plain, notes, chart.buckets[0], chart.buckets[-1]) if chart.buckets else plain


def points(chart: KpiChart, unit: str) -> pd.DataFrame:
    """Return a row a point that has a value: bucket, value, expected, limits, what it says, and why."""
    control = chart.control
    low, high = limits(chart, unit)
    kinds = [_kind(chart, place) for place in range(len(chart.buckets))]
    frame = pd.DataFrame(
        {
            "t": millis(pd.Series(pd.to_datetime(list(chart.buckets)))),
            "value": control.series.values,
            "expected": control.expected,
            "low": low,
            "high": high,
            "kind": kinds,
            "why": [", ".join(sorted(cause.value for cause in causes)) or "none" for causes in control.causes],
            "day": [words.day(day) for day in chart.buckets],
        }
    )
    frame["said"] = [words.amount(value, unit) for value in frame["value"]]
    return frame[frame["value"].notna()].reset_index(drop=True)


def _kind(chart: KpiChart, place: int) -> str:
    if not chart.control.causes[place]:
        return USUAL
    if chart.better == "neutral":
        return OTHER
    return BETTER_SIDE if (chart.control.side(place) > 0) == (chart.better == "higher") else WORSE_SIDE


def _limit_layers(x: Spec) -> list[Spec]:
    area = {
        "mark": {"type": "area", "interpolate": "step", "opacity": 0.14, "color": GREY, "aria": False},
        "encoding": {"x": x, "y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}},
    }
    centre = {
        "mark": {"type": "line", "interpolate": "step", "strokeWidth": 1, "color": GREY, "aria": False},
        "encoding": {"x": x, "y": {"field": "expected", "type": "quantitative"}},
    }
    return [area, centre]


def _line(x: Spec, y: Spec) -> Spec:
    mark = {"type": "line", "color": GREY, "strokeWidth": 1, "opacity": 0.6, "aria": False}
    return {"mark": mark, "encoding": {"x": x, "y": y}}


def _points(x: Spec, y: Spec) -> Spec:
    domain = {"domain": list(KINDS)}
    colour = {
        "field": "kind",
        "type": "nominal",
        "scale": {**domain, "range": list(COLOURS.values())},
        "legend": legend(),
    }
    shape = {"field": "kind", "type": "nominal", "scale": {**domain, "range": list(KINDS.values())}, "legend": legend()}
    return {
        "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
        "encoding": {
            "x": x,
            "y": y,
            "color": colour,
            "shape": shape,
            "tooltip": tips(day="Day", said="Value", kind="Says", why="Rules"),
        },
    }


def _target_layer(at: float) -> Spec:
    return {
        "mark": {"type": "rule", "strokeDash": [2, 3], "strokeWidth": 1.5, "color": GREY, "aria": False},
        "encoding": {"y": {"datum": at}},
    }


def alt_words(chart: KpiChart, frame: pd.DataFrame, unit: str, said: str) -> str:
    """Say the last value, the usual range and how many points have a special cause."""
    what = f"Control chart ({chart.control.series.chart}) of {chart.kpi.label}"
    if frame.empty:
        return f"{what}: no points."
    last = frame.iloc[-1]
    special = int((frame["kind"] != USUAL).sum())
    text = f"{what}: last {last['said']} on {last['day']}, {special} of {len(frame)} points with a special cause"
    return f"{text}. {said}" if said else f"{text}."
