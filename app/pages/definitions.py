"""Definitions: what every number means, generated from the registry."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import data, filters
from app.guides import GUIDES, feed_guides, guide
from app.pivot import dimension_label, measure_label
from app.widgets import header
from etl.kpis.evidence import needs_words

who = data.asker()
view = filters.current(who)
header(
    who,
    view,
    "Definitions",
    "What exactly does each number mean?",
    period="Filters do not apply here: definitions hold for all data",
    not_applied=tuple(filters.DIMENSIONS),
    reason="Definitions have no filter.",
)
st.header("Reading the dashboard", anchor=False)
for name, title in GUIDES.items():
    shelf = st.expander(title, key=f"guide_{name}", on_change="rerun")  # what is closed is not sent
    if shelf.open:
        shelf.markdown(guide(name))

st.header("The numbers", anchor=False)
wanted = st.text_input(
    "Find", key="find", placeholder="turnaround, T16, unread, dose ...", bind="query-params", width=380
)
kpis = [k for k in data.kpis() if not wanted or wanted.lower() in f"{k.id} {k.key} {k.label} {k.definition}".lower()]
if not kpis:
    st.info(
        f"No definition holds “{wanted}”. Clear the search to see all {len(data.kpis())}.", icon=":material/search_off:"
    )
for kpi in kpis:
    entry = st.expander(f"**{kpi.id}** {kpi.label}", key=f"def_{kpi.key}", on_change="rerun")
    if not entry.open:
        continue
    with entry:
        st.markdown(kpi.description)
        facts = {
            "Formula": kpi.formula,
            "Unit": kpi.unit,
            "Better": {"lower": "lower is better", "higher": "higher is better"}.get(kpi.better, "neither"),
            "Population": kpi.population.text,
            "Counted": kpi.at.text,
            "Open items": kpi.open_items,
            "Needs feeds that tell": needs_words(kpi),
            "Shown as": ", ".join(measure_label(m.name) for m in kpi.measures),
            "Can be cut by": ", ".join(dimension_label(d).lower() for d in kpi.dimensions),
            "Over time": ", ".join(kpi.grains) or "no, it is the state now",
            "Adds up over": kpi.kind.adds_over,
            "Source of the term": kpi.source,
            "Name, version": f"{kpi.key}, definition version {kpi.definition_version}",
        }
        listed = pd.DataFrame({"What": list(facts), "Definition": list(facts.values())})
        st.table(listed, hide_index=True, hide_header=True, border="horizontal", alt=f"Definition of {kpi.label}")

st.header("Connecting feeds", anchor=False)
st.caption("For the person who sets up radpulse.toml. Each guide ends with what it was tried against.")
for name, title in feed_guides().items():
    shelf = st.expander(title, key=f"guide_{name.replace('/', '_')}", on_change="rerun")
    if shelf.open:
        shelf.markdown(guide(name))
