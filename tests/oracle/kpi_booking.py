"""Oracles of bookings, queues and plans: U15 to U23, U10."""

from __future__ import annotations

from math import nan

import pandas as pd
from kpi_flow import targets
from kpi_truth import Measures, Truth, minutes, oracle, spread


@oracle("U18")
def add_on(t: Truth) -> Measures:
    frame = t.exams[t.exams["performed"]]
    frame = t.within(frame, frame["begin_at"])
    day = t.day(frame["begin_at"], frame["site"])
    midnight = [pd.Timestamp(d).tz_localize(t.zones[site]) for d, site in zip(day, frame["site"], strict=True)]
    begun = frame[["exam_key", "site"]].assign(day=day, midnight=pd.to_datetime(midnight, utc=True))
    made = t.appointments.merge(begun, on="exam_key")
    gone_at = made["fate_at"].where(made["fate"] != "kept")
    standing = (made["booked_at"] <= made["midnight"]) & (gone_at.isna() | (gone_at > made["midnight"]))
    planned = made[standing & (t.day(made["begin_at"], made["site"]) == made["day"])]
    number = int((~frame["exam_key"].isin(planned["exam_key"])).sum())
    return {"numerator": number, "n": len(frame), "share": number / len(frame)}


def last_appointments(t: Truth) -> pd.DataFrame:
    """Appointments that have come due, a moved one only by its last time, with their exam's site and class."""
    frame = t.appointments[(t.appointments["fate"] != "moved") & (t.appointments["begin_at"] <= t.as_of)]
    exam = t.exams.set_index("exam_key")[["site", "patient_class", "begin_at"]].rename(columns={"begin_at": "began_at"})
    frame = frame.join(exam, on="exam_key", how="inner")
    return t.within(frame, frame["begin_at"])


def decided(t: Truth, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the appointments whose fate is known; a day's silence is one not come to."""
    silent = frame["fate"] == "open"
    gone = frame["begin_at"] <= pd.Timestamp(t.as_of) - pd.Timedelta(days=1)
    return frame.assign(fate=frame["fate"].where(~silent, "no_show"))[~silent | gone]


@oracle("U15")
def no_show(t: Truth) -> Measures:
    frame = decided(t, last_appointments(t).query("patient_class == 'O' and fate != 'cancelled'"))
    return {"numerator": (frame["fate"] == "no_show").sum(), "n": len(frame)}


def cancellation(t: Truth) -> Measures:
    frame = last_appointments(t)
    lead = minutes(frame["fate_at"], frame["begin_at"])[frame["fate"] == "cancelled"]
    same = t.day(frame["fate_at"], frame["site"]) == t.day(frame["begin_at"], frame["site"])
    n = len(frame) or nan
    return {
        "numerator": len(lead),
        "n": len(frame),
        "same_day": (same & (frame["fate"] == "cancelled")).sum() / n,
        "under_24h": (lead < 1440).sum() / n,
        "over_24h": (lead >= 1440).sum() / n,
    }


@oracle("U20")
def backlog(t: Truth) -> Measures:
    frame = t.exams[t.exams["accepted_at"].fillna(t.exams["ordered_at"]).notna()]
    frame = frame[frame[["begin_at", "aborted_at", "final_at"]].isna().all(axis=1) & ~frame["is_off"]]
    age = (pd.Timestamp(t.as_of) - frame["accepted_at"].fillna(frame["ordered_at"])).dt.total_seconds() / 60
    return {"count": len(frame), "oldest": age.max(), "p50": age.quantile(0.5), "p90": age.quantile(0.9)}


@oracle("U21")
def unread_queue(t: Truth) -> Measures:
    frame = t.exams[t.exams["performed"] & t.exams[["prelim_at", "final_at"]].isna().all(axis=1)]
    age = (pd.Timestamp(t.as_of) - frame["end_at"]).dt.total_seconds() / 60
    return {"count": len(frame), "oldest": age.max(), "over_limit": (age > targets(t, frame)).sum()}


@oracle("U10")
def overrun(t: Truth) -> Measures:
    frame = t.exams[t.exams["begin_at"].notna() & t.exams["aborted_at"].isna() & t.exams["planned_min"].notna()]
    frame = t.within(frame, frame["begin_at"])
    over = minutes(frame["begin_at"], frame["end_at"]) - frame["planned_min"]
    long = (over > 0.25 * frame["planned_min"])[over.notna()]
    return {**spread(over), "over_25": long.mean(), "n": len(frame)}


@oracle("U23")
def lead_time(t: Truth) -> Measures:
    frame = last_appointments(t).query("fate != 'cancelled'")
    return {**spread(minutes(frame["booked_at"], frame["begin_at"]) / 1440), "n": len(frame)}
