"""Utilization: which scanners stand idle while patients wait, and when."""

from __future__ import annotations

import streamlit as st

from app import charts, data, filters, matrix, timelines
from app.family import all_numbers
from app.note_layers import show_days
from app.scanner_days import day_picker, draw_day
from app.tiles import tiles
from app.variants import side_by_side, why_they_differ
from app.widgets import header, no_rows, section

TILES = ("U01", "U04", "U12", "U08", "U09", "U15")
HOURS = {h: f"{h:02d}" for h in range(24)}

who = data.asker()
view = filters.current(who)
header(who, view, "Utilization", "Which scanners stand idle, which are full, and when?")
tiles(who, view, TILES)

side_by_side(who, view)
why_they_differ(who, view)

by_hour = view.query("U01", "scanner", "hour_of_day")
section(who, "Table utilization by scanner and hour", by_hour)
heat = data.ask(who, by_hour).frame
if heat["share"].notna().sum() == 0:
    no_rows(view, heat)
else:
    scanners = sorted(heat["scanner"].unique())
    hours = range(int(heat["hour_of_day"].min()), int(heat["hour_of_day"].max()) + 1)
    charts.show(
        matrix.heat(
            heat,
            "hour_of_day",
            "scanner",
            "share",
            "share",
            what="Table utilization",
            x_order=hours,
            y_order=scanners,
            x_labels=HOURS,
        )
    )
    st.caption("Share of operating minutes with a patient on the table, by site-local hour. Blank: not open.")

st.header("A day on the scanners", anchor=False)
draw_day(who, view, day_picker(view))

left, right = st.columns(2, gap="large")
with left:
    section(who, "Booked against used", view.query("U04", "scanner"))
    used = data.ask(who, view.query("U01", "scanner")).frame
    booked = data.ask(who, view.query("U04", "scanner")).frame
    both = used[["scanner", "share"]].merge(booked[["scanner", "share"]], on="scanner", suffixes=("_used", "_booked"))
    both["share_booked"] = both["share_booked"].where(both["share_booked"] > 0)  # a walk-in scanner has no bookings
    if both.empty:
        no_rows(view)
    else:
        names = ("booked", "used")
        charts.show(
            timelines.pairs(both, "scanner", "share_booked", "share_used", names, "Booked and used time by scanner")
        )
        st.caption("Used far below booked: patients missing, or exams shorter than their slots. No ring: no bookings.")
with right:
    section(who, "Table utilization by day", view.query("U01", "day"))
    daily = data.ask(who, view.query("U01", "day"))
    if daily.frame["share"].notna().sum() == 0:
        no_rows(view, daily.frame)
    else:
        show_days(
            charts.trend(
                daily.frame,
                "day",
                {"share": "Table utilization"},
                "share",
                what="Table utilization by day",
                incomplete_from=view.today if view.incomplete else None,
            ),
            view,
        )

all_numbers(who, view, "utilization")
