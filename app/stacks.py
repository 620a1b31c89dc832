"""Stacked bars: how a whole divides into parts, one bar a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from app import words
from app.charts import Chart, Spec, height, legend, names_axis, tips


def stacked(
    frame: pd.DataFrame,
    category: str,
    parts: Mapping[str, str],
    unit: str,
    *,
    what: str,
    order: Sequence[str],
    colours: Sequence[str] | None = None,
) -> Chart:
    """Draw one bar a row of `category`, in `order`, divided into the columns of `parts` (column -> label).

    Each part takes its colour by its place in `parts`, from `colours` where parts have an order of their own; a part
    without value is left out.
    """
    long = frame.melt(category, value_vars=list(parts), var_name="column", value_name="value").dropna(subset=["value"])
    shown = [str(name) for name in order if name in set(frame[category])]
    drawn = pd.DataFrame(
        {
            "category": long[category].astype(str),
            "part": long["column"].map(parts),
            "place": long["column"].map({name: place for place, name in enumerate(parts)}),
            "value": long["value"].astype(float),
            "said": [words.amount(float(v), unit) for v in long["value"]],
        }
    )
    number = ".0%" if unit == "share" else ",~f"
    spec: Spec = {
        "height": height(len(shown), legend=True) + 17 * len(parts) // 2,
        "mark": {"type": "bar", "height": {"band": 0.66}},
        "encoding": {
            "y": {"field": "category", "type": "nominal", "sort": shown, "axis": names_axis(150)},
            "x": {
                "field": "value",
                "type": "quantitative",
                "stack": "zero",
                "axis": {"title": None if unit == "share" else unit, "format": number, "tickCount": 5},
            },
            "color": {
                "field": "part",
                "type": "nominal",
                "scale": {"domain": list(parts.values())} | ({"range": list(colours)} if colours else {}),
                "legend": {**(legend() or {}), "columns": 2},
            },
            "order": {"field": "place", "type": "quantitative"},
            "tooltip": tips(category=" ", part="Part", said="Value"),
        },
    }
    return Chart(drawn, spec, _words(frame, category, parts, unit, what, shown))


def _words(
    frame: pd.DataFrame, category: str, parts: Mapping[str, str], unit: str, what: str, order: Sequence[str]
) -> str:
    rows = frame.set_index(category)
    said = []
    for name in order:
        row = rows.loc[name].to_dict()
        known = [(label, float(row[column])) for column, label in parts.items()]
        text = ", ".join(f"{label} {words.amount(value, unit)}" for label, value in known if not words.missing(value))
        said.append(f"{name}: {text or 'no value'}")
    return f"{what}. {'; '.join(said)}." if said else f"{what}: no values."
