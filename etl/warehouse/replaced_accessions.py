"""Accession numbers that an order no longer has: an order change named another, and the old one went out of use."""

from __future__ import annotations

import pandas as pd

from etl.records import EventType as E
from etl.warehouse.link import ACCESSION, FILLER, PLACER
from etl.warehouse.milestones import BOOKINGS, STOPS, codes

NAMING = (E.ORDER_ENTERED, E.ORDER_CHANGED)  # ORC-1 NW, RO; XO, XX
DONE = (E.EXAM_BEGIN, E.EXAM_END)
# what shows an accession in use; reports and images may still carry the old number
USING = (*NAMING, *DONE, *BOOKINGS, *STOPS, E.ORDER_ACCEPTED, E.ORDER_REINSTATED, E.PATIENT_ARRIVED, E.IN_ROOM)


def replaced_accessions(workflow: pd.DataFrame) -> dict[str, str]:
    """Return replaced accession -> the one that holds; an accession that goes on beside the new one is not replaced.

    Replaced means: an order (filler number, else placer number) was entered or changed under another accession later,
    no other order has the old one, nothing but reports used it since, and exams were not done under both.
    """
    rows = _numbered(workflow)
    seen = rows[["number", ACCESSION]].drop_duplicates()
    doubted = set(seen.loc[seen["number"].duplicated(keep=False), "number"])
    if not doubted:
        return {}
    held = workflow[[ACCESSION, "type", "at"]].dropna(subset=[ACCESSION])
    rows = rows.sort_values(["at", "known", "event_id"])
    naming = rows[rows["type"].isin(codes(NAMING))]
    holds = dict(zip(naming["number"], naming[ACCESSION], strict=True))  # the last stays
    used = held[held["type"].isin(codes(USING))].groupby(ACCESSION)["at"].max().to_dict()
    done = set(held.loc[held["type"].isin(codes(DONE)), ACCESSION])
    numbers = seen.groupby(ACCESSION)["number"].agg(set).to_dict()
    first = rows.groupby(["number", ACCESSION])["at"].min().to_dict()
    into: dict[str, str] = {}
    for number in sorted(doubted & set(holds)):
        named = naming.loc[(naming["number"] == number) & (naming[ACCESSION] == holds[number]), "at"]
        for old in sorted(set(seen.loc[seen["number"] == number, ACCESSION]) - {holds[number]}):
            since = named[named > first[number, old]]
            gone = all(holds.get(other) not in (old, None) for other in numbers[old])
            both_done = old in done and holds[number] in done
            if len(since) and gone and not both_done and used.get(old, since.iloc[0]) <= since.iloc[0]:
                into[old] = holds[number]
    return {old: _end(into, old) for old in into}


def _numbered(workflow: pd.DataFrame) -> pd.DataFrame:
    """Return rows with accession and order number: the filler's, else the placer's where the order has no filler."""
    orders = workflow[[FILLER, PLACER]]
    has_filler = orders.loc[orders[FILLER].notna(), PLACER].dropna().unique()
    rows = workflow[["event_id", "type", "at", "known", ACCESSION, FILLER, PLACER]].dropna(subset=[ACCESSION])
    placer = ("p" + rows[PLACER]).mask(rows[PLACER].isin(has_filler))
    number = ("f" + rows[FILLER]).fillna(placer)
    return rows.assign(number=number).dropna(subset=["number"])


def _end(into: dict[str, str], accession: str) -> str:
    """Return where a chain of replacements ends; in a circle, which no order of events makes, its smallest."""
    path = [accession]
    while (after := into.get(path[-1])) is not None:
        if after in path:
            return min(path)
        path.append(after)
    return path[-1]
