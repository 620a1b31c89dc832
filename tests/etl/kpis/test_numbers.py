"""The statistics equal their textbook forms, computed one item at a time."""

from __future__ import annotations

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.kpis.numbers import Counted, SurvivalCurves, poisson, quotient, wilson

items = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12), st.booleans()), min_size=1, max_size=60)


def textbook_quantile(durations: list[tuple[int, bool]], q: float) -> float:
    """Kaplan-Meier by the definition: multiply (1 - closed / at risk) at each closing time."""
    survival, times = 1.0, sorted({t for t, closed in durations if closed})
    for place, time in enumerate(times):
        at_risk = sum(1 for t, _ in durations if t >= time)
        survival *= 1 - sum(1 for t, closed in durations if t == time and closed) / at_risk
        if abs(survival - (1 - q)) < 1e-9 and place + 1 < len(times):
            return (time + times[place + 1]) / 2
        if survival <= 1 - q + 1e-9:
            return float(time)
    return nan


def curves(found: list[tuple[int, int, bool]]) -> SurvivalCurves:
    """Count equal items, as the SQL does, and build the curves of four slices."""
    counted: dict[tuple[int, int, bool], int] = {}
    for item in found:
        counted[item] = counted.get(item, 0) + 1
    slice_id, duration, closed = (np.array(part) for part in zip(*counted, strict=True))
    count = np.array(list(counted.values()))
    return SurvivalCurves.of(slice_id, duration.astype(float), closed.astype(bool), count, 4)


@given(items, st.sampled_from([0.25, 0.5, 0.9]))
def test_survival_quantiles_of_all_slices_equal_the_textbook_one_by_one(
    found: list[tuple[int, int, bool]], q: float
) -> None:
    wanted = [textbook_quantile([(t, c) for s, t, c in found if s == which], q) for which in range(4)]
    assert curves(found).quantile(q) == pytest.approx(wanted, nan_ok=True)


@given(items)
def test_without_open_items_the_survival_median_is_the_median(found: list[tuple[int, int, bool]]) -> None:
    closed = [(0, t, True) for _, t, _ in found]
    assert curves(closed).quantile(0.5)[0] == pytest.approx(np.median([t for _, t, _ in closed]))


@given(items, st.sampled_from([0.5, 0.9]))
def test_counted_quantiles_equal_numpys_of_the_expanded_values(found: list[tuple[int, int, bool]], q: float) -> None:
    slice_id, value = (np.array([item[place] for item in found]) for place in (0, 1))
    counted = Counted.of(slice_id, value.astype(float), np.full(len(found), 2), 4)
    wanted = [
        np.quantile(np.repeat(value[slice_id == which], 2), q) if (slice_id == which).any() else nan
        for which in range(4)
    ]
    assert counted.quantile(q) == pytest.approx(wanted, nan_ok=True)


def test_a_quantile_too_few_have_reached_is_not_known() -> None:
    assert isnan(curves([(0, 5, True), (0, 6, False), (0, 7, False)]).quantile(0.5)[0])


def test_wilson_limits_meet_the_ends_exactly_and_are_unknown_without_trials() -> None:
    low, high = wilson(np.array([0.0, 4.0, 0.0]), np.array([4.0, 4.0, 0.0]))
    assert (low[0], high[1]) == (0.0, 1.0)
    assert isnan(low[2])
    assert isnan(high[2])
    # published example: 10 of 100 has 0.0552 to 0.1744
    assert [float(side[0]) for side in wilson(np.array([10.0]), np.array([100.0]))] == pytest.approx(
        [0.0552, 0.1744], abs=5e-5
    )


def test_a_share_of_nothing_is_unknown_not_zero() -> None:
    assert np.isnan(quotient(np.array([0.0]), np.array([0.0])))[0]


def test_the_limits_of_a_rate_are_those_of_a_count_which_may_exceed_its_items() -> None:
    low, high = poisson(np.array([0.0, 10.0, 30.0, 1.0]), np.array([4.0, 20.0, 20.0, 0.0]))
    # solves |events - mean| = z sqrt(mean); 10 events: 5.4320 to 18.4095
    assert low[:2] == pytest.approx([0.0, 5.431986106 / 20], abs=1e-6)
    assert high[1] == pytest.approx(18.409472715 / 20, abs=1e-6)
    assert low[2] < 1.5 < high[2]  # Wilson's interval does not exist above 1
    assert np.isnan([low[3], high[3]]).all()
