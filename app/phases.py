"""Turnaround's pictures: the phases of an exam, and the week's slow hours."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import charts, data, matrix
from app.filters import View
from app.spans import spans
from app.theme import WEEKDAYS
from app.widgets import no_rows
from etl.errors import RefusedError

PHASES = ("T06", "T10", "T11", "T14", "T19", "T20", "T21")  # in the order a patient meets them
SHORT = {
    "T06": "Patient waits",
    "T10": "Preparation",
    "T11": "Exam",
    "T14": "End to images",
    "T19": "Waits unread",
    "T20": "Read",
    "T21": "Preliminary to final",
}


def phase_chart(who: data.Asker, view: View) -> None:
    """Draw the median and P90 of each phase, in the order they happen."""
    found = []
    for name in PHASES:
        try:
            frame = data.ask(who, view.query(name)).frame
        except RefusedError:
            continue  # a phase the registry does not have is left out, the others still tell
        if not frame.empty and frame["p50"].notna().any():
            found.append(
                {
                    "phase": SHORT[name],
                    "p50": frame["p50"].iloc[0],
                    "p90": frame["p90"].iloc[0],
                    "n": frame["n"].iloc[0],
                }
            )
    if not found:
        no_rows(view)
        return
    phases = pd.DataFrame(found)
    charts.show(spans(phases, "phase", what="Median phases of an exam", order=list(phases["phase"])))
    st.caption("Medians of phases do not add up to the median of the whole; each exam has its own slow phase.")


def weekday_hours(who: data.Asker, view: View) -> None:
    """Draw P90 of report TAT by weekday and hour of exam end."""
    query = view.query("T16", "weekday", "hour_of_day")
    frame = data.ask(who, query).frame
    if frame["p90"].notna().sum() == 0:
        no_rows(view, frame)
        return
    named = frame.assign(weekday=[WEEKDAYS[int(d) - 1] for d in frame["weekday"]])
    charts.show(
        matrix.heat(
            named,
            "hour_of_day",
            "weekday",
            "p90",
            "min",
            what="P90 report TAT",
            x_order=range(24),
            y_order=WEEKDAYS,
            x_labels={h: f"{h:02d}" for h in range(24)},
        )
    )
    st.caption("P90 report TAT by weekday and local hour of exam end. Empty cells have fewer than five exams.")
