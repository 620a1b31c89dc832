"""Turnaround: how long reports take, and where the time goes."""

from __future__ import annotations

import streamlit as st

from app import charts, data, filters, theme
from app.cross_filter import show_cutting
from app.family import all_numbers
from app.note_layers import show_days
from app.phases import phase_chart, weekday_hours
from app.report_versions import by_class, versions
from app.spans import spans
from app.tiles import tiles
from app.widgets import header, no_rows, section

TILES = ("T16", "T24", "T17", "T19", "T26", "U21")
REPORT_TAT = "T16"

who = data.asker()
view = filters.current(who)
header(who, view, "Turnaround", "How long do reports take, and where does the time go?")
tiles(who, view, TILES)

daily = data.ask(who, view.query(REPORT_TAT, "day"))
section(who, "Report TAT by day of exam end", view.query(REPORT_TAT, "day"))
if daily.frame["p50"].notna().sum() == 0:
    no_rows(view, daily.frame)
else:
    show_days(
        charts.trend(
            daily.frame,
            "day",
            {"p50": "Median", "p90": "P90", "p90_closed": "P90, closed exams only"},
            "min",
            what="Report TAT, exam end to first final",
            incomplete_from=view.today if view.incomplete else None,
        ),
        view,
    )
    st.caption(
        "Unread exams count as at least as old as they are. Where the two P90 part, a backlog hides in the closed-only "
        "one; a missing P90: so many are open that nobody knows it yet. A hollow point is a day still running."
    )

section(who, "By class and priority", view.query(REPORT_TAT, "priority", "patient_class"))
by_class(who, view)

section(who, "The versions of a report", view.query("T16-last-final"))
versions(who, view)

left, right = st.columns(2, gap="large")
with left:
    section(who, "Where the time goes")
    phase_chart(who, view)
with right:
    section(who, "Report TAT by modality", view.query(REPORT_TAT, "modality"))
    by_modality = data.ask(who, view.query(REPORT_TAT, "modality"))
    show_cutting(spans(by_modality.frame, "modality", what="Median report TAT by modality"), "modality", "cut_modality")

left, right = st.columns(2, gap="large")
with left:
    section(who, "Within target, by priority", view.query("T24", "priority"))
    share = data.ask(who, view.query("T24", "priority"))
    ranked = charts.ranked(
        share.frame,
        "priority",
        share.meta.headline,
        "share",
        what="Share within target by priority",
        order=[p for p in theme.PRIORITIES if p in set(share.frame["priority"])],
    )
    show_cutting(ranked, "priority", "cut_priority")
with right:
    section(who, "When are reports slow?", view.query(REPORT_TAT, "weekday", "hour_of_day"))
    weekday_hours(who, view)

all_numbers(who, view, "turnaround")
