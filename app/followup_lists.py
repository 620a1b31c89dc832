"""Follow-ups on the page: what becomes of them, the overdue ones with their owner, and dismissing one with a reason."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from app import charts, data, words, worklists
from app.care import LISTED, sees_rows
from app.exam_story import story
from app.filters import View
from app.widgets import empty, no_rows, table
from etl.state import DISMISS_REASONS

STAGES = {"booked": "booked or done", "done": "done", "overdue": "overdue", "dismissed": "dismissed"}
COLUMNS = {"site": "site_code", "modality": "modality", "procedure_group": "procedure_group"}


def funnel(who: data.Asker, view: View) -> None:
    """Draw how many of the recommended follow-ups are booked, done, overdue or dismissed by now."""
    frame = data.ask(who, view.query("C06-funnel")).frame
    if frame.empty or not frame["n"].fillna(0).sum():
        no_rows(view, frame)
        return
    row = frame.iloc[0]
    counts = {"recommended": float(row["n"]), **{label: float(row[f"n_{name}"]) for name, label in STAGES.items()}}
    drawn = pd.DataFrame({"stage": list(counts), "count": list(counts.values())})
    what = "What becomes of the follow-ups recommended in the period"
    charts.show(charts.ranked(drawn, "stage", "count", "", what=what, order=list(counts)))
    st.caption(
        "What is neither done, dismissed nor overdue is still to come: a follow-up in six months cannot be late."
    )


def overdue(who: data.Asker, view: View) -> None:
    """List overdue follow-ups nobody dismissed, offer to dismiss one, and to take a dismissal back."""
    if not sees_rows(who):
        return
    standing = worklists.dismissals().standing()
    everything = _filtered(worklists.overdue(who), view)
    gone = {row["followup_key"] for row in standing}
    frame = everything[~everything["followup_key"].isin(list(gone))].reset_index(drop=True)
    st.markdown(f"**{words.plural(len(frame), 'overdue follow-up')}**.")
    fresh, back = len(everything) - len(frame), len(worklists.dismissed_here(who) - gone)
    if fresh or back:
        st.caption(_pending_words(fresh, back))
    if frame.empty:
        empty("No follow-up is overdue.", "Nothing to do here.")
    else:
        _list(who, view, frame)
    if standing:
        _undo(who, standing)


def _pending_words(fresh: int, back: int) -> str:
    """Say what was dismissed or taken back since the last run, so that list and numbers differ for a reason."""
    said = [f"{fresh} dismissed"] if fresh else []
    said += [f"{words.plural(back, 'dismissal')} taken back"] if back else []
    return f"Since the last run {' and '.join(said)}: numbers, alerts and exports follow with the next run."


def _filtered(frame: pd.DataFrame, view: View) -> pd.DataFrame:
    for dimension, chosen in view.where:
        if dimension in COLUMNS and chosen:
            frame = frame[frame[COLUMNS[dimension]].isin(list(chosen))]
    return frame


def _list(who: data.Asker, view: View, frame: pd.DataFrame) -> None:
    zone = data.main_zone(who, view.where)
    listed = frame.head(LISTED)
    shown = pd.DataFrame(
        {
            "Exam": listed["accession_token"].str[:10],
            "Recommended": [wanted(row) for row in listed.to_dict("records")],
            "Due": [words.day(at.tz_convert(zone).date()) for at in listed["due_at"]],
            "Overdue for": [words.age(days * 1440) for days in listed["over_days"]],
            "Booked": ["no" if pd.isna(at) else "yes" for at in listed["scheduled_at"]],
            "Owner": listed["owner"].str[:8].fillna("unknown"),
            "Found by": [f"rule {r}" if by == "rule" else "feed" for by, r in _sources(listed)],
            "Where": listed["site_code"] + ", " + listed["section"].fillna("no section"),
        }
    )
    table(shown, alt="Overdue follow-ups, the longest overdue first", key="overdue")
    if len(frame) > LISTED:
        st.caption(f"The {LISTED} longest overdue are shown.")
    _act(who, view, listed)


def _sources(frame: pd.DataFrame) -> list[tuple[str, Any]]:
    return list(zip(frame["told_by"], frame["rule_id"], strict=True))


def wanted(row: dict[Any, Any]) -> str:
    """Say what is recommended: modality, region, interval as far as said."""
    days = row["interval_days"]
    parts = [row["wanted_modality"], row["wanted_region"], None if pd.isna(days) else f"in {words.age(days * 1440)}"]
    return " ".join(str(part) for part in parts if not pd.isna(part)) or "imaging"


def _act(who: data.Asker, view: View, frame: pd.DataFrame) -> None:
    """Offer the exam's timeline, and to dismiss the chosen follow-up with a reason."""
    names = {
        int(row["followup_key"]): f"{row['accession_token'][:10]}, {wanted(row)}" for row in frame.to_dict("records")
    }
    exams = dict(zip(frame["followup_key"].astype("int64"), frame["exam_key"].astype("int64"), strict=True))
    with st.expander("Look at one, or dismiss it", icon=":material/manage_search:"):
        chosen = st.selectbox("Follow-up", list(names), format_func=names.__getitem__, key="chosen_followup")
        story(who, view, int(exams[chosen]))
        reason = st.selectbox("Reason", list(DISMISS_REASONS), format_func=DISMISS_REASONS.__getitem__, key="reason")
        if st.button("Dismiss this follow-up", key="dismiss"):
            worklists.dismissals().dismiss(chosen, reason, who.principal.name, str(who.principal.role))
            st.rerun()
        st.caption(
            "A dismissal keeps your name, the reason and the time, is audited, and can be undone. "
            "The list drops it at once; numbers, alerts and exports from the next run on."
        )


def _undo(who: data.Asker, standing: list[dict[str, Any]]) -> None:
    with st.expander(f"Dismissed here: {len(standing)}", icon=":material/undo:"):
        for row in standing[:LISTED]:
            said = f"{DISMISS_REASONS[row['reason']]}, by {row['author']}, {row['at_utc'][:16].replace('T', ' ')} UTC"
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(said)
                if st.button("Undo", key=f"undo_{row['followup_key']}", type="tertiary"):
                    worklists.dismissals().undo(row["followup_key"], who.principal.name, str(who.principal.role))
                    st.rerun()
