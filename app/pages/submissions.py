"""Submissions: can a registry's month go, and what would be rejected?"""

from __future__ import annotations

import streamlit as st

from app import data, filters, registry_files, submissions
from app.exports import TICKETS, SubmissionTicket
from app.widgets import empty, header, section
from etl.errors import RefusedError

who = data.asker()
view = filters.current(who)
header(
    who,
    view,
    "Submissions",
    "Can a registry's month go, and what would be rejected?",
    period="A whole month of all sites; the period filter does not apply here",
    not_applied=tuple(name for name, _ in view.where),
    reason="A submission holds the whole month.",
)
months, titles = submissions.months(who), submissions.titles()
if not months:
    empty("No month is over in the data yet.", "Come back when the first one is.")
    st.stop()
left, right = st.columns(2)
registry = left.selectbox("Registry", list(titles), format_func=lambda key: titles[key], key="registry")
month = right.selectbox("Month", months, format_func=lambda day: f"{day:%B %Y}", key="month")
try:
    made = registry_files.prepared(who, registry, month)
except RefusedError as refused:
    st.warning(str(refused), icon=":material/info:")
    st.stop()

st.markdown(submissions.verdict(made))
section(who, "What became of every exam")
submissions.conservation(made)
submissions.withheld(made)
if submissions.is_empty(made):
    st.stop()
section(who, "What would be rejected")
submissions.rejected(made)
submissions.worklist(made)

menu = st.popover("Download", icon=":material/download:", key="submission_download", on_change="rerun")
if menu.open:
    parts = {"refused": "What would be rejected"} if made.refusals else {"file": "The file", "manifest": "Its manifest"}
    with menu:
        for part, label in parts.items():
            ticket = SubmissionTicket(who.principal, who.data_version, registry, month, part)  # type: ignore[arg-type]  # literals above
            st.link_button(label, f"/exports/{TICKETS.issue(ticket)}")
        st.caption("Each link works once and for one minute. Who took what is recorded.")
