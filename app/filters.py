"""Filters shared by all pages: sidebar widgets bound to the URL, so that a link shows the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import streamlit as st

from app import data, words
from app.comparison import COMPARISONS, USUAL
from app.fact_filters import Where
from app.theme import PATIENT_CLASSES
from etl.kpis.query import Query

# Widget keys are the URL's parameter names: part of links people keep, never renamed.
DIMENSIONS = {
    "site": "Site",
    "modality": "Modality",
    "scanner": "Scanner",
    "priority": "Priority",
    "patient_class": "Patient class",
    "procedure_group": "Procedure group",
}
PERIODS = {
    "today": "Today",
    "yesterday": "Yesterday",
    "7d": "Last 7 days",
    "28d": "Last 4 weeks",
    "84d": "Last 12 weeks",
    "dates": "Choose dates",
}
DEFAULT_PERIOD = "28d"
_SPANS = {"7d": 7, "28d": 28, "84d": 84}


@dataclass(frozen=True, slots=True)
class View:
    """What the user looks at: site-local dates `[from_date, to_date)` and the chosen values per dimension."""

    from_date: date
    to_date: date
    where: Where
    today: date
    period: str = DEFAULT_PERIOD
    compare: str = USUAL  # one of COMPARISONS

    @property
    def incomplete(self) -> bool:
        """Whether the last day is still running."""
        return self.to_date > self.today

    @property
    def period_words(self) -> str:
        """The period in words; a running last day is said."""
        text = words.period(self.from_date, self.to_date)
        return f"{text} (last day incomplete)" if self.incomplete and self.days > 1 else text

    @property
    def days(self) -> int:
        """Length in days."""
        return (self.to_date - self.from_date).days

    def query(self, kpi: str, *by: str, as_of: datetime | None = None) -> Query:
        """Return the question for a KPI over this view."""
        return Query(kpi, self.from_date, self.to_date, by, dict(self.where), as_of)

    def over(self, from_date: date, to_date: date) -> View:
        """Return the same filters over another period."""
        return View(from_date, to_date, self.where, self.today, "dates", self.compare)

    def narrowed(self, dimension: str, *chosen: str) -> View:
        """Return this view with one dimension set."""
        where = tuple((name, values) for name, values in self.where if name != dimension)
        return replace(self, where=(*where, (dimension, chosen)))

    def four_weeks_back(self) -> View:
        """Return the same weekdays, the fewest whole multiples of four weeks earlier that do not overlap."""
        shift = timedelta(days=28 * -(-self.days // 28))
        return self.over(self.from_date - shift, self.to_date - shift)


def period_dates(period: str, today: date, chosen: tuple[date, ...]) -> tuple[date, date]:
    """Return `[from, to)` of a named period; `chosen` are the picked first and last day, possibly fewer."""
    if period == "dates" and chosen:
        return min(chosen), max(chosen) + timedelta(days=1)
    if period == "today":
        return today, today + timedelta(days=1)
    if period == "yesterday":
        return today - timedelta(days=1), today
    return today - timedelta(days=_SPANS.get(period, 28) - 1), today + timedelta(days=1)


def _labels(dimension: str) -> Callable[[str], str]:
    if dimension == "patient_class":
        return lambda code: PATIENT_CLASSES.get(code, code)
    return str


def value_words(dimension: str, value: str) -> str:
    """Return a chosen value as people say it."""
    return _labels(dimension)(value)


def raw_value(dimension: str, said: str) -> str:
    """Return the value that is said so; what is no saying is a value itself."""
    raw = {label: code for code, label in PATIENT_CLASSES.items()} if dimension == "patient_class" else {}
    return raw.get(said, said)


def sidebar(who: data.Asker) -> None:
    """Draw the filter widgets; called once by the navigation script, so that they outlive page changes."""
    today = data.today(who)
    with st.sidebar:
        st.header("Filters", anchor=False)
        period = st.selectbox(
            "Period",
            list(PERIODS),
            index=list(PERIODS).index(DEFAULT_PERIOD),
            key="period",
            format_func=PERIODS.__getitem__,
            bind="query-params",
        )
        if period == "dates":
            st.date_input(
                "First and last day",
                (today - timedelta(days=27), today),
                max_value=today,
                key="dates",
                bind="query-params",
            )
        st.selectbox(
            "Compare with",
            list(COMPARISONS),
            key="compare",
            format_func=COMPARISONS.__getitem__,
            bind="query-params",
        )
        for dimension, label in DIMENSIONS.items():
            st.multiselect(
                label,
                data.dimension_values(who, dimension),
                key=dimension,
                format_func=_labels(dimension),
                placeholder="All",
                bind="query-params",
            )


def current(who: data.Asker) -> View:
    """Return the view the sidebar's widgets hold."""
    state = st.session_state
    where = tuple((name, tuple(state[name])) for name in DIMENSIONS if state.get(name))
    sites = dict(where).get("site", ())
    today = data.today(who, sites)
    period = state.get("period") or DEFAULT_PERIOD
    chosen = state.get("dates") or ()
    picked = tuple(chosen) if isinstance(chosen, tuple | list) else (chosen,)
    from_date, to_date = period_dates(period, today, picked)
    return View(from_date, to_date, where, today, period, state.get("compare") or USUAL)


def _clear(dimension: str) -> None:
    st.session_state[dimension] = []


def chips(view: View, *, not_applied: frozenset[str] = frozenset(), reason: str = "") -> None:
    """Show the active filters, each with one-click clear; those that nothing on the page takes are struck out."""
    active = dict(view.where)
    if not active:
        return
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        for dimension, chosen in active.items():
            say = _labels(dimension)
            text = f"{DIMENSIONS[dimension]}: {words.listing([say(c) for c in chosen])}"
            struck = dimension in not_applied
            st.button(
                f"~~{text}~~ not applied" if struck else text,
                key=f"clear_{dimension}",
                icon=":material/close:",
                help=(f"{reason} " if struck else "") + "Click to clear this filter.",
                on_click=_clear,
                args=(dimension,),
                type="tertiary" if struck else "secondary",
            )
