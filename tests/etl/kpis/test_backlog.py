"""A growing backlog must not look like an improvement (K0.8): the P90 does not fall with it, closed-only does."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Table

from etl.access import DEMO
from etl.kpis import Query, compute
from etl.warehouse import tables as t

START, END = date(2026, 9, 1), date(2026, 10, 1)
N = 400
LEFT = (0.0, 0.05, 0.1, 0.2, 0.3)  # of all exams: what the readers leave, the slowest of it first
# KPI: (start of the wait, its end, its duration)
WAITS = {
    "T16": ("exam_end_at", "first_final_at", "report_tat_min"),
    "T17": ("exam_end_at", "first_communication_at", "first_communication_min"),
    "T25": ("first_final_at", "report_viewed_at", "view_delay_min"),
}


def backlog(seed: int, left: float, kpi: str, as_of: Any) -> list[dict[str, Any]]:
    """Return exams of one and the same process, a share of which is still open long after it was due."""
    draws = np.random.default_rng(seed)
    since, until, duration = WAITS[kpi]
    took = draws.lognormal(5.0, 0.8, N)
    begun = draws.uniform(3, 6.9, N)  # days ago: beyond every duration, so that the open ones are older than theirs
    chance = draws.random(N)
    slow = np.argsort(-(took * (0.5 + chance)))[: round(left * N)]
    rows = []
    for n in range(N):
        start = as_of - timedelta(days=float(begun[n]))
        row = {
            "exam_key": n + 1, "site_code": "NORTH", "modality": "CT", "is_performed": True, "exam_end_at": start,
            "end_local_date": start.date(), "final_local_date": start.date(), since: start,
        }  # fmt: skip
        if n not in set(slow.tolist()):
            row |= {until: start + timedelta(minutes=float(took[n])), duration: float(took[n])}
        rows.append(row)
    return rows


@pytest.mark.parametrize("kpi", WAITS)
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_growing_backlog_does_not_improve_the_p90(
    seed: int, kpi: str, rows: dict[Table, list[dict[str, Any]]], make_engine: Any, as_of: Any
) -> None:
    found = []
    for left in LEFT:
        engine = make_engine({**rows, t.fact_exam: backlog(seed, left, kpi, as_of)})
        found.append(compute(engine, Query(kpi, START, END, as_of=as_of), DEMO).frame.iloc[0])
        engine.dispose()
    with_open = [np.inf if np.isnan(f["p90"]) else f["p90"] for f in found]
    closed_only = [f["p90_closed"] for f in found]
    assert with_open == sorted(with_open)
    assert closed_only == sorted(closed_only, reverse=True)
    assert closed_only[-1] < 0.8 * closed_only[0]
    assert [f["open"] for f in found] == [round(left * N) for left in LEFT]
