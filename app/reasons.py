"""What moved a number: cached answers to why a KPI changed between two periods, and what changed on the last day.

Cached as `app.data` does it: scalars only, always with scope, role and data version.
"""

from __future__ import annotations

from datetime import date

import pandas as pd
import streamlit as st

from app import data
from app.fact_filters import Where
from etl.kpis import Change, changes
from etl.kpis.explain_change import Explanation, effects, explain_change
from etl.kpis.query import Query
from etl.warehouse.engine import reader_engine


@st.cache_data(max_entries=500, show_spinner=False)
def _explained(
    scope: str, role: str, data_version: str, kpi: str, periods: tuple[date, date, date, date], where: Where,
    measure: str | None, dimension: str | None,
) -> Explanation | pd.DataFrame:  # fmt: skip
    before = Query(kpi, periods[0], periods[1], (), dict(where))
    after = Query(kpi, periods[2], periods[3], (), dict(where))
    engine, principal = reader_engine(data.settings()), data.principal_of(scope, role)
    if dimension is None:
        return explain_change(engine, before, after, principal, measure)
    return effects(engine, before, after, dimension, principal, measure)


def _periods(before: Query, after: Query) -> tuple[date, date, date, date]:
    return before.from_date, before.to_date, after.from_date, after.to_date


def _filters(query: Query) -> Where:
    return tuple(sorted((name, tuple(chosen)) for name, chosen in query.where.items() if chosen))


def explained(who: data.Asker, before: Query, after: Query, measure: str | None = None) -> Explanation:
    """Return why a KPI changed between two periods; raises RefusedError where that cannot be said."""
    found = _explained(*who.key, after.kpi, _periods(before, after), _filters(after), measure, None)
    assert isinstance(found, Explanation)  # noqa: S101 - without a dimension
    return found


def effects_of(
    who: data.Asker, before: Query, after: Query, dimension: str, measure: str | None = None
) -> pd.DataFrame:
    """Return what each member of a dimension did to a KPI, and the mix; raises as `explained`."""
    found = _explained(*who.key, after.kpi, _periods(before, after), _filters(after), measure, dimension)
    assert isinstance(found, pd.DataFrame)  # noqa: S101 - with a dimension
    return found


@st.cache_data(max_entries=100, show_spinner=False)
def _changed(scope: str, role: str, data_version: str, where: Where) -> list[Change]:
    return changes(reader_engine(data.settings()), data.principal_of(scope, role), where=dict(where))


def changed(who: data.Asker, where: Where) -> list[Change]:
    """Return what changed on the last whole day, the most unusual first."""
    return _changed(*who.key, tuple(sorted(where)))
