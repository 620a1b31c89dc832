"""The kind Survival: turnaround times in which open items count as censored at now (K0.8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, Select, and_, case, func

from etl.kpis.base import Measure
from etl.kpis.duration import Span
from etl.kpis.kinds import count_if, floats, grouped, total, ungrouped
from etl.kpis.moment import AS_OF, epoch_min
from etl.kpis.numbers import Counted, SurvivalCurves, quotient, sums

if TYPE_CHECKING:
    from etl.kpis.plan import Plan


@dataclass(frozen=True, slots=True, eq=False)
class Survival:
    """Kaplan-Meier P50 and P90 of a duration with the open items in the risk set, beside the closed-only ones.

    The statistics are counts by duration and state. `mean` adds the closed items' mean (registries want it);
    `phases` are the minutes that make up the duration, shown as shares of the closed items' total. `shares` are
    conditions on closed items, shown as the share that meets them. `per_min` is the length of the value's unit.
    What is of closed items alone is hidden where few have closed, however many are open.
    """

    span: Span
    mean: bool = False
    phases: tuple[tuple[str, ColumnElement[Any]], ...] = ()
    shares: tuple[tuple[str, ColumnElement[bool]], ...] = ()
    per_min: float = 1.0
    name: ClassVar[str] = "Survival"
    adds_over: ClassVar[str] = "nothing"

    def measures(self, unit: str, counted: str) -> tuple[Measure, ...]:
        """Return p50 and p90 with open items, the same of closed items only, and the counts."""
        of_closed = [("p50_closed", unit), ("p90_closed", unit), *([("mean_closed", unit)] if self.mean else [])]
        of_closed += [(f"{name}_share", "share") for name, _ in self.phases]
        of_closed += [(name, "share") for name, _ in self.shares]
        return (
            *(Measure(name, unit, hide=True) for name in ("p50", "p90")),
            *(Measure(name, of, hide=True, basis="closed") for name, of in of_closed),
            *(Measure(name, counted) for name in ("n", "closed", "open", "missing")),
        )

    def select(self, plan: Plan) -> Select[Any]:
        """Return one row a slice, state and duration: how many items."""
        span = self.span
        statistics = [
            func.count().label("items"),
            *(total(case((self._complete(), phase))).label(f"sum_{name}") for name, phase in self.phases),
            *(count_if(and_(span.usable(), condition)).label(f"met_{name}") for name, condition in self.shares),
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
        age = age if self.per_min == 1.0 else age / self.per_min
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
        found: dict[str, Any] = {}
        finished = SurvivalCurves.of(slice_id[closed], duration[closed], closed[closed], count[closed], slices)
        for name, q in (("p50", 0.5), ("p90", 0.9)):
            # one estimator for both: with nothing open they are one number
            found[name], found[f"{name}_closed"] = curves.quantile(q), finished.quantile(q)
        for name, which in (("closed", closed), ("open", state == "open"), ("missing", ~known)):
            found[name] = _total(slice_id, count, which, slices).astype(np.int64)
        found["basis"] = found["closed"] + found["open"]
        found["n"] = found["basis"] + found["missing"]
        if self.mean:
            found["mean_closed"] = quotient(counted.total(), found["closed"].astype(np.float64))
        for name, _ in self.shares:
            met = _total(slice_id, floats(statistics, f"met_{name}"), closed, slices)
            found[name] = quotient(met, found["closed"].astype(np.float64))
        if self.phases:
            found |= self._phase_shares(statistics.iloc[np.lexsort((duration, slice_id))], np.sort(slice_id), slices)
        return pd.concat([frame, pd.DataFrame(found, index=frame.index)], axis="columns")

    def _phase_shares(self, ordered: pd.DataFrame, slice_id: Any, slices: int) -> dict[str, Any]:
        """Return the phases' shares of their sum, added in one fixed order."""
        parts = {name: sums(slice_id, np.nan_to_num(floats(ordered, f"sum_{name}")), slices) for name, _ in self.phases}
        return {f"{name}_share": quotient(part, np.sum(list(parts.values()), axis=0)) for name, part in parts.items()}


def _total(slice_id: Any, weight: Any, which: Any, slices: int) -> Any:
    return np.bincount(slice_id[which], weights=weight[which], minlength=slices)


def _slices(statistics: pd.DataFrame, keys: list[str]) -> tuple[Any, pd.DataFrame]:
    """Number the slices in order and return each row's number and the slices' keys."""
    if not keys:
        return np.zeros(len(statistics), dtype=np.int64), pd.DataFrame(index=[0])
    grouped = statistics.groupby(keys, sort=True, dropna=False)
    return grouped.ngroup().to_numpy(), grouped.size().index.to_frame(index=False)
