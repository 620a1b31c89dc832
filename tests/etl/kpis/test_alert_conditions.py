"""What alert rules find on the hand-made department; it is 14:00 on Tuesday 8 September in New York."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from pydantic import TypeAdapter
from sqlalchemy import Engine, create_engine, insert

from etl.access import DEMO
from etl.alerts.charted import charted
from etl.alerts.conditions import find
from etl.alerts.rules import Rule, SpcRule
from etl.kpis import KPIS, Query, compute
from etl.kpis.query import Result
from etl.warehouse.tables import fact_feed

AS_OF = datetime(2026, 9, 8, 18, 0, tzinfo=UTC)
_RULE: TypeAdapter[Rule] = TypeAdapter(Rule)


def rule(kind: str, **given: Any) -> Any:
    return _RULE.validate_python({"key": "r", "name": "R", "owner": "O", "kind": kind} | given)


def test_a_threshold_is_what_compute_answers(engine: Engine) -> None:
    asked = rule("threshold", kpi="U21", by=("site", "modality"), operator=">", limit=0, min_n=0)
    found = find(engine, asked, AS_OF)
    query = Query("U21", AS_OF.date(), AS_OF.date() + timedelta(days=1), ("site", "modality"))
    frame = compute(engine, query, DEMO).frame
    assert len(frame) > 1
    assert {(f.slice, f.value) for f in found} == {
        ((("modality", r.modality), ("site", r.site)), float(r.count)) for r in frame.itertuples()
    }
    assert all(f.breached is (f.value > 0) for f in found if f.value is not None)


@pytest.mark.parametrize(
    ("operator", "limit", "breached"),
    [(">", 4, False), (">=", 4, True), ("<", 4, False), ("<=", 4, True), (">", 3, True)],
)
def test_the_operators_at_the_limit(engine: Engine, operator: str, limit: float, breached: bool) -> None:
    waiting = find(engine, rule("threshold", kpi="U21", operator=">", limit=0, min_n=0), AS_OF)[0].value
    assert waiting is not None
    off = limit - 4
    found = find(engine, rule("threshold", kpi="U21", operator=operator, limit=waiting + off, min_n=0), AS_OF)
    assert [f.breached for f in found] == [breached]


def test_too_few_to_judge_is_no_verdict(engine: Engine) -> None:
    found = find(engine, rule("threshold", kpi="U21", operator=">", limit=0, min_n=1000), AS_OF)
    assert [f.breached for f in found] == [None]
    assert "is below 1000" in found[0].text


def test_an_emptied_queue_is_nought_and_not_unknown(engine: Engine) -> None:
    asked = rule("threshold", kpi="U21", by=("modality",), operator=">", limit=0, min_n=0)
    found = find(engine, asked, AS_OF, ['{"modality": "ZZ"}'])
    gone = [f for f in found if dict(f.slice)["modality"] == "ZZ"]
    assert [(f.breached, f.value) for f in gone] == [(False, 0.0)]


@pytest.fixture
def feeds() -> Iterator[Engine]:
    """Three feeds at 18:00: one due at 19:00 and stale at 21:00, one that never delivered, one ahead of the clock."""
    engine = create_engine("duckdb:///:memory:")
    with engine.begin() as connection:
        fact_feed.create(connection)
        for key, until in (("hl7", AS_OF), ("empty", None), ("ahead", AS_OF + timedelta(days=9))):
            row = {"feed_key": key, "site_code": "NORTH", "data_until_at": until}
            if until is not None:
                row |= {"expected_by_at": until + timedelta(hours=1), "stale_at": until + timedelta(hours=3)}
                row |= {"expected_within_min": 60.0}
            connection.execute(insert(fact_feed).values(row))
    yield engine
    engine.dispose()


@pytest.mark.parametrize(
    ("hours", "late", "stale"), [(0.9, False, False), (1.1, True, False), (2.9, True, False), (3.1, True, True)]
)
def test_a_feed_is_late_or_stale_by_the_wall_clock(feeds: Engine, hours: float, late: bool, stale: bool) -> None:
    now = AS_OF + timedelta(hours=hours)
    for state, breached in (("late", late), ("stale", stale)):
        found = {dict(f.slice)["feed"]: f for f in find(feeds, rule("freshness", state=state), now)}
        assert {key: f.breached for key, f in found.items()} == {"hl7": breached, "empty": None, "ahead": None}
        assert found["hl7"].value == pytest.approx(hours * 60)
    assert [dict(f.slice)["feed"] for f in find(feeds, rule("freshness", feeds=["hl7"]), now)] == ["hl7"]


def _series(values: list[float], n: int = 50, **where: str) -> Result:
    """Return T16 by day up to 7 September with these medians."""
    kpi = KPIS["T16"]
    days = pd.date_range(end="2026-09-07", periods=len(values))
    frame = pd.DataFrame({**where, "day": days, "p50": values, "n": n})
    query = Query("T16", days[0].date(), days[-1].date() + timedelta(days=1), (*where, "day"))
    meta: Any = type("Meta", (), {})()
    meta.to_date, meta.better = query.to_date, kpi.better
    meta.columns = {m.name: m.unit for m in kpi.measures}
    return Result(frame, meta)


STEADY = [60.0, 62.0] * 14  # mean 61, mean moving range 2: limits 61 +- 5.32, so 55.68 to 66.32


@pytest.mark.parametrize(
    ("last", "breached", "why"),
    [
        (66.0, False, ""),
        (66.4, True, "beyond its natural limits"),
        (55.6, False, "beyond its natural limits"),  # better, and only the worse side was asked for
    ],
)
def test_a_point_outside_limits_of_the_points_before_it(last: float, breached: bool, why: str) -> None:
    asked = rule("spc", kpi="T16", rules=("outside",))
    found = charted(asked, _series([*STEADY, last]))
    assert [f.breached for f in found] == [breached]
    assert why in found[0].text
    assert "usual 56 min to 66 min" in found[0].text


def test_seven_on_the_worse_side_are_a_shift_and_six_are_not() -> None:
    asked: SpcRule = rule("spc", kpi="T16", rules=("shift",), points=28)
    six = [*STEADY[:21], *[60.0] * 2, *[63.0] * 6]
    assert [f.breached for f in charted(asked, _series(six))] == [False]
    seven = [*STEADY[:21], 60.0, *[63.0] * 7]
    assert [f.breached for f in charted(asked, _series(seven))] == [True]


def test_too_short_a_past_or_a_day_without_enough_exams_is_no_verdict() -> None:
    asked = rule("spc", kpi="T16", points=8)
    assert [f.breached for f in charted(asked, _series([60.0, float("nan"), *[61.0] * 6, 99.0]))] == [None]
    assert [f.breached for f in charted(asked, _series([60.0, 62.0] * 4 + [99.0], n=3))] == [None]


def test_same_weekday_compares_mondays_with_mondays() -> None:
    # weekends take 200 minutes longer; Monday is as on all Mondays
    values = [260.0 if day.weekday() > 4 else 60.0 + day.day % 2 for day in pd.date_range(end="2026-09-07", periods=64)]
    asked = rule("spc", kpi="T16", points=9, same_weekday=True)
    found = charted(asked, _series(values))
    assert [f.breached for f in found] == [False]


def test_a_rule_on_published_numbers_has_a_verdict_or_says_why_not(engine: Engine) -> None:
    for kpi in KPIS:
        if kpi.at.date is not None and "day" in kpi.grains:
            for finding in find(engine, rule("spc", kpi=kpi.id, points=8), AS_OF):
                assert finding.breached is None or finding.value is not None
