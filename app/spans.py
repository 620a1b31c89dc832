"""Median and P90 of waits side by side, on an axis that shows minutes and days alike."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from app import words
from app.charts import Chart, Spec, height, legend, names_axis, ranked_words, tips
from app.theme import GREY

LOG_TICKS = {1: "1 min", 10: "10 min", 60: "1 h", 600: "10 h", 1440: "1 day", 10080: "1 week"}
FINE_TICKS = {
    1: "1 min", 2: "2 min", 5: "5 min", 10: "10 min", 20: "20 min", 60: "1 h", 120: "2 h", 300: "5 h", 720: "12 h",
    1440: "1 day", 2880: "2 days", 10080: "1 week",
}  # fmt: skip
NAMES = {"p50": "median", "p90": "P90"}
SHORTEST_MIN = 0.5  # a logarithm has no zero


def spans(frame: pd.DataFrame, category: str, *, what: str, order: Sequence[str] | None = None) -> Chart:
    """Draw median and P90 in minutes as two dots on a logarithmic axis: waits span minutes to days."""
    shown = frame.dropna(subset=["p50"])
    shown = shown if order is not None else shown.sort_values("p50", ascending=False)
    domain = list(order) if order is not None else [str(c) for c in shown[category]]
    drawn = pd.DataFrame({"category": shown[category].astype(str), "n": [words.count(float(n)) for n in shown["n"]]})
    for name in ("p50", "p90"):
        drawn[name] = shown[name].astype(float).clip(lower=SHORTEST_MIN)
        drawn[f"{name}_said"] = [words.amount(float(v), "min") for v in shown[name]]
    low, high = float(drawn["p50"].min()), float(drawn[["p50", "p90"]].max().max())
    ticks = LOG_TICKS if sum(low <= tick <= high for tick in LOG_TICKS) > 1 else FINE_TICKS
    labels = " : ".join(f"datum.value == {tick} ? '{label}'" for tick, label in ticks.items()) + " : ''"
    x: Spec = {
        "type": "quantitative",
        "scale": {"type": "log", "padding": 48, "nice": False},
        "axis": {"title": None, "values": list(ticks), "labelExpr": labels},
    }
    y = {"field": "category", "type": "nominal", "sort": domain, "axis": names_axis(190)}
    tooltip = tips(category=" ", p50_said="median", p90_said="P90", n="n")
    rule = {
        "mark": {"type": "rule", "aria": False, "color": GREY, "opacity": 0.6},
        "encoding": {"y": y, "x": {**x, "field": "p50"}, "x2": {"field": "p90"}},
    }
    layers: list[Spec] = [rule, *_dots("p50", -9, "right", x, y, tooltip), *_dots("p90", 9, "left", x, y, tooltip)]
    spec = {"height": height(len(drawn), legend=True, title=False), "layer": layers}
    return Chart(drawn, spec, ranked_words(shown, category, "p50", "min", what))


def _dots(name: str, dx: int, align: str, x: Spec, y: Spec, tooltip: list[Spec]) -> list[Spec]:
    """Return the layers of one statistic: its dots, and its values written outwards."""
    scale = {"domain": list(NAMES.values())}
    place = {"y": y, "x": {**x, "field": name}}
    colour = {"datum": NAMES[name], "type": "nominal", "scale": scale, "legend": legend()}
    dots = {
        "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
        "encoding": {**place, "color": colour, "tooltip": tooltip},
    }
    texts = {
        "mark": {"type": "text", "aria": False, "align": align, "dx": dx, "color": GREY},
        "encoding": {**place, "text": {"field": f"{name}_said"}},
    }
    return [dots, texts]
