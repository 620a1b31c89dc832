"""The one way to a KPI's number: question in, result with everything needed to trust and repeat it out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import Connection, Engine, Select, select

from etl.access import Principal, scoped
from etl.errors import RefusedError
from etl.kpis.base import Kpi
from etl.kpis.catalogue import KPIS
from etl.kpis.evidence import evidence
from etl.kpis.moment import moment_params
from etl.kpis.plan import Plan, make_plan, named_keys, where_told
from etl.kpis.query import Meta, Query, Result
from etl.kpis.small_numbers import hide_small, suppress
from etl.warehouse.engine import read_frame
from etl.warehouse.tables import data_version, dim_site

MIN_N = 5  # statistics of fewer values are hidden, their n is not (K0.11)


@dataclass(frozen=True, slots=True)
class Version:
    """The published version a result comes from, and its own now."""

    name: str
    data_at: datetime


def compute(engine: Engine, query: Query, principal: Principal, *, min_n: int = MIN_N) -> Result:
    """Return a KPI's numbers, as far as the principal may see them.

    `min_n` is the number of values below which a statistic is hidden; 0 hides none. Raises RefusedError for an
    unknown KPI, a dimension it cannot take, or an empty warehouse.
    """
    return compute_kpi(engine, KPIS[query.kpi], query, principal, min_n=min_n)


def compute_kpi(engine: Engine, kpi: Kpi, query: Query, principal: Principal, *, min_n: int = MIN_N) -> Result:
    """Return the numbers of a KPI given as an object (its name in the query is not looked at)."""
    with engine.connect() as connection:
        version = current_version(connection)
        plan = plan_of(connection, kpi, query, principal, version)
        statistics = read_frame(connection, statement(plan, principal))
    finished = named_keys(kpi.kind.finish(statistics, plan), plan)
    return _result(finished, plan, principal, version, min_n)


def statement(plan: Plan, principal: Principal) -> Select[tuple[object, ...]]:
    """Return the one SELECT of a plan, limited to what the principal may see."""
    limited = scoped(plan.kpi.kind.select(plan), principal, plan.kpi.table)
    return limited.params(**moment_params(plan.as_of))


def plan_of(connection: Connection, kpi: Kpi, query: Query, principal: Principal, version: Version) -> Plan:
    """Return the plan of a query with the version's defaults: its now, its sites' zones and what their feeds tell."""
    plan = make_plan(kpi, query, query.as_of or version.data_at, site_zones(connection, principal))
    return where_told(plan, evidence(connection, kpi, principal))


def current_version(connection: Connection) -> Version:
    """Return the version the connection reads; raises RefusedError when nothing is published."""
    columns = data_version.c
    query = select(columns.data_version, columns.data_at).order_by(columns.published_at.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise RefusedError("the warehouse holds no published version; run `radpulse run` (or `make demo`) first")
    return Version(row[0], row[1])


def site_zones(connection: Connection, principal: Principal) -> dict[str, ZoneInfo]:
    """Return the time zone of every site the principal may see."""
    query = scoped(select(dim_site.c.site_code, dim_site.c.zone), principal, dim_site)
    return {site: ZoneInfo(zone) for site, zone in connection.execute(query)}


def _result(frame: pd.DataFrame, plan: Plan, principal: Principal, version: Version, min_n: int) -> Result:
    kpi, query = plan.kpi, plan.query
    by = list(query.by)
    frame = frame.sort_values(by, kind="stable").reset_index(drop=True) if by else frame
    frame, suppressed = suppress(frame, kpi, query, principal)
    counted = frame if kpi.at.date is not None or not by or plan.grain is None else _last_bucket(frame, plan.grain)
    totals = {name: _total(counted, name) for name in ("n", "missing", "open")}
    frame = hide_small(frame, kpi.measures, min_n)
    columns = {measure.name: measure.unit for measure in kpi.measures}
    if plan.evidence.absent:
        frame = frame.assign(**dict.fromkeys(columns, float("nan")))
    frame = _plain(frame[[*by, *columns]], list(columns))
    return Result(frame, _meta(plan, version, columns, totals, suppressed))


def _plain(frame: pd.DataFrame, measures: list[str]) -> pd.DataFrame:
    """Return `frame` with its measures as float64, or int64 where they are whole and complete."""
    plain = frame.copy()
    for name in measures:
        whole = pd.api.types.is_integer_dtype(plain[name]) and not plain[name].isna().any()
        plain[name] = plain[name].astype("int64" if whole else "float64")
    return plain


def _last_bucket(frame: pd.DataFrame, grain: str) -> pd.DataFrame:
    """Return the last instant's rows: open items of several instants must not be added up."""
    last: pd.DataFrame = frame.loc[frame[grain] == frame[grain].max()]
    return last


def _total(frame: pd.DataFrame, name: str) -> int:
    return int(frame[name].fillna(0).sum()) if name in frame else 0


def _meta(plan: Plan, version: Version, columns: dict[str, str], totals: dict[str, int], suppressed: int) -> Meta:
    kpi, query = plan.kpi, plan.query
    return Meta(
        kpi_id=kpi.id,
        kpi_key=kpi.key,
        label=kpi.label,
        unit=kpi.unit,
        definition=kpi.definition,
        definition_version=kpi.definition_version,
        better=kpi.better,
        data_version=version.name,
        data_at=version.data_at,
        as_of=plan.as_of,
        from_date=query.from_date,
        to_date=query.to_date,
        by=query.by,
        where=dict(query.where),
        not_applied=plan.not_applied,
        headline=kpi.headline,
        columns=columns,
        n=totals["n"],
        missing=totals["missing"],
        open=totals["open"],
        suppressed=suppressed,
        absent=plan.evidence.absent,
        without_sites=plan.evidence.without,
    )
