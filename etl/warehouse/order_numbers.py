"""Order and accession numbers that mean more than one exam over time, or less: told apart before events are linked.

A number given out again is another number: the same number plus the patient and the time tell which. An accession
replaced by another is that other. Both look at the whole set of events, so arrival order changes neither.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from etl.records import EventType as E
from etl.warehouse.event_set import TYPE_CODE, EventSet
from etl.warehouse.keys import stable_key
from etl.warehouse.link import ACCESSION, ANCHORS, Links
from etl.warehouse.number_uses import LONG_US, Told, uses_of
from etl.warehouse.patients import Patients, known_or_at
from etl.warehouse.replaced_accessions import replaced_accessions

FRAMES = ("workflow", "series", "dose")
NEW_ORDER = TYPE_CODE[E.ORDER_ENTERED]


@dataclass(frozen=True, slots=True)
class Renamed:
    """Events with numbers that mean one exam each; `original` leads from made-up tokens back to those sent.

    `notes` says of events (event_id) whose numbers were told apart why: 'reused' or 'replaced'.
    """

    events: EventSet
    original: dict[str, str]
    notes: dict[str, str]

    def links(self, links: Links) -> Links:
        """Return links with the notes in their reasons and the tokens that were sent."""
        if not self.notes:
            return links
        note = links.rows["event_id"].map(self.notes)
        reason = links.rows["reason"].where(note.isna(), links.rows["reason"] + "_" + note.fillna(""))
        token = links.exams["token"].map(lambda t: self.original.get(t, t))
        exams = links.exams.assign(token=token.astype("str"))
        return replace(links, rows=links.rows.assign(reason=reason.astype("str")), exams=exams)


def distinct_numbers(events: EventSet, patients: Patients) -> Renamed:
    """Return the events with re-used numbers told apart and replaced accessions under the one that holds."""
    renamed = Renamed(events, {}, {})
    for kind in ANCHORS:
        renamed = _told_apart(renamed, kind, patients)
    return _replaced(renamed)


def _told_apart(renamed: Renamed, kind: str, patients: Patients) -> Renamed:
    told = _told(renamed.events.workflow, kind, patients)
    doubted = _doubted(told)
    if not doubted:
        return renamed
    rows = told[told["token"].isin(doubted)].sort_values(["at", "known", "event_id"])
    frames = {name: _told(getattr(renamed.events, name), kind, patients) for name in FRAMES[1:]}
    rest = pd.concat(frames.values())
    rest = rest[rest["token"].isin(doubted)]
    own: dict[str, str] = {}
    for token, mine in rows.groupby("token"):
        others = rest[rest["token"] == token]
        for event_id, use in uses_of(_listed(mine), _listed(others)).items():
            own[event_id] = str(token) if use == 0 else f"{stable_key(kind, token, use):032x}"
    return _rewritten(renamed, kind, own, "reused")


def _listed(rows: pd.DataFrame) -> list[Told]:
    patient = rows["patient"].astype(object).where(rows["patient"].notna(), None)
    told = rows.assign(patient=patient)[["event_id", "feed_key", "patient", "at", "known", "is_new"]]
    return [Told(*row) for row in told.itertuples(index=False, name=None)]


def _told(frame: pd.DataFrame, kind: str, patients: Patients) -> pd.DataFrame:
    """Return token, feed, patient (None unknown), times and whether it is a new order, of rows with a `kind` token."""
    is_workflow = "type" in frame.columns
    needed = [
        kind,
        "event_id",
        "feed_key",
        "patient_token",
        *(("type", "at", "known") if is_workflow else ("occurred_at",)),
    ]
    rows = frame[needed].dropna(subset=[kind])
    merged = rows["patient_token"].isin(patients.canonical)
    patient = rows["patient_token"].mask(merged, rows.loc[merged, "patient_token"].map(patients.canonical))
    at = rows["at"] if is_workflow else rows["occurred_at"].astype("datetime64[us, UTC]").astype("int64")
    columns: dict[str, Any] = {
        "token": rows[kind],
        "event_id": rows["event_id"],
        "feed_key": rows["feed_key"],
        "patient": patient,
        "at": at,
        "known": known_or_at(rows) if is_workflow else at,
        "is_new": rows["type"] == NEW_ORDER if is_workflow else False,
    }
    return pd.DataFrame(columns)


def _doubted(told: pd.DataFrame) -> set[str]:
    """Return tokens that may mean several exams: far apart in time, or said of two patients by one feed."""
    code, token = pd.factorize(told["token"])
    times = told["at"].groupby(code)
    span = times.max() - times.min()
    said = pd.DataFrame({name: pd.factorize(told[name])[0] for name in ("feed_key", "patient")}).assign(token=code)
    pairs = said[said["patient"] >= 0].drop_duplicates()
    twice = pairs.loc[pairs.duplicated(["token", "feed_key"]), "token"]
    return set(token[span.index[span > LONG_US]]) | set(token[twice.unique()])


def _replaced(renamed: Renamed) -> Renamed:
    into = replaced_accessions(renamed.events.workflow)
    if not into:
        return renamed
    own: dict[str, str] = {}
    for name in FRAMES:
        frame = getattr(renamed.events, name)
        mine = frame.loc[frame[ACCESSION].isin(into), ["event_id", ACCESSION]]
        own |= {event_id: into[token] for event_id, token in mine.itertuples(index=False, name=None)}
    return _rewritten(renamed, ACCESSION, own, "replaced")


def _rewritten(renamed: Renamed, kind: str, own: dict[str, str], note: str) -> Renamed:
    """Return the events with the `kind` token of some (event_id) replaced."""
    frames, original = {}, dict(renamed.original)
    for name in FRAMES:
        frame: pd.DataFrame = getattr(renamed.events, name)
        fresh = frame["event_id"].map(own)
        mine = fresh.notna()
        if mine.any():
            made = zip(fresh[mine], frame.loc[mine, kind], strict=True)
            if note == "reused":
                original |= {new: original.get(old, old) for new, old in made if new != old}
            frame = frame.assign(**{kind: frame[kind].where(~mine, fresh)})
        frames[name] = frame
    notes = renamed.notes | dict.fromkeys(own, note)
    return Renamed(replace(renamed.events, **frames), original, notes)
