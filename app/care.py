"""Parts of the page on critical findings and follow-up: compliance by class, and the lists people work from."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from app import charts, data, words
from app.filters import View
from app.intervals import shares
from app.widgets import empty, no_rows, table
from etl.access import ROW_ROLES

CLASS_WORDS = {"1": "Class 1 (minutes)", "2": "Class 2 (hours)", "3": "Class 3 (days)", "unknown": "Class not sent"}
LISTED = 200
WORST = 6  # rows, as many as fit beside the classes


def classes_told(who: data.Asker, view: View) -> None:
    """Draw the share told in time by class, each with its Wilson interval."""
    result = data.ask(who, view.query("C01", "critical_class"))
    if result.frame.empty or result.frame["share"].isna().all():
        no_rows(view, result.frame)
        return
    named = result.frame.assign(named=result.frame["critical_class"].map(CLASS_WORDS))
    order = [w for w in CLASS_WORDS.values() if w in set(named["named"])]
    charts.show(shares(named, "named", "share", what="Share told in time by class", order=order))
    st.caption("The bar is the 95 % Wilson interval. A finding is judged once its limit has run out, told or not.")


def hours_told(who: data.Asker, view: View) -> None:
    """Draw the share told in time by section and shift, the worst first: where and when it goes wrong."""
    result = data.ask(who, view.query("C01", "section", "shift"))
    frame = result.frame.dropna(subset=["share"]).sort_values(["share", "n"], ascending=[True, False]).head(WORST)
    if frame.empty:
        no_rows(view, result.frame)
        return
    named = frame.assign(named=frame["section"] + ", " + frame["shift"])
    what = f"The {len(named)} sections and shifts with the lowest share told in time"
    charts.show(shares(named, "named", "share", what=what, order=list(named["named"])))
    st.caption("The lowest shares first; groups of fewer than five findings are left out.")


def open_findings(who: data.Asker, view: View) -> None:
    """List findings nobody was told of, the most overdue first."""
    if not sees_rows(who):
        return
    frame = data.rows(who, "untold_findings", view.where, LISTED)
    if frame.empty:
        empty("Every critical finding was told to somebody.", "Nothing to do here.")
        return
    now = data.data_at(who)
    age = [(now - at).total_seconds() / 60 for at in frame["identified_at"]]
    shown = pd.DataFrame(
        {
            "Exam": frame["accession_token"].str[:10],
            "Class": frame["critical_class"].fillna("not sent"),
            "Owner": frame["owner"].str[:8].fillna("unknown"),
            "Open for": [words.age(a) for a in age],
            "Limit": ["no limit" if pd.isna(m) else words.age(m) for m in frame["limit_min"]],
            "Against limit": [against(a, m) for a, m in zip(age, frame["limit_min"], strict=True)],
            "Where": frame["site_code"] + ", " + frame["section"].fillna("no section"),
            "Exam kind": frame["procedure_group"].fillna("unknown"),
        }
    )
    table(shown, alt="Critical findings nobody was told of", key="untold")


def against(age_min: float, limit_min: Any) -> str:
    """Say how an age stands to its limit."""
    if pd.isna(limit_min):
        return "no limit set"
    over = age_min - float(limit_min)
    return f"{words.age(over)} over" if over > 0 else f"{words.age(-over)} left"


def sees_rows(who: data.Asker) -> bool:
    """Whether the asker may see single rows; says so where not."""
    if who.principal.role in ROW_ROLES:
        return True
    st.caption("Your role sees numbers only: the list is for managers and analysts.")
    return False
