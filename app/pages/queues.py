"""Queues: who waits for what, by the hour of the past and at any minute of it."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pandas as pd
import streamlit as st

from app import charts, data, filters, words
from app.queue_history import begun_everywhere, queue_history
from app.tiles import tiles
from app.widgets import header, no_rows, section, table

QUEUES = ("U21", "U21b", "U21c", "U21d")
HISTORY_DAYS = 7
AGES = {"oldest": "Oldest", "p50": "Median", "p90": "P90"}

who = data.asker()
view = filters.current(who)
header(who, view, "Queues", "What waits for whom, and how long was the queue at any minute?")
tiles(who, view, QUEUES)

labels = {name: data.kpi(name).label for name in QUEUES}
chosen = st.segmented_control("Queue", QUEUES, format_func=labels.__getitem__, default="U21", key="queue") or "U21"
last = view.over(max(view.from_date, view.to_date - timedelta(days=HISTORY_DAYS)), view.to_date)
section(who, f"{labels[chosen]} by hour, {words.period(last.from_date, last.to_date)}", last.query(chosen, "hour"))
sites, known = dict(view.where).get("site", ()), data.zones(who)
zones = [known[site] for site in sites if site in known] or list(known.values())
history = begun_everywhere(data.ask(who, last.query(chosen, "hour")).frame, data.data_at(who), zones)
if history.empty or history["count"].fillna(0).sum() == 0:
    no_rows(view, history)
else:
    charts.show(queue_history(history, labels[chosen], data.kpi(chosen).counted), key="queue_history")
    st.caption(
        "What was open at the end of each hour (of the running one: now), replayed from the events; a queue adds over "
        "sites, not over time. Where sites lie in several zones, hours not begun everywhere are left out."
    )

section(who, "At any minute")
zone, now = data.main_zone(who, view.where), data.data_at(who)
local_now = now.astimezone(zone)
with st.container(horizontal=True, vertical_alignment="bottom"):
    day = st.date_input("Day", local_now.date(), max_value=local_now.date(), key="instant_day", width=160)
    clock = st.time_input("Time", time(7, 30), step=timedelta(minutes=1), key="instant_time", width=130)
instant = min(datetime.combine(day, clock, tzinfo=zone), local_now)
rows = []
for name in QUEUES:
    found = data.ask(who, view.over(instant.date(), instant.date() + timedelta(days=1)).query(name, as_of=instant))
    row = found.frame.iloc[0] if len(found.frame) else pd.Series(dtype="float64")
    ages = {label: words.amount(row.get(column), "min") for column, label in AGES.items()}
    over = "" if "over_limit" not in row else words.count(row["over_limit"] or 0)
    rows.append({"Queue": labels[name], "Waiting": words.count(row.get("count", 0) or 0), **ages, "Over target": over})
table(pd.DataFrame(rows), f"The queues as they stood on {words.moment(instant)}")
st.caption(f"As they stood on {words.moment(instant)}, from what is known today.")
