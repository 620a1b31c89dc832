"""Charts one clicks to filter: a picked bar or dot becomes a filter of every page, shown as a chip."""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from typing import Any

import streamlit as st

from app.charts import Chart, Spec
from app.filters import DIMENSIONS, raw_value

PICKED = "picked"
FIELD = "category"  # the field that ranked bars and spans name their rows by


def show_cutting(chart: Chart, dimension: str, key: str) -> None:
    """Draw a chart whose rows are values of a shared filter; a click filters by that value, a click beside clears."""
    if dimension not in DIMENSIONS:
        st.vega_lite_chart(chart.frame, chart.spec, width="stretch", alt=chart.alt, key=key)
        return
    st.vega_lite_chart(
        chart.frame,
        pickable(chart.spec),
        width="stretch",
        alt=f"{chart.alt} A click on a row filters by it.",
        key=key,
        on_select=partial(pick, key, dimension),
    )


def pickable(spec: Spec) -> Spec:
    """Return a specification whose first mark with a tooltip can be picked by its category."""
    found = deepcopy(spec)
    layers: list[Spec] = found.get("layer", [found])
    target = next(layer for layer in layers if "tooltip" in layer.get("encoding", {}))
    target["params"] = [{"name": PICKED, "select": {"type": "point", "fields": [FIELD], "toggle": False}}]
    mark = target["mark"]
    target["mark"] = {**(mark if isinstance(mark, dict) else {"type": mark}), "cursor": "pointer"}
    return found


def pick(key: str, dimension: str) -> None:
    """Make the picked category the dimension's filter; nothing picked changes nothing."""
    state: Any = st.session_state.get(key) or {}
    points = state.get("selection", {}).get(PICKED, [])
    chosen = [raw_value(dimension, str(point[FIELD])) for point in points if FIELD in point]
    if chosen:
        st.session_state[dimension] = chosen
