"""Targets: which limits hold, since when, and what would another one change?"""

from __future__ import annotations

import streamlit as st

from app import data, filters
from app.target_rules import current_text, history, in_force, packs, try_change
from app.tiles import tiles
from app.widgets import header

TILES = ("T24", "T24-communication", "T24-unread", "T24-wait", "T24-arrive", "T24-access")

who = data.asker()
view = filters.current(who)
header(who, view, "Targets", "Which limits hold, are they kept, and what would another one change?")
tiles(who, view, TILES)

st.header("In force", anchor=False)
day = st.date_input("On", view.today, key="on", width=200)
in_force(day)

st.header("Try a change", anchor=False)
st.markdown(
    "Edit the table or paste another one: what it would change is counted on the exams that are there. Nothing is "
    "saved here."
)
text = st.text_area("Targets as CSV", current_text(), height=240, key="table")
if st.button("Show the effect", type="primary", icon=":material/visibility:"):
    try_change(who, text)

st.header("Rule packs", anchor=False)
packs()

st.header("Who changed what", anchor=False)
history()
