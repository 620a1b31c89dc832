"""Oracles of what happens around and after the report: T09, T20 to T27, versions, Q01, Q02, Q11."""

from __future__ import annotations

import pandas as pd
from kpi_truth import Measures, Truth, minutes, oracle, spread, table, turnaround

IDLE_MIN = {"XA": 120.0}
OTHER_IDLE_MIN = 60.0
NHS_MIN = 28 * 24 * 60.0


@oracle("T09")
def first_case_on_time(t: Truth) -> Measures:
    off = t.exams[["cancelled_at", "no_show_at", "aborted_at"]].notna().any(axis=1)
    standing = t.exams[t.exams["appointment_at"].notna() & ~off]
    booked = t.within(standing, standing["appointment_at"])
    booked = booked.assign(day=t.day(booked["appointment_at"], booked["site"]))
    order = booked.sort_values(["appointment_at", "begin_at"], na_position="last", kind="stable")
    first = order.drop_duplicates(["site", "booked_scanner", "day"])
    due = first[first["appointment_at"] <= t.as_of]
    delay = minutes(due["appointment_at"], due["begin_at"])
    age = (pd.Timestamp(t.as_of) - due["appointment_at"]).dt.total_seconds() / 60
    shares = {f"within_{limit}": (delay.dropna() <= limit).mean() for limit in (5, 10, 15)}
    return shares | {"n": delay.notna().sum(), "open": (delay.isna() & (age < 1440)).sum()}


def dictated(t: Truth, frame: pd.DataFrame) -> pd.Series:
    """Return the end of dictation as far as a feed tells it: the North's, without a trainee."""
    told = (frame["site"] == "NORTH") & frame["assistant"].isna()
    return frame["dictated_at"].where(told)


@oracle("T20")
def reading_time(t: Truth) -> Measures:
    frame = t.ended[(t.ended["site"] == "NORTH") & t.ended["opened_at"].notna()]
    took = minutes(frame["opened_at"], dictated(t, frame))
    idle = took > frame["modality"].map(IDLE_MIN).astype(float).fillna(OTHER_IDLE_MIN)
    return {**spread(took[~idle]), "stripped": idle.sum() if len(frame) else float("nan"), "n": len(frame)}


@oracle("T22")
def transcription(t: Truth) -> Measures:
    frame = t.ended.assign(told_at=dictated(t, t.ended))
    return turnaround(t, frame[frame["told_at"].notna()], "told_at", "transcribed_at", ("prelim_at", "final_at"))


@oracle("T23")
def over_28_days(t: Truth) -> Measures:
    age = (pd.Timestamp(t.as_of) - t.ended["end_at"]).dt.total_seconds() / 60
    due = t.ended[age >= NHS_MIN]
    late = ~(minutes(due["end_at"], due["final_at"]) <= NHS_MIN)
    return {"share": late.mean(), "n": len(due), "open": (age < NHS_MIN).sum()}


@oracle("T25")
def final_to_view(t: Truth) -> Measures:
    signed = t.exams[t.exams["performed"] & t.exams["final_at"].notna()]
    return turnaround(t, t.within(signed, signed["final_at"]), "final_at", "viewed_at")


def finals(t: Truth) -> pd.DataFrame:
    """Exams ended in the period with a final report."""
    return t.ended[t.ended["final_at"].notna()]


@oracle("T27")
def rework(t: Truth) -> Measures:
    everyone = table(t.folder, "exams")
    # whoever sends changes of orders at all would have sent one after the final too; elsewhere no feed ever told of one
    tells = (everyone["recoded_at"] <= t.as_of) | (everyone["changed_at"] <= t.as_of)
    told = set(everyone.loc[tells, "site"])
    frame = finals(t)
    frame = frame[frame["site"].isin(told)]
    changed = frame["recoded_at"].notna()
    return {"rate": 1000 * changed.mean(), "numerator": changed.sum(), "n": len(frame)}


@oracle("T16-first-prelim")
def first_preliminary(t: Truth) -> Measures:
    frame = t.ended[t.ended["prelim_at"].notna() | t.ended["final_at"].isna()]
    return turnaround(t, frame, "end_at", "prelim_at")


@oracle("T16-last-prelim")
def last_preliminary(t: Truth) -> Measures:
    return first_preliminary(t)  # the simulated readers send one preliminary an exam


@oracle("T16-last-final")
def last_final(t: Truth) -> Measures:
    last = t.ended[["final_at", "addendum_at"]].max(axis=1)
    return turnaround(t, t.ended.assign(last_at=last), "end_at", "last_at")


@oracle("T16-addendum")
def final_to_addendum(t: Truth) -> Measures:
    frame = t.ended[t.ended["addendum_at"].notna()]
    return {**spread(minutes(frame["final_at"], frame["addendum_at"])), "n": len(frame)}


@oracle("Q01")
def addenda(t: Truth) -> Measures:
    everyone = table(t.folder, "exams")
    told = set(everyone.loc[everyone["addendum_at"] <= t.as_of, "site"])  # elsewhere no feed ever told of one
    frame = finals(t)
    frame = frame[frame["site"].isin(told)]
    amended = frame["addendum_at"].notna()
    kinds = {kind: (amended & (frame["addendum_class"] == kind)).mean() for kind in ("clinical", "typographic")}
    return {"share": amended.mean(), "numerator": amended.sum(), "n": len(frame), **kinds}


def coded(t: Truth, frame: pd.DataFrame) -> pd.Series:
    """Return whether the final's own message came by now: the extract tells the time of a lost one, not its codes."""
    lost = {
        number
        for kind in ("lost", "late")
        for entry in t.planted[kind]
        for number, message in zip(entry["accessions"], entry["messages"], strict=True)
        if message == "F"
    }
    late = {
        number
        for entry in t.planted["late"]
        for number, message in zip(entry["accessions"], entry["messages"], strict=True)
        if message == "F"
    }
    came = frame["final_at"] + pd.Timedelta(days=1, seconds=60) < pd.Timestamp(t.as_of)
    return ~frame["accession"].isin(lost) | (frame["accession"].isin(late) & came)


@oracle("Q02")
def discrepancies(t: Truth) -> Measures:
    frame = finals(t)
    frame = frame[frame["prelim_at"].notna()]
    grade = frame["discrepancy"].where(coded(t, frame))
    return {"share": (grade == "major").mean(), "minor": (grade == "minor").mean(), "graded": grade.notna().mean()}


@oracle("Q11")
def completeness(t: Truth) -> Measures:
    frame = finals(t)
    has = frame["has_impression"].astype(bool) & coded(t, frame)
    signer = frame["reader"].notna() & coded(t, frame)
    return {"impression": has.mean(), "requester": 1.0, "procedure": 1.0, "share": (has & signer).mean()}
