"""Charts one clicks to filter."""

from __future__ import annotations

import pandas as pd
import pytest
import streamlit as st

from app import charts
from app.cross_filter import pick, pickable
from app.spans import spans

FRAME = pd.DataFrame({"modality": ["CT", "MR"], "share": [0.9, 0.8], "p50": [10, 20.0], "p90": [30, 90.0], "n": [5, 6]})


@pytest.mark.parametrize(
    "chart",
    [charts.ranked(FRAME, "modality", "share", "share", what="Share"), spans(FRAME, "modality", what="Waits")],
    ids=["bars", "dots"],
)
def test_only_the_mark_that_says_its_category_can_be_picked(chart: charts.Chart) -> None:
    layers = pickable(chart.spec)["layer"]
    found = [layer for layer in layers if "params" in layer]
    assert len(found) == 1
    assert found[0]["params"][0]["select"]["fields"] == ["category"]
    assert not any("params" in layer for layer in chart.spec["layer"])  # the chart itself stays as it was


@pytest.mark.parametrize(
    ("state", "held"),
    [
        ({"selection": {"picked": [{"category": "Emergency"}]}}, ["E"]),
        ({"selection": {"picked": []}}, ["I"]),
        ({"selection": {"picked": [{"other": 1}]}}, ["I"]),
        ({}, ["I"]),
    ],
)
def test_a_pick_becomes_the_filter_and_nothing_picked_leaves_it(
    monkeypatch: pytest.MonkeyPatch, state: dict[str, object], held: list[str]
) -> None:
    kept = {"chart": state, "patient_class": ["I"]}
    monkeypatch.setattr(st, "session_state", kept)
    pick("chart", "patient_class")
    assert kept["patient_class"] == held
