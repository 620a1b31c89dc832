"""What every page of a KPI family has: its question, and all of its numbers in one table."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from app import data, filters, words
from app.compare import headline_unit, headline_value
from app.filters import View
from app.widgets import header, is_unreached, left_out_words, table
from etl.errors import RefusedError
from etl.kpis.base import Family, Kpi


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
    listed = {"": [kpi.id for kpi in family.kpis], "Number": [kpi.label for kpi in family.kpis]}
    said = [_said(who, view, kpi) for kpi in family.kpis]
    shown = listed | {"Value": [value for value, _ in said], "Behind it": [note for _, note in said]}
    table(pd.DataFrame(shown), alt=f"All numbers of {family.label}")


def _said(who: data.Asker, view: View, kpi: Kpi) -> tuple[str, str]:
    """Return a KPI's number as printed, and what stands behind it."""
    try:
        result = data.ask(who, view.query(kpi.key))
    except RefusedError as refused:
        return "no value", str(refused)
    if result.meta.absent:
        return "no feed", result.meta.absent
    if is_unreached(result):
        return "not reached", f"{words.count(result.meta.open)} open"
    value = words.amount(headline_value(result), headline_unit(result))
    counted = f"n = {words.count(result.meta.n)} {result.meta.columns.get('n', kpi.counted)}"
    opened = f"{words.count(result.meta.open)} open" if result.meta.open else ""
    return value, " · ".join(filter(None, (counted, opened, left_out_words(result))))
