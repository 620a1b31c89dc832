"""Building blocks every page uses: header with freshness and filters, table, empty state."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import streamlit as st

from app import data, words
from app.compare import versus_words
from app.explain import export_menu
from app.filters import View, chips
from app.theme import AHEAD, FRESH, LATE, NEVER, STALE, State
from etl.kpis.query import Query
from etl.kpis.small_numbers import SMALLEST_CELL
from etl.warehouse.feed_profile import Freshness, judged

FEED_STATES = {Freshness.OK: FRESH, Freshness.LATE: LATE, Freshness.STALE: STALE, Freshness.UNKNOWN: AHEAD}
SHORT_TABLE = 8
WHOLE_TABLE = 24  # rows; what lies below the fold of a scrolling table is not seen


def feed_state(feed: Mapping[Hashable, Any], now: datetime) -> tuple[State, float | None]:
    """Return the state of a row of fact_feed and the age of its newest data in minutes, judged by data time alone."""
    until, due, stale = (None if pd.isna(feed[n]) else feed[n] for n in ("data_until_at", "expected_by_at", "stale_at"))
    if until is None:
        return NEVER, None
    return FEED_STATES[judged(until, due, stale, now)], (now - until).total_seconds() / 60


def feed_states(feeds: pd.DataFrame, now: datetime) -> list[tuple[str, State, float | None]]:
    """Return key, state and age of every feed."""
    return [(str(feed["feed_key"]), *feed_state(feed, now)) for feed in feeds.to_dict("records")]


@st.fragment(run_every="60s")
def freshness(who: data.Asker, view: View) -> None:
    """Chips that say until when the data reaches and which feeds are late; the one place that reads the clock."""
    zone = data.main_zone(who, view.where)
    states = feed_states(data.rows(who, "feeds"), datetime.now(UTC))
    until = words.moment(data.data_at(who).astimezone(zone))
    current = sum(state is FRESH for _, state, _ in states)
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.badge(f"Data until {until} ({_zone_words(zone)})", icon=":material/update:", color="gray")
        if states:
            colour: Any = FRESH.colour if current == len(states) else "gray"
            st.badge(f"{current} of {words.plural(len(states), 'feed')} current", icon=FRESH.icon, color=colour)
        late = [(key, state, age) for key, state, age in states if state is not FRESH]
        for key, state, age in sorted(late, key=lambda found: found[1] is not STALE)[:3]:
            said = state.word if age is None or state is AHEAD else f"{state.word}, {words.age(age)} old"
            mark: Any = state.colour
            st.badge(f"{key}: {said}", icon=state.icon, color=mark)
        if len(late) > 3:
            st.badge(f"{len(late) - 3} more late, see Data health", icon=LATE.icon, color="orange")


def _zone_words(zone: Any) -> str:
    return str(zone).rsplit("/", 1)[-1].replace("_", " ") + " time"


def header(
    who: data.Asker,
    view: View,
    title: str,
    question: str,
    *,
    period: str | None = None,
    not_applied: Sequence[str] = (),
    reason: str = "",
) -> None:
    """Draw the page's title, its one question, the period, freshness and filter chips."""
    st.title(title, anchor=False)
    told = "; ".join(filter(None, (period or view.period_words, versus_words(view))))
    st.markdown(f"{question}  \n:gray[{told}]")
    freshness(who, view)
    chips(view, not_applied=frozenset(not_applied), reason=reason)


def empty(what: str, next_step: str) -> None:
    """Say that there is nothing to draw, and what to do about it."""
    st.info(f"{what} {next_step}", icon=":material/inbox:")


def no_rows(view: View, frame: pd.DataFrame | None = None) -> None:
    """The empty state of a filtered view; `frame` is what was found and has no number to draw.

    What is too few to show is there all the same: it is never called nothing.
    """
    found = 0 if frame is None or "n" not in frame else int(frame["n"].fillna(0).sum())
    if found:
        few = f"{words.count(found)} found, but fewer than {SMALLEST_CELL} in every group: too few to draw."
        empty(few, "Choose a longer period or coarser groups.")
        return
    step = "Clear a filter above or choose a longer period." if view.where else "Choose a longer period in the sidebar."
    empty("Nothing matches this period and filter.", step)


def table(
    frame: pd.DataFrame, alt: str, columns: Mapping[str, str] | None = None, key: str | None = None, **config: Any
) -> None:
    """Draw a frame, or its chosen columns renamed: short ones as plain text that wraps, long ones scrolling."""
    shown = frame if columns is None else frame[list(columns)].rename(columns=dict(columns))
    if len(shown) <= SHORT_TABLE and not config:
        st.table(shown, hide_index=True, border="horizontal", alt=alt)
    else:
        tall: Any = "content" if len(shown) <= WHOLE_TABLE else 460
        st.dataframe(shown, hide_index=True, height=tall, alt=alt, key=key, column_config=config or None)


def section(who: data.Asker, title: str, query: Query | None = None) -> None:
    """Draw a heading, with the export of what stands under it at its right."""
    if query is None:
        st.header(title, anchor=False)
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.header(title, anchor=False, width="content")
        export_menu(who, query, "_".join([query.kpi, *query.by]))
