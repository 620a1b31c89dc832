"""AI oversight: is it in time and right, and whom does it delay."""

from __future__ import annotations

import streamlit as st

from app import charts, data
from app.family import all_numbers, open_page
from app.getting_worse import said
from app.oversight import drift, two_by_two, waits_of_flagged, who_is_delayed
from app.spans import spans
from app.tiles import tiles
from app.uncertainty import intervals
from app.widgets import no_rows, section

FAMILY = "ai"
TILES = ("A01", "A01-failed", "A02-ppv", "A02-sensitivity", "A05", "A03")

who, view = open_page(FAMILY)
tiles(who, view, TILES)

section(who, "Waits of flagged and unflagged exams", view.query("A03", "hours"))
waits_of_flagged(who, view)

left, right = st.columns(2, gap="large")
with left:
    section(who, "AI against the report", view.query("A02"))
    two_by_two(who, view)
with right:
    section(who, "Are its flags still right?", view.query("A02-ppv", "week"))
    drift(who, view)

left, right = st.columns(2, gap="large")
with left:
    section(who, "Who is delayed", view.query("A04", "procedure_group"))
    who_is_delayed(who, view, "procedure_group")
with right:
    section(who, "Why results are overridden", view.query("A05-count", "reason"))
    reasons = data.ask(who, view.query("A05-count", "reason")).frame
    if reasons["count"].notna().sum() == 0:
        no_rows(view, reasons)
    else:
        reasons = reasons.assign(reason=reasons["reason"].map(said))
        charts.show(charts.ranked(reasons, "reason", "count", "results", what="Overridden AI results by reason"))

left, right = st.columns(2, gap="large")
with left:
    section(who, "Results in time, by algorithm", view.query("A01", "algorithm"))
    covered = data.ask(who, view.query("A01", "algorithm")).frame
    if covered["share"].notna().sum() == 0:
        no_rows(view, covered)
    else:
        charts.show(intervals(covered, "algorithm", "share", "share", what="AI results before the read by algorithm"))
        st.caption("A result that comes after the read began helps nobody: quick reads on a short queue outrun it.")
with right:
    section(who, "Processing time, by algorithm", view.query("A01-latency", "algorithm"))
    latency = data.ask(who, view.query("A01-latency", "algorithm")).frame
    if latency["p50"].notna().sum() == 0:
        no_rows(view, latency)
    else:
        charts.show(spans(latency, "algorithm", what="AI processing time by algorithm"))

all_numbers(who, view, FAMILY)
