"""Oracles of flow and reporting: T."""

from __future__ import annotations

from math import nan

import pandas as pd
from kpi_dose import dose_reports
from kpi_truth import Measures, Truth, minutes, oracle, spread, turnaround


@oracle("T05")
def order_to_arrive(t: Truth) -> Measures:
    inside = t.exams[
        t.exams["patient_class"].isin(["E", "I"]) & t.exams[["cancelled_at", "no_show_at"]].isna().all(axis=1)
    ]
    return turnaround(t, t.within(inside, inside["ordered_at"]), "ordered_at", "arrived_at", ("begin_at", "final_at"))


GONE = ("no_show_at", "end_at", "final_at")


def waiting(t: Truth) -> pd.DataFrame:
    """Exams whose patient came, by begin, else appointment, else order."""
    came = t.exams[t.exams[["arrived_at", "begin_at"]].notna().any(axis=1)]
    came = came[came[["cancelled_at", "aborted_at"]].isna().all(axis=1)]
    due = came["begin_at"].fillna(came["appointment_at"]).fillna(came["ordered_at"])
    return t.within(came, due)


@oracle("T06")
def patient_wait(t: Truth) -> Measures:
    frame = waiting(t)
    due = frame[["arrived_at", "appointment_at"]].max(axis=1)
    counted = (due <= t.as_of) | frame["begin_at"].notna()  # who is early does not wait yet
    frame, due = frame[counted], due[counted]
    since = due.where(frame["begin_at"].isna() | (due < frame["begin_at"]), frame["begin_at"])  # early: no wait
    found = turnaround(t, frame.assign(since_at=since.where(due.notna())), "since_at", "begin_at", GONE)
    begun = frame[frame["begin_at"].notna() & due.notna()]
    early = minutes(begun["appointment_at"], begun["begin_at"]) < 0
    return found | {"early": early.mean()}


@oracle("T06b")
def arrival_to_begin(t: Truth) -> Measures:
    return turnaround(t, waiting(t), "arrived_at", "begin_at", GONE)


@oracle("T07")
def punctuality(t: Truth) -> Measures:
    frame = t.exams[t.exams["appointment_at"].notna() & t.exams[["cancelled_at", "aborted_at"]].isna().all(axis=1)]
    frame = frame[frame[["arrived_at", "begin_at"]].notna().any(axis=1)]
    frame = t.within(frame, frame["appointment_at"])
    late = minutes(frame["appointment_at"], frame["arrived_at"])
    return {**spread(late), "late": (late > 0).mean(), "n": len(frame)}


@oracle("T08")
def on_time_start(t: Truth) -> Measures:
    frame = t.exams[t.exams[["appointment_at", "begin_at"]].notna().all(axis=1) & t.exams["aborted_at"].isna()]
    frame = t.within(frame, frame["begin_at"])
    delay = minutes(frame["appointment_at"], frame["begin_at"])
    return {f"within_{limit}": (delay <= limit).mean() for limit in (5, 10, 15)} | {"n": len(frame)}


@oracle("T10")
def preparation(t: Truth) -> Measures:
    frame = t.exams[t.exams["aborted_at"].isna() & t.exams[["in_room_at", "begin_at"]].notna().any(axis=1)]
    frame = t.within(frame, frame["begin_at"].fillna(frame["appointment_at"]).fillna(frame["ordered_at"]))
    return turnaround(t, frame, "in_room_at", "begin_at", ("no_show_at", "end_at"))


@oracle("T11")
def exam_duration(t: Truth) -> Measures:
    frame = t.exams[t.exams["begin_at"].notna() & t.exams["aborted_at"].isna()]
    frame = t.within(frame, frame["begin_at"])
    took = minutes(frame["begin_at"], frame["end_at"])
    return {**spread(took), "n": len(frame), "open": took.isna().sum()}


def imaged(t: Truth) -> pd.DataFrame:
    """Exams ended in the period with first and last acquisition as far as images, without any dose reports, tell."""
    frame = t.ended.join(t.told, on="exam_key")
    reports = dose_reports(t.folder).sort_values("begin")
    reports["at"] = pd.to_datetime(reports["begin"].astype(str).str[:14], format="%Y%m%d%H%M%S", errors="coerce")
    reports["stop"] = reports["at"] + pd.to_timedelta(reports["exposure_s"].fillna(0), unit="s")
    span = reports.groupby("accession").agg(first=("at", "min"), last=("stop", "max"))
    for name, row in frame[frame["first_at"].isna() & frame["accession"].isin(span.index)].iterrows():
        told = span.loc[row["accession"]].dt.tz_localize(t.zones[row["site"]], ambiguous=True)
        frame.loc[name, ["first_at", "last_at"]] = told.dt.tz_convert("UTC").to_list()
    return frame


@oracle("T12")
def dicom_duration(t: Truth) -> Measures:
    frame = imaged(t)
    return {**spread(minutes(frame["first_at"], frame["last_at"])), "n": len(frame)}


@oracle("T13")
def ris_dicom_difference(t: Truth) -> Measures:
    frame = imaged(t)
    known = frame["end_at"].where(~frame["accession"].isin(t.never_ended))  # by the RIS, that is
    differ = minutes(frame["begin_at"], known) - minutes(frame["first_at"], frame["last_at"])
    return {**spread(differ), "n": len(frame)}


@oracle("T14")
def images_delay(t: Truth) -> Measures:
    return turnaround(t, t.ended, "end_at", "available_at", ("opened_at", "communicated_at"))


@oracle("T16")
def report_tat(t: Truth) -> Measures:
    found = turnaround(t, t.ended, "end_at", "final_at")
    return found | {"mean_closed": minutes(t.ended["end_at"], t.ended["final_at"]).mean()}


@oracle("T17")
def first_communication(t: Truth) -> Measures:
    return turnaround(t, t.ended, "end_at", "communicated_at")


@oracle("T18")
def total_tat(t: Truth) -> Measures:
    return turnaround(t, t.ended, "ordered_at", "communicated_at")


@oracle("T19")
def unread_wait(t: Truth) -> Measures:
    return turnaround(t, t.ended, "available_at", "opened_at", ("prelim_at", "final_at"))


@oracle("T21")
def prelim_to_final(t: Truth) -> Measures:
    return turnaround(t, t.ended[t.ended["prelim_at"].notna()], "prelim_at", "final_at")


def targets(t: Truth, frame: pd.DataFrame, phase: str = "report", at: pd.Series | None = None) -> pd.Series:
    """Return each exam's target of a phase: of the file's rows that fit on its day, the first that says most."""
    rules = pd.read_csv(t.folder / "targets.csv", dtype=str).fillna("")
    rules = rules[rules["phase"] == phase]
    day = t.day(frame["end_at"] if at is None else at, frame["site"]).map(str)
    best, said = pd.Series(nan, index=frame.index), pd.Series(-1, index=frame.index)
    for _, rule in rules.iterrows():
        fits = (day >= rule["valid_from"]) & ((rule["valid_to"] == "") | (day < rule["valid_to"]))
        for name in ("site", "modality", "priority", "patient_class"):
            fits &= (rule[name] == "*") | (frame[name] == rule[name])
        says = sum(rule[name] != "*" for name in ("site", "modality", "priority", "patient_class"))
        best, said = best.mask(fits & (says > said), float(rule["target_min"])), said.mask(fits & (says > said), says)
    return best


@oracle("T24")
def within_target(t: Truth) -> Measures:
    target = targets(t, t.ended)
    age = (pd.Timestamp(t.as_of) - t.ended["end_at"]).dt.total_seconds() / 60
    due = age >= target
    in_time = minutes(t.ended["end_at"], t.ended["final_at"]) <= target
    return {"share": in_time[due].mean(), "numerator": in_time[due].sum(), "n": due.sum(), "open": (age < target).sum()}


@oracle("T26")
def end_to_end(t: Truth) -> Measures:
    found = turnaround(t, t.ended, "ordered_at", "final_at")
    done = t.ended[t.ended["final_at"].notna()]
    whole = minutes(done["ordered_at"], done["final_at"]).sum()
    parts = {
        "access": ("ordered_at", "begin_at"),
        "exam": ("begin_at", "end_at"),
        "report": ("end_at", "final_at"),
    }
    return found | {f"{name}_share": minutes(done[a], done[b]).sum() / whole for name, (a, b) in parts.items()}


@oracle("V01-accessions")
def accessions(t: Truth) -> Measures:
    return {"count": len(t.ended)}


@oracle("V01-orders")
def orders(t: Truth) -> Measures:
    return {"count": len(t.within(t.exams, t.exams["ordered_at"]))}


@oracle("V01-reports")
def reports(t: Truth) -> Measures:
    return {"count": len(t.within(t.exams, t.exams["final_at"]))}


@oracle("V01-visits")
def visits(t: Truth) -> Measures:
    begun = t.exams[t.exams["begin_at"].notna() & (t.exams["linked_to"].isna())]
    return {"count": len(t.within(begun, begun["begin_at"]))}


@oracle("V01-funnel")
def order_funnel(t: Truth) -> Measures:
    frame = t.within(t.exams, t.exams["ordered_at"])
    booked = frame["exam_key"].isin(t.appointments["exam_key"])
    return {
        "n": len(frame),
        "n_booked": booked.sum(),
        "n_begun": frame["begin_at"].notna().sum(),
        "n_performed": frame["performed"].sum(),
        "n_communicated": frame["communicated_at"].notna().sum(),
        "n_reported": frame["final_at"].notna().sum(),
    }
