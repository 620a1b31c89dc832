"""XmR limits and rules as the published method has them."""

from __future__ import annotations

from math import isnan, nan

import pytest

from etl.kpis.spc import Signal, signals, xmr

CALM = [10.0, 12.0, 9.0, 11.0, 10.0, 12.0, 9.0, 11.0, 10.0, 12.0]


def test_limits_are_the_mean_and_2_66_mean_moving_ranges() -> None:
    limits = xmr(CALM)
    ranges = [2, 3, 2, 1, 2, 3, 2, 1, 2]
    assert limits.centre == pytest.approx(10.6)
    assert limits.high - limits.centre == pytest.approx(2.66 * sum(ranges) / 9)
    assert limits.centre - limits.low == pytest.approx(2.66 * sum(ranges) / 9)


def test_an_outlying_step_is_screened_out_of_the_limits() -> None:
    steady = [10.0, 11.0] * 10
    with_jump = [*steady, 100.0]
    assert xmr(with_jump).high - xmr(with_jump).centre == pytest.approx(2.66 * 1.0)


def test_too_few_values_have_no_limits() -> None:
    assert isnan(xmr([5.0]).high)
    assert isnan(xmr([]).centre)
    assert xmr([1.0, 2.0, nan, 3.0]).n == 3
    assert xmr([1.0, 2.0]).is_short


def test_a_calm_series_signals_nothing() -> None:
    assert not any(signals(CALM, xmr(CALM)))


def test_a_point_beyond_a_limit_signals_alone() -> None:
    series = [*CALM, 40.0]
    found = signals(series, xmr(CALM))
    assert found[-1] == {Signal.OUTSIDE}
    assert not any(found[:-1])


def test_seven_on_one_side_are_a_shift_and_six_are_not() -> None:
    limits = xmr(CALM)
    assert all(Signal.SHIFT in rules for rules in signals([11.0] * 7, limits))
    assert not any(Signal.SHIFT in rules for rules in signals([11.0] * 6, limits))


def test_seven_rising_points_are_a_trend_and_six_are_not() -> None:
    limits = xmr(CALM)
    rising = [7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0]
    assert all(Signal.TREND in rules for rules in signals(rising, limits))
    assert not any(Signal.TREND in rules for rules in signals(rising[:6], limits))


def test_two_of_three_near_a_limit_signal_where_they_are_near() -> None:
    limits = xmr(CALM)
    near = limits.centre + 0.8 * (limits.high - limits.centre)
    found = signals([10.0, near, 10.0, near, 10.0], limits)
    assert [Signal.NEAR in rules for rules in found] == [False, True, False, True, False]
    assert not any(signals([10.0, near, 10.0, 10.0, 10.0], limits))


def test_unknown_values_take_no_part() -> None:
    assert signals([nan, 11.0, nan], xmr(CALM))[0] == frozenset()


def test_a_series_without_a_known_value_signals_nothing() -> None:
    assert signals([nan, nan], xmr([nan, nan])) == [frozenset(), frozenset()]
    assert signals([], xmr([])) == []
