"""The events derivation works on: read, clock-corrected and mapped to the vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import Connection, Select, Table, func, select

from etl.records import EventType
from etl.warehouse.clock_correction import corrected
from etl.warehouse.engine import read_frame
from etl.warehouse.keys import Ints
from etl.warehouse.local_time import microseconds
from etl.warehouse.parameters import DASHBOARD, Parameters, StatusRule
from etl.warehouse.tables import event, event_dose, event_opening, event_series

TYPES = tuple(EventType)
TYPE_CODE = {kind: code for code, kind in enumerate(TYPES)}
NO_EVENT = -1  # mapped to nothing on purpose
UNMAPPED = -2
TOKENS = (
    "accession_token",
    "filler_token",
    "placer_token",
    "study_token",
    "appointment_token",
    "visit_token",
    "procedure_token",
)
PROCEDURE = "procedure_token"
MOST_EXAMS_A_PROCEDURE = 8  # a requested procedure has a few exams; an id of more is a code somebody typed there
NOT_DERIVED_FROM = frozenset({"raw_time", "time_flag", "content_hash", "key_epoch", "utc_offset_min"})


@dataclass(frozen=True, slots=True)
class EventSet:
    """Event rows of the four tables. Frames hold the tables' columns with corrected times.

    `workflow` has `type` (position in TYPES, NO_EVENT or UNMAPPED) and int64 microseconds `at` and `known`
    (NO_TIME: unknown) beside them.
    """

    workflow: pd.DataFrame
    series: pd.DataFrame
    dose: pd.DataFrame
    openings: pd.DataFrame


def columns(table: Table) -> list[str]:
    """Return the columns of an event table that derivation uses."""
    return [c.name for c in table.columns if c.name not in NOT_DERIVED_FROM]


def selected(table: Table) -> Select[tuple[object, ...]]:
    """Return a SELECT of the columns derivation uses, without rows chosen."""
    return select(*[table.c[name] for name in columns(table)])


def read_all(connection: Connection, parameters: Parameters) -> EventSet:
    """Read every event."""
    workflow, series, dose, openings = (
        read_frame(connection, selected(t).order_by(t.c.event_id))
        for t in (event, event_series, event_dose, event_opening)
    )
    overused = overused_procedures(connection)
    workflow, series, dose = (without_procedures(frame, overused) for frame in (workflow, series, dose))
    return prepared(workflow, series, dose, openings, parameters)


def overused_procedures(connection: Connection, among: Select[tuple[str]] | None = None) -> set[str]:
    """Return requested-procedure tokens (`among` some) sent with so many exams that they identify none."""
    found: set[str] = set()
    for table in (event, event_series, event_dose):
        token = table.c.procedure_token
        exam = func.coalesce(table.c.accession_token, table.c.filler_token, table.c.placer_token)
        query = select(token).where(token.is_not(None) if among is None else token.in_(among)).group_by(token)
        query = query.having(func.count(exam.distinct()) > MOST_EXAMS_A_PROCEDURE)
        found |= set(connection.execute(query).scalars())
    return found


def without_procedures(frame: pd.DataFrame, tokens: set[str]) -> pd.DataFrame:
    """Return event rows with these requested-procedure tokens blanked."""
    if not tokens:
        return frame
    return frame.assign(**{PROCEDURE: frame[PROCEDURE].where(~frame[PROCEDURE].isin(tokens))})


def prepared(
    workflow: pd.DataFrame, series: pd.DataFrame, dose: pd.DataFrame, openings: pd.DataFrame, parameters: Parameters
) -> EventSet:
    """Return raw event rows clock-corrected, mapped, and in an order that does not depend on arrival."""
    workflow, series, dose, openings = (_in_order(frame) for frame in (workflow, series, dose, openings))
    corrections = parameters.clock_corrections
    series = corrected(series, ("occurred_at", "end_at", "performed_begin_at", "performed_end_at"), corrections)
    dose = corrected(dose, ("occurred_at", "ended_at"), corrections)
    return EventSet(typed(workflow, parameters), series, dose, openings)


def typed(workflow: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Return raw workflow rows clock-corrected, with `type`, `at` and `known`."""
    workflow = corrected(workflow, ("occurred_at",), parameters.clock_corrections)
    workflow["type"] = event_types(workflow, parameters)
    workflow["at"] = microseconds(workflow["occurred_at"])
    workflow["known"] = microseconds(workflow["known_at"])
    return workflow


def _in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows by event_id; sorting wide frames is dear, so not when they are already."""
    if frame["event_id"].is_monotonic_increasing:
        return frame
    return frame.sort_values("event_id", ignore_index=True)


def event_types(workflow: pd.DataFrame, parameters: Parameters) -> npt.NDArray[np.int8]:
    """Return each row's type: the first status rule whose kind, preset and pattern fit its feed and local code."""
    feeds = {feed.key: feed for feed in (DASHBOARD, *parameters.feeds)}
    pairs = workflow[["feed_key", "local_code"]]
    known = pairs.drop_duplicates()
    codes = [
        type_code(parameters.status_rules, feeds[feed].kind, feeds[feed].preset, code, feed)
        if feed in feeds
        else UNMAPPED
        for feed, code in known.itertuples(index=False)
    ]
    merged = pairs.merge(known.assign(type=np.array(codes, dtype=np.int8)), on=["feed_key", "local_code"], how="left")
    return np.asarray(merged["type"], dtype=np.int8)


def type_code(rules: Iterable[StatusRule], kind: str, preset: str, local_code: str, feed: str = "") -> int:
    """Return the type a local code maps to: a position in TYPES, NO_EVENT or UNMAPPED."""
    for rule in rules:
        if rule.holds_for(kind, preset, feed) and fnmatchcase(local_code, rule.pattern):
            return TYPE_CODE[EventType(rule.event_type)] if rule.event_type else NO_EVENT
    return UNMAPPED


def canonical(codes: pd.Series, mapping: Mapping[str, str]) -> pd.Series:
    """Return codes translated by an upper-cased map as objects, None where the map has none."""
    known = {code: mapping.get(str(code).strip().upper()) for code in codes.dropna().unique()}
    return pd.Series([known.get(code) for code in codes], index=codes.index, dtype=object)


def feed_kinds(workflow: pd.DataFrame, parameters: Parameters) -> Ints:
    """Return each row's rank in the order in which feeds are believed; kinds not listed follow, scanners come last.

    So a scanner's own begin and end are never taken for the RIS's: they have a clock of their own (decision 8).
    """
    rank = {kind: place for place, kind in enumerate(parameters.rules.feed_kinds)}
    rank |= {kind: len(rank) + 1 for kind in parameters.rules.scanner_kinds}
    by_feed = {feed.key: rank.get(feed.kind, len(parameters.rules.feed_kinds)) for feed in parameters.feeds}
    return np.asarray(workflow["feed_key"].map(by_feed).fillna(len(parameters.rules.feed_kinds)), dtype=np.int64)
