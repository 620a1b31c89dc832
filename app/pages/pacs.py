"""PACS and storage: whether images arrive in time, and when the archive is full."""

from __future__ import annotations

import streamlit as st

from app import charts, data, growth
from app.family import all_numbers, open_page
from app.note_layers import show_days
from app.tiles import tiles
from app.widgets import no_rows, section

TILES = ("I01-full", "I01", "I02", "T14", "I04-imageless", "I04-orphans")

who, view = open_page("pacs")
tiles(who, view, TILES)

section(who, "When is the archive full?", view.query("I01-full", "site"))
growth.full_words(who, view)

section(who, "What comes in, by modality", view.query("I01", "day", "modality"))
growth.by_modality(who, view)

left, right = st.columns(2, gap="large")
with left:
    section(who, "How fast, by hour of day", view.query("I02", "hour_of_day"))
    growth.by_hour(who, view)
with right:
    section(who, "How fast, by day", view.query("I02", "day"))
    daily = data.ask(who, view.query("I02", "day"))
    if daily.frame["p50"].notna().any():
        names = {"p50": "Median", "p10": "Slowest tenth"}
        running = view.today if view.incomplete else None
        show_days(
            charts.trend(
                daily.frame, "day", names, "MB/s", what="Transfer rate into the archive", incomplete_from=running
            ),
            view,
        )
        st.caption("One bad evening shows in the slowest tenth before it shows in the median.")
    else:
        no_rows(view, daily.frame)

section(who, "Without a partner", view.query("I04-imageless", "scanner"))
growth.without_partner(who, view)
all_numbers(who, view, "pacs")
