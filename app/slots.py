"""Access's pictures: what becomes of appointments and of time given back, and who waits how long."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import charts, data, family
from app.cross_filter import show_cutting
from app.filters import View
from app.note_layers import show_days
from app.stacks import stacked
from app.widgets import no_rows, table

OUTCOMES = {
    "share": "kept",
    "by_patient": "patient cancelled",
    "by_provider": "provider cancelled",
    "by_site": "site cancelled",
    "by_other": "other or unknown",
    "no_show": "did not come",
}
RECOVERED = {"share": "another patient booked", "used_unbooked": "used without a booking"}
JUDGED = {
    "T04": "patients still waiting; the clock runs from the request, whatever happened since",
    "T04-adjusted": "the same patients; the clock begins anew at an appointment the patient gave up",
    "T24-access": "orders of the period; the share examined within the target, so high is good",
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


def against_target(who: data.Asker, view: View) -> None:
    """Draw the three shares that judge waits by the access target as one table, with what tells them apart."""
    asked = [(data.kpi(name), of_whom) for name, of_whom in JUDGED.items()]
    said = [family.said(who, view, kpi) for kpi, _ in asked]
    shown = {
        "Number": [f"{kpi.label} ({kpi.id})" for kpi, _ in asked],
        "Value": [value for value, _ in said],
        "Of whom": [f"{of_whom} ({note})" for (_, of_whom), (_, note) in zip(asked, said, strict=True)],
    }
    table(pd.DataFrame(shown), alt="Waits against the access target")
    st.caption(
        "Who still waits is counted at the end of the period, whenever the order came. Orders of the period are judged "
        "once they are as old as the target: choose a period that began longer ago where all are still open."
    )


def recovered(who: data.Asker, view: View) -> None:
    """Draw by modality what became of time given back: booked again, or used without a booking."""
    frame = data.ask(who, view.query("U17", "modality")).frame
    known = frame.dropna(subset=["share"]).sort_values("n", ascending=False)
    if known.empty:
        no_rows(view, frame)
        return
    order = [str(name) for name in known["modality"]]
    charts.show(stacked(known, "modality", RECOVERED, "share", what="Time given back and used again", order=order))
    st.caption(
        "Of appointments cancelled or not come to. Only the first part is the recovered-slot rate (U17): another "
        "patient was booked into the time. In the second an emergency, inpatient or walk-in exam began; "
        "what is left of 100 % stayed empty."
    )


def _whole(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype(dict.fromkeys(AGES, "float64"))


def third_available(who: data.Asker, view: View) -> None:
    """Draw the days to the third open slot over time, one line a modality."""
    frame = data.ask(who, view.query("U19", "week", "modality")).frame
    wide = frame.dropna(subset=["p50"]).pivot(index="week", columns="modality", values="p50").reset_index()
    if wide.empty:
        no_rows(view, frame)
        return
    names = {str(name): str(name) for name in wide.columns if name != "week"}
    show_days(charts.trend(wide, "week", names, "days", what="Days to the third open slot, weekly median"), view)
    st.caption("As the schedule stood each weekday at 08:00: the first open slots are often chance, the third is not.")


def demand(who: data.Asker, view: View) -> None:
    """Draw modelled minutes ordered over operating minutes by week."""
    result = data.ask(who, view.query("U24", "week"))
    known = result.frame.dropna(subset=["ratio"])
    if known.empty:
        no_rows(view, result.frame)
        return
    lines = {"ratio": "ordered", "kept": "without cancelled ones"}
    show_days(charts.trend(known, "week", lines, "share", what="Ordered minutes over operating minutes by week"), view)
    st.caption("Above 100 % more work is ordered than the scanners are open for. Weeks still running are incomplete.")


def backlog(who: data.Asker, view: View) -> None:
    """Draw the backlog in weeks of capacity by modality."""
    frame = data.ask(who, view.query("U20b", "modality")).frame
    if frame["weeks"].notna().sum() == 0:
        no_rows(view, frame)
        return
    show_cutting(
        charts.ranked(frame, "modality", "weeks", "weeks", what="Backlog in weeks of capacity by modality"),
        "modality",
        "cut_backlog",
    )
    st.caption("Orders not yet begun, in modelled minutes, over the operating minutes of a week; mean of the days.")
