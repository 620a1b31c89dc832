"""Kinds of KPI that divide one count or sum by another: Ratio, IntervalShare, Funnel."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from sqlalchemy import (
    ColumnElement,
    Double,
    Select,
    String,
    and_,
    case,
    cast,
    distinct,
    false,
    func,
    literal_column,
    true,
)

from etl.kpis.base import Measure
from etl.kpis.kinds import count_if, floats, grouped, total, ungrouped
from etl.kpis.moment import LAST_WHOLE_HOUR, word
from etl.kpis.numbers import poisson, quotient, wilson

if TYPE_CHECKING:
    from etl.kpis.plan import Plan


@dataclass(frozen=True, slots=True, eq=False)
class Ratio:
    """Shares of counts, the first one the headline.

    Over rows: each share is a condition on the `decided` rows, `undecided` ones will be decided later, the rest
    is missing. Over rows that hold counts: with `of`, each share is a column of counts summed over the sum of `of`.
    `per` scales shares and limits where a share would be too small to read: 1000 gives a rate per 1000. A `rate`
    counts events of which an item may have several, so its limits are those of a count, not of a share.
    """

    shares: dict[str, ColumnElement[Any]]
    decided: ColumnElement[bool] = field(default_factory=true)
    undecided: ColumnElement[bool] = field(default_factory=false)
    of: ColumnElement[Any] | None = None
    per: float = 1.0
    rate: bool = False
    name: ClassVar[str] = "Ratio"
    adds_over: ClassVar[str] = "numerator and n over everything, the share over nothing"

    def measures(self, unit: str, counted: str) -> tuple[Measure, ...]:
        """Return the shares, the interval of the first, numerator, n, missing, open."""
        first, *others = self.shares
        return (
            *(Measure(name, unit, hide=True) for name in (first, "low", "high", *others)),
            *(Measure(name, counted) for name in ("numerator", "n", "missing", "open")),
        )

    def select(self, plan: Plan) -> Select[Any]:
        """Return one row a slice: items, decided, undecided, and how many meet each condition."""
        if self.of is not None:
            available = func.sum(self.of)
            counts = [available.label("items"), available.label("n"), literal_column("0").label("open")]
            met: dict[str, ColumnElement[Any]] = {name: func.sum(column) for name, column in self.shares.items()}
        else:
            counts = [
                func.count().label("items"),
                count_if(self.decided).label("n"),
                count_if(self.undecided).label("open"),
            ]
            met = {name: count_if(and_(self.decided, condition)) for name, condition in self.shares.items()}
        return grouped(plan, [*counts, *(count.label(f"met_{name}") for name, count in met.items())])

    def finish(self, statistics: pd.DataFrame, plan: Plan) -> pd.DataFrame:
        """Return the shares with the first one's 95 % interval: Wilson's, of a rate the score interval of a count."""
        frame = statistics.fillna({"items": 0, "n": 0, "open": 0})
        n = floats(frame, "n")
        for name in self.shares:
            frame[name] = quotient(floats(frame, f"met_{name}"), n) * self.per
        first = f"met_{next(iter(self.shares))}"
        limits = poisson if self.rate else wilson
        frame["low"], frame["high"] = (limit * self.per for limit in limits(floats(frame, first), n))
        frame["numerator"] = frame[first]
        frame["missing"] = frame["items"] - frame["n"] - frame["open"]
        frame["basis"] = frame["n"]
        return frame

    def rows(self, plan: Plan) -> Select[Any]:
        """Return each row's contribution to the numerator and its state: decided, open or missing."""
        first = next(iter(self.shares.values()))
        if self.of is not None:
            return ungrouped(plan, first, word("counted")).add_columns(self.of.label("available"))
        state = case((self.decided, word("decided")), (self.undecided, word("open")), else_=word("missing"))
        value = case((and_(self.decided, first), self.per), (self.decided, 0.0))
        return ungrouped(plan, value, state)


@dataclass(frozen=True, slots=True, eq=False)
class Rated:
    """A mean that each of a number of items adds to a numerator: sum and count of the mean, and the items."""

    total: ColumnElement[Any]
    count: ColumnElement[Any]
    items: ColumnElement[Any]

    def sums(self) -> list[ColumnElement[Any]]:
        """Return the three sums, labelled."""
        return [
            total(self.total).label("rated_total"),
            total(self.count).label("rated_count"),
            total(self.items).label("rated_items"),
        ]

    def of(self, frame: pd.DataFrame) -> Any:
        """Return what the mean of each slice adds: nought where there is none."""
        mean = quotient(floats(frame, "rated_total"), floats(frame, "rated_count"))
        return np.nan_to_num(mean) * np.nan_to_num(floats(frame, "rated_items"))

    def of_row(self) -> ColumnElement[Any]:
        """Return what the mean over all rows adds for the items of one."""
        count = func.nullif(func.sum(self.count).over(), 0)
        return func.coalesce(func.sum(self.total).over() / cast(count, Double), 0.0) * self.items


@dataclass(frozen=True, slots=True, eq=False)
class IntervalShare:
    """Minutes (or counts) of scanner hours over their available minutes; only hours that have ended by now count.

    The minutes are unions computed at derivation (K0.4), so they add. `per_min` is the length the denominator is
    counted in: 1 gives a share, 60 a number per hour. `days` adds the number per scanner-day, `rated` to the
    numerator a mean for each item. Rows of other tables belong to the hour in `hour_at`, unless `ended` says which of
    them have ended; `rows_are` says what they are.
    """

    numerator: ColumnElement[Any]
    available: ColumnElement[Any]
    per_min: float = 1.0
    parts: tuple[tuple[str, ColumnElement[Any]], ...] = ()
    days: bool = False
    headline: str = "share"
    rated: Rated | None = None
    ended: ColumnElement[bool] | None = None
    rows_are: str = "scanner hours"
    name: ClassVar[str] = "IntervalShare"
    adds_over: ClassVar[str] = "numerator and available minutes over everything, the share over nothing"

    def measures(self, unit: str, counted: str) -> tuple[Measure, ...]:
        """Return the share, its parts, both sums, and n, the scanner hours behind them."""
        shares = [Measure(self.headline, unit), *(Measure(name, unit) for name, _ in self.parts)]
        if self.days:
            shares.append(Measure("per_scanner_day", f"{counted}/scanner-day"))
        numerator = "min" if self.per_min == 1.0 else counted
        return (*shares, Measure("numerator", numerator), Measure("available", "min"), Measure("n", self.rows_are))

    def select(self, plan: Plan) -> Select[Any]:
        """Return one row a slice: the sums over its whole hours, and their number."""
        hours = plan.kpi.table.c
        statistics = [
            func.count().label("n"),
            total(self.numerator).label("numerator"),
            total(self.available).label("available"),
            *(total(column).label(name) for name, column in self.parts),
            *(self.rated.sums() if self.rated else []),
            *([_scanner_days(hours).label("scanner_days")] if self.days else []),
        ]
        return grouped(plan, statistics, self._ended(plan))

    def rows(self, plan: Plan) -> Select[Any]:
        """Return each scanner hour's numerator and available minutes."""
        value = self.numerator + self.rated.of_row() if self.rated else self.numerator
        query = ungrouped(plan, value, word("counted"))
        return query.add_columns(self.available.label("available")).where(self._ended(plan))

    def _ended(self, plan: Plan) -> ColumnElement[bool]:
        if self.ended is not None:
            return self.ended
        ended: ColumnElement[bool] = plan.kpi.table.c.hour_at <= LAST_WHOLE_HOUR
        return ended

    def finish(self, statistics: pd.DataFrame, plan: Plan) -> pd.DataFrame:
        """Return the shares; NaN where no minute was available."""
        frame = statistics.copy()
        available = floats(frame, "available") / self.per_min
        if self.rated:
            frame["numerator"] = floats(frame, "numerator") + self.rated.of(frame)
        frame[self.headline] = quotient(floats(frame, "numerator"), available)
        for name, _ in self.parts:
            frame[name] = quotient(floats(frame, name), available)
        if self.days:
            frame["per_scanner_day"] = quotient(floats(frame, "numerator"), floats(frame, "scanner_days"))
        frame["basis"] = frame["n"]
        return frame


def _scanner_days(hours: Any) -> ColumnElement[int]:
    return func.count(distinct(hours.scanner_code + word("|") + cast(hours.local_date, String)))


@dataclass(frozen=True, slots=True, eq=False)
class Funnel:
    """Of the items that entered, the share that reached each stage by now; the last stage is the headline."""

    stages: tuple[tuple[str, ColumnElement[bool]], ...]
    name: ClassVar[str] = "Funnel"
    adds_over: ClassVar[str] = "counts over everything, shares over nothing"

    def measures(self, unit: str, counted: str) -> tuple[Measure, ...]:
        """Return the last stage's share, the others in order, their counts, and n."""
        *others, last = (name for name, _ in self.stages)
        return (
            *(Measure(name, unit, hide=True) for name in (last, *others)),
            *(Measure(f"n_{name}", counted) for name, _ in self.stages),
            Measure("n", counted),
        )

    def select(self, plan: Plan) -> Select[Any]:
        """Return one row a slice: items, and how many reached each stage."""
        counts = [count_if(met).label(f"n_{name}") for name, met in self.stages]
        return grouped(plan, [func.count().label("n"), *counts])

    def rows(self, plan: Plan) -> Select[Any]:
        """Return each item with whether it reached the last stage."""
        last = self.stages[-1][1]
        return ungrouped(plan, case((last, 1.0), else_=0.0), word("counted"))

    def finish(self, statistics: pd.DataFrame, plan: Plan) -> pd.DataFrame:
        """Return each stage's share of the items."""
        frame = statistics.copy()
        for name, _ in self.stages:
            frame[name] = quotient(floats(frame, f"n_{name}"), floats(frame, "n"))
        frame["basis"] = frame["n"]
        return frame
