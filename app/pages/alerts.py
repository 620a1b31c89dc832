"""Alerts: what needs somebody now, and who has taken it on."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from app import alerts, charts, data, filters
from app.widgets import header, section

who = data.asker()
view = filters.current(who)
zone = data.main_zone(who, view.where)
header(
    who,
    view,
    "Alerts",
    "What needs somebody now, and who has taken it on?",
    period="As of now; the period filter does not apply here",
    not_applied=tuple(name for name, _ in view.where),
    reason="Alerts are of the rules' own slices.",
)

found = alerts.standing(who)
section(who, "Open alerts")
alerts.open_table(found, zone)
alerts.acknowledge_form(who, found)
alerts.undelivered(who)

past = alerts.visible(alerts.store().history(alerts.SHOWN), who.principal)
if found or past:
    section(who, "When alerts were open")
    charts.show(alerts.lives([*found, *past], datetime.now(UTC), zone))
section(who, "Resolved")
alerts.history_table(past, zone)
st.caption("Rules, targets and quiet hours are the administrator's file and cannot be changed here.")
