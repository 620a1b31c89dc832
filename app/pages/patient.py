"""One patient over time, under a pseudonym: what was imaged, again, with which dose, and what is missing."""

from __future__ import annotations

import streamlit as st

from app import data, filters, patient_view
from app.patient_choice import CHOSEN
from app.widgets import header
from etl.errors import RefusedError

who = data.asker()
view = filters.current(who)
header(who, view, "Patient", "What has this patient been through, and what is missing?")
st.caption("Pseudonymous: a key instead of a number, the year of birth only. The choice is kept in this session alone.")

try:
    patient_view.choose(who, view)
    chosen = st.session_state.get(CHOSEN)
    exams = None if chosen is None else patient_view.exams_of(who, chosen)
except RefusedError as refused:
    st.info(str(refused), icon=":material/lock:")
    st.stop()

if chosen is not None and exams is not None and len(exams):
    zone, now = data.main_zone(who, view.where), data.data_at(who)
    top = st.container()
    st.subheader("Exams over time", anchor=False)
    patient_view.timeline(exams, zone)
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Dose", anchor=False)
        patient_view.dose(exams)
    with right:
        st.subheader("Follow-up", anchor=False)
        late = patient_view.followups(who, chosen, now, zone)
    found = [*late, *patient_view.gaps(exams, now)]
    with top:
        patient_view.headline(who, chosen, exams, found)
        st.subheader("What is missing", anchor=False)
        st.markdown("\n".join(f"- {one}" for one in found[:12]) or "Nothing that the feeds could tell.")
    st.subheader("All exams", anchor=False)
    patient_view.rows(exams, zone)
