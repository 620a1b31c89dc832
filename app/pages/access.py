"""Access: how soon a patient can come, and what becomes of the slots."""

from __future__ import annotations

import streamlit as st

from app import slots
from app.family import all_numbers, open_page
from app.tiles import tiles
from app.widgets import section

who, view = open_page("access")
tiles(who, view, ("T03", "T04", "U19", "U05", "U15", "U16"))

section(who, "Days to the third open slot", view.query("U19", "week", "modality"))
slots.third_available(who, view)

left, right = st.columns(2, gap="large")
with left:
    section(who, "What becomes of appointments", view.query("U16b", "lead_band"))
    slots.outcomes(who, view)
with right:
    section(who, "Who is still waiting", view.query("T04", "modality"))
    slots.waiters(who, view)

section(who, "Waits against the access target", view.query("T04-adjusted"))
slots.against_target(who, view)

section(who, "What becomes of time given back", view.query("U17", "modality"))
slots.recovered(who, view)

left, right = st.columns(2, gap="large")
with left:
    section(who, "Demand against capacity", view.query("U24", "week"))
    slots.demand(who, view)
with right:
    section(who, "Backlog in weeks of work", view.query("U20b", "modality"))
    slots.backlog(who, view)

all_numbers(who, view, "access")
