"""Access's pictures: what becomes of appointments by lead time, and who waits how long."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import charts, data
from app.filters import View
from app.stacks import stacked
from app.widgets import no_rows

OUTCOMES = {
    "share": "kept",
    "by_patient": "cancelled by patient",
    "by_provider": "by provider",
    "by_site": "by the department",
    "by_other": "other or unknown",
    "no_show": "did not come",
}
# as etl.warehouse.booking_terms names them, shortest first
LEAD_BANDS = ("under 1 day", "1 to 7 days", "7 to 14 days", "14 to 28 days", "28 to 42 days", "42 days and more")
AGES = {
    "under_2_weeks": "under 2 weeks",
    "from_2_to_4": "2 to 4 weeks",
    "from_4_to_6": "4 to 6 weeks",
    "from_6_to_13": "6 to 13 weeks",
    "over_13_weeks": "13 weeks and more",
}


def outcomes(who: data.Asker, view: View) -> None:
    """Draw what became of appointments by lead time."""
    frame = data.ask(who, view.query("U16b", "lead_band")).frame
    known = frame.dropna(subset=["share"])
    if known.empty:
        no_rows(view, frame)
        return
    charts.show(
        stacked(known, "lead_band", OUTCOMES, "share", what="Outcome of appointments by lead time", order=LEAD_BANDS)
    )
    st.caption("By days between making the booking and the appointment. A moved appointment counts once, by its last.")


def waiters(who: data.Asker, view: View) -> None:
    """Draw how many patients wait for an appointment's exam, by age of the request and modality."""
    frame = data.ask(who, view.query("T04", "modality")).frame
    waiting = frame[frame["count"] > 0].sort_values("count", ascending=False)
    if waiting.empty:
        no_rows(view, frame)
        return
    order = [str(name) for name in waiting["modality"]]
    charts.show(stacked(_whole(waiting), "modality", AGES, "orders", what="Open waiters by age", order=order))
    st.caption("Outpatients not yet examined at the end of the period, by time since the request was received.")


def _whole(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype(dict.fromkeys(AGES, "float64"))
