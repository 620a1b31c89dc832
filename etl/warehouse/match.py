"""Scored matching: which exam images belong to that no identifier leads to (issue: wrong or missing numbers).

Evidence is weighed in points as in record linkage (Fellegi and Sunter 1969): the patient after merges, year of birth
and sex where the patient number differs, the scanner, and how far the first image is from the exam's begin and end
(or from its appointment). Images and exam must be each other's best by a margin; what is as good as something else
stays unmatched. Which pairs are accepted depends on the set alone, not on its order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from etl.warehouse.intervals import MINUTE_US, Bools, Floats
from etl.warehouse.keys import NO_EXAM, Ints
from etl.warehouse.local_time import NO_TIME, microseconds
from etl.warehouse.parameters import MatchRules

EXAM, IMAGES = "exam", "images"
SCORED, AMBIGUOUS, UNMATCHED = "scored", "ambiguous", "unmatched"
BUCKET_US = 12 * 60 * MINUTE_US
PAIR_COLUMNS = ("images", "exam", "score")


@dataclass(frozen=True, slots=True)
class Matches:
    """`frame`: node_key of images, exam_key (0: none), reason and score (NaN: no candidate), one row a node."""

    frame: pd.DataFrame


def best_matches(nodes: pd.DataFrame, rules: MatchRules) -> Matches:
    """Return for each images node its exam, or why it has none; `nodes` is as `match_nodes.nodes_of` makes it."""
    images = nodes[nodes["side"] == IMAGES].sort_values("node_key", ignore_index=True)
    exams = nodes[nodes["side"] == EXAM].sort_values("node_key", ignore_index=True)
    pairs = scored_pairs(images, exams, rules)
    strong = pairs[pairs["score"] >= rules.threshold]
    chosen = assigned(strong, rules.margin)
    best = pairs.groupby("images")["score"].max().reindex(images.index)
    exam = np.full(len(images), NO_EXAM, dtype=np.int64)
    exam[chosen["images"].to_numpy(dtype=np.int64)] = exams["node_key"].to_numpy(dtype=np.int64)[
        chosen["exam"].to_numpy(dtype=np.int64)
    ]
    contested = np.isin(images.index, strong["images"])
    reason = np.select([exam != NO_EXAM, contested], [SCORED, AMBIGUOUS], default=UNMATCHED)
    score = np.array(best, dtype=np.float64)
    score[chosen["images"].to_numpy(dtype=np.int64)] = chosen["score"]
    frame = pd.DataFrame({"node_key": images["node_key"], "exam_key": exam, "reason": reason, "score": score})
    return Matches(frame.astype({"node_key": "int64"}))


def assigned(pairs: pd.DataFrame, margin: float) -> pd.DataFrame:
    """Return the pairs that are each other's best by a margin, again and again without those already taken."""
    taken = [pairs.iloc[:0]]
    while len(pairs):
        score = pairs["score"].to_numpy(dtype=np.float64)
        clear = np.full(len(pairs), True)
        for side in ("images", "exam"):
            first, second = _two_best(pairs, side)
            clear &= (score == first) & (score - second >= margin)
        if not clear.any():
            break
        won = pairs[clear]
        taken.append(won)
        pairs = pairs[~pairs["images"].isin(won["images"]) & ~pairs["exam"].isin(won["exam"])]
    return pd.concat(taken)


def _two_best(pairs: pd.DataFrame, side: str) -> tuple[Floats, Floats]:
    """Return for each pair the best and the second-best score on its side (-inf: there is no second)."""
    ordered = pairs[[side, "score"]].sort_values([side, "score"], ascending=[True, False], kind="stable")
    place = ordered.groupby(side).cumcount().to_numpy()
    first = ordered[place == 0].set_index(side)["score"]
    second = ordered[place == 1].set_index(side)["score"]
    return (
        pairs[side].map(first).to_numpy(dtype=np.float64),
        pairs[side].map(second).fillna(-np.inf).to_numpy(dtype=np.float64),
    )


def scored_pairs(images: pd.DataFrame, exams: pd.DataFrame, rules: MatchRules) -> pd.DataFrame:
    """Return candidate pairs (positions in the frames) with their score from 0 to 1."""
    near = pd.concat([_of_one_patient(images, exams, rules), _of_one_scanner(images, exams)]).drop_duplicates()
    near = near.sort_values(["images", "exam"], ignore_index=True)
    if near.empty:
        return near.assign(score=np.empty(0))
    left = images.iloc[near["images"]].reset_index(drop=True)
    right = exams.iloc[near["exam"]].reset_index(drop=True)
    same = _equal(left["patient_key"], right["patient_key"])
    apart, points = _time(left, right, rules)
    limit = np.where(same, rules.window_min, rules.scanner_window_min)
    possible = (apart <= limit) & _compatible(left["modality"], right["modality"], rules)
    points = points + _who(left, right, same, rules) + _where(left, right, rules)
    most = rules.patient_points + rules.time_points + rules.scanner_points
    return near.assign(score=np.round(np.clip(points / most, 0, 1), 9))[possible].reset_index(drop=True)


def _of_one_patient(images: pd.DataFrame, exams: pd.DataFrame, rules: MatchRules) -> pd.DataFrame:
    """Return pairs of one patient not too far apart: a number that stands for "unknown" has images of all years."""
    reach = int(rules.window_min * MINUTE_US // BUCKET_US) + 1  # and one more for the exam's own length
    return _joined(images, exams, ["site_code", "patient_key", "bucket"], list(range(-reach, reach + 1)))


def _of_one_scanner(images: pd.DataFrame, exams: pd.DataFrame) -> pd.DataFrame:
    return _joined(images, exams, ["site_code", "scanner_code", "bucket"], [-1, 0, 1])


def _joined(images: pd.DataFrame, exams: pd.DataFrame, on: list[str], shifts: list[int]) -> pd.DataFrame:
    left = images.assign(images=np.arange(len(images)), bucket=_instant(images) // BUCKET_US)
    right = exams.assign(exam=np.arange(len(exams)), bucket=_instant(exams) // BUCKET_US)
    right = right[[*on, "exam"]].dropna()
    found = [
        left.assign(bucket=left["bucket"] + shift)[[*on, "images"]].dropna().merge(right, on=on)[["images", "exam"]]
        for shift in shifts
    ]
    return pd.concat(found).astype("int64")


def _instant(nodes: pd.DataFrame) -> Ints:
    begin = microseconds(nodes["begin_at"])
    return np.where(begin == NO_TIME, microseconds(nodes["appointment_at"]), begin)


def _equal(left: pd.Series, right: pd.Series) -> Bools:
    return np.asarray((left == right).fillna(False), dtype=bool) & left.notna().to_numpy() & right.notna().to_numpy()


def _differ(left: pd.Series, right: pd.Series) -> Bools:
    return np.asarray((left != right).fillna(False), dtype=bool) & left.notna().to_numpy() & right.notna().to_numpy()


def _time(images: pd.DataFrame, exams: pd.DataFrame, rules: MatchRules) -> tuple[Floats, Floats]:
    """Return minutes between first image and exam, and the points they give: half of them for being inside it."""
    first, begin, end = (microseconds(c) for c in (images["begin_at"], exams["begin_at"], exams["end_at"]))
    begun = begin != NO_TIME
    since = np.where(begun, begin, microseconds(exams["appointment_at"]))
    until = np.where(begun & (end != NO_TIME), np.maximum(end, since), since)
    outside = np.maximum(np.maximum(since - first, first - until), 0) / MINUTE_US
    late = np.abs(first - since) / MINUTE_US
    performed = rules.time_points / 2 * (2 ** (-outside / rules.outside_half_min) + 2 ** (-late / rules.begin_half_min))
    booked = rules.time_points / 2 * 2 ** (-late / rules.appointment_half_min)
    return np.asarray(outside), np.where(begun, performed, booked)


def _who(images: pd.DataFrame, exams: pd.DataFrame, same: Bools, rules: MatchRules) -> Floats:
    """Points of the patient: the number, and where it differs or is missing what else the header says of a person."""
    other = _differ(images["patient_key"], exams["patient_key"])
    alike = _equal(images["birth_year"], exams["birth_year"]) & _equal(images["sex"], exams["sex"])
    unlike = _differ(images["birth_year"], exams["birth_year"]) | _differ(images["sex"], exams["sex"])
    person = rules.person_points * (alike.astype(float) - unlike.astype(float))
    points = np.where(same, rules.patient_points, person - rules.other_patient_points * other)
    return np.asarray(points, dtype=np.float64)


def _where(images: pd.DataFrame, exams: pd.DataFrame, rules: MatchRules) -> Floats:
    here = _equal(images["scanner_code"], exams["scanner_code"]).astype(float)
    elsewhere = _differ(images["scanner_code"], exams["scanner_code"]).astype(float)
    return np.asarray(rules.scanner_points * (here - elsewhere), dtype=np.float64)


def _compatible(left: pd.Series, right: pd.Series, rules: MatchRules) -> Bools:
    """Whether two modalities may be one exam's; an unknown one fits all."""
    family = {code: place for place, codes in enumerate(rules.families) for code in codes}
    pairs = zip(left.astype(object), right.astype(object), strict=True)
    return np.array(
        [pd.isna(a) or pd.isna(b) or a == b or (a in family and family[a] == family.get(b)) for a, b in pairs],
        dtype=bool,
    )
