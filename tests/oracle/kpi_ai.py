"""Oracles of AI oversight, from the truth of exams, results and verdicts."""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np
import pandas as pd
from kpi_quality import quality, share
from kpi_truth import Measures, Truth, minutes, oracle, spread

PROCEDURES = {"CTHEADWO": "ICH", "CTANECK": "LVO", "CTAPE": "PE", "DXCHEST2V": "PTX"}
ALWAYS, LIVE = "PTX", "NORTH"
LIKE = ["algorithm", "section", "priority", "patient_class", "hours", "band"]


def cases(t: Truth) -> pd.DataFrame:
    """Exams with images of the procedures that algorithms are for, of all time, with result and verdict by now."""
    return _cases(Truth(t.folder, t.start, t.stop, t.as_of, t.is_late)).copy()


@cache
def _cases(whole: Truth) -> pd.DataFrame:
    frame = whole.exams.merge(quality(whole), on="exam_key", how="left")
    frame = frame[frame["available_at"].notna() & frame["aborted_at"].isna()]
    frame["opened_at"] = frame[["opened_at", "prelim_at", "final_at"]].min(axis=1)
    frame = frame.assign(
        day=whole.day(frame["available_at"], frame["site"]), algorithm=frame["procedure_code"].map(PROCEDURES)
    )
    frame["queue"] = queue(frame)
    frame = frame[frame["algorithm"].notna()].copy()
    story = next(s for s in whole.manifest["planted"] if s.get("story") == "ai_go_live")
    live = frame["day"] >= date.fromisoformat(story["from_day"])
    use = np.where(frame["site"] == LIVE, np.where(live, "in_use", "before"), "control")
    frame["use"] = np.where(frame["algorithm"] == ALWAYS, "in_use", use)
    positive = frame["ai_positive"].map({True: "positive", False: "negative"})
    frame["result"] = positive.where(frame["ai_end_at"].notna(), None)
    frame["result"] = frame["result"].where(frame["ai_failed_at"].isna(), "failed")
    frame["done_at"] = frame["ai_end_at"].fillna(frame["ai_failed_at"])
    frame["wait"] = minutes(frame["available_at"], frame["opened_at"])
    frame["hours"] = [
        work_hours(at, whole.zones[site]) for at, site in zip(frame["end_at"], frame["site"], strict=True)
    ]
    return frame


def work_hours(at: pd.Timestamp, zone: object) -> str:
    local = at.tz_convert(zone)
    return "work" if local.weekday() < 5 and 7 <= local.hour < 17 else "off"


def queue(frame: pd.DataFrame) -> pd.Series:
    """Return how many exams of the section wait unread when the images of each come, counted one by one."""
    found = {}
    for _, mine in frame.groupby("section"):
        came, left = mine["available_at"], mine[["opened_at", "available_at"]].max(axis=1, skipna=False)
        for place, at in came.items():
            found[place] = int(((came < at) & ~(left < at)).sum())
    return pd.Series(found)


def asked(t: Truth, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the cases of the period and the filters."""
    frame = frame[[t.start <= day < t.stop for day in frame["day"]]]
    for name, value in t.where:
        frame = frame[frame["scanner" if name == "code" else name] == value]
    return frame


@oracle("A01")
def covered(t: Truth) -> Measures:
    frame = asked(t, cases(t)).query("use == 'in_use'")
    frame = frame[frame["done_at"].notna() | frame["opened_at"].notna()]
    there = frame["ai_end_at"].notna() & ~(frame["ai_end_at"] > frame["opened_at"])
    n = len(frame)
    return {**share(there.sum(), n), "failed": (frame["result"] == "failed").mean() if n else np.nan}


@oracle("A01-latency")
def latency(t: Truth) -> Measures:
    frame = asked(t, cases(t)).query("ai_end_at.notna()")
    return {**spread(minutes(frame["ai_begin_at"], frame["ai_end_at"])), "n": len(frame)}


@oracle("A01-failed")
def failed(t: Truth) -> Measures:
    frame = asked(t, cases(t)).query("done_at.notna()")
    return share((frame["result"] == "failed").sum(), len(frame))


def judged(t: Truth) -> pd.DataFrame:
    frame = asked(t, cases(t)).query("judged_at.notna()")
    present = frame["has_finding"].where(frame["adjudicated_at"].notna(), frame["report_positive"])
    return frame.assign(flagged=frame["ai_positive"].astype(bool), found=present.astype(bool))


@oracle("A02")
def concordant(t: Truth) -> Measures:
    frame = judged(t)
    reported = frame["report_positive"].astype(bool)
    n = len(frame)
    return {
        **share((frame["flagged"] == reported).sum(), n),
        "ai_only": (frame["flagged"] & ~reported).mean() if n else np.nan,
        "report_only": (~frame["flagged"] & reported).mean() if n else np.nan,
    }


@oracle("A02-ppv")
def right(t: Truth) -> Measures:
    frame = judged(t).query("flagged")
    return share(frame["found"].sum(), len(frame))


@oracle("A02-sensitivity")
def flagged_of_present(t: Truth) -> Measures:
    frame = judged(t).query("found")
    return share(frame["flagged"].sum(), len(frame))


@oracle("A05")
def overridden(t: Truth) -> Measures:
    frame = judged(t).query("flagged")
    return share((~frame["report_positive"].astype(bool)).sum(), len(frame))


@oracle("A05-count")
def overrides(t: Truth) -> Measures:
    frame = judged(t)
    n = int((frame["flagged"] != frame["report_positive"].astype(bool)).sum())
    return {"n": n, "count": n or np.nan}


def compared(t: Truth) -> pd.DataFrame:
    """Return cases with the median wait of like ones: unflagged ones of the quarter, and those before."""
    frame = cases(t)
    frame["band"] = pd.cut(frame["queue"], [-1, 1, 4, 9, 19, 10**9], labels=False)
    frame["quarter"] = [(day.year, (day.month - 1) // 3) for day in frame["day"]]
    flagged = frame["result"] == "positive"
    like = {"unflagged": (frame["use"] == "in_use") & ~flagged, "before": frame["use"] == "before"}
    for name, which in like.items():
        by = [*LIKE, "quarter"] if name == "unflagged" else LIKE
        pool = frame[which & (frame["wait"] >= 0)]
        medians = {key: rows["wait"].median() for key, rows in pool.groupby(by) if len(rows) >= 3}
        keys = frame[by].itertuples(index=False, name=None)
        frame[name] = frame["wait"] - pd.Series([medians.get(key, np.nan) for key in keys], index=frame.index)
    return asked(t, frame).query("use == 'in_use'")


@oracle("A03")
def flagged_wait(t: Truth) -> Measures:
    frame = compared(t).query("result == 'positive'")
    return {**spread(frame["unflagged"]), "before_p50": frame["before"].median(), "n": len(frame)}


@oracle("A04")
def unflagged_wait(t: Truth) -> Measures:
    frame = compared(t).query("result != 'positive'")
    work = frame.loc[frame["hours"] == "work", "before"].median()
    return {**spread(frame["before"]), "work_p50": work, "n": len(frame)}
