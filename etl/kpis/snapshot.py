"""The kind Snapshot: what is open at an instant, how old it is, and how much of it is over its limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd
from sqlalchemy import ColumnElement, Select, and_, case, func, not_, or_, select, true
from sqlalchemy.sql.selectable import FromClause

from etl.kpis.base import Measure
from etl.kpis.instants import Instants
from etl.kpis.kinds import by_keys, count_if, floats, quantile, total
from etl.kpis.moment import minutes_between, word
from etl.kpis.numbers import quotient

if TYPE_CHECKING:
    from etl.kpis.plan import Plan


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Items opened by an instant and closed by none of `closed_at` until then.

    `limit_min` gives the count over its limit; `work_min` the minutes of work the open items stand for, items
    without a value taken at the mean of the others. An empty queue is a known zero, unlike an empty period.
    `oldest_first` makes the greatest age the headline, `share_from_min` the share of items at least so old; else the
    count is. `bands_min` are named ranges of age `[from, to)` whose items are counted apart. Items that a person set
    aside at `aside_at` are open no more, but counted beside under `aside`. Where the age counts from another instant
    than the one an item came in at, `entered_at` is the latter; before its beginning the age is nought.
    """

    opened_at: ColumnElement[Any]
    closed_at: tuple[ColumnElement[Any], ...] = ()
    limit_min: ColumnElement[Any] | None = None
    work_min: ColumnElement[Any] | None = None
    oldest_first: bool = False
    share_from_min: float | ColumnElement[Any] | None = None
    bands_min: tuple[tuple[str, float, float | None], ...] = ()
    aside: str = ""
    aside_at: ColumnElement[Any] | None = None
    entered_at: ColumnElement[Any] | None = None
    name: ClassVar[str] = "Snapshot"
    adds_over: ClassVar[str] = "counts over dimensions, nothing over time"

    def measures(self, unit: str, counted: str) -> tuple[Measure, ...]:
        """Return count and oldest age (headline first), P50 and P90 of age, and what else is asked."""
        count, oldest = Measure("count", counted), Measure("oldest", "min")
        names = [oldest, count] if self.oldest_first else [count, oldest]
        names += [Measure("p50", "min", hide=True), Measure("p90", "min", hide=True)]
        if self.share_from_min is not None:
            names = [Measure("share", "share", hide=True), *names, Measure("over_limit", counted)]
        names += [Measure(name, counted) for name, _, _ in self.bands_min]
        if self.limit_min is not None:
            names.append(Measure("over_limit", counted))
        if self.work_min is not None:
            names.append(Measure("work", "min"))
        if self.aside:
            names.append(Measure(self.aside, counted))
        return (*names, Measure("n", counted))

    def is_open(self, at: ColumnElement[Any]) -> ColumnElement[bool]:
        """Return whether an item is open at the instant `at`."""
        return and_(self._is_held(at), self._is_here(at))

    def _is_held(self, at: ColumnElement[Any]) -> ColumnElement[bool]:
        """Return whether an item is open at `at` or would be, had nobody set it aside."""
        since = self.opened_at if self.entered_at is None else self.entered_at
        return and_(since <= at, *(_not_yet(closed, at) for closed in self.closed_at))

    def _is_here(self, at: ColumnElement[Any]) -> ColumnElement[bool]:
        return true() if self.aside_at is None else _not_yet(self.aside_at, at)

    def _age(self, at: ColumnElement[Any]) -> ColumnElement[Any]:
        age = minutes_between(self.opened_at, at)
        return age if self.entered_at is None else func.greatest(age, 0.0)

    def select(self, plan: Plan) -> Select[Any]:
        """Return one row a slice and instant: count, ages, over limit, work."""
        age = self._age(plan.instants.at)
        counted: ColumnElement[Any] = func.count()
        if self.aside_at is not None:
            here = self._is_here(plan.instants.at)
            age, counted = case((here, age)), count_if(here)
        statistics: list[ColumnElement[Any]] = [
            counted.label("count"),
            func.max(age).label("oldest"),
            quantile(age, "p50").label("p50"),
            quantile(age, "p90").label("p90"),
        ]
        if self.limit_min is not None:
            statistics.append(count_if(age > self.limit_min).label("over_limit"))
        if self.share_from_min is not None:
            statistics.append(count_if(age >= self.share_from_min).label("over_limit"))
        statistics += [count_if(_within(age, low, high)).label(name) for name, low, high in self.bands_min]
        if self.work_min is not None:
            statistics.append((total(self.work_min) / func.nullif(func.count(self.work_min), 0)).label("work"))
        if self.aside_at is not None:
            statistics.append(count_if(not_(self._is_here(plan.instants.at))).label(self.aside))
        query: Select[Any] = (
            select(*plan.keys, *statistics).select_from(self._joined(plan, plan.instants)).where(plan.condition)
        )
        return by_keys(query, plan.keys)

    def rows(self, plan: Plan) -> Select[Any]:
        """Return what is open at the last instant, with its age."""
        last = plan.instants.last()
        value, state = self._age(last.at).label("value"), word("open").label("state")
        return select(value, state).select_from(self._joined(plan, last)).where(plan.condition, self._is_here(last.at))

    def finish(self, statistics: pd.DataFrame, plan: Plan) -> pd.DataFrame:
        """Return the counts and ages, with a zero for each instant at which a slice's queue was empty."""
        key = None if plan.grain is None else f"k_{plan.grain}"
        frame = plan.instants.filled(statistics, key, [name for name in plan.names if name != key])
        counts = ("count", "over_limit", self.aside, *(name for name, _, _ in self.bands_min))
        zeros: dict[str, float] = {**dict.fromkeys(counts, 0), "work": 0.0} if plan.instants.rows else {}
        frame = (
            frame.assign(work=floats(frame, "work") * floats(frame, "count")) if self.work_min is not None else frame
        )
        frame = frame.fillna({name: zero for name, zero in zeros.items() if name in frame})
        if not plan.instants.rows:
            frame = frame.mask(frame.notna())  # not yet: nothing is known, not even an empty queue
        if self.share_from_min is not None:  # of nobody waiting no share waits long
            frame["share"] = quotient(floats(frame, "over_limit"), floats(frame, "count"))
        frame["n"] = frame["count"]
        frame["basis"] = frame["count"]
        return frame

    def _joined(self, plan: Plan, instants: Instants) -> FromClause:
        table, at = plan.kpi.table, instants.table
        return at.join(table, and_(table.c.site_code == at.c.site, self._is_held(instants.at)))


def _not_yet(instant: ColumnElement[Any], at: ColumnElement[Any]) -> ColumnElement[bool]:
    return or_(instant.is_(None), instant > at)


def _within(age: ColumnElement[Any], low: float, high: float | None) -> ColumnElement[bool]:
    return age >= low if high is None else and_(age >= low, age < high)
