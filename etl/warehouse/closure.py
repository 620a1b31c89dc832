"""Everything that new events can change: all events connected with them through identifiers, to the last."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from sqlalchemy import Column, Connection, MetaData, Select, String, Table, and_, delete, or_, select

from etl.warehouse.append import append, read_frame
from etl.warehouse.event_set import (
    PROCEDURE,
    TOKENS,
    EventSet,
    overused_procedures,
    prepared,
    selected,
    without_procedures,
)
from etl.warehouse.keys import NO_EXAM
from etl.warehouse.parameters import Parameters
from etl.warehouse.patient_events import update_codes
from etl.warehouse.patients import Patients, ever_same
from etl.warehouse.tables import (
    event,
    event_dose,
    event_opening,
    event_series,
    fact_exam,
    link,
    touched,
)

# one more token a table: whatever tells of one series or irradiation must be seen together
JOINED_BY = {
    event: TOKENS,
    event_series: (*TOKENS, "series_token"),
    event_dose: (*TOKENS, "irradiation_token"),
}
EVENT_ID = "event_id"
FRONTIER = Table(
    "derive_frontier", MetaData(), Column("kind", String(32)), Column("token", String(64)), prefixes=["TEMPORARY"]
)


@dataclass
class Closure:
    """Raw rows of connected events by table, and the exams that held them until now."""

    frames: dict[str, pd.DataFrame]
    old_exams: set[int] = field(default_factory=set)
    exams: set[int] = field(default_factory=set)  # exams whose events it was asked to hold
    seen: set[tuple[str, str]] = field(default_factory=set)
    overused: set[str] = field(default_factory=set)  # requested-procedure ids of too many exams to identify one

    def event_set(self, parameters: Parameters) -> EventSet:
        """Return the rows as derivation works on them (without openings, which belong to no exam)."""
        workflow, series, dose = (without_procedures(self.frames[t.name], self.overused) for t in JOINED_BY)
        return prepared(workflow, series, dose, self.frames[event_opening.name], parameters)

    def event_ids(self) -> set[str]:
        """Return the ids of all its events."""
        return {e for t in JOINED_BY for e in self.frames[t.name][EVENT_ID]}


def connected(connection: Connection, patients: Patients, parameters: Parameters) -> Closure:
    """Return the closure of what table `touched` notes, of patients it tells of, and of exams still going on.

    Exams that shared a visit with one of these belong to it too, so that a visit is always derived from all its
    exams' events.
    """
    closure = Closure({t.name: read_frame(connection, selected(t).limit(0)) for t in (*JOINED_BY, event_opening)})
    tokens = {(EVENT_ID, e) for e in _seeds(connection)} | _told_of_patients(connection, patients, parameters)
    extend(connection, closure, tokens, set())
    return closure


def extend(connection: Connection, closure: Closure, tokens: set[tuple[str, str]], exams: set[int]) -> None:
    """Add the events that carry `tokens` or are linked to `exams`, and everything connected with them."""
    closure.exams |= exams
    if exams:
        theirs = select(link.c.event_id).where(link.c.exam_key.in_(sorted(exams)))
        tokens = tokens | {(EVENT_ID, e) for e in connection.execute(theirs).scalars()}
    FRONTIER.create(connection)
    tokens = tokens - closure.seen
    while tokens:
        closure.seen |= tokens
        tokens = _step(connection, closure, tokens) - closure.seen
    FRONTIER.drop(connection)


def _seeds(connection: Connection) -> set[str]:
    """Return touched events and those of exams whose facts depend on the data's now: begun and not known ended."""
    noted = select(touched.c.event_id).where(touched.c.event_table.in_([t.name for t in JOINED_BY]))
    unended = and_(
        fact_exam.c.exam_end_at.is_(None),
        fact_exam.c.last_acquisition_at.is_not(None),
        fact_exam.c.aborted_at.is_(None),  # no image ends an aborted exam
    )
    going_on = or_(fact_exam.c.status == "in_progress", unended)
    theirs = select(link.c.event_id).where(link.c.exam_key.in_(select(fact_exam.c.exam_key).where(going_on)))
    return set(connection.execute(noted).scalars()) | set(connection.execute(theirs).scalars())


def _told_of_patients(connection: Connection, patients: Patients, parameters: Parameters) -> set[tuple[str, str]]:
    """Return all tokens that were ever one patient with one a touched event merges, separates or updates."""
    codes = update_codes(connection, parameters)
    about = or_(event.c.prior_patient_token.is_not(None), event.c.local_code.in_(codes))
    pairs = select(event.c.patient_token, event.c.prior_patient_token).where(
        about, event.c.event_id.in_(select(touched.c.event_id).where(touched.c.event_table == event.name))
    )
    tokens = {token for row in connection.execute(pairs) for token in row if token is not None}
    return {("patient_token", token) for token in ever_same(patients, tokens)}


def _step(connection: Connection, closure: Closure, tokens: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Read the events that carry `tokens` and return the tokens these bring."""
    _fill(connection, tokens)
    found: set[tuple[str, str]] = set()
    fresh: set[str] = set()
    kinds = {kind for kind, _ in tokens}
    if PROCEDURE in kinds:
        found |= _leave_overused(connection, closure)
    for table, joined_by in JOINED_BY.items():
        held = closure.frames[table.name]
        rows = read_frame(connection, _carrying(table, joined_by, kinds))
        rows = rows[~rows[EVENT_ID].isin(held[EVENT_ID])]
        closure.frames[table.name] = pd.concat([held, rows], ignore_index=True) if len(held) else rows
        found |= {(kind, token) for kind in joined_by for token in rows[kind].dropna().unique()}
        fresh |= set(rows[EVENT_ID])
    return found | _visit_mates(connection, closure, fresh)


def _leave_overused(connection: Connection, closure: Closure) -> set[tuple[str, str]]:
    """Take requested-procedure ids that identify no exam out of the frontier; return the events one once linked."""
    asked = select(FRONTIER.c.token).where(FRONTIER.c.kind == PROCEDURE)
    overused = overused_procedures(connection, asked)
    closure.overused |= overused
    if not overused:
        return set()
    carried = [select(t.c.event_id).where(t.c[PROCEDURE].in_(sorted(overused))) for t in JOINED_BY]
    linked = select(link.c.event_id).where(
        link.c.reason.like("procedure%"), or_(*[link.c.event_id.in_(c) for c in carried])
    )
    found = {(EVENT_ID, e) for e in connection.execute(linked).scalars()}
    connection.execute(delete(FRONTIER).where(FRONTIER.c.kind == PROCEDURE, FRONTIER.c.token.in_(sorted(overused))))
    return found


def _carrying(table: Table, joined_by: tuple[str, ...], kinds: set[str]) -> Select[Any]:
    asked = [kind for kind in (*joined_by, EVENT_ID, "patient_token") if kind in kinds]
    tokens = {kind: select(FRONTIER.c.token).where(FRONTIER.c.kind == kind) for kind in asked}
    return selected(table).where(or_(False, *[table.c[kind].in_(tokens[kind]) for kind in asked]))


def _visit_mates(connection: Connection, closure: Closure, fresh: set[str]) -> set[tuple[str, str]]:
    """Note the exams that held these events, and return the events of exams that shared a visit with them."""
    _fill(connection, {(EVENT_ID, e) for e in fresh})
    held = select(link.c.exam_key).where(link.c.event_id.in_(select(FRONTIER.c.token)), link.c.exam_key != NO_EXAM)
    exams = set(connection.execute(held.distinct()).scalars()) - closure.old_exams
    closure.old_exams |= exams
    if not exams:
        return set()
    visits = select(fact_exam.c.visit_key).where(fact_exam.c.exam_key.in_(held), fact_exam.c.visit_key.is_not(None))
    mates = select(fact_exam.c.exam_key).where(fact_exam.c.visit_key.in_(visits))
    events = select(link.c.event_id).where(or_(link.c.exam_key.in_(mates), link.c.exam_key.in_(held)))
    return {(EVENT_ID, e) for e in connection.execute(events).scalars()}


def _fill(connection: Connection, tokens: set[tuple[str, str]]) -> None:
    connection.execute(delete(FRONTIER))
    append(connection, FRONTIER, pd.DataFrame(sorted(tokens), columns=["kind", "token"], dtype="str"))
