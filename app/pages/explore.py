"""Explore: any KPI, cut and filtered any way it allows, as chart, table and export."""

from __future__ import annotations

import streamlit as st

from app import data, filters
from app.explain import completeness_words, export_menu, not_applied_words
from app.pivot import GRAIN_WORDS, dimension_label, draw, measure_label, result_table
from app.widgets import header, no_rows
from etl.errors import RefusedError

who = data.asker()
view = filters.current(who)
labels = {k.key: f"{k.id} {k.label}" for k in data.kpis()}
asked = st.query_params.get("kpi", "")
if "kpi" not in st.session_state and asked in labels:
    st.session_state["kpi"] = asked
kpi = data.kpi(st.session_state.get("kpi") or "report_tat")
header(
    who,
    view,
    "Explore",
    "Cut any KPI any way, and take it along.",
    not_applied=[name for name in filters.DIMENSIONS if name not in kpi.dimensions],
    reason=f"{kpi.label} cannot be filtered so.",
)

with st.container(horizontal=True, vertical_alignment="bottom"):
    name = st.selectbox(
        "KPI",
        list(labels),
        index=list(labels).index("report_tat"),
        format_func=labels.__getitem__,
        key="kpi",
        persist_state="session",
        width=380,
    )
    kpi = data.kpi(name or "report_tat")
    grains = ["none", *kpi.grains]
    grain = st.selectbox(
        "Over time",
        grains,
        index=grains.index("day") if "day" in grains else 0,
        format_func=GRAIN_WORDS.__getitem__,
        key="grain",
        bind="query-params",
        width=160,
    )
    cuts = st.multiselect(
        "Cut by",
        kpi.dimensions,
        max_selections=2,
        key="by",
        format_func=dimension_label,
        bind="query-params",
        placeholder="nothing",
        width=300,
    )
    measures = [m.name for m in kpi.measures]
    measure = st.selectbox("Draw", measures, key="measure", format_func=measure_label, bind="query-params", width=200)
st.query_params["kpi"] = kpi.key  # the key, not the label a bound widget would write: labels may change

by = (*([grain] if grain and grain != "none" else []), *cuts)
query = view.query(kpi.key, *by)
try:
    result = data.ask(who, query)
except RefusedError as error:
    st.warning(str(error), icon=":material/block:")
    st.stop()

st.markdown(f"{kpi.description} :gray[{completeness_words(result)}]")
note = not_applied_words(result)
if note:
    st.caption(note)
if result.frame.empty or result.frame[measure or measures[0]].notna().sum() == 0:
    no_rows(view, result.frame)
else:
    draw(result, measure or measures[0], view)
if not result.frame.empty:
    result_table(result)
export_menu(who, query, "explore")
