"""Kept beliefs for the page that shows them; cached like `app.data`, and like it with scope and role."""

from __future__ import annotations

from datetime import date, datetime

import pandas as pd
import streamlit as st

from app import data
from app.fact_filters import Where
from etl.beliefs import Belief, belief_of, believed, differences, kept
from etl.kpis.query import Query, Result


def beliefs() -> list[Belief]:
    """Return the beliefs that are kept, the latest first."""
    return kept(data.settings())


@st.cache_data(max_entries=200, show_spinner="Reading what was known then ...")
def _then(
    scope: str, role: str, known_at: datetime, kpi: str, from_date: date, to_date: date, by: tuple[str, ...],
    where: Where, made_ns: int,
) -> Result:  # fmt: skip
    settings = data.settings()
    query = Query(kpi, from_date, to_date, by, dict(where))
    return believed(settings, belief_of(settings, known_at), query, data.principal_of(scope, role))


def then_and_today(who: data.Asker, belief: Belief, query: Query) -> tuple[Result, Result, pd.DataFrame]:
    """Return a KPI as known then, as known today, and the differences by slice."""
    where = tuple(sorted((name, tuple(chosen)) for name, chosen in query.where.items() if chosen))
    scope, role, _ = who.key
    made_ns = belief.path.stat().st_mtime_ns  # a belief made anew is read anew
    then = _then(scope, role, belief.known_at, query.kpi, query.from_date, query.to_date, query.by, where, made_ns)
    today = data.ask(who, query)
    return then, today, differences(then, today)
