"""The scanner engine beats its baselines on a department with known truth, and knows no future."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from etl.forecasts.backtest import score_scanner
from etl.forecasts.base import MODEL, SEASONAL_NAIVE, silent
from etl.forecasts.blocks import view
from etl.forecasts.panel import build_panel
from etl.forecasts.registry import TARGETS
from etl.forecasts.scanner import daily_origins, outcomes, plan_folds, roll, training_rows


@pytest.fixture(scope="module")
def rolled(department: Any) -> Any:
    """Demand, backtested once for this module."""
    panel = build_panel(department.history, department.issued_at)
    seen = view(panel, "scanner_demand")
    first = department.issued_at - timedelta(days=120)
    folds = plan_folds(first, department.issued_at)
    training = training_rows(seen, first, department.issued_at)
    return seen, roll(seen, TARGETS["scanner_demand"], folds, training, silent)


@pytest.fixture(scope="module")
def scores(rolled: Any) -> Any:
    """The backtest's overall scores by (model, metric), and the skill of the model."""
    found = score_scanner(*rolled, TARGETS["scanner_demand"])
    overall = {(r["model"], r["metric"]): r["value"] for r in found.rows if r["scanner_code"] == r["site_code"] == ""}
    return overall, found


def test_the_model_beats_both_baselines_beyond_doubt(scores: Any) -> None:
    overall, found = scores
    assert overall[MODEL, "mase"] < 0.75 * overall[SEASONAL_NAIVE, "mase"]
    assert overall[MODEL, "pinball"] < min(overall[m, "pinball"] for m in (SEASONAL_NAIVE, "mean_4w"))
    assert found.skill.above_zero


def test_intervals_hold_what_they_say_by_the_fair_count(scores: Any) -> None:
    overall, _ = scores
    assert overall[MODEL, "coverage_80_fair"] == pytest.approx(0.80, abs=0.03)
    assert overall[MODEL, "coverage_95_fair"] == pytest.approx(0.95, abs=0.02)


def test_bookings_break_the_floor_that_a_calendar_alone_cannot(scores: Any) -> None:
    _, found = scores
    mase = {(r["scanner_code"], r["model"]): r["value"] for r in found.rows if r["metric"] == "mase"}
    for booked in ("NMR1", "SMR1"):
        assert mase[booked, MODEL] < 0.75 * mase[booked, "mean_4w"]


def test_the_model_is_close_to_the_true_mean(department: Any, rolled: Any) -> None:
    seen, found = rolled
    truth = department.truth.set_index(["scanner_code", "hour_at"])["mean_visits"].to_dict()
    codes = seen.panel.scanners["scanner_code"].to_numpy()[found.block.scanner]
    first = seen.panel.sites[0].first_hour
    hours = [datetime.fromtimestamp(int(s) * 3600, tz=UTC) for s in found.block.step + first]
    mean = np.array([truth[c, h] for c, h in zip(codes, hours, strict=True)])
    oracle, ours = np.abs(found.y - mean).mean(), np.abs(found.y - found.means[MODEL]).mean()
    assert ours < 1.08 * oracle


def test_every_fold_is_forecast_from_origins_after_its_begin(rolled: Any) -> None:
    _, found = rolled
    for i, fold in enumerate(found.folds):
        origins = found.block.origin_s[found.fold == i]
        assert fold.begin.timestamp() <= origins.min()
        assert origins.max() < fold.end.timestamp()


def test_the_test_part_is_the_final_fifth(department: Any) -> None:
    folds = plan_folds(department.issued_at - timedelta(days=120), department.issued_at)
    tests = [f for f in folds if f.is_test]
    assert tests[-1].end == department.issued_at
    assert tests[-1].end - tests[0].begin == timedelta(days=24)
    assert all(a.end == b.begin for a, b in pairwise(folds))


@pytest.mark.parametrize("days", [63, 70, 84, 120, 400])
def test_folds_leave_two_weeks_to_train_before_the_first(days: int) -> None:
    issued = datetime(2026, 9, 1, tzinfo=UTC)
    folds = plan_folds(issued - timedelta(days=days), issued)
    assert folds[0].begin >= issued - timedelta(days=days - 28 - 7)
    assert sum(f.is_test for f in folds) == 2


def test_short_histories_are_refused() -> None:
    issued = datetime(2026, 9, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="needs 63"):
        plan_folds(issued - timedelta(days=40), issued)


def test_origins_are_local_midnights_on_dst_days_too() -> None:
    begin, end = datetime(2026, 10, 30, tzinfo=UTC), datetime(2026, 11, 4, tzinfo=UTC)
    hours = [o.astimezone(UTC).hour for o in daily_origins(begin, end, "America/New_York")]
    assert hours == [4, 4, 4, 5, 5]


def test_hours_not_over_yet_have_no_outcome(department: Any, rolled: Any) -> None:
    seen, found = rolled
    at = department.issued_at - timedelta(days=10)
    known = ~np.isnan(outcomes(seen, found.block, at))
    ends = (found.block.step + seen.panel.sites[0].first_hour + 1) * 3600
    assert (ends[known] <= at.timestamp()).all()
    assert known.any()
    assert not known.all()
