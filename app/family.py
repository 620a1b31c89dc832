"""What every page of a KPI family has: its question, and all of its numbers in one table."""

from __future__ import annotations

import streamlit as st

from app import data, filters, words
from app.compare import headline_unit, headline_value
from app.filters import View
from app.tiles import is_unreached, left_out_words
from app.widgets import header
from etl.errors import RefusedError
from etl.kpis.base import Family, Kpi

STATISTICS = {"p50": "median", "p90": "P90", "oldest": "the oldest"}  # sums and counts need no word


def open_page(key: str) -> tuple[data.Asker, View]:
    """Draw the head of a family's page: title, question, period, freshness and filters."""
    family = data.family(key)
    who = data.asker()
    view = filters.current(who)
    header(who, view, family.label, family.question)
    return who, view


def all_numbers(who: data.Asker, view: View, key: str) -> None:
    """Draw every KPI of a family as one table: its number, what it counts, and why there is none."""
    family: Family = data.family(key)
    st.header("All numbers", anchor=False)
    answers = [said(who, view, kpi) for kpi in family.kpis]
    shown = {
        "Number": [f"{kpi.label} ({kpi.id})" for kpi in family.kpis],
        "Value": [value for value, _ in answers],
        "Behind it": [note for _, note in answers],
    }
    st.table(shown, hide_index=True, border="horizontal", alt=f"All numbers of {family.label}")


def said(who: data.Asker, view: View, kpi: Kpi) -> tuple[str, str]:
    """Return a KPI's number as printed, and what stands behind it."""
    try:
        result = data.ask(who, view.query(kpi.key))
    except RefusedError as refused:
        return "no value", str(refused)
    if result.meta.absent:
        return "no feed", result.meta.absent
    if is_unreached(result):
        return "not reached", f"{words.count(result.meta.open)} open"
    value, statistic = words.amount(headline_value(result), headline_unit(result)), result.meta.headline
    value += f", {STATISTICS[statistic]}" if statistic in STATISTICS and headline_value(result) is not None else ""
    counted = f"n = {words.count(result.meta.n)} {result.meta.columns.get('n', kpi.counted)}"
    opened = f"{words.count(result.meta.open)} open" if result.meta.open else ""
    limits = [] if "over_limit" not in result.frame else result.frame["over_limit"].dropna().tolist()
    over = f"{words.count(limits[0])} over target" if len(limits) else ""
    return value, " · ".join(filter(None, (counted, over, opened, left_out_words(result))))
