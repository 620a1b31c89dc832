"""Values with their intervals, and weekly values between their limits: how sure a number is, and what stands out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from app import words
from app.charts import Chart, Spec, height, legend, millis, names_axis, ranked_words, tips
from app.theme import GREY
from etl.kpis.spc import Xmr, signals, xmr

USUAL, UNUSUAL = "as usual", "unusual"


def intervals(
    frame: pd.DataFrame,
    category: str,
    value: str,
    unit: str,
    *,
    what: str,
    order: Sequence[str] | None = None,
    signed: bool = False,
) -> Chart:
    """Draw a dot with its interval (columns low, high) a row; `signed` values are differences around nought."""
    shown = frame.dropna(subset=[value, "low", "high"])
    shown = shown if order is not None else shown.sort_values(value, ascending=False)
    named = [with_n(row[category], row["n"]) for row in shown.to_dict("records")]
    domain = [name for c in order for name in named if name.startswith(f"{c} (n")] if order is not None else named
    factor, title, number = (
        (1.0, "minutes", ",~f") if signed else words.axis(unit, float(shown["high"].max()) if len(shown) else 0.0)
    )
    drawn = pd.DataFrame({"category": named}, index=shown.index)
    for name in (value, "low", "high"):
        drawn["value" if name == value else name] = shown[name].astype(float) * factor
    say = words.difference if signed else words.amount
    drawn["label"] = [say(float(v), unit) for v in shown[value]]
    between = zip(shown["low"], shown["high"], strict=True)
    drawn["between"] = [f"{say(float(a), unit)} to {say(float(b), unit)}" for a, b in between]
    drawn["n"] = [words.count(float(n)) for n in shown["n"]]
    x: Spec = {
        "field": "value",
        "type": "quantitative",
        "scale": _scale(drawn),
        "axis": {"title": None if unit == "share" else title, "format": number, "tickCount": 5, "grid": True},
    }
    y = {"field": "category", "type": "nominal", "sort": domain, "axis": names_axis(280)}
    tip = tips(category=" ", label="Value", between="95 % interval", n="n")
    layers: list[Spec] = [
        {
            "mark": {"type": "rule", "strokeWidth": 2, "aria": False, "color": GREY},
            "encoding": {"y": y, "x": {**x, "field": "low"}, "x2": {"field": "high"}, "tooltip": tip},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
            "encoding": {"y": y, "x": x, "tooltip": tip},
        },
        {
            "mark": {"type": "text", "aria": False, "dy": -11, "color": GREY},
            "encoding": {"y": y, "x": x, "text": {"field": "label"}},
        },
    ]
    if signed:
        nought = {"mark": {"type": "rule", "strokeDash": [4, 3], "color": GREY}, "encoding": {"x": {"datum": 0}}}
        layers.insert(0, nought)
    spec = {"height": height(len(drawn), 34), "layer": layers}
    return Chart(drawn, spec, ranked_words(shown, category, value, unit, what))


def with_n(category: object, n: float) -> str:
    """Return a category's name with what it rests on."""
    return f"{category} (n = {words.count(float(n))})"


def _scale(drawn: pd.DataFrame) -> Spec:
    """Return a scale from nought that holds both ends of every interval."""
    if drawn.empty:
        return {"zero": True}
    low, high = min(0.0, float(drawn["low"].min())), max(0.0, float(drawn["high"].max()))
    room = 0.03 * (high - low)
    return {"domain": [low - room * (low < 0), high + room], "nice": False}


def control(frame: pd.DataFrame, at: str, value: str, unit: str, *, what: str) -> Chart:
    """Draw a series in time with its centre and natural limits (XmR); what no chance explains has another shape."""
    series = frame[value].to_numpy(dtype="float64")
    limits = xmr(series)
    shown = _within_share(limits) if unit == "share" else limits
    marked = [UNUSUAL if found else USUAL for found in signals(series, limits)]
    drawn = pd.DataFrame({"t": millis(frame[at]), "value": series, "state": marked})
    drawn["label"] = [words.amount(v, unit) for v in series]
    drawn["n"] = [words.count(float(n)) for n in frame["n"]]
    drawn = drawn[~np.isnan(series)]
    title = None if unit == "share" else unit
    x: Spec = {"field": "t", "type": "temporal", "scale": {"type": "utc"}, "axis": {"title": None, "format": "%-d %b"}}
    y: Spec = {
        "field": "value",
        "type": "quantitative",
        "scale": {"zero": False, "nice": True},
        "axis": {"title": title, "format": ".0%" if unit == "share" else ",~f"},
    }
    place = {"x": x, "y": y, "tooltip": tips(label="Value", n="n", state=" ")}
    scale = {"domain": [USUAL, UNUSUAL]}
    colour = {"field": "state", "type": "nominal", "scale": scale, "legend": legend()}
    shape = {"field": "state", "type": "nominal", "scale": {**scale, "range": ["circle", "diamond"]}, "legend": None}
    points = {
        "mark": {"type": "point", "filled": True, "size": 85, "opacity": 1},
        "encoding": {**place, "color": colour, "shape": shape},
    }
    line = {"mark": {"type": "line", "color": GREY, "strokeWidth": 1.2}, "encoding": {"x": x, "y": y}}
    spec = {"height": 260, "layer": [*_limits(shown), line, points]}
    return Chart(drawn, spec, control_words(drawn, limits, unit, what))


def _within_share(limits: Xmr) -> Xmr:
    """Return limits of a share as far as there are shares."""
    return Xmr(limits.centre, max(limits.low, 0.0), min(limits.high, 1.0), limits.n)


def _limits(limits: Xmr) -> list[Spec]:
    marks = {limits.centre: [], limits.low: [5, 4], limits.high: [5, 4]}
    return [
        {
            "mark": {"type": "rule", "color": GREY, "strokeDash": dash, "aria": False},
            "encoding": {"y": {"datum": at}},
        }
        for at, dash in marks.items()
        if not np.isnan(at)
    ]


def control_words(drawn: pd.DataFrame, limits: Xmr, unit: str, what: str) -> str:
    """Say the last value, the centre and how many values stand out."""
    if drawn.empty:
        return f"{what}: no values."
    odd: Any = int((drawn["state"] == UNUSUAL).sum())
    short = " Too few points for limits to say much." if limits.is_short else ""
    return (
        f"{what}. Last {drawn['label'].iloc[-1]}, mean {words.amount(limits.centre, unit)}, "
        f"{words.plural(odd, 'unusual value')} of {len(drawn)}.{short}"
    )
