"""What was known when an exam ended: queues by brute force, nothing of the future, expected ends of running exams."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from etl.forecasts.report_features import (
    REPORT_FEATURES,
    Codes,
    as_known,
    ended_exams,
    exams_in_progress,
)


def _column(x: Any, name: str) -> Any:
    return x[:, REPORT_FEATURES.index(name)]


def _ended(department: Any, exams: pd.DataFrame, at: datetime) -> Any:
    return ended_exams(exams, department.history.sites, Codes.learn(department.history.exams), at)


def test_queues_equal_a_count_by_hand(department: Any) -> None:
    exams = department.history.exams
    waits = _ended(department, exams, department.issued_at)
    for place in (50, 1500, 4000, len(waits.exams) - 1):
        row = waits.exams.iloc[place]
        at = row["exam_end_at"]
        ended = exams[(exams["exam_end_at"] <= at) & (exams["section"] == row["section"])]
        gone = (ended["first_final_at"] <= at) | (ended["exam_end_at"] <= at - pd.Timedelta(days=7))
        signed = ended["first_final_at"]
        assert _column(waits.x, "section_queue")[place] == (~gone).sum()
        assert (
            _column(waits.x, "section_reported_2h")[place]
            == ((signed <= at) & (signed > at - pd.Timedelta(hours=2))).sum()
        )
        recent = ended[(signed <= at) & (signed > at - pd.Timedelta(hours=48))]
        logs = np.log((recent["first_final_at"] - recent["exam_end_at"]) / pd.Timedelta(minutes=1))
        assert _column(waits.x, "section_recent_wait")[place] == pytest.approx(logs.clip(lower=0).mean(), abs=1e-3)


def test_later_events_change_nothing_seen_earlier(department: Any) -> None:
    at = department.issued_at - timedelta(days=25)
    exams = department.history.exams.copy()
    rng = np.random.default_rng(0)
    for column in ("exam_end_at", "first_final_at"):
        later = (exams[column] > at).to_numpy()
        exams.loc[later, column] += pd.to_timedelta(rng.uniform(0, 5000, later.sum()), unit="min")
    before, after = (_ended(department, e, at) for e in (department.history.exams, exams))
    assert np.array_equal(before.x, after.x, equal_nan=True)
    assert np.array_equal(before.duration_min, after.duration_min)


def test_reports_after_the_origin_are_unknown(department: Any) -> None:
    at = department.issued_at - timedelta(days=25)
    known = as_known(department.history.exams, at)
    assert known["first_final_at"].max() <= at
    truly_open = department.history.exams["exam_end_at"].le(at) & ~department.history.exams["first_final_at"].le(at)
    assert np.isinf(_ended(department, department.history.exams, at).duration_min).sum() == truly_open.sum() > 0


def test_an_aborted_exam_is_gone_from_when_it_was_aborted(department: Any) -> None:
    exams = department.history.exams.copy()
    at = department.issued_at
    exams.loc[10, "aborted_at"] = at - timedelta(days=2)
    key = exams.loc[10, "exam_key"]
    assert key not in set(as_known(exams, at)["exam_key"])
    assert key in set(as_known(exams, at - timedelta(days=3))["exam_key"])


def test_an_exam_in_progress_ends_as_planned_or_now(department: Any) -> None:
    at = department.issued_at
    exams = department.history.exams.copy()
    exams["exam_end_at"] = exams["exam_end_at"].astype("datetime64[us, UTC]")
    rows = exams.index[-3:]
    exams.loc[rows, ["exam_end_at", "first_final_at"]] = pd.NaT
    exams.loc[rows, "exam_begin_at"] = [
        at - timedelta(minutes=5),
        at - timedelta(minutes=50),
        at - timedelta(hours=30),
    ]
    exams.loc[rows, "planned_duration_min"] = [20.0, 20.0, 20.0]
    running = exams_in_progress(exams, department.history.sites, Codes.learn(exams), at)
    ends = running.ended_s - at.timestamp()
    assert ends.tolist() == [15 * 60, 0]  # the one begun 30 hours ago is a lost message, not an exam
    assert np.isinf(running.duration_min).all()
    assert (running.watched_min == 0).all()


def test_an_unknown_category_becomes_missing_not_another_one(department: Any) -> None:
    exams = department.history.exams.copy()
    codes = Codes.learn(exams)
    exams["section"] = "A NEW ONE"
    assert np.isnan(codes.encode("section", exams["section"])).all()


def test_the_clock_is_the_sites_own(department: Any) -> None:
    exams = department.history.exams.iloc[:1].copy()
    exams["exam_end_at"] = pd.Timestamp("2026-06-01T04:30:00Z")  # Monday 00:30 in New York
    exams["exam_begin_at"] = exams["exam_end_at"] - pd.Timedelta(minutes=10)
    waits = _ended(department, exams, department.issued_at)
    assert _column(waits.x, "clock_min")[0] == 30


def test_no_exams_give_no_rows(department: Any) -> None:
    history = replace(department.history, exams=department.history.exams.iloc[:0])
    assert len(_ended(department, history.exams, department.issued_at).x) == 0
