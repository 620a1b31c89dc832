"""The live part of the command center: each site's state in numbers, its scanners, its unread exams by age."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app import charts, data, filters, outlook, words
from app.filters import View
from app.scanners_now import ScannerNow, scanners_now
from app.stacks import stacked
from app.theme import BUSY, CLOSED, DOWN, IDLE, OVER, PATIENT_CLASSES, State
from app.widgets import empty, table
from etl.errors import RefusedError

NOW_KPIS = {"U21b": "Patients waiting", "U21": "Unread exams", "C02-open": "Critical findings nobody was told of"}
AGES = {
    "under_1h": "under 1 h",
    "from_1h_to_4h": "1 to 4 h",
    "from_4h_to_24h": "4 to 24 h",
    "over_24h": "over 24 h",
}
OLDER = ("#9ECAE1", "#4292C6", "#08519C", "#D9730D")  # the older the darker; a day and more stands out
LOAD_HOURS = 4
EVERY = "60s"
CARD_PX = 210


@st.fragment(run_every=EVERY)
def right_now(drawn: str) -> None:
    """Draw the live state; once newer data than `drawn` is published, the whole page is drawn anew."""
    who = data.asker()
    if who.data_version != drawn:
        st.rerun(scope="app")
    view = filters.current(who)
    left, right = st.columns(2, gap="large")
    with left:
        st.header("Right now", anchor=False)
        site_table(who, view, _states(who, view))
    with right:
        st.header("Unread by age", anchor=False)
        unread_by_age(who, view)


@st.fragment(run_every=EVERY)
def scanners() -> None:
    """Draw a card a scanner; `right_now` sees to newer data."""
    who = data.asker()
    view = filters.current(who)
    st.header("Scanners", anchor=False)
    scanner_cards(_states(who, view), loads(who, view))


def _states(who: data.Asker, view: View) -> list[ScannerNow]:
    now, where = data.data_at(who), view.where
    names = ("in_rooms", "last_left", "booked_around", "hours_around")
    rows = {name: data.rows(who, name, now, where) for name in names}
    known = data.rows(who, "scanners")
    for dimension, column in (("site", "site_code"), ("scanner", "scanner_code"), ("modality", "modality")):
        chosen = dict(where).get(dimension)
        known = known[known[column].isin(chosen)] if chosen else known
    return scanners_now(known, rows, now, data.zones(who))


def site_table(who: data.Asker, view: View, states: Sequence[ScannerNow]) -> None:
    """Draw one column a site: who waits, who lies on a table, what is unread and untold, what the scanners do."""
    chosen = dict(view.where).get("site")
    sites = [site for site in data.zones(who) if not chosen or site in chosen]
    rows: dict[str, list[str]] = {}
    for name, label in NOW_KPIS.items():
        rows[label] = _queue_cells(who, view, name, sites)
    in_rooms = data.rows(who, "in_rooms", data.data_at(who), view.where)
    rows["Exams under way"] = [words.count((in_rooms["site_code"] == site).sum()) for site in sites]
    for state in (DOWN, OVER, BUSY, IDLE, CLOSED):
        codes = [[s.scanner for s in states if s.site == site and s.state is state] for site in sites]
        if any(codes):
            rows[f"{state.icon} Scanners {state.word}"] = [_codes(found) for found in codes]
    shown = pd.DataFrame([[label, *cells] for label, cells in rows.items()], columns=["Now", *sites])
    table(shown, alt="; ".join(f"{site}: {_site_words(shown, site)}" for site in sites))


def _codes(found: list[str]) -> str:
    return f"{len(found)}: {words.listing(found, 4)}" if found else "none"


def _site_words(shown: pd.DataFrame, site: str) -> str:
    pairs = zip(shown["Now"], shown[site], strict=True)
    return ", ".join(f"{str(label).rsplit(': ', 1)[-1].lower()} {cell}" for label, cell in list(pairs)[:4])


def _queue_cells(who: data.Asker, view: View, name: str, sites: Sequence[str]) -> list[str]:
    """Return count, age of the oldest and number over the limit, a site."""
    try:
        result = data.ask(who, view.query(name, "site"))
    except RefusedError as refused:
        return [str(refused)] * len(sites)
    rows = {str(row["site"]): row for row in result.frame.to_dict("records")}
    return [_queue_cell(rows.get(site), site in result.meta.without_sites) for site in sites]


def _queue_cell(row: dict[Any, Any] | None, is_without_feed: bool) -> str:
    if row is None or words.missing(row["count"]):
        return "no feed" if is_without_feed else "none"
    said = [words.count(row["count"])]
    if not words.missing(row.get("oldest")) and row["count"]:
        said.append(f"oldest {words.amount(row['oldest'], 'min')}")
    if row.get("over_limit") and not words.missing(row["over_limit"]):
        said.append(f"**{words.count(row['over_limit'])} over target**")
    return ", ".join(said)


def unread_by_age(who: data.Asker, view: View) -> None:
    """Draw the unread exams of each patient class by age, and say how many are over their target."""
    frame = data.ask(who, view.query("U21", "patient_class")).frame
    frame = frame[frame["count"] > 0].sort_values("count", ascending=False)
    if frame.empty:
        empty("Nothing is unread.", "Exams appear here once they end without a report.")
        return
    classes = [PATIENT_CLASSES.get(code, str(code)) for code in frame["patient_class"]]
    counts = frame[list(AGES)].astype("float64")
    shown = counts.mask(counts == 0).assign(patient_class=classes)
    what = "Unread exams by age"
    charts.show(stacked(shown, "patient_class", AGES, "exams", what=what, order=classes, colours=OLDER))
    late = [
        f"{words.count(row['over_limit'])} of {words.count(row['count'])} {name.lower()}"
        for name, row in zip(classes, frame.to_dict("records"), strict=True)
        if row["over_limit"]
    ]
    st.markdown(f"Over their report target: {words.listing(late, 4)}." if late else "None is over its report target.")
    st.page_link("pages/queues.py", label="Their history", icon=":material/arrow_forward:")


def loads(who: data.Asker, view: View) -> dict[str, str]:
    """Return the expected table utilization of each scanner's next hours, in words."""
    ahead = outlook.upcoming(who, view, "table_utilization", LOAD_HOURS + 1)
    if ahead.empty:
        return {}
    found = {}
    for code, hours in ahead.groupby("scanner_code"):
        next_ones = hours[hours["hour_at"] > pd.Timestamp(data.data_at(who))].head(LOAD_HOURS)
        pairs = zip(next_ones["at"], next_ones["value"], strict=True)
        found[str(code)] = " · ".join(f"{at:%H} h {words.amount(value, 'share')}" for at, value in pairs)
    return found


def scanner_cards(states: Sequence[ScannerNow], load: dict[str, str]) -> None:
    """Draw a card a scanner: its state, since when, what is next and how full the next hours will be."""
    if not states:
        empty("No scanner matches the filters.", "Clear a filter above.")
        return
    with st.grid(min_column_width=CARD_PX, border=True):
        for one in states:
            with st.container(gap="xxsmall"):
                st.markdown(f"**{one.scanner}** :gray[{one.modality}] {mark(one.state)}")
                st.caption(". ".join(_capital(sentence) for sentence in (one.said, one.following) if sentence))
                if load.get(one.scanner):
                    st.caption(f"Expected: {load[one.scanner]}")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def mark(state: State) -> str:
    """Return a state as icon and word in its colour."""
    return f":{state.colour}[{state.icon} {state.word}]"
