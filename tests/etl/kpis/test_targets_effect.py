"""What a change of targets would do, against the derivation's own targets and by hand; nothing is written."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Engine, Table

from etl.access import DEMO, Principal, Role
from etl.targets.effect import Effect, effects
from etl.warehouse.local_time import NO_DAY
from etl.warehouse.reference_match import phase_targets
from etl.warehouse.tables import fact_exam
from etl.warehouse.target_phases import PHASES
from etl.warehouse.target_rules import TargetRule

OLD = (
    TargetRule(None, None, "*", "*", "STAT", "*", "report", 60.0),
    TargetRule(None, None, "*", "*", "URGENT", "*", "report", 120.0),
    TargetRule(None, None, "*", "*", "ROUTINE", "*", "report", 1440.0),
)


def changed(*rules: TargetRule) -> tuple[TargetRule, ...]:
    return (*OLD, *rules)


def only(found: list[Effect]) -> Effect:
    (effect,) = found
    return effect


def test_a_stricter_target_from_a_day_on_leaves_earlier_months_alone(engine: Engine) -> None:
    rule = TargetRule(date(2026, 9, 1), None, "*", "CT", "URGENT", "*", "report", 70.0)
    effect = only(effects(engine, OLD, changed(rule), DEMO))
    strata = effect.by("priority", "patient_class").set_index(["priority", "patient_class"])
    # exam 2 took 80 minutes: in time under 120, late under 70
    assert strata.loc[("URGENT", "I"), ["before", "met_before", "after", "met_after", "lost"]].tolist() == [
        1,
        1,
        1,
        0,
        1,
    ]
    months = effect.by("month").set_index("month")
    assert months.loc[pd.Timestamp("2026-08-01"), ["gained", "lost"]].tolist() == [0, 0]
    assert "months concerned: 2026-09" in list(effect.lines())[-1]
    assert "0 turn to in time, 1 to late" in next(effect.lines())


def test_a_laxer_target_turns_late_exams_to_in_time(engine: Engine) -> None:
    rule = TargetRule(None, None, "NORTH", "*", "STAT", "*", "report", 600.0)
    effect = only(effects(engine, OLD, changed(rule), DEMO))
    total = effect.by().iloc[0]
    # exams 1 (90 min) and 13 (600 min, in August) were late under 60
    assert (total["gained"], total["lost"]) == (2, 0)


def test_rules_of_unchanged_phases_are_not_looked_at(duck: Engine) -> None:
    wait = TargetRule(None, None, "*", "*", "*", "E", "patient_wait", 15.0)
    assert [e.phase.key for e in effects(duck, OLD, changed(wait), DEMO)] == ["patient_wait"]
    assert effects(duck, OLD, OLD, DEMO) == []


def test_only_the_sites_one_may_see_are_counted(duck: Engine) -> None:
    rule = TargetRule(None, None, "*", "*", "*", "*", "report", 5.0)
    south = Principal("south", Role.MANAGER, frozenset({"SOUTH"}))
    assert set(only(effects(duck, (), (rule,), south)).rows["site"]) == {"SOUTH"}


def test_the_warehouse_is_only_read(duck: Engine) -> None:
    with duck.connect() as connection:
        before = pd.read_sql("SELECT * FROM fact_exam ORDER BY exam_key", connection)
    effects(duck, (), OLD, DEMO)
    with duck.connect() as connection:
        pd.testing.assert_frame_equal(pd.read_sql("SELECT * FROM fact_exam ORDER BY exam_key", connection), before)


@pytest.mark.parametrize("seed", range(5))
def test_the_previewed_target_is_the_one_derivation_takes(
    seed: int, rows: dict[Table, list[dict[str, Any]]], duck: Engine
) -> None:
    draws = np.random.default_rng(seed)

    def pick(*words: str) -> str:
        return str(draws.choice(["*", *words]))

    rules = [
        TargetRule(
            draws.choice([None, date(2026, 9, 1), date(2026, 9, 8)]), draws.choice([None, date(2026, 10, 1)]),
            pick("NORTH", "SOUTH"), pick("CT", "MR"), pick("STAT", "ROUTINE"), pick("E", "O"), "report",
            float(draws.integers(10, 1500)), str(draws.choice(["", "", "pack"])),
        )
        for _ in range(8)
    ]  # fmt: skip
    exams = pd.DataFrame([row for row in rows[fact_exam] if row["is_performed"]])
    days = [NO_DAY if d is None else (d - date(1970, 1, 1)).days for d in exams["end_local_date"]]
    target = phase_targets(exams, np.array(days), rules, PHASES["report"].names)
    as_of = datetime(2026, 9, 8, 18, tzinfo=UTC)
    age = (as_of - pd.to_datetime(exams["exam_end_at"], utc=True)).dt.total_seconds() / 60
    took = pd.to_numeric(exams["report_tat_min"])
    decided, met = age >= target, took <= target
    total = only(effects(duck, (), rules, DEMO)).by().iloc[0]
    assert (total["after"], total["met_after"]) == (decided.sum(), (decided & met).sum()), f"seed {seed}"
