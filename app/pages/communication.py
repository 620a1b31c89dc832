"""Critical and follow-up: are critical findings told in time, and do recommended exams happen?"""

from __future__ import annotations

import streamlit as st

from app.care import classes_told, hours_told, open_findings
from app.family import all_numbers, open_page
from app.followup_lists import funnel, overdue
from app.tiles import tiles
from app.widgets import section

TILES = ("C01", "C02b", "C02-open", "C03", "C06", "C07")

who, view = open_page("communication")
tiles(who, view, TILES)

left, right = st.columns(2, gap="large")
with left:
    section(who, "Told within the limit of their class", view.query("C01", "critical_class"))
    classes_told(who, view)
with right:
    section(who, "Told in time, by section and shift", view.query("C01", "section", "shift"))
    hours_told(who, view)

section(who, "Critical findings nobody was told of")
open_findings(who, view)

section(who, "What becomes of recommended follow-ups", view.query("C06-funnel"))
funnel(who, view)

section(who, "Overdue follow-ups")
overdue(who, view)

all_numbers(who, view, "communication")
