"""Writing annotations and new limits down, and taking them back: each with author, days and reason."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import streamlit as st

from app import data, words
from app.filters import View
from app.notes import notes
from app.widgets import empty, table
from etl.access import Principal, Role
from etl.annotations import KINDS, LONGEST_TEXT, SCOPES, Annotation
from etl.errors import RefusedError
from etl.kpis import KPIS

MAY_WRITE = frozenset({Role.MANAGER, Role.ANALYST, Role.STEWARD})
ALL = "All"


def standing(found: list[Annotation]) -> None:
    """Draw what stands, the latest first."""
    if not found:
        empty("Nothing has been written down yet.", "Add what happened below: it is drawn on every chart of its days.")
        return
    shown = pd.DataFrame([_row(note) for note in reversed(found)])
    table(shown, alt=f"{words.plural(len(found), 'annotation')}, the latest first")


def _row(note: Annotation) -> dict[str, str]:
    return {
        "Days": words.period(note.from_date, note.to_date) if not note.kpi else f"from {words.day(note.from_date)}",
        "What": f"{note.label} for {KPIS[note.kpi].label}" if note.kpi else note.label,
        "Where": scope_words(note),
        "Why": note.text,
        "Limits": "days left out" if note.excludes else "",
        "By": note.author,
    }


def scope_words(note: Annotation) -> str:
    """Return what an annotation is about."""
    return ", ".join(getattr(note, name) for name in SCOPES if getattr(note, name)) or "everywhere"


def annotation_form(who: data.Asker, view: View) -> None:
    """Draw the form for something that happened on some days."""
    with st.form("annotation", clear_on_submit=True):
        kind = st.selectbox("What", list(KINDS), format_func=KINDS.__getitem__)
        days = st.date_input("First and last day", (view.today, view.today), key="annotation_days")
        scope = _scope(who, "annotation")
        text = st.text_input("What happened, and why it matters", max_chars=LONGEST_TEXT)
        excludes = st.checkbox("Leave these days out of limits: they say nothing about the process")
        if st.form_submit_button("Write it down", icon=":material/edit_note:"):
            begin, end = _ends(days)
            _add(who.principal, Annotation(kind, begin, end + timedelta(days=1), text, *scope, excludes=excludes))


def rebase_form(who: data.Asker, view: View) -> None:
    """Draw the form that begins new limits for a KPI."""
    charted = [kpi.id for kpi in KPIS if "day" in kpi.grains]
    with st.form("rebase", clear_on_submit=True):
        name = st.selectbox("Number", charted, format_func=lambda key: f"{key} {KPIS[key].label}")
        day = st.date_input("First day of the new process", view.today, max_value=view.today, key="rebase_day")
        scope = _scope(who, "rebase")
        text = st.text_input("What changed for good, and who decided it", max_chars=LONGEST_TEXT)
        if st.form_submit_button("Begin new limits", icon=":material/restart_alt:"):
            begin, _ = _ends(day)
            note = Annotation("rebase", begin, begin + timedelta(days=1), text, *scope, kpi=KPIS[name].id)
            _add(who.principal, note)


def _scope(who: data.Asker, key: str) -> tuple[str, str, str]:
    """Draw the choice of site, modality and scanner; '' for all."""
    with st.container(horizontal=True):
        chosen = [
            st.selectbox(name.capitalize(), [ALL, *data.dimension_values(who, name)], key=f"{key}_{name}")
            for name in SCOPES
        ]
    site, modality, scanner = ("" if one == ALL else one for one in chosen)
    return site, modality, scanner


def _ends(days: object) -> tuple[date, date]:
    """Return the first and last of the picked days."""
    picked = [d for d in (days if isinstance(days, tuple | list) else [days]) if isinstance(d, date)]
    return (min(picked), max(picked)) if picked else (date.max - timedelta(days=1), date.min)


def _add(principal: Principal, note: Annotation) -> None:
    try:
        notes().add(note, principal.name, str(principal.role))
    except RefusedError as refused:
        st.warning(f"{str(refused)[:1].upper()}{str(refused)[1:]}.")
    else:
        st.rerun()


def undo_form(who: data.Asker, found: list[Annotation]) -> None:
    """Draw the choice of one to take back; it stays in the record with who took it back."""
    if not found:
        return
    with st.form("undo_annotation", border=False):
        labels = {note.id: f"{_row(note)['Days']}: {note.text}" for note in reversed(found)}
        chosen = st.selectbox("Take one back", list(labels), format_func=labels.__getitem__)
        if st.form_submit_button("Take back", icon=":material/undo:") and chosen:
            notes().undo(chosen, who.principal.name, str(who.principal.role))
            st.rerun()
