"""Dose: is it in line with the references, where did it change, and is it recorded at all?"""

from __future__ import annotations

import streamlit as st

from app import dose
from app.family import all_numbers, open_page
from app.tiles import tiles
from app.widgets import section

TILES = ("D06", "D02", "D01-dlp", "D03", "D04", "D05")

who, view = open_page("dose")
tiles(who, view, TILES)

section(who, "Dose by procedure group, beside its reference", view.query("D02", "procedure_group", "quantity"))
dose.groups(who, view)

section(who, "Did a protocol's dose change?", view.query("D01-ctdivol", "day", "protocol", "scanner"))
dose.protocol_days(who, view)

section(who, "Which scanners sent no reports?", view.query("D06", "day", "scanner"))
dose.coverage_days(who, view)

left, right = st.columns(2, gap="large")
with left:
    section(who, "Dose by scanner and shift", view.query("D02", "scanner", "shift"))
    dose.scanner_shift(who, view)
with right:
    section(who, "Do exams that overrun give more?")
    dose.plans(who, view)

section(who, "Unusual for their protocol")
dose.outliers(who, view)

section(who, "Sums of patients above the site's level", view.query("D05", "quantity"))
dose.cumulative(who, view)

all_numbers(who, view, "dose")
