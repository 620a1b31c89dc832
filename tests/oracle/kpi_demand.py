"""Oracles of demand and backlog against capacity: work modelled as the definition says, from what truly happened."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from datetime import date, timedelta
from fnmatch import fnmatchcase
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd
from kpi_access import whole_days
from kpi_scanners import gaps
from kpi_truth import Measures, Truth, minutes, oracle

GROUPS = Path(__file__).resolve().parents[2] / "data" / "reference" / "procedure_groups.csv"
POOL = ["site", "modality"]
WEEKS_DAYS = 28


def groups(frame: pd.DataFrame) -> pd.Series:
    """Return each exam's procedure group: that of the table's first row whose pattern its name fits."""
    with GROUPS.open(encoding="utf-8", newline="") as file:
        rules = [(row["modality"], row["pattern"].upper(), row["procedure_group"]) for row in csv.DictReader(file)]
    found: dict[tuple[str, str], str] = {}
    for modality, text in set(zip(frame["modality"], frame["procedure_text"], strict=True)):
        words = " " + " ".join(re.sub(r"[^A-Z0-9+]+", " ", text.upper()).split()) + " "
        fits = (group for m, pattern, group in rules if m in ("*", modality) and fnmatchcase(words, pattern))
        found[(modality, text)] = next(fits, "")
    return pd.Series(
        [found[pair] for pair in zip(frame["modality"], frame["procedure_text"], strict=True)], frame.index
    )


def modelled(t: Truth) -> pd.DataFrame:
    """Return every exam with `work`: the median minutes of its group at its site, and the usual turnover."""
    always = replace(t, start=date.fromisoformat(t.manifest["scenario"]["start"]), stop=t.stop + timedelta(days=400))
    frame = t.exams.assign(group=groups(t.exams))
    took = minutes(frame["begin_at"], frame["end_at"])[frame["performed"]]
    done = frame[frame["performed"]].assign(took=took)
    of_group = done.groupby([*POOL, "group"])["took"].median().to_dict()
    of_pool = done.groupby(POOL)["took"].median().to_dict()
    turnover: dict[tuple[str, str], list[float]] = {}
    for scanner in t.scanners:
        one = gaps(replace(always, where=(("code", scanner["code"]),)))
        turnover.setdefault((scanner["site"], scanner["modality"]), []).extend(one["gap"][one["gap"] <= 45])
    usual = {pool: pd.Series(some, dtype=float).median() for pool, some in turnover.items()}
    work = [
        of_group.get((row.site, row.modality, row.group), of_pool.get((row.site, row.modality), 0.0))
        + (0.0 if pd.isna(usual.get((row.site, row.modality))) else usual[(row.site, row.modality)])
        for row in frame.itertuples()
    ]
    return frame.assign(work=work)


def called_off(t: Truth, frame: pd.DataFrame) -> pd.Series:
    """Return when each exam was called off, as things stand now; NaT where it was not."""
    last = t.appointments.drop_duplicates("exam_key", keep="last").set_index("exam_key")
    gone = last.loc[last["fate"].isin(["cancelled", "no_show"]) & (last["fate_at"] <= t.as_of), "fate_at"]
    by_appointment = pd.to_datetime(frame["exam_key"].map(gone.to_dict()), utc=True)
    return pd.concat([frame["cancelled_at"], frame["no_show_at"], by_appointment], axis=1).min(axis=1)


@oracle("U24")
def demand(t: Truth) -> Measures:
    days = whole_days(t)
    frame = modelled(t)
    asked = t.within(frame, frame["ordered_at"])
    ended = set(zip(days["site"], days["modality"], days["day"].dt.date, strict=True))  # where the pool ever ran
    local = t.day(asked["ordered_at"], asked["site"])
    asked = asked[[one in ended for one in zip(asked["site"], asked["modality"], local, strict=True)]]
    available, ordered = days["min"].sum(), asked["work"].sum()
    if not available:
        return dict.fromkeys(("ratio", "kept", "numerator", "available"), nan)
    return {
        "ratio": ordered / available,
        "kept": asked.loc[called_off(t, asked).isna(), "work"].sum() / available,
        "numerator": ordered,
        "available": available,
        "n": len(days.drop_duplicates(["site", "modality", "day"])),
    }


@oracle("U20b")
def backlog_weeks(t: Truth) -> Measures:
    began = date.fromisoformat(t.manifest["scenario"]["start"])
    calendar = whole_days(replace(t, start=began)).groupby([*POOL, "day"], as_index=False)["min"].sum()
    frame = modelled(t)
    came = t.day(frame["accepted_at"].fillna(frame["ordered_at"]), frame["site"])
    closed = frame[["begin_at", "end_at", "communicated_at"]].assign(off=called_off(t, frame)).min(axis=1)
    left = t.day(closed, frame["site"])
    waiting = available = n = 0.0
    for (site, modality), days in calendar.groupby(POOL):
        mine = (frame["site"] == site) & (frame["modality"] == modality)
        weekly = 7 * days.set_index("day")["min"].rolling(WEEKS_DAYS, min_periods=1).mean()
        for day, week in weekly.items():
            if day.date() < t.start or not week > 0:
                continue
            still = [c <= day.date() and (pd.isna(g) or g > day.date()) for c, g in zip(came, left, strict=True)]
            waiting += frame.loc[mine & np.array(still, dtype=bool), "work"].sum()
            available += week
            n += 1
    if not available:
        return dict.fromkeys(("weeks", "numerator", "available"), nan)
    return {"weeks": waiting / available, "numerator": waiting, "available": available, "n": n}
