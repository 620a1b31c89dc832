"""Annotations: what happened, and where limits begin anew."""

from __future__ import annotations

import streamlit as st

from app import data, filters
from app.note_forms import MAY_WRITE, annotation_form, rebase_form, standing, undo_form
from app.notes import notes
from app.widgets import header

who = data.asker()
view = filters.current(who)
header(
    who,
    view,
    "Annotations",
    "What happened that a chart cannot know, and where do limits begin anew?",
    period="All days; the filters do not apply here",
    not_applied=tuple(name for name, _ in view.where),
    reason="Everything written down is listed.",
)
found = notes().standing()
standing(found)
if who.principal.role not in MAY_WRITE:
    st.caption("Managers, analysts and stewards may write here.")
    st.stop()
undo_form(who, found)
left, right = st.columns(2, gap="large")
with left:
    st.header("Something happened", anchor=False)
    annotation_form(who, view)
with right:
    st.header("The process changed for good", anchor=False)
    st.caption(
        "Limits stay frozen so that a slow drift cannot hide in them. Begin new ones only when something was changed "
        "on purpose: the old phase stays on the chart."
    )
    rebase_form(who, view)
