"""Features are frozen as of the origin, relative to the level, and right on the wall clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from etl.forecasts.blocks import FEATURES, Block, view
from etl.forecasts.features import features_at
from etl.forecasts.panel import build_panel
from etl.forecasts.read import History

KEYS = ("scanner_demand", "table_utilization")


def scramble_future(history: History, at: datetime, seed: int = 3) -> History:
    """Return the history with everything that happened or became known after `at` shuffled."""
    rng = np.random.default_rng(seed)
    hours = history.hours.copy()
    later = (hours["hour_at"] + pd.Timedelta(hours=1) > at).to_numpy()
    for column in ("begun_visits", "table_min", "unplanned_down_min"):
        hours.loc[later, column] = rng.permutation(hours.loc[later, column].to_numpy()) + (column != "table_min")
    slots = history.slots.copy()
    unknown = (slots["valid_from_at"] > at).to_numpy()
    slots.loc[unknown, "scanner_code"] = rng.permutation(slots.loc[unknown, "scanner_code"].to_numpy())
    ends_later = (slots["valid_to_at"] > at).to_numpy()
    slots.loc[ends_later, "valid_to_at"] = slots.loc[ends_later, "valid_to_at"] + pd.Timedelta(days=400)
    exams = history.exams.copy()
    for column in ("exam_begin_at", "exam_end_at", "first_final_at"):
        moved = (exams[column] > at).to_numpy()
        exams.loc[moved, column] = exams.loc[moved, column] + pd.to_timedelta(
            rng.uniform(0, 900, moved.sum()), unit="min"
        )
    return replace(history, hours=hours, slots=slots, exams=exams)


def _at(history: History, key: str, at: datetime, until: datetime) -> Block:
    return features_at(view(build_panel(history, until), key), at)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("days_back", [0.0, 20.3, 60.0])
def test_scrambling_the_future_changes_no_feature(department: Any, key: str, days_back: float) -> None:
    until = department.issued_at
    at = until - timedelta(days=days_back)
    seen = _at(department.history, key, at, until)
    scrambled = _at(scramble_future(department.history, at), key, at, until)
    for name in Block.__dataclass_fields__:
        assert np.array_equal(getattr(seen, name), getattr(scrambled, name)), name


@pytest.mark.parametrize("key", KEYS)
def test_features_do_not_depend_on_how_far_the_history_reaches_beyond(department: Any, key: str) -> None:
    at = department.issued_at - timedelta(days=30)
    whole = _at(department.history, key, at, department.issued_at)
    hours = department.history.hours[department.history.hours["hour_at"] < at + timedelta(days=9)]
    cut = replace(department.history, hours=hours)
    assert np.allclose(whole.x, _at(cut, key, at, at).x)


def test_the_past_does_change_features(department: Any) -> None:
    at = department.issued_at
    hours = department.history.hours.copy()
    recent = (hours["hour_at"] < at) & (hours["hour_at"] > at - timedelta(days=7))
    hours.loc[recent, "begun_visits"] += 3
    moved = _at(replace(department.history, hours=hours), "scanner_demand", at, at)
    assert not np.array_equal(moved.x, _at(department.history, "scanner_demand", at, at).x)


def test_last_week_is_the_same_local_hour_across_a_dst_night(make_department: Any) -> None:
    end = datetime.fromisoformat("2026-11-03T06:00:00+00:00")  # New York fell back on 1 November
    department = make_department(seed=2, end=end, days=40, exams=200)
    panel = build_panel(department.history, end)
    block = features_at(view(panel, "scanner_demand"), end)
    site = panel.sites[0]
    scanner = int(np.flatnonzero(panel.scanners["scanner_code"] == "NCT1")[0])
    rows = np.flatnonzero((block.scanner == scanner) & (block.lead_h < 72))
    for row in rows:
        same = np.flatnonzero(site.wall == site.wall[block.step[row]] - 168)
        if len(same) == 1:
            assert block.naive[row] == pytest.approx(panel.visits[scanner, same[0]], abs=1e-6)


def test_doubling_all_counts_changes_only_the_level(department: Any) -> None:
    hours = department.history.hours.copy()
    hours["begun_visits"] *= 2
    slots = pd.concat([department.history.slots] * 2, ignore_index=True)
    at = department.issued_at
    once = _at(department.history, "scanner_demand", at, at)
    twice = _at(replace(department.history, hours=hours, slots=slots), "scanner_demand", at, at)
    alike = [i for i, name in enumerate(FEATURES) if name not in {"level", "booked_other_unit"}]
    assert np.allclose(once.x[:, alike], twice.x[:, alike], atol=1e-6)
    assert np.allclose(2 * once.scale, twice.scale)


def test_closed_hours_have_no_scale_and_no_baseline(department: Any) -> None:
    at = department.issued_at
    block = _at(department.history, "scanner_demand", at, at)
    closed = block.planned_h == 0
    assert closed.any()
    assert block.scale[closed].sum() == block.naive[closed].sum() == block.mean_4w[closed].sum() == 0
