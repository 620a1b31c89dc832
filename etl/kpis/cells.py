"""A KPI's sufficient statistics of two periods by cell, read with one SELECT a period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, and_, func

from etl.access import Principal, scoped
from etl.errors import RefusedError
from etl.kpis.attribution import Cells, Floats, Quantiles, Shares, Sums
from etl.kpis.base import Kpi
from etl.kpis.compute import Version, plan_of
from etl.kpis.kinds import QUANTILES, Aggregate, floats, grouped
from etl.kpis.moment import moment_params
from etl.kpis.plan import Plan, named_keys
from etl.kpis.query import Query
from etl.kpis.shares import Funnel, IntervalShare, Ratio
from etl.kpis.snapshot import Snapshot
from etl.kpis.survival import Survival
from etl.warehouse.engine import read_frame

DAYPART_H = 6


@dataclass(frozen=True, slots=True)
class Split:
    """Cells with the members they stand for: one row a cell, one column a dimension."""

    members: pd.DataFrame
    cells: Cells


def cells_of(
    connection: Connection, kpi: Kpi, periods: tuple[Query, Query], dimensions: tuple[str, ...], measure: str,
    principal: Principal, version: Version,
) -> Split:  # fmt: skip
    """Return a measure's statistics in both periods by `dimensions`; 'daypart' is six hours of the day.

    Raises RefusedError for a measure that cannot be split, such as a maximum.
    """
    names = tuple("hour_of_day" if name == "daypart" else name for name in dimensions)
    frames = []
    for number, query in enumerate(periods):
        asked = Query(query.kpi, query.from_date, query.to_date, names, query.where, query.as_of)
        plan = plan_of(connection, kpi, asked, principal, version)
        frames.append(_told(connection, plan, measure, principal).assign(period=number))
    rows = pd.concat(frames, ignore_index=True)
    if "daypart" in dimensions:
        begin = rows["hour_of_day"].astype("int64") // DAYPART_H * DAYPART_H
        rows["daypart"] = [f"{hour:02d} to {hour + DAYPART_H:02d}" for hour in begin]
    return _cells(rows, list(dimensions), kpi, measure)


def _told(connection: Connection, plan: Plan, measure: str, principal: Principal) -> pd.DataFrame:
    """Return the SELECT's rows with the columns num and den, or duration, closed and items."""
    kind = plan.kpi.kind
    select = kind.select(plan)
    if isinstance(kind, Aggregate) and measure in QUANTILES and kind.span is not None:
        value = kind.span.usable_value().label("k_duration")
        started = and_(kind.span.started(), kind.span.usable())
        select = grouped(plan, [func.count().label("items")], started, [value], sort=False)
    limited = scoped(select, principal, plan.kpi.table).params(**moment_params(plan.as_of))
    frame = named_keys(read_frame(connection, limited), plan)
    return frame.assign(**_columns(frame, plan.kpi, measure))


def _columns(frame: pd.DataFrame, kpi: Kpi, measure: str) -> dict[str, Any]:
    kind = kpi.kind
    if isinstance(kind, Survival) and measure in {"p50", "p90", "p50_closed", "p90_closed"}:
        state = frame["k_state"].to_numpy(dtype=object)
        counted = state == "closed" if measure.endswith("_closed") else state != "missing"
        items = np.where(counted, floats(frame, "items"), 0.0)
        return {"duration": floats(frame, "k_duration"), "closed": state == "closed", "num": items}
    if isinstance(kind, Aggregate) and measure in QUANTILES:
        return {"duration": floats(frame, "k_duration"), "closed": True, "num": floats(frame, "items")}
    top, bottom = _ratio(kpi, measure)
    den = np.nan_to_num(floats(frame, bottom)) if bottom else np.nan
    return {"num": np.nan_to_num(floats(frame, top)), "den": den}


def _ratio(kpi: Kpi, measure: str) -> tuple[str, str | None]:
    """Return the columns a measure is the quotient of; without a second it adds up."""
    kind = kpi.kind
    if isinstance(kind, Ratio) and measure in kind.shares:
        return f"met_{measure}", "n"
    if isinstance(kind, Funnel) and measure in dict(kind.stages):
        return f"n_{measure}", "n"
    if isinstance(kind, IntervalShare) and not kind.rated and measure in {kind.headline, *dict(kind.parts)}:
        return "numerator" if measure == kind.headline else measure, "available"
    if isinstance(kind, Aggregate) and measure in {"count", "sum"} & set(kind.statistics):
        return ("n" if kind.span is None else "basis") if measure == "count" else "sum", None
    if isinstance(kind, Snapshot) and measure in {"count", "over_limit"}:
        return measure, None
    allowed = ", ".join(splittable(kpi)) or "none of its measures"
    raise RefusedError(f"{measure!r} of {kpi.id} cannot be split into parts that add up; allowed: {allowed}")


def splittable(kpi: Kpi) -> tuple[str, ...]:
    """Return the measures of a KPI whose change can be split, the headline first where it is one."""
    kind = kpi.kind
    if isinstance(kind, Survival):
        return ("p50", "p90", "p50_closed", "p90_closed")
    if isinstance(kind, Aggregate):
        return tuple(name for name in kind.statistics if name in {*QUANTILES, "count", "sum"})
    if isinstance(kind, IntervalShare) and kind.rated:
        return ()  # its numerator holds a mean over all cells
    if isinstance(kind, IntervalShare):
        return (kind.headline, *(name for name, _ in kind.parts))
    if isinstance(kind, Ratio):
        return tuple(kind.shares)
    if isinstance(kind, Funnel):
        return tuple(name for name, _ in kind.stages[::-1])
    return ("count", *(["over_limit"] if isinstance(kind, Snapshot) and kind.limit_min is not None else []))


def _cells(rows: pd.DataFrame, dimensions: list[str], kpi: Kpi, measure: str) -> Split:
    if dimensions:
        found = rows.groupby(dimensions, sort=True, dropna=False)
        number, members = found.ngroup().to_numpy(), found.size().index.to_frame(index=False)
    else:
        number, members = np.zeros(len(rows), dtype=np.int64), pd.DataFrame(index=[0])
    period, count = rows["period"].to_numpy(dtype=np.int64), len(members)
    if "duration" in rows:
        kept = rows["num"].to_numpy() > 0
        closed = rows["closed"].to_numpy(dtype=bool)
        parts = (rows["duration"].to_numpy(), closed, rows["num"].to_numpy(), number, period)
        q = float(QUANTILES[measure[:3]])
        is_survival = isinstance(kpi.kind, Survival)
        columns = tuple(column[kept] for column in parts)
        return Split(members, Quantiles.of(q, is_survival, columns, count))  # type: ignore[arg-type]  # five of them
    top = _by_cell(rows["num"].to_numpy(), number, period, count)
    if rows["den"].isna().all():
        return Split(members, Sums(top, top))
    bottom = _by_cell(rows["den"].to_numpy(), number, period, count)
    scale = kpi.kind.per_min if isinstance(kpi.kind, IntervalShare) else 1.0
    return Split(members, Shares(bottom, top * scale, bottom))


def _by_cell(value: Floats, cell: Any, period: Any, cells: int) -> Floats:
    found = np.zeros((2, cells))
    np.add.at(found, (period, cell), value)
    return found
