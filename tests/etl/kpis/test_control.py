"""Control charts equal a second, independent writing of the rules, and say what a reader should do with them."""

from __future__ import annotations

from math import nan

import numpy as np
import pytest

from etl.kpis.control import (
    Assurance,
    Series,
    Variation,
    assurance,
    chance_to_meet,
    control,
    variation,
    weekday_profile,
)
from etl.kpis.control_limits import Chart, gap_limits, geometric_quantile, wait_limits
from etl.kpis.spc import Signal
from tests.oracle import spc_rules

BASELINE = 28


def drawn_series(seed: int) -> Series:
    """A random series of some kind: gaps in it, a weekday profile, and in every second one a planted change."""
    rng = np.random.default_rng(seed)
    length = int(rng.integers(30, 120))
    chart = (Chart.XMR, Chart.P, Chart.U, Chart.G)[seed % 4]
    weekdays = (np.arange(length) + seed) % 7
    change = np.where(np.arange(length) > length - 12, rng.choice([0.0, 1.0, 3.0]), 0.0)
    if chart is Chart.XMR:
        values = 40 + 6 * (weekdays == 5) + 4 * (rng.normal(size=length) + change)
        values[rng.random(length) < 0.05] = nan
        return Series(chart, values, weekdays=weekdays if seed % 3 else None)
    if chart is Chart.G:
        return Series(chart, rng.geometric(0.02, length).astype(float) - 1)
    n = rng.integers(0, 200, length).astype(float)
    events = rng.binomial(n.astype(int), np.clip(0.1 + 0.03 * change, 0, 1)).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return Series(chart, np.where(n > 0, events / n, nan), events, n)


def limits_of(series: Series) -> list[tuple[float, float, float]]:
    """The limits of a series by the second writing."""
    values = list(series.values)
    if series.chart is Chart.G:
        return [spc_rules.geometric_limits(values[:BASELINE])] * len(values)
    if series.events is not None and series.n is not None:
        return spc_rules.laney_limits(list(series.events), list(series.n), BASELINE, series.chart.value)
    return [spc_rules.xmr_limits(values[:BASELINE])] * len(values)


@pytest.mark.parametrize("seed", range(200))
def test_limits_and_causes_equal_a_second_writing(seed: int) -> None:
    series = drawn_series(seed)
    profile = [0.0] * len(series)
    if series.weekdays is not None:
        profile = spc_rules.profile(list(series.values), list(series.weekdays), BASELINE)
    level = list(series.values - np.array(profile))
    limits = limits_of(Series(series.chart, np.array(level), series.events, series.n))
    found = control(series, BASELINE)
    for place, (low, centre, high) in enumerate(limits):
        expected = (low + profile[place], centre + profile[place], high + profile[place])
        got = (found.low[place], found.expected[place], found.high[place])
        assert got == pytest.approx(expected, rel=1e-9, nan_ok=True)
    named = [{cause.value for cause in causes} for causes in found.causes]
    assert named == spc_rules.causes(level, limits)


def test_the_random_series_hold_what_the_rules_look_for() -> None:
    """A comparison of charts that never signal would prove nothing."""
    told = [cause for seed in range(200) for causes in control(drawn_series(seed), BASELINE).causes for cause in causes]
    assert {cause.value for cause in told} == {"outside", "shift", "trend", "near"}
    assert min(told.count(cause) for cause in set(told)) >= 5


def test_a_bad_tuesday_is_seen_behind_slow_saturdays() -> None:
    weekdays = np.arange(84) % 7
    values = np.where(np.arange(84) % 2, 40.0, 42.0) + np.where(weekdays == 5, 30.0, 0.0)
    assert not any(control(Series(Chart.XMR, values, weekdays=weekdays), 56).causes)
    values[80] += 15
    assert not control(Series(Chart.XMR, values), 56).causes[80]
    assert control(Series(Chart.XMR, values, weekdays=weekdays), 56).causes[80]


def test_a_weekday_seen_too_rarely_leaves_the_profile_out() -> None:
    weekdays = np.arange(21) % 7
    assert not weekday_profile(Series(Chart.XMR, np.arange(21.0), weekdays=weekdays), 21).any()


def test_limits_stay_frozen_when_the_process_moves() -> None:
    before = np.where(np.arange(28) % 2, 9.0, 11.0)
    moved = control(Series(Chart.XMR, np.append(before, np.full(60, 20.0))), 28)
    assert moved.expected[-1] == pytest.approx(10.0)
    assert moved.causes[-1]


def test_a_rebase_begins_a_phase_with_limits_of_its_own() -> None:
    values = np.append(np.where(np.arange(28) % 2, 9.0, 11.0), np.where(np.arange(28) % 2, 19.0, 21.0))
    found = control(Series(Chart.XMR, values), 28, rebases=[28])
    assert found.starts == (0, 28)
    assert (found.expected[27], found.expected[28]) == (pytest.approx(10.0), pytest.approx(20.0))
    assert not any(found.causes)


def test_shares_of_many_items_do_not_signal_for_their_size_alone() -> None:
    """Days of 5,000 items differ by more than binomial chance: p' widens, p would flag most days."""
    rng = np.random.default_rng(5)
    n = np.full(60, 5000.0)
    events = rng.binomial(5000, np.clip(rng.normal(0.2, 0.03, 60), 0, 1)).astype(float)
    found = control(Series(Chart.P, events / n, events, n), 60)
    assert sum(bool(causes) for causes in found.causes) < 10
    assert found.high[0] - found.expected[0] > 3 * (0.2 * 0.8 / 5000) ** 0.5 * 3


def test_the_last_point_says_improvement_or_concern_by_what_is_better() -> None:
    calm = np.where(np.arange(28) % 2, 9.0, 11.0)
    high, low = (control(Series(Chart.XMR, np.append(calm, last)), 28) for last in (30.0, -10.0))
    assert variation(high, "lower") is Variation.CONCERN
    assert variation(low, "lower") is Variation.IMPROVEMENT
    assert variation(high, "higher") is Variation.IMPROVEMENT
    assert variation(high, "neutral") is Variation.HIGHER
    assert variation(control(Series(Chart.XMR, calm), 28), "lower") is Variation.COMMON
    assert variation(control(Series(Chart.XMR, calm[:7]), 28), "lower") is Variation.UNKNOWN


def test_a_run_says_since_when() -> None:
    calm = np.where(np.arange(28) % 2, 9.0, 11.0)
    found = control(Series(Chart.XMR, np.concatenate([calm, [9.5], np.full(7, 12.0)])), 28)
    assert found.since() == 29
    assert control(Series(Chart.XMR, calm), 28).since() is None


def test_a_trend_back_to_the_middle_goes_the_way_it_runs() -> None:
    calm = np.where(np.arange(28) % 2, 4.0, 16.0)
    rising = control(Series(Chart.XMR, np.append(calm, [5.0, 6, 7, 8, 9, 10.1, 10.2])), 28)
    assert rising.causes[30] == {Signal.TREND}
    assert rising.side(30) == 1


def test_assurance_compares_the_limits_with_the_target() -> None:
    found = control(Series(Chart.XMR, np.where(np.arange(28) % 2, 9.0, 11.0)), 28)  # limits 10 +- 5.32
    assert assurance(found, 16.0, "lower") is Assurance.PASS
    assert assurance(found, 12.0, "lower") is Assurance.HIT_OR_MISS
    assert assurance(found, 4.0, "lower") is Assurance.FAIL
    assert assurance(found, 4.0, "higher") is Assurance.PASS
    assert assurance(found, 16.0, "higher") is Assurance.FAIL
    assert assurance(found, None, "lower") is Assurance.NONE


def test_the_chance_to_meet_a_target_follows_the_limits() -> None:
    found = control(Series(Chart.XMR, np.where(np.arange(28) % 2, 9.0, 11.0)), 28)
    assert chance_to_meet(found, 10.0, "lower") == pytest.approx(0.5)
    assert chance_to_meet(found, 10.0 + 2.66 * 2 / 3, "lower") == pytest.approx(0.8413, abs=1e-4)  # one sigma above
    assert chance_to_meet(found, 10.0, "higher") == pytest.approx(0.5)


def test_gaps_between_rare_events_have_the_geometric_distributions_quantiles() -> None:
    # mean 49 items between events: one in 50; half of the gaps are at most 34 items: 1 - .98**35 = .507
    assert geometric_quantile(0.5, 1 / 50) == 34
    limits = gap_limits(np.full(10, 49.0), 10)
    assert (limits.low[0], limits.centre[0], limits.high[0]) == (0, 34, 327)  # 1 - .98**328 = .99868


def test_waits_between_rare_events_are_judged_on_their_root() -> None:
    days = np.array([3.0, 5.0, 4.0, 6.0, 3.0, 5.0, 4.0, 6.0, 5.0])
    limits = wait_limits(days, 9)
    root = days ** (1 / 3.6)
    assert limits.centre[0] == pytest.approx(root.mean() ** 3.6)
    assert limits.low[0] < 3.0 < 6.0 < limits.high[0]
