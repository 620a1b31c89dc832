"""Building blocks every page uses: header with freshness and filters, tile, table, empty state."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import streamlit as st

from app import data, words
from app.compare import Compared, safely, versus_words
from app.explain import export_menu, not_applied_words, panel
from app.filters import View, chips
from app.plain_text import page_text
from app.saved import address
from app.theme import AHEAD, BETTER, CONCERN, FRESH, IMPROVEMENT, LATE, NEVER, SHORT_LABELS, STALE, WORSE, State
from etl.kpis.query import Query, Result
from etl.kpis.small_numbers import SMALLEST_CELL
from etl.warehouse.feed_profile import Freshness, judged

FEED_STATES = {Freshness.OK: FRESH, Freshness.LATE: LATE, Freshness.STALE: STALE, Freshness.UNKNOWN: AHEAD}
HEADLINE_WORDS = {"p50": "median", "p90": "P90", "oldest": "oldest", "sum": "total", "max": "largest"}
TILE_PX = 250
ASSURED_ICON = ":material/flag:"
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


def tiles(who: data.Asker, view: View, names: Sequence[str]) -> None:
    """Draw at most six tiles in a grid that wraps instead of shrinking."""
    grid = st.grid(3, min_column_width=TILE_PX, gap="small", border=True)
    for name in names[:6]:
        with grid.cell():
            tile(who, view, name)
    copy_tiles(who, view, tuple(names[:6]))


@st.fragment
def copy_tiles(who: data.Asker, view: View, names: Sequence[str]) -> None:
    """Draw the menu with the tiles as plain text; they are computed only once it is opened."""
    menu = st.popover(
        "Copy as text", icon=":material/content_copy:", type="tertiary", key=f"copy_{names[0]}", on_change="rerun"
    )
    if menu.open:
        found = [facts for facts in (safely(who, view, name)[0] for name in names) if facts is not None]
        told = [(tile_label(facts), tile_value(facts), count_words(facts), facts) for facts in found]
        with menu:
            st.code(page_text(who, view, told, address()), language=None, wrap_lines=True)


@st.fragment
def tile(who: data.Asker, view: View, name: str) -> None:
    """Draw one KPI: value, unit, n, change, sparkline, and the panel that explains it."""
    facts, refused = safely(who, view, name)
    kpi = data.kpi(name)
    with st.container(gap="xsmall", key=f"tile_{kpi.key}"):
        if facts is None:
            st.metric(kpi.label, "no value")
            st.caption(refused)
            return
        _metric(facts)
        st.markdown(f":small[:{facts.state.colour}[{facts.state.icon} {facts.state.word}]: {facts.against}]")
        if facts.assured:
            st.markdown(f":small[{ASSURED_ICON} {facts.assured}]")
        note = " ".join(filter(None, (not_applied_words(facts.result), left_out_words(facts.result))))
        if note:
            st.caption(note)
        with st.container(
            horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="xsmall"
        ):
            st.caption(count_words(facts), width="content")
            asked = st.button("Explain", key=f"explain_{kpi.key}", type="tertiary")
        if asked:
            drawer = st.dialog(f"{tile_label(facts)}: {tile_value(facts)}", width="medium", position="right")
            drawer(panel)(who, view, facts, kpi.key)


def tile_label(facts: Compared) -> str:
    """Return the KPI's label with the statistic its headline shows."""
    meta = facts.result.meta
    label, statistic = SHORT_LABELS.get(meta.kpi_key, meta.label), HEADLINE_WORDS.get(meta.headline)
    return f"{label}, {statistic}" if statistic else label


def tile_value(facts: Compared) -> str:
    """Return the number as the tile prints it; a median that most items have not reached is not a missing one."""
    return "not reached" if is_unreached(facts.result) else words.amount(facts.value, facts.unit)


def is_unreached(result: Result) -> bool:
    """Return whether so many items are open that a Kaplan-Meier quantile lies beyond what has been seen (K0.8)."""
    if len(result.frame) != 1 or "closed" not in result.frame:
        return False
    row = result.frame.iloc[0]
    return words.missing(row[result.meta.headline]) and bool(
        row["closed"] + row["open"] >= SMALLEST_CELL and row["open"] > 0
    )


def _metric(facts: Compared) -> None:
    change = facts.difference
    shown = None if change is None else words.difference(change, facts.unit)
    arrow: Any = "off" if not change else "up" if change > 0 else "down"
    st.markdown(f"**{tile_label(facts)}**")  # a metric's own label would be cut, not wrapped
    st.metric(
        tile_label(facts),
        tile_value(facts),
        delta=shown,
        delta_color=_agreeing_colour(facts),  # type: ignore[arg-type]  # a named colour of the palette
        delta_arrow=arrow,
        delta_description=None if facts.usual is None else f"vs {facts.versus} {words.figure(facts.usual, facts.unit)}",
        chart_data=facts.spark if len(facts.spark) > 2 else None,
        label_visibility="collapsed",
    )


def _agreeing_colour(facts: Compared) -> str:
    """Return the state's colour where the difference goes the same way, else grey: an improvement is no concern."""
    better, change = data.kpi(facts.result.meta.kpi_key).better, facts.difference
    if change is None or better == "neutral" or facts.state not in (CONCERN, WORSE, IMPROVEMENT, BETTER):
        return "gray"
    is_good = (change > 0) == (better == "higher")
    return facts.state.colour if is_good == (facts.state in (IMPROVEMENT, BETTER)) else "gray"


def count_words(facts: Compared) -> str:
    """Say n, P90 beside a median, open items, and why a value is not shown."""
    result, kpi = facts.result, data.kpi(facts.result.meta.kpi_key)
    if result.meta.absent:
        return result.meta.absent
    said = [_why_no_value(result)] if facts.value is None else []
    if result.meta.headline == "p50" and "p90" in result.frame and not words.missing(result.frame["p90"].iloc[0]):
        said.append(f"P90 {words.amount(result.frame['p90'].iloc[0], facts.unit)}")
    if result.meta.headline == "count" and "oldest" in result.frame:
        return " \u00b7 ".join([*said, *_queue_words(result)])
    said.append(f"n = {words.count(result.meta.n)} {kpi.counted if 'hours' not in _n_unit(facts) else 'scanner hours'}")
    if result.meta.open:
        said.append(f"{words.count(result.meta.open)} open")
    if result.meta.missing:
        said.append(f"{words.count(result.meta.missing)} missing")
    return " · ".join(said)


def left_out_words(result: Result) -> str:
    """Say which sites are not in a number because no feed of theirs tells what it needs."""
    meta = result.meta
    return "" if meta.absent or not meta.without_sites else f"Without {', '.join(meta.without_sites)}: no feed for it."


def _queue_words(result: Result) -> list[str]:
    """Say how old the oldest of a queue is, how many are over their limit and how many were set aside."""
    row = result.frame.iloc[0]
    said = [] if words.missing(row["oldest"]) else [f"oldest {words.amount(row['oldest'], 'min')}"]
    beside = {"over_limit": "over target", "dismissed": "dismissed"}
    return said + [f"{words.count(row[name])} {word}" for name, word in beside.items() if name in row]


def _why_no_value(result: Result) -> str:
    if is_unreached(result):
        return "fewer than half are done"
    if result.meta.n:
        return "too few to show a number"
    return "none decided yet" if result.meta.open else "nothing in this period and filter"


def _n_unit(facts: Compared) -> str:
    return facts.result.meta.columns.get("n", "")


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


def said(facts: Mapping[str, Compared | None]) -> list[str]:
    """Return the states that are not steady, as sentences for a page's headline."""
    return [
        f"{f.result.meta.label}: {words.amount(f.value, f.unit)}, {f.against}"
        for f in facts.values()
        if f is not None and f.state in (CONCERN, IMPROVEMENT, WORSE, BETTER)
    ]
