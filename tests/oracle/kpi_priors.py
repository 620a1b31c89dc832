"""Oracles of priors, repeats and ratings: every exam against every earlier one of its patient, one by one."""

from __future__ import annotations

from functools import cache
from math import nan
from typing import Any

import pandas as pd
from kpi_truth import Measures, Truth, oracle, turnaround

# what the simulated hospitals' procedures show, told by hand; interventions show nothing to compare with
SHOWS = {
    "CTHEADWO": "head", "CTCSPINE": "spine", "CTANECK": "head neck", "CTCHESTWO": "chest", "CTAPE": "chest",
    "CTCHESTW": "chest", "CTABDPELW": "abdomen pelvis", "CTRENAL": "abdomen pelvis", "CTLUNGSCR": "chest",
    "CTSINUS": "face", "MRBRAINWWO": "head", "MRLSPINE": "spine", "MRCSPINE": "spine", "MRKNEE": "lower_extremity",
    "MRSHOULDER": "upper_extremity", "MRLIVER": "abdomen", "MRPROSTATE": "pelvis", "DXCHEST2V": "chest",
    "DXABD1V": "abdomen", "DXHAND": "upper_extremity", "DXANKLE": "lower_extremity", "DXKNEE": "lower_extremity",
    "DXHIPPEL": "hip", "DXLSPINE": "spine", "USABDCOMP": "abdomen", "USPELVIS": "pelvis", "USTHYROID": "neck",
    "USRENAL": "abdomen", "USVENLEG": "vessels", "MGSCREEN": "breast", "MGDIAG": "breast", "NMBONE": "whole_body",
    "NMMYOCARD": "heart", "NMTHYROID": "neck", "NMHIDA": "abdomen",
}  # fmt: skip
REDUNDANT = {"REPEAT-DUPLICATE", "REPEAT-NOPRIOR", "REPEAT-NOREPORT"}
TECHNICAL = {"REPEAT-QUALITY", "REPEAT-INCOMPLETE"}


def everyone(t: Truth) -> pd.DataFrame:
    """Return all exams of the department with their prior: begin, whether online, and days of known past."""
    return _everyone(Truth(t.folder, t.start, t.stop, t.as_of, t.is_late))


@cache
def _everyone(whole: Truth) -> pd.DataFrame:
    frame = whole.exams.copy()
    frame["visit"] = frame["linked_to"].fillna(frame["exam_key"])
    frame["shows"] = frame["procedure_code"].map(SHOWS)
    done = frame[frame["performed"]]
    first = done.groupby("site")["begin_at"].min()
    frame["history"] = (frame["begin_at"] - frame["site"].map(first)).dt.total_seconds() / 86400
    mates = {key: some.to_dict("records") for key, some in done.groupby(["patient", "modality"])}
    told = [_prior(one, mates.get((one["patient"], one["modality"]), [])) for one in frame.to_dict("records")]
    frame["prior_begin"] = pd.to_datetime([begin for begin, _ in told], utc=True)
    frame["prior_online"] = pd.to_datetime([online for _, online in told], utc=True)
    frame["days"] = (frame["begin_at"] - frame["prior_begin"]).dt.total_seconds() / 86400
    opened = frame["opened_at"].fillna(frame["dictated_at"])
    frame["read_at"] = opened.fillna(frame["communicated_at"])
    return frame


def _prior(one: dict[Any, Any], mates: list[dict[Any, Any]]) -> tuple[Any, Any]:
    """Return begin of the latest earlier visit that shows a region this exam shows, and when all of it was stored."""
    if not one["performed"] or not isinstance(one["shows"], str):
        return None, None
    best: tuple[Any, Any] = (None, None)
    for region in one["shows"].split():
        visits: dict[Any, list[dict[Any, Any]]] = {}
        for mate in mates:
            if isinstance(mate["shows"], str) and region in mate["shows"].split():
                visits.setdefault(mate["visit"], []).append(mate)
        own = min(m["begin_at"] for m in visits[one["visit"]])
        for visit, some in visits.items():
            begin = min(m["begin_at"] for m in some)
            if visit != one["visit"] and begin < own and (best[0] is None or begin > best[0]):
                stored = [m["available_at"] if pd.notna(m["available_at"]) else m["final_at"] for m in some]
                best = (begin, max(stored) if all(pd.notna(s) for s in stored) else None)
    return best


def asked(t: Truth) -> pd.DataFrame:
    """Return the ended exams of the question, with their priors."""
    frame = everyone(t)
    return frame[frame["exam_key"].isin(t.ended["exam_key"])]


def wilson(x: int, n: int) -> tuple[float, float]:
    """Return the 95 % limits of a share by bisection of the defining equation."""
    if n == 0:
        return nan, nan
    p = x / n

    def edge(inside: float, outside: float) -> float:
        for _ in range(200):
            middle = (inside + outside) / 2
            far = (p - middle) ** 2 * n > 3.841458820694124 * middle * (1 - middle)
            inside, outside = (inside, middle) if far else (middle, outside)
        return inside

    return edge(p, 0.0), edge(p, 1.0)


def share(x: int, n: int, missing: int, opened: int = 0, **more: float) -> Measures:
    """Return a share's measures."""
    low, high = wilson(x, n)
    counts = {"numerator": x, "n": n, "missing": missing, "open": opened}
    return {"share": x / n if n else nan, "low": low, "high": high, **counts, **more}


@oracle("P01")
def prior_online(t: Truth) -> Measures:
    frame = asked(t)
    requested = frame["prior_requested_at"].notna()
    frame = frame[requested | (frame["days"] <= 5 * 365.25)]
    unread = int(frame["read_at"].isna().sum())
    frame = frame[frame["read_at"].notna()]
    seen = [
        row["prior_available_at"] <= row["read_at"] if pd.notna(row["prior_requested_at"])
        else None if pd.isna(row["prior_online"]) else row["prior_online"] <= row["read_at"]
        for row in frame.to_dict("records")
    ]  # fmt: skip
    known = [one for one in seen if one is not None]
    return share(sum(map(bool, known)), len(known), len(seen) - len(known), unread)


@oracle("P01-transfer")
def prior_transfer(t: Truth) -> Measures:
    frame = asked(t)
    frame = frame[frame["prior_requested_at"].notna()]
    return turnaround(t, frame, "prior_requested_at", "prior_available_at", ("read_at",))


def repeats(t: Truth, days: int) -> Measures:
    frame = asked(t)
    known = frame[frame["shows"].notna() & (frame["history"] >= days)]
    return share(int((known["days"] <= days).sum()), len(known), len(frame) - len(known))


@oracle("P02-7")
def repeats_7(t: Truth) -> Measures:
    return repeats(t, 7)


@oracle("P02-30")
def repeats_30(t: Truth) -> Measures:
    return repeats(t, 30)


@oracle("P02-90")
def repeats_90(t: Truth) -> Measures:
    return repeats(t, 90)


@oracle("P02-redundant")
def redundant(t: Truth) -> Measures:
    frame = asked(t)
    frame = frame[frame["days"] <= 90]
    reason = frame["order_reason"].where(~frame["accession"].isin(unordered(t)), "")
    told = int((reason != "").sum())
    technical = int(reason.isin(TECHNICAL).sum())
    return share(
        int(reason.isin(REDUNDANT).sum()), told, len(frame) - told, technical=technical / told if told else nan
    )


def unordered(t: Truth) -> set[str]:
    """Return accessions whose order message never came or has not come yet: only it tells the reason."""
    found: set[str] = set()
    ordered = everyone(t).set_index("accession")["ordered_at"]
    for kind in ("lost", "late"):
        for entry in t.planted[kind]:
            for number, message in zip(entry["accessions"], entry["messages"], strict=True):
                late = kind == "lost" or ordered.get(number, t.as_of) + pd.Timedelta(days=1) > t.as_of
                found |= {number} if message == "NW" and late else set()
    return found


@oracle("P03")
def ratings(t: Truth) -> Measures:
    frame = t.within(t.exams, t.exams["ordered_at"])
    frame = frame[frame["modality"].isin(["CT", "MR", "NM", "PT"])]
    told = frame["rating"][frame["rated_at"].notna()]
    n = len(told)
    words = {"may_be": "May Be Appropriate", "rarely": "Rarely Appropriate", "none": "No Guideline"}
    more = {name: float((told == word).sum() / n) if n else nan for name, word in words.items()}
    return share(int((told == "Appropriate").sum()), n, len(frame) - n, **more)
