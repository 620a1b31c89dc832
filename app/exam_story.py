"""The timeline of one exam: its milestones, its critical findings and what became of the follow-ups it recommends."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app import data, words
from app.filters import View
from app.widgets import table

MILESTONES = {
    "order_entered_at": "Ordered",
    "appointment_at": "Appointment",
    "arrived_at": "Patient arrived",
    "exam_begin_at": "Exam began",
    "exam_end_at": "Exam ended",
    "images_available_at": "Images available",
    "first_prelim_at": "Preliminary report",
    "first_final_at": "Final report",
    "first_addendum_at": "Addendum",
    "cancelled_at": "Cancelled",
    "aborted_at": "Broken off",
    "no_show_at": "Patient did not come",
}
FINDING = {
    "identified_at": "Critical finding identified",
    "notified_at": "told",
    "acknowledged_at": "acknowledged",
    "delegated_at": "handed on",
    "closed_at": "closed",
}
FOLLOWUP = {
    "recommended_at": "Follow-up recommended",
    "scheduled_at": "Follow-up booked",
    "due_at": "Follow-up due",
    "deadline_at": "Follow-up overdue from here on",
    "completed_at": "Follow-up done",
    "dismissed_at": "Follow-up dismissed",
}

Row = Mapping[Hashable, Any]


def story(who: data.Asker, view: View, exam_key: int) -> None:
    """Draw the exam's events in the order of time."""
    told = events(who, exam_key)
    if told.empty:
        st.caption("This exam is no longer in the published data.")
        return
    zone = data.main_zone(who, view.where)
    table(_shown(told, zone), alt="Timeline of the exam", key="story")


def _shown(told: pd.DataFrame, zone: ZoneInfo) -> pd.DataFrame:
    since = told["at"].diff().dt.total_seconds() / 60
    return pd.DataFrame(
        {
            "When": [words.moment(at.tz_convert(zone)) for at in told["at"]],
            "After": ["" if pd.isna(m) else words.age(m) for m in since],
            "What": [
                f"{what}: {more}" if more else what for what, more in zip(told["what"], told["more"], strict=True)
            ],
        }
    )


def events(who: data.Asker, exam_key: int) -> pd.DataFrame:
    """Return what is known of an exam by time: at, what, more."""
    found: list[tuple[Any, str, str]] = []
    for row in data.rows(who, "exam", exam_key).to_dict("records"):
        found += [(row[name], label, "") for name, label in MILESTONES.items()]
    for row in data.rows(who, "exam_findings", exam_key).to_dict("records"):
        found += _finding(row)
    for row in data.rows(who, "exam_followups", exam_key).to_dict("records"):
        found += _followup(row)
    told = pd.DataFrame([e for e in found if not pd.isna(e[0])], columns=["at", "what", "more"])
    return told.sort_values("at", kind="stable", ignore_index=True)


def _finding(row: Row) -> Iterator[tuple[Any, str, str]]:
    kind: str = "" if pd.isna(row["critical_class"]) else f"class {row['critical_class']}"
    limit: str = "" if pd.isna(row["limit_min"]) else f", limit {words.age(row['limit_min'])}"
    for name, label in FINDING.items():
        first = name == "identified_at"
        yield row[name], label if first else f"Critical finding {label}", f"{kind}{limit}" if first else kind


def _followup(row: Row) -> Iterator[tuple[Any, str, str]]:
    parts = (row["wanted_modality"], row["wanted_region"], _days(row["interval_days"]))
    wanted = ", ".join(str(part) for part in parts if not pd.isna(part))
    source = f"rule {row['rule_id']}" if row["told_by"] == "rule" else "told by a feed"
    by = {"feed": "told by a feed", "exam": "a matching exam was performed"}.get(row["completed_by"], "")
    more = {"recommended_at": f"{wanted} ({source})", "completed_at": by, "dismissed_at": row["dismiss_reason"] or ""}
    for name, label in FOLLOWUP.items():
        if name != "deadline_at" or (pd.isna(row["completed_at"]) and pd.isna(row["dismissed_at"])):
            yield row[name], label, str(more.get(name, ""))


def _days(days: Any) -> Any:
    return days if pd.isna(days) else f"in {days:.0f} days"
