"""Oracles of critical findings and follow-up: C."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd
from kpi_truth import Measures, Truth, minutes, oracle, turnaround


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
    return shares | {"complete": complete.mean(), "when": 1.0, "numerator": complete.sum(), "n": len(frame)}
