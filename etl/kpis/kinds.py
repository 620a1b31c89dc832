"""The kind Aggregate, and the SQL pieces all kinds are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd
from sqlalchemy import ColumnElement, Double, Label, Numeric, Select, and_, case, cast, func, literal_column, select

from etl.kpis.base import Measure
from etl.kpis.duration import Span
from etl.kpis.moment import word
from etl.kpis.numbers import quotient

if TYPE_CHECKING:
    from etl.kpis.plan import Plan

QUANTILES = {"p10": "0.1", "p50": "0.5", "p90": "0.9"}


def grouped(
    plan: Plan,
    statistics: Sequence[ColumnElement[Any]],
    condition: ColumnElement[bool] | None = None,
    more_keys: Sequence[Label[Any]] = (),
    *,
    sort: bool = True,
) -> Select[Any]:
    """Return the SELECT of `statistics` over the plan's rows by its keys and `more_keys`, sorted by them."""
    keys = (*plan.keys, *more_keys)
    query = select(*keys, *statistics).select_from(plan.kpi.table).where(plan.condition)
    if condition is not None:
        query = query.where(condition)
    return by_keys(query, keys, sort=sort)


def by_keys(query: Select[Any], keys: Sequence[Label[Any]], *, sort: bool = True) -> Select[Any]:
    """Return `query` grouped and (unless the finishing function sorts) sorted by its keys; without any, one row."""
    names: list[ColumnElement[Any]] = [literal_column(key.name) for key in keys]
    if not names:
        return query
    query = query.group_by(*names)
    return query.order_by(*names) if sort else query


def ungrouped(plan: Plan, value: ColumnElement[Any], state: ColumnElement[Any]) -> Select[Any]:
    """Return the SELECT of the plan's rows with their value and state."""
    columns = [value.label("value"), state.label("state")]
    return select(*columns).select_from(plan.kpi.table).where(plan.condition)


def count_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """Return the number of rows for which `condition` holds."""
    return func.count(case((condition, 1)))


def quantile(value: ColumnElement[Any], name: str) -> ColumnElement[float]:
    """Return the interpolated quantile called `name` ('p50', 'p90') of the values that are not NULL."""
    return func.percentile_cont(literal_column(QUANTILES[name])).within_group(value)


def total(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the sum, added in decimals: the same to the last digit in whatever order the engine takes the rows."""
    return cast(func.sum(cast(value, Numeric(24, 9))), Double)


def floats(statistics: pd.DataFrame, name: str) -> Any:
    """Return a column of statistics as float64, NULL as NaN."""
    return statistics[name].to_numpy(dtype="float64", na_value=float("nan"))


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A further measure of an aggregate: a statistic of another value, or the share of usable values meeting a
    condition."""

    name: str
    unit: str
    value: ColumnElement[Any] | None = None
    statistic: str = "p50"
    condition: ColumnElement[bool] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate:
    """Statistics of a value: quantiles, sum, max or plain count of its items, closed ones only."""

    span: Span | None
    statistics: tuple[str, ...] = ("p50", "p90")
    parts: tuple[Part, ...] = ()
    of_few: bool = False  # what is counted is few by nature (volumes): nothing is hidden
    name: ClassVar[str] = "Aggregate"

    @property
    def adds_over(self) -> str:
        """Counts and sums add over everything; quantiles over nothing."""
        return "everything" if set(self.statistics) <= {"count", "sum"} else "nothing"

    def measures(self, unit: str, counted: str) -> tuple[Measure, ...]:
        """Return the statistics, then the parts, then n, missing and open."""
        hide = {s: not self.of_few and s not in ("count", "sum") for s in self.statistics}
        main = [Measure(s, counted if s == "count" else unit, hide=hide[s]) for s in self.statistics]
        parts = [Measure(p.name, p.unit, hide=not self.of_few) for p in self.parts]
        tail = ["n"] if self.span is None else ["n", "missing", "open"]
        return (*main, *parts, *(Measure(name, counted) for name in tail))

    def select(self, plan: Plan) -> Select[Any]:
        """Return one row a slice: n, usable, open, and each statistic."""
        if self.span is None:
            return grouped(plan, [func.count().label("n")])
        span, value = self.span, self.span.usable_value()
        statistics = [
            func.count().label("n"),
            func.count(value).label("basis"),
            count_if(span.open()).label("open"),
            *(_statistic(value, s).label(s) for s in self.statistics if s != "count"),
            *(_part(span, part).label(part.name) for part in self.parts),
        ]
        return grouped(plan, statistics, span.started())

    def rows(self, plan: Plan) -> Select[Any]:
        """Return each item's value with its state: closed, open or missing."""
        if self.span is None:
            return ungrouped(plan, literal_column("1.0"), word("counted"))
        return ungrouped(plan, self.span.usable_value(), self.span.state()).where(self.span.started())

    def finish(self, statistics: pd.DataFrame, plan: Plan) -> pd.DataFrame:
        """Return the statistics with the counts of missing and open items; NaN where nothing is there."""
        frame = statistics.copy()
        if self.span is None:
            frame["basis"] = frame["n"]
        else:
            frame["missing"] = frame["n"] - frame["basis"] - frame["open"]
        for part in self.parts:
            if part.condition is not None:
                frame[part.name] = quotient(floats(frame, part.name), floats(frame, "basis"))
        if "count" in self.statistics:
            frame["count"] = floats(frame, "basis")
            frame.loc[frame["basis"] == 0, "count"] = float("nan")  # empty is not zero
        return frame


def _statistic(value: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    if name in QUANTILES:
        return quantile(value, name)
    if name in ("max", "min"):
        return func.max(value) if name == "max" else func.min(value)
    return total(value)


def _part(span: Span, part: Part) -> ColumnElement[Any]:
    if part.condition is not None:
        return count_if(and_(span.usable(), part.condition))
    assert part.value is not None  # noqa: S101 - a Part has a value or a condition
    return _statistic(part.value, part.statistic)
