"""What a change of codes would do, tried in a transaction that is rolled back: exams moved, KPIs that change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Engine, insert, select

from etl.access import Principal, Role
from etl.kpis import KPIS
from etl.kpis.base import Kpi
from etl.kpis.compute import Version, plan_of, statement
from etl.kpis.plan import named_keys
from etl.kpis.query import Query
from etl.settings import Settings
from etl.site_codes import Change, CodeKind, codes_path, current, history
from etl.warehouse.code_events import concerned
from etl.warehouse.derive import data_time, derive
from etl.warehouse.engine import read_frame
from etl.warehouse.parameters import Parameters, load_parameters
from etl.warehouse.tables import fact_acquisition, fact_exam, fact_prior, parameter_set, touched

CUT_BY = {CodeKind.PROCEDURE: ("procedure_group",), CodeKind.STATION: ("scanner",), CodeKind.PRIORITY: ("priority",)}
MOVED = {
    CodeKind.PROCEDURE: (fact_exam, "exam_key", "procedure_group", "exams"),
    CodeKind.STATION: (fact_exam, "exam_key", "scanner_code", "exams"),
    CodeKind.PRIORITY: (fact_exam, "exam_key", "priority", "exams"),
    CodeKind.PATIENT_CLASS: (fact_exam, "exam_key", "patient_class", "exams"),
    CodeKind.MODALITY: (fact_exam, "exam_key", "modality", "exams"),
    CodeKind.RATING: (fact_prior, "exam_key", "rating", "orders"),
    CodeKind.STATUS: (fact_exam, "exam_key", "status", "exams"),
    CodeKind.PROTOCOL: (fact_acquisition, "series_key", "protocol_name", "series"),
}
ROLE = Principal(name="cli", role=Role.STEWARD)
SAME = 1e-9  # sums in another order differ in the last bits


@dataclass(frozen=True, slots=True)
class Move:
    """How many exams (or series) go from one value to another."""

    n: int
    what: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change would do: what moves, and the KPIs whose numbers are not the same afterwards."""

    moves: tuple[Move, ...]
    kpis: tuple[str, ...]  # "T16 report_tat"
    exams: int  # looked at again

    def lines(self) -> Iterator[str]:
        """Yield it in words."""
        for m in self.moves:
            yield f"moves {m.n} {m.what} from {m.old} to {m.new}"
        if not self.moves:
            yield "moves nothing that is held now"
        names = f": {', '.join(self.kpis)}" if self.kpis else ""
        yield f"changes {len(self.kpis)} KPI{'' if len(self.kpis) == 1 else 's'}{names}"


def preview(settings: Settings, engine: Engine, change: Change) -> Effect:
    """Return what a change would do to the facts held, leaving the warehouse as it is."""
    now = history(codes_path(settings))
    before = load_parameters(settings, codes=current(now))
    after = load_parameters(settings, codes=current((*now, change)))
    with engine.connect() as connection, connection.begin() as transaction:
        try:
            derive(connection, before)  # what was loaded since the last derivation is no effect of the change
            return _effect(connection, CodeKind(change.kind), change, after)
        finally:
            transaction.rollback()


def _effect(connection: Connection, kind: CodeKind, change: Change, after: Parameters) -> Effect:
    numbers, held = _numbers(connection, kind), _held(connection, kind)
    _pretend_in_use(connection, after)
    events = concerned(connection, change)
    if events:
        connection.execute(insert(touched), events)
    report = derive(connection, after)
    changed = _numbers(connection, kind)
    names = [KPIS[key] for key in numbers if not _equal(numbers[key], changed[key])]
    moves = _moves(held, _held(connection, kind), MOVED[kind][3])
    return Effect(moves, tuple(f"{kpi.id} {kpi.key}" for kpi in names), report.exams)


def _pretend_in_use(connection: Connection, parameters: Parameters) -> None:
    """Note the new parameters as the last used, so that only what the change concerns is derived again."""
    values = {"parameter_hash": parameters.hash, "used_at": datetime.now(UTC)}
    connection.execute(insert(parameter_set).values(**values))


def _held(connection: Connection, kind: CodeKind) -> pd.Series:
    table, key, value, _ = MOVED[kind]
    frame = read_frame(connection, select(table.c[key], table.c[value]))
    return frame.set_index(key)[value].astype(object).fillna("nothing")


def _moves(old: pd.Series, new: pd.Series, what: str) -> tuple[Move, ...]:
    both = pd.DataFrame({"old": old, "new": new}).fillna("nothing")
    counted = both[both["old"] != both["new"]].groupby(["old", "new"]).size()
    moves = [Move(int(n), what, str(a), str(b)) for a, b, n in counted.reset_index().itertuples(index=False)]
    return tuple(sorted(moves, key=lambda m: (-m.n, m.old, m.new)))


def _numbers(connection: Connection, kind: CodeKind) -> Mapping[str, list[pd.DataFrame]]:
    """Return every KPI's numbers over all data, whole and cut by what the change is about."""
    first, last = _period(connection)
    data_at = data_time(connection) or datetime(1970, 1, 1, tzinfo=UTC)
    version = Version("preview", data_at)
    found = {}
    for kpi in KPIS:
        cuts = [(), *[(name,) for name in CUT_BY.get(kind, ()) if name in kpi.dimensions]]
        found[kpi.key] = [_computed(connection, kpi, Query(kpi.key, first, last, by), version) for by in cuts]
    return found


def _computed(connection: Connection, kpi: Kpi, query: Query, version: Version) -> pd.DataFrame:
    plan = plan_of(connection, kpi, query, ROLE, version)
    frame = named_keys(kpi.kind.finish(read_frame(connection, statement(plan, ROLE)), plan), plan)
    by = list(query.by)
    return frame.sort_values(by, ignore_index=True) if by else frame


def _period(connection: Connection) -> tuple[date, date]:
    days = read_frame(connection, select(fact_exam.c.order_local_date, fact_exam.c.end_local_date))
    known = pd.to_datetime(pd.concat([days[name] for name in days])).dropna()
    if known.empty:
        return date(1970, 1, 1), date(1970, 1, 2)
    return known.min().date(), known.max().date() + timedelta(days=1)


def _equal(old: list[pd.DataFrame], new: list[pd.DataFrame]) -> bool:
    return all(_same(a, b) for a, b in zip(old, new, strict=True))


def _same(old: pd.DataFrame, new: pd.DataFrame) -> bool:
    if old.shape != new.shape or list(old.columns) != list(new.columns):
        return False
    for name in old:
        a, b = old[name], new[name]
        if pd.api.types.is_numeric_dtype(a) and pd.api.types.is_numeric_dtype(b):
            one, other = (np.asarray(v.astype("float64")) for v in (a, b))
            if not np.allclose(one, other, rtol=SAME, atol=SAME, equal_nan=True):
                return False
        elif a.astype(str).tolist() != b.astype(str).tolist():
            return False
    return True
