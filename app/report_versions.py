"""Turnaround's tables: by class and priority with open items, and the versions of a report."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from app import charts, data, words
from app.filters import View
from app.pivot import said_value
from app.spans import spans
from app.theme import PRIORITIES
from app.widgets import no_rows, table
from etl.kpis.small_numbers import SMALLEST_CELL

CUT = ("priority", "patient_class")
VERSIONS = {
    "T16-first-prelim": "First preliminary",
    "T16-last-prelim": "Last preliminary",
    "T16": "First final",
    "T16-last-final": "Last final or addendum",
    "T16-addendum": "Addendum, after the final",
}


def by_class(who: data.Asker, view: View) -> None:
    """Draw median, P90, open and share within target of the report for each priority and class."""
    times = data.ask(who, view.query("T16", *CUT)).frame
    kept = data.ask(who, view.query("T24", *CUT)).frame
    both = times.merge(kept[[*CUT, "share", "low", "high"]], on=list(CUT), how="left")
    if both.empty:
        no_rows(view, times)
        return
    rank = {name: place for place, name in enumerate(PRIORITIES)}
    order = both["priority"].map(lambda name: rank.get(name, len(rank)))
    both = both.assign(rank=order).sort_values(["rank", "patient_class"])
    shown = [_row(row) for row in both.to_dict("records")]
    table(pd.DataFrame(shown), alt="Report turnaround by priority and patient class")
    st.caption(
        "Open exams count as at least as old as they are; the closed-only P90 beside leaves them out and looks better "
        "the more is left lying. Within target: 95 % Wilson interval, judged once a target has run out."
    )


def _row(row: Mapping[Hashable, Any]) -> dict[str, str]:
    low, high = row["low"], row["high"]
    share = words.amount(row["share"], "share")
    interval = "" if words.missing(low) else f" ({words.spread(low, high, 'share')})"
    is_open = 0 if words.missing(row["open"]) else int(row["open"])
    p50, p90, closed = (_minutes(row[name], is_open) for name in ("p50", "p90", "p90_closed"))
    return {
        "Priority": str(row["priority"]).capitalize() if row["priority"] != "STAT" else "STAT",
        "Class": said_value("patient_class", row["patient_class"]),
        "Median": p50,
        "P90": p90,
        "P90 closed only": closed,
        "Exams": "hidden" if words.missing(row["n"]) else words.count(row["n"]),
        "Open": words.count(is_open),
        "Within target": f"{share}{interval}",
    }


def _minutes(value: Any, is_open: int) -> str:
    if not words.missing(value):
        return words.amount(value, "min")
    return "not reached" if is_open >= SMALLEST_CELL else "too few"


def versions(who: data.Asker, view: View) -> None:
    """Draw when each version of a report comes, as median and P90."""
    rows = [data.ask(who, view.query(kpi)).frame.assign(version=label) for kpi, label in VERSIONS.items()]
    found = pd.concat([frame[["version", "p50", "p90", "n"]] for frame in rows], ignore_index=True)
    if found["p50"].notna().sum() == 0:
        no_rows(view, found)
        return
    charts.show(spans(found, "version", what="Median time of each version of a report", order=list(VERSIONS.values())))
    amended = data.ask(who, view.query("Q01"))
    share = amended.frame["share"].iloc[0]
    said = (
        amended.meta.absent
        or f"{words.amount(share, 'share')} of {words.count(amended.meta.n)} finals have an addendum"
    )
    st.caption(f"Minutes since exam end; the addendum since the final. {said}.")
