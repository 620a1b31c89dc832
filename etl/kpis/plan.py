"""From a question to the parts of its SELECT: keys, conditions, instants, and which filters do not apply."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import ColumnElement, Label, and_

from etl.errors import RefusedError
from etl.kpis.base import Kpi
from etl.kpis.dimensions import dimension_filter, dimension_value, grain_value
from etl.kpis.evidence import NOTHING_NEEDED, Evidence
from etl.kpis.instants import Instants, instants_of
from etl.kpis.query import DIMENSIONS, GRAINS, Query
from etl.kpis.snapshot import Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What the kinds compile: the slice's keys, the rows' condition, and for snapshots the instants."""

    kpi: Kpi
    query: Query
    as_of: datetime
    keys: tuple[Label[Any], ...]  # named as in `by`, with k_ in front
    condition: ColumnElement[bool]
    instants: Instants
    not_applied: tuple[str, ...]
    evidence: Evidence = NOTHING_NEEDED

    @property
    def names(self) -> tuple[str, ...]:
        """The keys' column names in the statistics."""
        return tuple(key.name for key in self.keys)

    @property
    def grain(self) -> str | None:
        """The time grain among the keys."""
        return next((name for name in self.query.by if name in GRAINS), None)


def make_plan(kpi: Kpi, query: Query, as_of: datetime, zones: dict[str, ZoneInfo]) -> Plan:
    """Return the plan of a question; `zones` are the sites' time zones.

    Raises RefusedError, naming what is allowed, for an empty period, an unknown dimension or grain, or one this
    KPI cannot be cut by. A filter it cannot take is listed in `not_applied` instead (decision 7).
    """
    _check_period(query, as_of)
    _check_by(kpi, query.by)
    applied, not_applied = _split_filters(kpi, query)
    grain = next((name for name in query.by if name in GRAINS), None)
    instants = Instants((), None)
    conditions = [kpi.population.condition, *(dimension_filter(kpi, name, query.where[name]) for name in applied)]
    if isinstance(kpi.kind, Snapshot):
        instants = instants_of(query, grain, as_of, zones, history=bool(kpi.grains))
    elif kpi.at.date is not None:
        conditions += [kpi.at.date >= query.from_date, kpi.at.date < query.to_date]
    keys = tuple(_key(kpi, name, instants).label(f"k_{name}") for name in query.by)
    return Plan(kpi, query, as_of, keys, and_(*conditions), instants, not_applied)


def where_told(plan: Plan, found: Evidence) -> Plan:
    """Return a plan limited to the sites whose feeds tell what its KPI needs."""
    if not found.without:
        return replace(plan, evidence=found)
    told = plan.kpi.table.c.site_code.in_(found.sites)
    return replace(plan, evidence=found, condition=and_(plan.condition, told))


def _key(kpi: Kpi, name: str, instants: Instants) -> ColumnElement[Any]:
    if name not in GRAINS:
        return dimension_value(kpi, name)
    return instants.bucket if isinstance(kpi.kind, Snapshot) else grain_value(kpi, name)


def _check_period(query: Query, as_of: datetime) -> None:
    if query.from_date >= query.to_date:
        raise RefusedError(f"period {query.from_date} to {query.to_date} is empty; the end is not included")
    if as_of.tzinfo is None:
        raise RefusedError(f"as_of {as_of.isoformat()} has no time zone; give an aware instant")


def _check_by(kpi: Kpi, by: tuple[str, ...]) -> None:
    allowed = (*kpi.grains, *kpi.dimensions)
    for name in by:
        if name not in allowed:
            raise RefusedError(f"{kpi.id} cannot be cut by {name!r}; allowed: {', '.join(allowed)}")
    if len(set(by)) < len(by):
        raise RefusedError(f"{', '.join(by)} names a dimension twice")
    if len(set(by) & set(GRAINS)) > 1:
        raise RefusedError(f"{', '.join(by)} has two time grains; take one of {', '.join(kpi.grains)}")


def _split_filters(kpi: Kpi, query: Query) -> tuple[list[str], tuple[str, ...]]:
    unknown = [name for name in query.where if name not in DIMENSIONS]
    if unknown:
        raise RefusedError(f"filter {unknown[0]!r} is not known; allowed: {', '.join(DIMENSIONS)}")
    possible = kpi.dimensions
    return [n for n in query.where if n in possible], tuple(n for n in query.where if n not in possible)


def named_keys(frame: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Return `frame` with its keys renamed as in `by`: buckets as naive local times, numbers as int64."""
    renamed = frame.rename(columns={f"k_{name}": name for name in plan.query.by})
    for name in plan.query.by:
        if name == "hour":
            renamed[name] = pd.to_datetime(renamed[name].astype("int64") * 3600, unit="s").astype("datetime64[us]")
        elif name in GRAINS:
            renamed[name] = pd.to_datetime(renamed[name]).astype("datetime64[us]")
        elif name in ("weekday", "hour_of_day"):
            renamed[name] = renamed[name].astype("int64")
    return renamed
