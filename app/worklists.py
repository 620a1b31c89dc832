"""Lists people work from, and the follow-ups they dismissed: rows for roles that may see rows."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import data
from etl.access import ROW_ROLES
from etl.errors import RefusedError
from etl.kpis.worklists import dismissed_in_dashboard, overdue_followups
from etl.state import Dismissals
from etl.warehouse.engine import reader_engine


@st.cache_data(max_entries=50, show_spinner=False)
def _overdue(scope: str, role: str, data_version: str) -> pd.DataFrame:
    return overdue_followups(reader_engine(data.settings()), data.principal_of(scope, role))


def overdue(who: data.Asker) -> pd.DataFrame:
    """Return overdue follow-ups, those dismissed here among them; raises RefusedError for roles without rows."""
    if who.principal.role not in ROW_ROLES:
        raise RefusedError(f"role {who.principal.role} sees aggregates only; ask a manager or analyst for the rows")
    return _overdue(*who.key)


@st.cache_data(max_entries=50, show_spinner=False)
def _dismissed_here(scope: str, role: str, data_version: str) -> frozenset[int]:
    return dismissed_in_dashboard(reader_engine(data.settings()), data.principal_of(scope, role))


def dismissed_here(who: data.Asker) -> frozenset[int]:
    """Return the followup_keys that were dismissed in the dashboard as the last run knew."""
    return _dismissed_here(*who.key)


def dismissals() -> Dismissals:
    """Return the follow-ups dismissed in the dashboard: read at each run, so never cached."""
    settings = data.settings()
    return Dismissals(settings.at(settings.state_file))
