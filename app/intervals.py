"""Shares with their uncertainty: a dot and its 95 % Wilson interval per row."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from app import words
from app.charts import Chart, Spec, height, names_axis, ranked_words, tips
from app.theme import GREY
from app.uncertainty import with_n


def shares(frame: pd.DataFrame, category: str, share: str, *, what: str, order: Sequence[str] | None = None) -> Chart:
    """Draw a share per category with its interval (`low`, `high`) and n beside its name."""
    shown = frame.dropna(subset=[share])
    shown = shown if order is not None else shown.sort_values(share)
    named = [with_n(row[category], row["n"]) for row in shown.to_dict("records")]
    domain = [name for c in order for name in named if name.startswith(f"{c} (n")] if order is not None else named
    drawn = pd.DataFrame({"category": named}, index=shown.index)
    for name in (share, "low", "high"):
        drawn["share" if name == share else name] = shown[name].astype(float)
    drawn["interval"] = [
        words.spread(float(a), float(b), "share") for a, b in zip(shown["low"], shown["high"], strict=True)
    ]
    drawn["said"] = [words.amount(float(v), "share") for v in shown[share]]
    y = {"field": "category", "type": "nominal", "sort": domain, "axis": names_axis(190)}
    x: Spec = {"type": "quantitative", "scale": {"domain": [0, 1]}, "axis": {"title": None, "format": "~%"}}
    tooltip = tips(category=" ", said="Share", interval="95 % interval")
    layers: list[Spec] = [
        {
            "mark": {"type": "rule", "aria": False, "color": GREY, "strokeWidth": 3, "opacity": 0.55},
            "encoding": {"y": y, "x": {**x, "field": "low"}, "x2": {"field": "high"}, "tooltip": tooltip},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 100, "opacity": 1},
            "encoding": {"y": y, "x": {**x, "field": "share"}, "tooltip": tooltip},
        },
        {
            "mark": {"type": "text", "aria": False, "dy": -11, "color": GREY},
            "encoding": {"y": y, "x": {**x, "field": "share"}, "text": {"field": "said"}},
        },
    ]
    spec = {"height": height(len(drawn), 34, title=False), "layer": layers}
    return Chart(drawn, spec, ranked_words(shown, category, share, "share", what))
