"""Splitting the change of a number between two periods into parts that add up to it exactly.

A number is made from cells (members of a dimension, or combinations of several). Two things can differ between the
periods: how the items are spread over the cells (the *mix*), and what the items of each cell are like (its *rate*).
Each is switched from the earlier to the later period in every possible order, and gets the mean of what its switch
does: its Shapley value (Shapley 1953). For a ratio this is Kitagawa's decomposition (Kitagawa 1955); for a quantile,
which adds over nothing, it is what makes the parts add up all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import factorial
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

MOST_PLAYERS = 9
_EPSILON = 1e-9


class Cells(Protocol):
    """The sufficient statistics of two periods (0 the earlier, 1 the later) by cell."""

    @property
    def n(self) -> Floats:
        """Items by period and cell."""

    def number(self, mix: int, chosen: Ints) -> float:
        """Return the number of a mixture: spread over the cells as in period `mix`, each cell's items of `chosen`.

        A cell without items in the period chosen takes those of the other; with `mix` and all `chosen` of one period
        it is that period's number.
        """

    def only(self, cells: Ints) -> Cells:
        """Return some cells by themselves, in the order given."""


@dataclass(frozen=True, slots=True)
class Sums:
    """A count or sum: the cells' values simply add, and there is no mix."""

    n: Floats
    value: Floats

    def number(self, mix: int, chosen: Ints) -> float:
        """Return the sum of the cells' values."""
        return float(self.value[chosen, np.arange(self.value.shape[1])].sum())

    def only(self, cells: Ints) -> Sums:
        """Return some cells by themselves."""
        return Sums(self.n[:, cells], self.value[:, cells])


@dataclass(frozen=True, slots=True)
class Shares:
    """A numerator over a denominator, both added over the cells."""

    n: Floats
    numerator: Floats
    denominator: Floats

    def number(self, mix: int, chosen: Ints) -> float:
        """Return the cells' ratios weighted with the denominators of period `mix`."""
        cell = np.arange(self.n.shape[1])
        empty = self.denominator <= 0
        picked = np.where(empty[chosen, cell], 1 - chosen, chosen)
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = self.numerator[picked, cell] / self.denominator[picked, cell]
        weight = self.denominator[mix]
        used = weight > 0
        return float((weight[used] * rate[used]).sum() / weight.sum()) if weight.sum() > 0 else float("nan")

    def only(self, cells: Ints) -> Shares:
        """Return some cells by themselves."""
        return Shares(self.n[:, cells], self.numerator[:, cells], self.denominator[:, cells])


@dataclass(frozen=True, slots=True)
class Quantiles:
    """A quantile of durations, open ones censored (Kaplan-Meier) or, without censoring, interpolated.

    Rows are sorted by duration, closed before open; `cell` and `period` say whose they are.
    """

    n: Floats
    q: float
    is_survival: bool
    duration: Floats
    closed: Mask
    count: Floats
    cell: Ints
    period: Ints

    @classmethod
    def of(cls, q: float, is_survival: bool, rows: tuple[Floats, Mask, Floats, Ints, Ints], cells: int) -> Quantiles:
        """Return the rows (duration, closed, count, cell, period) sorted, with the items by period and cell."""
        duration, closed, count, cell, period = rows
        n = np.zeros((2, cells))
        np.add.at(n, (period, cell), count)
        order = np.lexsort((~closed, duration))
        duration, closed, count, cell, period = (column[order] for column in rows)  # type: ignore[assignment]  # as given
        return cls(n, q, is_survival, duration, closed, count, cell, period)

    def number(self, mix: int, chosen: Ints) -> float:
        """Return the quantile of the mixture."""
        cell = np.arange(self.n.shape[1])
        picked = np.where(self.n[chosen, cell] > 0, chosen, 1 - chosen)
        with np.errstate(divide="ignore", invalid="ignore"):
            times = np.nan_to_num(self.n[mix] / self.n[picked, cell])
        weight = self.count * np.where(self.period == picked[self.cell], times[self.cell], 0.0)
        used = weight > 0
        if not used.any():
            return float("nan")
        if self.is_survival:
            return _kaplan_meier(self.duration[used], self.closed[used], weight[used], self.q)
        return _interpolated(self.duration[used], weight[used], self.q)

    def only(self, cells: Ints) -> Quantiles:
        """Return some cells by themselves."""
        place = np.full(self.n.shape[1], -1, dtype=np.int64)
        place[cells] = np.arange(len(cells))
        kept = place[self.cell] >= 0
        rows = (self.duration, self.closed, self.count, place[self.cell], self.period)
        return Quantiles.of(self.q, self.is_survival, tuple(column[kept] for column in rows), len(cells))  # type: ignore[arg-type]  # five of them


def _kaplan_meier(duration: Floats, closed: Mask, weight: Floats, q: float) -> float:
    """Return the quantile as `etl.kpis.numbers.SurvivalCurves` has it, of weighted items."""
    at_risk = weight.sum() - (np.cumsum(weight) - weight)
    left = np.where(closed, 1 - weight / at_risk, 1.0)
    survival = np.exp(np.cumsum(np.where(left > _EPSILON, np.log(np.maximum(left, 1e-300)), -50.0)))
    time, survival = duration[closed], survival[closed]
    reached = np.flatnonzero(survival <= 1 - q + _EPSILON)
    if not reached.size:
        return float("nan")
    hit = int(reached[0])
    flat = abs(survival[hit] - (1 - q)) <= _EPSILON and hit + 1 < time.size
    return float((time[hit] + time[hit + 1]) / 2 if flat else time[hit])


def _interpolated(value: Floats, weight: Floats, q: float) -> float:
    """Return the quantile as SQL's percentile_cont has it where weights are counts."""
    upto = np.cumsum(weight)
    first, last = upto - weight, np.maximum(upto - 1, upto - weight)
    place = np.column_stack((first, last)).ravel()
    return float(np.interp(q * last[-1], place, np.repeat(value, 2)))


def split(cells: Cells, groups: Sequence[Sequence[int]]) -> tuple[float, Floats]:
    """Return what the mix and each group of cells did to the number; together exactly its change.

    Raises ValueError for more than MOST_PLAYERS - 1 groups: every subset is computed.
    """
    if len(groups) >= MOST_PLAYERS:
        raise ValueError(f"{len(groups)} groups, at most {MOST_PLAYERS - 1} can be split exactly")

    @cache
    def number(subset: int) -> float:
        chosen = np.zeros(cells.n.shape[1], dtype=np.int64)
        for place, group in enumerate(groups):
            if subset >> (place + 1) & 1:
                chosen[list(group)] = 1
        return cells.number(subset & 1, chosen)

    values = shapley(len(groups) + 1, number)
    return float(values[0]), values[1:]


def shapley(players: int, number: Callable[[int], float]) -> Floats:
    """Return each player's Shapley value in the game `number(subset)`, subsets as bit masks; exact."""
    weight = [factorial(size) * factorial(players - size - 1) / factorial(players) for size in range(players)]
    values = np.zeros(players)
    for player in range(players):
        for subset in range(1 << players):
            if not subset >> player & 1:
                gain = number(subset | 1 << player) - number(subset)
                values[player] += weight[subset.bit_count()] * gain
    return values
