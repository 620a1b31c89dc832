"""As known then: a past period as it could be known on a date, beside what is known today."""

from __future__ import annotations

import streamlit as st

from app import data, filters, past, words
from app.compare import headline_unit, headline_value
from app.pivot import dimension_label
from app.tiles import is_unreached
from app.widgets import empty, header, no_rows, section, table
from etl.errors import RefusedError

who = data.asker()
view = filters.current(who)
header(who, view, "As known then", "What did we know on that day, and what have we learned since?")

found = past.beliefs()
if not found:
    empty(
        "No earlier state of knowledge is kept.",
        "`radpulse belief keep 2026-11-01` keeps one; a scheduled installation keeps the first of every month.",
    )
    st.stop()

zone = data.main_zone(who, view.where)
with st.container(horizontal=True, vertical_alignment="bottom"):
    belief = st.selectbox(
        "Known on",
        found,
        format_func=lambda b: words.moment_or_year(b.known_at.astimezone(zone), data.data_at(who).astimezone(zone)),
        key="known",
        width=220,
    )
    datable = [kpi for kpi in data.kpis() if kpi.grains]
    names = {kpi.key: f"{kpi.id} {kpi.label}" for kpi in datable}
    name = st.selectbox("KPI", list(names), format_func=names.__getitem__, key="past_kpi", width=380)
    kpi = data.kpi(name or datable[0].key)
    cut = st.selectbox("Cut by", kpi.dimensions, format_func=dimension_label, key="past_cut", width=180)

try:
    then, today, both = past.then_and_today(who, belief, view.query(kpi.key, *([cut] if cut else [])))
    whole_then, whole_today, _ = past.then_and_today(who, belief, view.query(kpi.key))
except RefusedError as refused:
    empty(f"{refused}.", "Choose another KPI or day.")
    st.stop()

unit = headline_unit(today)
for column, label, result in zip(
    st.columns(2), ("As known then", "As known today"), (whole_then, whole_today), strict=True
):
    value = "not reached" if is_unreached(result) else words.amount(headline_value(result), unit)
    column.metric(label, value, border=True)
    column.caption(f"n = {words.count(result.meta.n)} {kpi.counted}, {words.count(result.meta.open)} open")
if belief.without_feeds:
    left_out = words.listing(list(belief.without_feeds))
    st.caption(f"Left out then: {left_out}. These feeds do not say when their data became known.")

section(who, f"{kpi.label} by {dimension_label(cut).lower()}" if cut else kpi.label)
if both.empty:
    no_rows(view, both)
else:
    shown = both.assign(
        then=[words.amount(v, unit) for v in both["then"]],
        today=[words.amount(v, unit) for v in both["today"]],
        difference=["" if words.missing(v) else words.difference(float(v), unit) for v in both["difference"]],
    )
    titles = {"then": "Then", "today": "Today", "difference": "Learned since", "n_then": "n then", "n_today": "n today"}
    columns = {str(c): titles.get(str(c), dimension_label(str(c))) for c in shown.columns}
    table(shown, f"{kpi.label}: then, today and the difference", columns)
