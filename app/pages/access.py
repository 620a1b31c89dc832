"""Access: how soon a patient can come, and what becomes of the slots."""

from __future__ import annotations

import streamlit as st

from app import slots
from app.family import all_numbers, open_page
from app.widgets import section, tiles

who, view = open_page("access")
tiles(who, view, ("T03", "T04", "T01", "U13", "U15", "U16"))

left, right = st.columns(2, gap="large")
with left:
    section(who, "What becomes of appointments", view.query("U16b", "lead_band"))
    slots.outcomes(who, view)
with right:
    section(who, "Who is still waiting", view.query("T04", "modality"))
    slots.waiters(who, view)

all_numbers(who, view, "access")
