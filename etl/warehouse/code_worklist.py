"""Local codes nobody has mapped yet, the most frequent first: what is worth a person's minute."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Connection, Select, func, select, union_all

from etl.site_codes import ANY, CodeKind
from etl.warehouse.append import read_frame
from etl.warehouse.event_set import UNMAPPED, type_code
from etl.warehouse.parameters import Parameters
from etl.warehouse.reference import pattern_key
from etl.warehouse.scanners import scanner_of
from etl.warehouse.tables import event, event_dose, event_series, fact_exam


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A code to be mapped: exams (procedures) or events with it, its name, and what it counts as until then."""

    kind: CodeKind
    scope: str
    code: str
    text: str
    n: int
    now: str = ""


def worklist(connection: Connection, parameters: Parameters, kind: CodeKind | None = None) -> list[WorkItem]:
    """Return the codes without a map (procedures also those that only a catch-all groups), by volume.

    Protocol names come last: there are hundreds, and one without a map costs a common name, not a fact.
    """
    chosen = MAKERS if kind is None else {kind: MAKERS[kind]}
    items = [item for maker in chosen.values() for item in maker(connection, parameters)]
    return sorted(items, key=lambda i: (i.kind is CodeKind.PROTOCOL, -i.n, i.kind, i.scope, i.code))


def grouped_procedures(connection: Connection, parameters: Parameters) -> list[tuple[str, str, str]]:
    """Return (modality, name, group) of the procedures that a rule of their own groups: examples to learn from."""
    rows = _procedures(connection)
    rows = rows[rows["procedure_group"].notna() & ~rows["procedure_group"].isin(_catch_alls(parameters))]
    return [(str(m), str(t), str(g)) for m, _, g, t, _ in rows.itertuples(index=False) if isinstance(t, str)]


def _procedures(connection: Connection) -> pd.DataFrame:
    """Return modality, code, group, name and number of exams."""
    text = func.max(event.c.procedure_text).label("text")
    named = select(event.c.procedure_code, text).group_by(event.c.procedure_code).subquery()
    keys = [fact_exam.c[n] for n in ("modality", "procedure_code", "procedure_group")]
    query = (
        select(*keys, named.c.text, func.count().label("n"))
        .outerjoin(named, named.c.procedure_code == fact_exam.c.procedure_code)
        .where(fact_exam.c.procedure_code.is_not(None))
        .group_by(*keys, named.c.text)
    )
    return read_frame(connection, query)


def _catch_alls(parameters: Parameters) -> set[str]:
    own = {r.procedure_group for r in parameters.procedure_rules if r.pattern != ANY}
    return {r.procedure_group for r in parameters.procedure_rules if r.pattern == ANY} - own


def _open_procedures(connection: Connection, parameters: Parameters) -> Iterator[WorkItem]:
    loose = _catch_alls(parameters)
    for modality, code, group, text, n in _procedures(connection).itertuples(index=False):
        known = group if isinstance(group, str) else ""
        if not known or known in loose:
            scope = modality if isinstance(modality, str) else ANY
            yield WorkItem(CodeKind.PROCEDURE, scope, str(code), text if isinstance(text, str) else "", int(n), known)


def _statuses(connection: Connection, parameters: Parameters) -> Iterator[WorkItem]:
    feeds = {feed.key: feed for feed in parameters.feeds}
    for feed_key, code, n in connection.execute(_counted(event.c.feed_key, event.c.local_code)):
        feed = feeds.get(feed_key)
        if feed and type_code(parameters.status_rules, feed.kind, feed.preset, code, feed.key) == UNMAPPED:
            yield WorkItem(CodeKind.STATUS, feed_key, code, "", int(n))


def _counted(*columns: ColumnElement[str]) -> Select[*tuple[Any, ...]]:
    query = select(func.count()).where(columns[-1].is_not(None)).group_by(*columns)
    return query.with_only_columns(*columns, func.count())


def _plain(kind: CodeKind, name: str) -> Callable[[Connection, Parameters], Iterator[WorkItem]]:
    """Return a maker of the codes of one column of `event` that a map of whole codes does not know."""

    def made(connection: Connection, parameters: Parameters) -> Iterator[WorkItem]:
        known: Mapping[str, str] = {
            CodeKind.PRIORITY: parameters.priorities,
            CodeKind.PATIENT_CLASS: parameters.patient_classes,
            CodeKind.MODALITY: parameters.modalities,
        }[kind]
        for code, n in connection.execute(_counted(event.c[name])):
            if code.strip().upper() not in known:
                yield WorkItem(kind, ANY, code, "", int(n))

    return made


def _stations(connection: Connection, parameters: Parameters) -> Iterator[WorkItem]:
    tables = (event, event_series, event_dose)
    union = union_all(*[select(t.c.site_code, t.c.station_name) for t in tables]).subquery()
    rows = read_frame(connection, _counted(union.c.site_code, union.c.station_name))
    rows.columns = pd.Index(["site", "station", "n"])
    rows = rows[pd.isna(scanner_of(rows["site"], rows["station"], parameters))]
    for site, station, n in rows.itertuples(index=False):
        yield WorkItem(CodeKind.STATION, str(site), str(station), "", int(n))


def _protocols(connection: Connection, parameters: Parameters) -> Iterator[WorkItem]:
    done = {pattern_key(name) for name in parameters.protocols.values()}
    for modality, protocol, n in connection.execute(_counted(event_series.c.modality, event_series.c.protocol_name)):
        key = pattern_key(protocol)
        if not {f"{modality}|{key}", f"{ANY}|{key}"} & set(parameters.protocols) and key not in done:
            yield WorkItem(CodeKind.PROTOCOL, modality or ANY, protocol, "", int(n))


MAKERS: dict[CodeKind, Callable[[Connection, Parameters], Iterator[WorkItem]]] = {
    CodeKind.PROCEDURE: _open_procedures,
    CodeKind.STATUS: _statuses,
    CodeKind.STATION: _stations,
    CodeKind.PROTOCOL: _protocols,
    CodeKind.PRIORITY: _plain(CodeKind.PRIORITY, "priority_code"),
    CodeKind.PATIENT_CLASS: _plain(CodeKind.PATIENT_CLASS, "patient_class_code"),
    CodeKind.MODALITY: _plain(CodeKind.MODALITY, "modality"),
    CodeKind.RATING: lambda connection, parameters: iter(()),  # most reasons of orders rate nothing
}
