"""The way between two variants of utilization as a result like any other: of a question `U01-to-U04`, exportable."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from sqlalchemy import Engine, func, select

from etl.access import Principal, scoped
from etl.errors import RefusedError
from etl.kpis.base import Kpi
from etl.kpis.catalogue import KPIS
from etl.kpis.compute import Version, compute, current_version, plan_of
from etl.kpis.kinds import by_keys, total
from etl.kpis.moment import LAST_WHOLE_HOUR, moment_params
from etl.kpis.plan import Plan
from etl.kpis.query import Meta, Query, Result
from etl.kpis.waterfall import COLUMNS, MORE_COLUMNS, Waterfall, variant, waterfall
from etl.warehouse.engine import read_frame
from etl.warehouse.tables import fact_scanner_time

SUMS = (*COLUMNS.values(), *MORE_COLUMNS)
_WAY = "-to-"
_BASIS = "U04-24h"  # a KPI over every scanner hour: its table, its filters, its period are the waterfall's
_MEASURES = {"minutes": "min", "share": "share", "share_after": "share"}


@dataclass(frozen=True, slots=True)
class Asked:
    """Sums of fact_scanner_time by the question's keys, with the plan and version they come from."""

    sums: pd.DataFrame
    plan: Plan
    version: Version


def way_name(start: str, end: str) -> str:
    """Return the name a question has for the way between two variants."""
    return f"{variant(start).id}{_WAY}{variant(end).id}"


def answer(engine: Engine, query: Query, principal: Principal) -> Result:
    """Return a KPI's result, or for a name such as 'U01-to-U04' the way between the two; raises as `compute` does."""
    return explained(engine, query, principal) if _WAY in query.kpi else compute(engine, query, principal)


def variant_sums(engine: Engine, query: Query, principal: Principal) -> Asked:
    """Return what all variants are made of, over hours that have ended; `query.kpi` is not looked at."""
    kpi: Kpi = KPIS[_BASIS]
    with engine.connect() as connection:
        version = current_version(connection)
        plan = plan_of(connection, kpi, query, principal, version)
        statistics = [func.count().label("n"), *(total(fact_scanner_time.c[name]).label(name) for name in SUMS)]
        ended = fact_scanner_time.c.hour_at <= LAST_WHOLE_HOUR
        select_all = select(*plan.keys, *statistics).select_from(fact_scanner_time).where(plan.condition, ended)
        limited = scoped(by_keys(select_all, plan.keys), principal, fact_scanner_time)
        sums = read_frame(connection, limited.params(**moment_params(plan.as_of)))
    sums = sums.rename(columns={f"k_{name}": name for name in query.by})
    return Asked(sums.fillna(dict.fromkeys(SUMS, 0.0)), plan, version)


def way_between(engine: Engine, query: Query, principal: Principal) -> tuple[Waterfall, Asked]:
    """Return the waterfall a question named 'U01-to-U04' asks for, with its sums.

    Raises RefusedError for an unknown variant, or one without minutes to divide by.
    """
    start, _, end = query.kpi.partition(_WAY)
    asked = variant_sums(engine, query, principal)
    return waterfall(asked.sums.iloc[0], variant(start), variant(end)), asked


def explained(engine: Engine, query: Query, principal: Principal) -> Result:
    """Return one row a step: side, text, minutes, share, share_after. Raises RefusedError as `way_between` does."""
    if query.by:
        raise RefusedError(f"{query.kpi} is one way and cannot be cut; ask for a scanner with where")
    found, asked = way_between(engine, query, principal)
    return Result(found.frame().rename(columns={"text": "step"}), _meta(query, found, asked))


def _meta(query: Query, found: Waterfall, asked: Asked) -> Meta:
    start, end = found.start.variant, found.end.variant
    return Meta(
        kpi_id=way_name(start.id, end.id),
        kpi_key=way_name(start.id, end.id),
        label=f"From {start.label.lower()} to {end.label.lower()}",
        unit="share",
        definition=f"{KPIS[start.id].definition} Against: {KPIS[end.id].definition}",
        definition_version=KPIS[_BASIS].definition_version,
        better="neutral",
        data_version=asked.version.name,
        data_at=asked.version.data_at,
        as_of=asked.plan.as_of,
        from_date=query.from_date,
        to_date=query.to_date,
        by=(),
        where=dict(query.where),
        not_applied=asked.plan.not_applied,
        headline="share",
        columns=_MEASURES,
        n=int(asked.sums["n"].iloc[0]),
        missing=0,
        open=0,
        suppressed=0,
    )
