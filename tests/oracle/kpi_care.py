"""Oracles of critical findings and follow-up: C."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from kpi_priors import SHOWS
from kpi_report import coded
from kpi_truth import Measures, Truth, minutes, oracle, table, turnaround


def findings(t: Truth) -> pd.DataFrame:
    """Critical findings identified by now, with the first time anybody was told and the site's limit."""
    frame = t.exams[t.exams["critical_class"].notna() & t.exams["crit_identified_at"].notna()].copy()
    frame["told_at"] = frame[["crit_notified_at", "crit_ack_at", "crit_closed_at"]].min(axis=1)
    targets = pd.read_csv(t.folder / "targets.csv")
    day = t.day(frame["crit_identified_at"], frame["site"]).map(str)
    frame["limit"] = float("nan")
    for row in targets[targets["phase"].str.startswith("critical_")].itertuples():
        until = row.valid_to if isinstance(row.valid_to, str) else "9999"
        mine = (frame["critical_class"] == int(row.phase[-1])) & (day >= row.valid_from) & (day < until)
        frame.loc[mine, "limit"] = row.target_min
    return frame


def found(t: Truth) -> pd.DataFrame:
    """Those identified in the period."""
    frame = findings(t)
    return t.within(frame, frame["crit_identified_at"])


@oracle("C01")
def compliance(t: Truth) -> Measures:
    frame = found(t)
    age = (pd.Timestamp(t.as_of) - frame["crit_identified_at"]).dt.total_seconds() / 60
    due = age >= frame["limit"]
    in_time = minutes(frame["crit_identified_at"], frame["told_at"]) <= frame["limit"]
    return {"share": in_time[due].mean(), "numerator": in_time[due].sum(), "n": due.sum(), "open": (~due).sum()}


@oracle("C02")
def close(t: Truth) -> Measures:
    return turnaround(t, found(t), "crit_identified_at", "crit_closed_at")


@oracle("C02b")
def tell(t: Truth) -> Measures:
    return turnaround(t, found(t), "crit_identified_at", "told_at")


@oracle("C02-open")
def untold(t: Truth) -> Measures:
    frame = findings(t).query("told_at.isna()")
    age = (pd.Timestamp(t.as_of) - frame["crit_identified_at"]).dt.total_seconds() / 60
    return {
        "count": len(frame),
        "oldest": age.max(),
        "p50": age.quantile(0.5),
        "p90": age.quantile(0.9),
        "over_limit": (age > frame["limit"]).sum(),
    }


@cache
def noted(folder: Path) -> pd.DataFrame:
    """The lists of communications as sent, by accession number."""
    files = sorted((folder / "feeds").glob("*_communications/*.csv"))
    return pd.concat([pd.read_csv(f, dtype=str, keep_default_na=False) for f in files]).set_index("Accession")


@oracle("C03")
def documented(t: Truth) -> Measures:
    frame = found(t)
    frame = frame[frame["told_at"].notna()]
    notes = noted(t.folder).reindex(frame["accession"]).fillna("")
    there = {"who": notes["Told By"] != "", "whom": notes["Told To"] != "", "how": notes["How"] != ""}
    there["read_back"] = notes["Read Back"] == "Yes"
    complete = pd.DataFrame(there).all(axis=1)
    shares = {name: there[name].mean() for name in there}
    when = 1.0 if len(frame) else float("nan")
    return shares | {"complete": complete.mean(), "when": when, "numerator": complete.sum(), "n": len(frame)}


FAMILY = {"CT": "CT", "MR": "MR", "US": "US", "MG": "MG", "DX": "DX", "NM": "NM"}
PARTS = {code: set(shown.split()) for code, shown in SHOWS.items()}


def recommended(t: Truth) -> pd.DataFrame:
    """Follow-ups recommended by now, one a report, with when they were due and done.

    Where the final's own message never came the report's text did not either: the extract tells its time alone.
    """
    return _recommended(t).copy()


@cache
def _recommended(t: Truth) -> pd.DataFrame:
    frame = table(t.folder, "followups").rename(columns={"modality": "wanted"})
    exams = t.exams[coded(t, t.exams)]
    exams = exams[["exam_key", "site", "modality", "procedure_code", "patient"]]
    frame = frame[frame["recommended_at"] <= t.as_of].merge(exams, on="exam_key")
    for name in ("wanted", "interval", "region"):
        frame[name] = frame[name].astype(object).where(frame[name].notna(), None)
    for name in ("scheduled_at", "completed_at", "dismissed_at"):
        frame[name] = frame[name].where(frame[name] <= t.as_of)
    frame["due_at"] = [due(at, said) for at, said in zip(frame["recommended_at"], frame["interval"], strict=True)]
    frame["due_at"] = pd.to_datetime(frame["due_at"], utc=True)
    frame["deadline_at"] = frame["due_at"] + pd.Timedelta(days=t.settings["followup"]["grace_days"])
    everyone = table(t.folder, "exams")
    done = everyone[everyone["begin_at"].notna() & everyone["end_at"].notna() & everyone["aborted_at"].isna()]
    by_patient = dict(list(done[done["begin_at"] <= t.as_of].groupby("patient")))
    answers = [answered(row, by_patient.get(row.patient)) for row in frame.itertuples()]
    frame["done_at"] = frame["completed_at"].fillna(pd.Series(pd.to_datetime(answers, utc=True), index=frame.index))
    return frame


def due(at: pd.Timestamp, interval: str | None) -> pd.Timestamp:
    """Return when a follow-up is due; months by the calendar."""
    if interval is None:
        return pd.NaT
    number, unit = int(interval[:-1]), interval[-1]
    return at + (pd.DateOffset(months=number) if unit == "M" else pd.Timedelta(days=number * {"D": 1, "W": 7}[unit]))


def answered(row: Any, done: pd.DataFrame | None) -> pd.Timestamp:
    """Return when a later exam of the patient did what was recommended."""
    if done is None or pd.isna(row.due_at):
        return pd.NaT
    region = {row.region} if row.region and not row.is_coded else PARTS.get(row.procedure_code, set())
    opened, shut = row.recommended_at + (row.due_at - row.recommended_at) / 2, row.due_at + pd.Timedelta(days=365)
    fits = [
        exam.begin_at
        for exam in done.itertuples()
        if exam.exam_key != row.exam_key
        and opened <= exam.begin_at <= shut
        and (row.wanted is None or exam.modality == row.wanted)
        and region & PARTS.get(exam.procedure_code, set())
    ]
    return min(fits, default=pd.NaT)


@oracle("C04")
def rate(t: Truth) -> Measures:
    frame = t.within(t.exams, t.exams["final_at"])
    told = frame["exam_key"].isin(recommended(t)["exam_key"])
    return {"share": told.mean(), "numerator": told.sum(), "n": len(frame)}


def of_period(t: Truth) -> pd.DataFrame:
    """Those recommended in the period."""
    frame = recommended(t)
    return t.within(frame, frame["recommended_at"])


@oracle("C05")
def specific(t: Truth) -> Measures:
    frame = of_period(t)
    both = frame["wanted"].notna() & frame["interval"].notna()
    return {
        "share": both.mean(),
        "without_interval": frame["interval"].isna().mean(),
        "without_modality": frame["wanted"].isna().mean(),
        "numerator": both.sum(),
        "n": len(frame),
    }


@oracle("C06")
def completion(t: Truth) -> Measures:
    frame = recommended(t)
    frame = t.within(frame, frame["due_at"])
    gone = frame["reason"].isin(["Deceased", "Transferred", "Superseded"]) & frame["dismissed_at"].notna()
    frame = frame[~(gone & (frame["dismissed_at"] <= frame["deadline_at"]))]
    over = frame["deadline_at"] <= t.as_of
    in_time = frame["done_at"] <= frame["deadline_at"]
    late = frame["done_at"] > frame["deadline_at"]
    return {
        "share": in_time[over].mean(),
        "late": late[over].mean(),
        "numerator": in_time[over].sum(),
        "n": over.sum(),
        "open": (~over).sum(),
    }


@oracle("C06-funnel")
def funnel(t: Truth) -> Measures:
    frame = of_period(t)
    done = frame["done_at"].notna()
    dismissed = frame["dismissed_at"].notna() & ~done
    stages = {
        "booked": frame["scheduled_at"].notna() | done,
        "dismissed": dismissed,
        "overdue": (frame["deadline_at"] <= t.as_of) & ~done & ~dismissed,
        "done": done,
    }
    shares = {name: met.mean() for name, met in stages.items()}
    return shares | {f"n_{name}": met.sum() for name, met in stages.items()} | {"n": len(frame)}


@oracle("C07")
def overdue(t: Truth) -> Measures:
    frame = recommended(t)
    frame = frame[(frame["deadline_at"] <= t.as_of) & frame["done_at"].isna()]
    dismissed = int(frame["dismissed_at"].notna().sum())
    frame = frame[frame["dismissed_at"].isna()]
    age = (pd.Timestamp(t.as_of) - frame["deadline_at"]).dt.total_seconds() / 60
    ages = {"oldest": age.max(), "p50": age.quantile(0.5), "p90": age.quantile(0.9)}
    return {"count": len(frame), "dismissed": dismissed, **ages}
