"""The matrix of cells: two cuts at once, a colour per value, blank where there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from app import words
from app.charts import Chart, Spec, extreme, height, names_axis, tips

WRITTEN_COLUMNS = 8  # more are too narrow for words
_BARE = {"ticks": False, "domain": False}
_BAR = {"orient": "bottom", "gradientLength": 160, "titleFontWeight": "normal"}


def heat(
    frame: pd.DataFrame,
    x: str,
    y: str,
    value: str,
    unit: str,
    *,
    what: str,
    x_order: Sequence[Any],
    y_order: Sequence[str],
    x_labels: Mapping[Any, str] | None = None,
) -> Chart:
    """Draw a matrix of cells; a cell without value stays empty, which is not zero."""
    shown = frame.dropna(subset=[value])
    factor, title, number = words.axis(unit, float(shown[value].max()) if len(shown) else 0.0)
    say = (lambda v: x_labels.get(v, str(v))) if x_labels else str
    drawn = pd.DataFrame(
        {
            "x": [say(v) for v in shown[x]],
            "y": shown[y].astype(str),
            "value": shown[value].astype(float) * factor,
            "said": [words.amount(float(v), unit) for v in shown[value]],
        }
    )
    drawn["label"] = [words.figure(float(v), unit) for v in shown[value]]
    tooltip = tips(y=" ", x="at", said=what)
    if "n" in shown:
        drawn["n"] = [words.count(float(n)) for n in shown["n"]]
        tooltip += tips(n="n")
    place: Spec = {
        "x": {
            "field": "x",
            "type": "ordinal",
            "scale": {"domain": [say(v) for v in x_order], "padding": 0.06},
            "axis": {"title": None, "labelAngle": 0, "orient": "top", "labelOverlap": True, **_BARE},
        },
        "y": {
            "field": "y",
            "type": "ordinal",
            "scale": {"domain": list(y_order), "padding": 0.08},
            "axis": names_axis(150),
        },
    }
    cells: Spec = {
        "mark": {"type": "rect", "cornerRadius": 2},
        "encoding": {
            **place,
            "color": {
                "field": "value",
                "type": "quantitative",
                "scale": {"domain": [0, 1]} if unit == "share" else {"zero": True},
                "legend": {**_BAR, "title": title, "format": number},
            },
            "tooltip": tooltip,
        },
    }
    written = [_written(place)] if len(x_order) <= WRITTEN_COLUMNS else []
    spec: Spec = {"height": height(len(y_order), 24, title=False, color_bar=True), "layer": [cells, *written]}
    return Chart(drawn, spec, heat_words(shown, x, y, value, unit, what, say))


def _written(place: Spec) -> Spec:
    """Return the layer of the values in their cells, dark on light and light on dark in either theme."""
    colour = {
        "condition": {"test": "luminance(scale('color', datum.value)) > 0.3", "value": "#0F1216"},
        "value": "white",
    }
    return {"mark": {"type": "text", "aria": False}, "encoding": {**place, "text": {"field": "label"}, "color": colour}}


def heat_words(shown: pd.DataFrame, x: str, y: str, value: str, unit: str, what: str, say: Any) -> str:
    """Say the fullest and emptiest cell of a matrix."""
    if shown.empty:
        return f"{what}: no values."
    top, low = extreme(shown, value), extreme(shown, value, largest=False)
    return (
        f"{what}. Highest {words.amount(float(top[value]), unit)} for {top[y]} at {say(top[x])}; "
        f"lowest {words.amount(float(low[value]), unit)} for {low[y]} at {say(low[x])}."
    )
