"""Tiles: a number with unit, n, what its chart says and the panel behind it; and what tiles say together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import data, words
from app.compare import Compared, safely
from app.control import concerns
from app.explain import not_applied_words, panel
from app.filters import View
from app.plain_text import page_text
from app.saved import address
from app.theme import (
    BETTER,
    CONCERN,
    IMPROVEMENT,
    SHORT_LABELS,
    UNKNOWN,
    WORSE,
)
from etl.kpis.query import Result
from etl.kpis.small_numbers import SMALLEST_CELL

HEADLINE_WORDS = {"p50": "median", "p90": "P90", "oldest": "oldest", "sum": "total", "max": "largest"}
TILE_PX = 250
ASSURED_ICON = ":material/flag:"


def tiles(who: data.Asker, view: View, names: Sequence[str], *, is_answered: bool = False) -> None:
    """Draw at most six tiles in a grid that wraps instead of shrinking, and above them what they say together.

    `is_answered` where the page says so itself.
    """
    line = None if is_answered else st.empty()  # filled last: the first tile need not wait for the sixth
    grid = st.grid(3, min_column_width=TILE_PX, gap="small", border=True)
    for name in names[:6]:
        with grid.cell():
            tile(who, view, name)
    if line is not None:
        line.markdown(concern_words(who, view, names[:6]))
    copy_tiles(who, view, tuple(names[:6]))


def concern_words(who: data.Asker, view: View, names: Sequence[str]) -> str:
    """Say in one line which of the numbers give concern, and since when."""
    facts = [f for f in (safely(who, view, name)[0] for name in names) if f is not None]
    judged = [f for f in facts if f.state is not UNKNOWN]
    charts = [(tile_label(f).split(",")[0].split(" (")[0], f.chart) for f in judged if f.chart is not None]
    worse = concerns(charts) + [tile_label(f) for f in judged if f.state is WORSE]
    if not judged:
        return f":gray[{UNKNOWN.icon}] Too few days are known to say what is usual."
    among = words.plural(len(judged), "number")
    if not worse:
        return f":{BETTER.colour}[{BETTER.icon}] **No concern:** none of {among} is worse than chance explains."
    verb = "gives" if len(worse) == 1 else "give"
    head = f"{len(worse)} of {among} {verb} concern"
    return f":{WORSE.colour}[{WORSE.icon}] **{head}:** {words.listing(worse, 6)}."


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


def said(facts: Mapping[str, Compared | None]) -> list[str]:
    """Return the states that are not steady, as sentences for a page's headline."""
    return [
        f"{f.result.meta.label}: {words.amount(f.value, f.unit)}, {f.against}"
        for f in facts.values()
        if f is not None and f.state in (CONCERN, IMPROVEMENT, WORSE, BETTER)
    ]
