"""A change is split into parts that add up to it exactly, whatever the kind of number."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from etl.kpis.attribution import MOST_PLAYERS, Quantiles, Shares, Sums, shapley, split
from etl.kpis.numbers import Counted, SurvivalCurves

SEEDS = range(40)


def durations(seed: int, cells: int, *, open_share: float) -> tuple[np.ndarray, ...]:
    """Return duration, closed, count, cell, period of random items, durations with ties."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(40, 200))
    duration = rng.integers(1, 60, n) * 0.5
    return duration, rng.random(n) >= open_share, np.ones(n), rng.integers(0, cells, n), np.arange(n) % 2


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("q", [0.5, 0.9])
@pytest.mark.parametrize("open_share", [0.0, 0.2])
def test_quantiles_of_one_period_are_the_kpis_own(seed: int, q: float, open_share: float) -> None:
    duration, closed, count, cell, period = durations(seed, 4, open_share=open_share)
    both = Quantiles.of(q, True, (duration, closed, count, cell, period), 4)
    plain = Quantiles.of(q, False, (duration, closed, count, cell, period), 4)
    for which in (0, 1):
        mine = period == which
        nought, ones = np.zeros(mine.sum(), dtype=np.int64), np.ones(mine.sum(), dtype=np.int64)
        curve = SurvivalCurves.of(nought, duration[mine], closed[mine], ones, 1).quantile(q)[0]
        chosen = np.full(4, which, dtype=np.int64)
        assert both.number(which, chosen) == pytest.approx(curve, abs=1e-9, nan_ok=True), f"seed {seed}"
        ordinary = Counted.of(nought, duration[mine], ones, 1).quantile(q)[0]
        assert plain.number(which, chosen) == pytest.approx(ordinary, abs=1e-9), f"seed {seed}"
        assert plain.number(which, chosen) == pytest.approx(np.quantile(duration[mine], q), abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_parts_add_up_to_the_change_exactly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = rng.integers(0, 50, (2, 6)).astype(float)
    rows = durations(seed, 6, open_share=0.05)
    for cells in (
        Sums(n, n),
        Shares(n, n * rng.random((2, 6)), n),
        Quantiles.of(0.5, True, rows, 6),
        Quantiles.of(0.9, False, rows, 6),
    ):
        ends = [cells.number(p, np.full(6, p, dtype=np.int64)) for p in (0, 1)]
        mix, rates = split(cells, [[0], [1, 2], [3], [4, 5]])
        assert mix + rates.sum() == pytest.approx(ends[1] - ends[0], abs=1e-9), f"seed {seed}"


def test_a_ratio_is_split_as_kitagawa_did() -> None:
    n = np.array([[40.0, 60.0], [70.0, 30.0]])
    share = np.array([[0.5, 0.2], [0.6, 0.1]])
    mix, rates = split(Shares(n, n * share, n), [[0], [1]])
    # shares .4 .6 | .7 .3; rate effects: mean weight x change of share; mix: change of weight x mean share
    assert rates.tolist() == pytest.approx([0.55 * 0.1, 0.45 * -0.1])
    assert mix == pytest.approx(0.3 * 0.55 - 0.3 * 0.15)


def test_a_cell_that_comes_new_is_mix_and_not_rate() -> None:
    n = np.array([[50.0, 0.0], [50.0, 50.0]])
    share = np.array([[0.2, 0.0], [0.2, 0.8]])
    mix, rates = split(Shares(n, n * share, n), [[0], [1]])
    assert rates.tolist() == pytest.approx([0.0, 0.0])
    assert mix == pytest.approx(0.3)


def test_sums_have_no_mix() -> None:
    n = np.array([[5.0, 7.0], [9.0, 1.0]])
    mix, rates = split(Sums(n, n), [[0], [1]])
    assert (mix, rates.tolist()) == (0.0, [4.0, -6.0])


@pytest.mark.parametrize("seed", range(10))
def test_shapley_values_are_the_mean_over_all_orders(seed: int) -> None:
    rng = np.random.default_rng(seed)
    worth = rng.random(16)
    expected = np.zeros(4)
    for order in permutations(range(4)):
        inside = 0
        for player in order:
            expected[player] += (worth[inside | 1 << player] - worth[inside]) / 24
            inside |= 1 << player
    assert shapley(4, lambda subset: float(worth[subset])) == pytest.approx(expected)


def test_more_groups_than_can_be_split_exactly_are_refused() -> None:
    n = np.ones((2, MOST_PLAYERS))
    with pytest.raises(ValueError, match="at most"):
        split(Sums(n, n), [[c] for c in range(MOST_PLAYERS)])
