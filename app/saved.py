"""Saved views: a page and its filters under a name, opened with one click; and what a page says as plain text."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import streamlit as st

from app import data
from app.comparison import COMPARISONS, USUAL
from app.filters import DEFAULT_PERIOD, DIMENSIONS, PERIODS, raw_value
from app.going import go_to
from app.navigation import TITLES
from app.old_links import OF_PAGES
from etl.errors import RefusedError
from etl.saved_views import SavedView, SavedViews

OPENED = "opened_view"
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@lru_cache(maxsize=4)
def _store(path: Path) -> SavedViews:
    return SavedViews(path)


def views() -> SavedViews:
    """Return the installation's saved views: read at each run, never cached."""
    settings = data.settings()
    return _store(settings.at(settings.state_file))


def query_text() -> str:
    """Return the filters as the address has them: the contract that links and saved views share."""
    return urlencode({name: st.query_params.get_all(name) for name in sorted(st.query_params)}, doseq=True)


def address() -> str:
    """Return the address of this page with the present filters: whoever may see it sees the same numbers."""
    page, query = (st.context.url or "").rstrip("/"), query_text()
    return f"{page}?{query}" if query else page


def menu(who: data.Asker, page: str) -> None:
    """Draw the saved views one may open, and the form that saves the present one."""
    held = st.popover("Saved views", icon=":material/bookmark:", key="saved_views", width="stretch", on_change="rerun")
    if not held.open:
        return
    with held:
        known = [view for view in views().seen_by(who.principal.name) if view.page in TITLES]
        for view in known:
            _entry(who, view)
        if not known:
            st.caption("None yet. Choose filters, then save them here under a name.")
        form(who, page)


def form(who: data.Asker, page: str) -> None:
    """Draw the form that saves a page with the present filters."""
    with st.form("save_view", border=False, clear_on_submit=True):
        name = st.text_input("Name", placeholder="Morning round")
        team = st.checkbox("For the whole team")
        if st.form_submit_button("Save this view", icon=":material/bookmark_add:"):
            _save(who, SavedView(name, page, query_text(), team))


def _entry(who: data.Asker, view: SavedView) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        label = f"{view.name} ({TITLES[view.page]})"
        opened = st.button(label, key=f"open_{view.id}", type="tertiary", help=_whose(who, view))
        if view.owner == who.principal.name and st.button(
            "Delete", key=f"delete_{view.id}", type="tertiary", icon=":material/delete:"
        ):
            views().delete(view.id, who.principal.name, str(who.principal.role))
            st.rerun()
        if opened:
            st.session_state[OPENED] = view.query
            go_to(view.page, of_page(view.query))


def of_page(query: str) -> dict[str, list[str]]:
    """Return the parameters of a saved query that belong to its page alone."""
    return {name: values for name, values in parse_qs(query).items() if name in OF_PAGES - {"dates"}}


def apply_opened() -> None:
    """Put the filters of a view just opened into their widgets; call before any filter is drawn."""
    query = st.session_state.pop(OPENED, None)
    if query is None:
        return
    for name, value in filter_state(query).items():
        if st.session_state.get(name) != value:
            st.session_state[name] = value


def filter_state(query: str) -> dict[str, Any]:
    """Return what the filters' widgets hold for a saved query; a filter it does not name is empty."""
    asked = parse_qs(query)
    found: dict[str, Any] = {name: [raw_value(name, v) for v in asked.get(name, [])] for name in DIMENSIONS}
    for name, choices, default in (("period", PERIODS, DEFAULT_PERIOD), ("compare", COMPARISONS, USUAL)):
        said = (asked.get(name) or [""])[0]
        found[name] = next((key for key, label in choices.items() if label == said), default)
    days = [date.fromisoformat(text) for text in asked.get("dates", []) if _ISO_DAY.fullmatch(text)]
    return found | ({"dates": tuple(days[:2])} if days else {})


def _whose(who: data.Asker, view: SavedView) -> str:
    own = "Yours" if view.owner == who.principal.name else f"By {view.owner}"
    return f"{own}, {'seen by the team' if view.team else 'seen by you alone'}"


def _save(who: data.Asker, view: SavedView) -> None:
    try:
        views().save(view, who.principal.name, str(who.principal.role))
    except RefusedError as refused:
        st.warning(f"{str(refused)[:1].upper()}{str(refused)[1:]}.")
    else:
        st.rerun()
