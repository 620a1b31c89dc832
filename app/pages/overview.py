"""The command center: what is wrong today, why, and what comes next."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from app import alerts, data, filters, outlook, words
from app.command_center import right_now, scanners
from app.tiles import concern_words, tiles
from app.widgets import header

TILES = ("U21", "T16", "T24", "T06", "U01", "V01")

who = data.asker()
chosen = filters.current(who)
today = chosen.over(chosen.today, chosen.today + timedelta(days=1))
zone = data.main_zone(who, chosen.where)
until = data.data_at(who).astimezone(zone)
header(
    who,
    today,
    "Command center",
    "What is wrong today, why, and what comes next?",
    period=f"{words.day(today.from_date)} {today.from_date.year}, 00:00 to {until:%H:%M} so far; "
    "the period filter does not apply here",
)

if told := alerts.open_words(who):
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(told, width="content")
        st.page_link("pages/alerts.py", label="See them", icon=":material/arrow_forward:")
line = st.empty()  # filled last: it needs the tiles
st.markdown("\n".join(f"- {sentence}" for sentence in outlook.what_changed(who, today)))
right_now(who.data_version)
st.header("Today so far", anchor=False)
tiles(who, today, TILES, is_answered=True)
line.markdown(concern_words(who, today, TILES))
scanners()

left, right = st.columns(2, gap="large")
with left:
    st.header("What comes next", anchor=False)
    outlook.fullest_scanners(who, today)
with right:
    st.header("Reports likely late", anchor=False)
    outlook.late_reports(who, today)
