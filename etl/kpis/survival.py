"""The kind Survival: turnaround times in which open items count as censored at now (K0.8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, Select, and_, case, func

from etl.kpis.base import Measure
from etl.kpis.duration import Span
from etl.kpis.kinds import floats, grouped, ungrouped
from etl.kpis.moment import AS_OF, epoch_min
from etl.kpis.numbers import Counted, SurvivalCurves, quotient

if TYPE_CHECKING:
    from etl.kpis.plan import Plan


@dataclass(frozen=True, slots=True, eq=False)
class Survival:
    """Kaplan-Meier P50 and P90 of a duration with the open items in the risk set, beside the closed-only ones.

    The statistics are counts by duration and state. `mean` adds the closed items' mean (registries want it);
    `phases` are the minutes that make up the duration, shown as shares of the closed items' total.
    """

    span: Span
    mean: bool = False
    phases: tuple[tuple[str, ColumnElement[Any]], ...] = ()
    name: ClassVar[str] = "Survival"
    adds_over: ClassVar[str] = "nothing"

    def measures(self, unit: str, counted: str) -> tuple[Measure, ...]:
        """Return p50 and p90 with open items, the same of closed items only, and the counts."""
        names = ["p50", "p90", "p50_closed", "p90_closed", *(["mean_closed"] if self.mean else [])]
        return (
            *(Measure(name, unit, hide=True) for name in names),
            *(Measure(f"{name}_share", "share", hide=True) for name, _ in self.phases),
            *(Measure(name, counted) for name in ("n", "closed", "open", "missing")),
        )

    def select(self, plan: Plan) -> Select[Any]:
        """Return one row a slice, state and duration: how many items."""
        span = self.span
        statistics = [
            func.count().label("items"),
            *(func.sum(case((self._complete(), phase))).label(f"sum_{name}") for name, phase in self.phases),
        ]
        more = [span.state().label("k_state"), self._duration().label("k_duration")]
        return grouped(plan, statistics, span.started(), more, sort=False)

    def rows(self, plan: Plan) -> Select[Any]:
        """Return each item's duration (its age where open) and state."""
        return ungrouped(plan, self._duration(), self.span.state()).where(self.span.started())

    def _complete(self) -> ColumnElement[bool]:
        """Whether every phase of a closed item is known, so that shares add up to one."""
        return and_(self.span.usable(), *(phase.is_not(None) for _, phase in self.phases))

    def _duration(self) -> ColumnElement[Any]:
        span = self.span
        assert span.started_at is not None  # noqa: S101 - a survival time has a start
        age = epoch_min(AS_OF) - epoch_min(span.started_at)
        return case((span.usable(), span.value), (span.open(), age))

    def finish(self, statistics: pd.DataFrame, plan: Plan) -> pd.DataFrame:
        """Return one row a slice; without any key always exactly one."""
        slice_id, frame = _slices(statistics, list(plan.names))
        slices = len(frame)
        state = statistics["k_state"].to_numpy(dtype=object)
        count = statistics["items"].to_numpy(dtype="int64")
        duration = floats(statistics, "k_duration")
        closed, known = state == "closed", state != "missing"
        curves = SurvivalCurves.of(slice_id[known], duration[known], closed[known], count[known], slices)
        counted = Counted.of(slice_id[closed], duration[closed], count[closed], slices)
        for name, q in (("p50", 0.5), ("p90", 0.9)):
            frame[name], frame[f"{name}_closed"] = curves.quantile(q), counted.quantile(q)
        for name, which in (("closed", closed), ("open", state == "open"), ("missing", ~known)):
            frame[name] = _total(slice_id, count, which, slices).astype(np.int64)
        frame["n"] = frame["closed"] + frame["open"] + frame["missing"]
        frame["basis"] = frame["closed"] + frame["open"]
        total = _total(slice_id, np.where(closed, duration * count, 0.0), closed, slices)
        if self.mean:
            frame["mean_closed"] = quotient(total, floats(frame, "closed"))
        sums = {
            name: _total(slice_id, np.nan_to_num(floats(statistics, f"sum_{name}")), closed, slices)
            for name, _ in self.phases
        }
        for name in sums:
            frame[f"{name}_share"] = quotient(sums[name], sum(sums.values()))
        return frame


def _total(slice_id: Any, weight: Any, which: Any, slices: int) -> Any:
    return np.bincount(slice_id[which], weights=weight[which], minlength=slices)


def _slices(statistics: pd.DataFrame, keys: list[str]) -> tuple[Any, pd.DataFrame]:
    """Number the slices in order and return each row's number and the slices' keys."""
    if not keys:
        return np.zeros(len(statistics), dtype=np.int64), pd.DataFrame(index=[0])
    numbers = statistics.groupby(keys, sort=True, dropna=False).ngroup().to_numpy()
    frame = statistics[keys].drop_duplicates().sort_values(keys).reset_index(drop=True)
    return numbers, frame
