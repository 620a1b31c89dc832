"""Priors and repeats: whether earlier images are there when needed, and how often an exam is done again."""

from __future__ import annotations

import streamlit as st

from app import charts, data, repeats
from app.cross_filter import show_cutting
from app.family import all_numbers, open_page
from app.tiles import tiles
from app.widgets import no_rows, section

TILES = ("P01", "P01-transfer", "P02-7", "P02-30", "P02-redundant", "P03")

who, view = open_page("priors")
tiles(who, view, TILES)

section(who, "How often is a region imaged again?", view.query("P02-30", "body_region"))
repeats.by_region(who, view)

left, right = st.columns(2, gap="large")
with left:
    section(who, "What the orders give as reason", view.query("P02-redundant", "reason"))
    repeats.reasons(who, view)
with right:
    section(who, "Was the prior there?", view.query("P01", "scanner"))
    there = data.ask(who, view.query("P01", "scanner"))
    if there.frame["share"].notna().any():
        show_cutting(
            charts.ranked(there.frame, "scanner", "share", "share", what="Priors there when reading began"),
            "scanner",
            "cut_priors_scanner",
        )
        st.caption("Exams with a known relevant prior; those of the same archive nearly always are.")
    else:
        no_rows(view, there.frame)

section(who, "How orders are rated, by procedure group", view.query("P03", "procedure_group"))
repeats.ratings(who, view)
all_numbers(who, view, "priors")
