"""Oracles of targets of other phases than the report: T24."""

from __future__ import annotations

import pandas as pd
from kpi_flow import targets, waiting
from kpi_truth import Measures, Truth, minutes, oracle


def kept(
    t: Truth, frame: pd.DataFrame, target: pd.Series, since: pd.Series, took: pd.Series, ended: pd.Series
) -> Measures:
    """Return the share within target of what is decided; `ended` says which waits ended in another way."""
    age = (pd.Timestamp(t.as_of) - since).dt.total_seconds() / 60
    judged = (took >= 0) | (took.isna() & since.notna() & ~ended)
    due = judged & (age >= target)
    within = took <= target
    return {
        "share": within[due].mean(),
        "numerator": within[due].sum(),
        "n": due.sum(),
        "open": (judged & (age < target)).sum(),
    }


def nothing(frame: pd.DataFrame) -> pd.Series:
    """Return that no wait ended in another way."""
    return pd.Series(False, index=frame.index)


@oracle("T24-communication")
def communicated(t: Truth) -> Measures:
    frame = t.ended
    took = minutes(frame["end_at"], frame["communicated_at"])
    return kept(t, frame, targets(t, frame, "first_communication"), frame["end_at"], took, nothing(frame))


@oracle("T24-unread")
def opened(t: Truth) -> Measures:
    frame = t.ended
    took = minutes(frame["available_at"], frame["opened_at"])
    otherwise = frame[["prelim_at", "final_at"]].notna().any(axis=1)
    return kept(t, frame, targets(t, frame, "unread"), frame["available_at"], took, otherwise)


@oracle("T24-wait")
def waited(t: Truth) -> Measures:
    frame = waiting(t)
    due = frame["begin_at"].fillna(frame["appointment_at"]).fillna(frame["ordered_at"])
    since = frame[["arrived_at", "appointment_at"]].max(axis=1)
    took = minutes(since, frame["begin_at"]).clip(lower=0)
    return kept(t, frame, targets(t, frame, "patient_wait", due), since, took, frame["end_at"].notna())


@oracle("T24-arrive")
def came(t: Truth) -> Measures:
    off = t.exams[["cancelled_at", "no_show_at"]].notna().any(axis=1)
    inside = t.exams[t.exams["patient_class"].isin(["E", "I"]) & ~off]
    frame = t.within(inside, inside["ordered_at"])
    took = minutes(frame["ordered_at"], frame["arrived_at"])
    otherwise = frame[["begin_at", "final_at"]].notna().any(axis=1)
    target = targets(t, frame, "order_to_arrive", frame["ordered_at"])
    return kept(t, frame, target, frame["ordered_at"], took, otherwise)
