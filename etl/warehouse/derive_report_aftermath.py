"""What becomes of a report once it is signed: transcription, views, changes after the final, addenda, discrepancies."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.records import EventType as E
from etl.warehouse.event_set import TYPE_CODE
from etl.warehouse.intervals import Bools, Floats
from etl.warehouse.keys import Ints
from etl.warehouse.local_time import NO_TIME
from etl.warehouse.milestones import NONE, Milestones, codes

Texts = npt.NDArray[np.object_]
# words a sender may use for a class, upper case; what is none of them is no class
ADDENDUM_CLASSES: Mapping[str, frozenset[str]] = {
    "typographic": frozenset({"T", "TYPO", "TYPOGRAPHIC", "TYPOGRAPHICAL", "ADMINISTRATIVE"}),
    "clinical": frozenset({"C", "CLINICAL", "CLIN"}),
}
DISCREPANCIES: Mapping[str, frozenset[str]] = {
    "none": frozenset({"NONE", "0", "AGREE", "CONCUR"}),
    "minor": frozenset({"MINOR", "1"}),
    "major": frozenset({"MAJOR", "2", "MAJOR_CHANGE"}),
}


def milestones_after_report(found: Milestones, signed_at: Ints) -> dict[str, Ints]:
    """Return by exam when it was transcribed, first viewed after the first final, and first changed after it.

    A change is one that says so, an order replaced by another, or an order change to another procedure code.
    """
    changed = np.isin(found.type, codes((E.PROCEDURE_CHANGED, E.ORDER_REPLACED))) | _to_another_procedure(found)
    return {
        "transcribed_at": found.first_at(E.TRANSCRIBED),
        "report_viewed_at": _first_after(found, found.type == TYPE_CODE[E.REPORT_VIEWED], signed_at),
        "reworked_at": _first_after(found, changed, signed_at),
    }


def coded_after_report(found: Milestones, signed_at: Ints) -> dict[str, object]:
    """Return by exam the gravest class of its addenda and discrepancy, and whether its report has an impression."""
    return {
        "addendum_class": _gravest(found, E.ADDENDUM_CLASSED, ADDENDUM_CLASSES, signed_at),
        "discrepancy": _gravest(found, E.DISCREPANCY_GRADED, DISCREPANCIES, None),
        "has_impression": found.first[:, TYPE_CODE[E.IMPRESSION_TOLD]] != NONE,
    }


def idle_reads(read_min: Floats, modality: Texts, limits: tuple[tuple[str, float], ...]) -> pd.Series:
    """Return whether a read took so long that the exam was left open; NULL without a read time.

    `limits` are minutes by modality, `*` for the others.
    """
    limit = np.full(len(read_min), dict(limits)["*"])
    for name, minutes in limits:
        limit[modality == name] = minutes
    known = ~np.isnan(read_min)
    return pd.Series(np.where(known, read_min, 0.0) > limit).astype("boolean").where(known)


def _first_after(found: Milestones, wanted: Bools, since: Ints) -> Ints:
    """Return by exam the first of the wanted rows at or after an instant, NO_TIME without one."""
    begin = since[found.exam]
    place = np.flatnonzero(wanted & (begin != NO_TIME) & (found.at >= begin))[::-1]
    first = np.full(len(since), NO_TIME, dtype=np.int64)
    first[found.exam[place]] = found.at[place]  # the earliest row is assigned last and stays
    return first


def _to_another_procedure(found: Milestones) -> Bools:
    """Return which order changes carry a procedure code other than the one said last before them."""
    result = np.zeros(len(found.type), dtype=bool)
    code = pd.Series(found.rows["procedure_code"].astype(object).to_numpy())
    told = np.flatnonzero(code.notna().to_numpy())
    exam, said = found.exam[told], code.iloc[told].to_numpy()
    differs = np.zeros(len(told), dtype=bool)
    if len(told) > 1:
        differs[1:] = (exam[1:] == exam[:-1]) & (said[1:] != said[:-1])
    result[told] = differs & (found.type[told] == TYPE_CODE[E.ORDER_CHANGED])
    return result


def _gravest(found: Milestones, kind: E, classes: Mapping[str, frozenset[str]], since: Ints | None) -> Texts:
    """Return by exam the last of `classes` that a row of this kind says, None without one."""
    rows = np.flatnonzero(found.type == TYPE_CODE[kind])
    if since is not None:
        begin = since[found.exam[rows]]
        rows = rows[(begin != NO_TIME) & (found.at[rows] >= begin)]
    rank_of = {word: rank for rank, words in enumerate(classes.values()) for word in words}
    said = found.rows["result_code"].astype(object).iloc[rows]
    rank = np.array([rank_of.get(str(word).upper(), -1) for word in said], dtype=np.int64)
    worst = np.full(len(found.first), -1, dtype=np.int64)
    np.maximum.at(worst, found.exam[rows], rank)
    return np.array([*classes, None], dtype=object)[worst]
