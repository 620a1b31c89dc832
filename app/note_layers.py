"""Annotations on any chart over days: a band, its kind, and its words with the author behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pandas as pd

from app import charts
from app.charts import Chart, Spec, millis, tips
from app.filters import View
from app.notes import noted
from app.theme import GREY
from etl.annotations import Annotation

BAND = "#7B61A8"


def show_days(chart: Chart, view: View) -> None:
    """Draw a chart over days with what was written down about them, for the view's filters."""
    charts.show(annotated(chart, view))


def annotated(chart: Chart, view: View) -> Chart:
    """Return a layered chart over UTC milliseconds `t` with the annotations of its days, and says them."""
    if chart.frame.empty:
        return chart
    first, last = (pd.Timestamp(int(chart.frame["t"].agg(end)), unit="ms").date() for end in ("min", "max"))
    return with_notes(chart, noted(view, first, last + timedelta(days=1)), first, last)


def with_notes(chart: Chart, notes: Sequence[Annotation], first: date, last: date) -> Chart:
    """Return the chart with bands for those of `notes` that touch its days."""
    shown = [note for note in notes if note.from_date <= last and note.to_date > first]
    if not shown:
        return chart
    spec = {**chart.spec, "layer": [*note_layers(shown, first, last), *chart.spec["layer"]]}
    said = "; ".join(f"{note.label} from {note.from_date}: {note.text}" for note in shown)
    return replace(chart, spec=spec, alt=f"{chart.alt} Annotations: {said}.")


def note_layers(notes: Sequence[Annotation], first: date, last: date) -> list[Spec]:
    """Return the bands and their words; days outside `first` to `last` do not stretch the axis."""
    begin = millis(pd.Series(pd.to_datetime([max(note.from_date, first) for note in notes])))
    end = millis(pd.Series(pd.to_datetime([min(note.to_date, last + timedelta(days=1)) for note in notes])))
    rows = [
        {"t": int(a), "t2": int(b), "note": f"{note.label}: {note.text} ({note.author})", "short": note.label}
        for a, b, note in zip(begin, end, notes, strict=True)
    ]
    x: Spec = {"field": "t", "type": "temporal", "scale": {"type": "utc"}}
    band = {
        "data": {"values": rows},
        "mark": {"type": "rect", "opacity": 0.16, "color": BAND, "aria": False},
        "encoding": {"x": x, "x2": {"field": "t2"}, "tooltip": tips(note="Note")},
    }
    label = {
        "data": {"values": rows},
        "mark": {"type": "text", "align": "left", "baseline": "top", "dx": 2, "color": GREY, "aria": False},
        "encoding": {"x": x, "y": {"value": 2}, "text": {"field": "short"}},
    }
    return [band, label]
