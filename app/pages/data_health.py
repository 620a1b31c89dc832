"""Data health: can today's numbers be trusted, and what to mend if not."""

from __future__ import annotations

import streamlit as st

from app import data, filters
from app.health import clocks, completeness, feeds, quarantine, runs, unmatched
from app.problems import problems
from app.widgets import header, section

who = data.asker()
view = filters.current(who)
header(
    who,
    view,
    "Data health",
    "Can the numbers be trusted, and what has to be mended?",
    not_applied=("priority", "patient_class", "procedure_group"),
    reason="Feeds, clocks and runs have no such cut.",
)
section(who, "What needs mending")
st.markdown("\n".join(f"- {sentence}" for sentence in problems(who, view)))

section(who, "Feeds", view.query("I03", "feed"))
feeds(who, view)
section(who, "Which times are missing", view.query("I04-missing", "modality", "milestone"))
completeness(who, view)

section(who, "Images and exams that found no partner")
unmatched(who, view)

left, right = st.columns(2, gap="large")
with left:
    section(who, "Refused items by reason", view.query("I04-quarantine", "feed", "reason"))
    quarantine(who)
with right:
    section(who, "Scanner clocks against the RIS", view.query("I04-skew", "scanner"))
    clocks(who, view)

section(who, "Latest runs")
runs(who)
