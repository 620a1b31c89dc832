"""The regression of waits finds a planted effect of triage, and none where none is planted."""

from __future__ import annotations

from datetime import date, timedelta
from math import isnan

import numpy as np
import pandas as pd
import pytest

from etl.kpis.triage import Effect, triage_effects


def department(
    seed: int, *, flagged: float = 0.0, unflagged: float = 0.0, confounded: bool = False, drift: float = 0.0
) -> pd.DataFrame:
    """Return waits of 120 days at a site with an algorithm from day 40 on and one without; effects in minutes.

    Waits hang on queue, hour, priority and the day itself; `confounded` flags exams that come into long queues more
    often; `drift` is what happens to everybody's waits after day 40 for other reasons.
    """
    random = np.random.default_rng(seed)
    rows = 4000
    day = random.integers(0, 120, rows)
    queue = random.poisson(6 + 4 * random.random(120)[day])
    hour = random.integers(0, 24, rows)
    stat = random.random(rows) < 0.4
    site = np.where(random.random(rows) < 0.65, "NORTH", "SOUTH")
    likely = np.where(queue > 8, 0.5, 0.04) if confounded else np.full(rows, 0.12)
    positive = random.random(rows) < likely
    later = day >= 40
    in_use = later & (site == "NORTH")
    of_day = random.normal(0, 3, 120)[day]
    wait = 20 + 4.0 * queue - 8.0 * stat + 5.0 * np.sin(hour / 24 * 6.28) + of_day + random.gamma(2.0, 6.0, rows)
    wait += drift * later + in_use * np.where(positive, flagged, unflagged)
    return pd.DataFrame({
        "site_code": site, "algorithm": "ICH", "hours": np.where((hour >= 7) & (hour < 17), "work", "off"),
        "ai_use": np.where(in_use, "in_use", np.where(site == "NORTH", "before", "control")),
        "priority": np.where(stat, "STAT", "ROUTINE"), "patient_class": "E",
        "local_date": [date(2026, 1, 1) + timedelta(days=int(d)) for d in day], "local_hour": hour,
        "result": np.where(in_use, np.where(positive, "positive", "negative"), None),
        "unread_wait_min": np.maximum(wait, 0.0), "queue": queue,
    })  # fmt: skip


def found(waits: pd.DataFrame) -> dict[tuple[str, str], Effect]:
    return {(e.hours, e.name): e for e in triage_effects(waits)}


@pytest.mark.parametrize("hours", ["work", "off"])
def test_planted_effects_are_recovered_within_their_intervals(hours: str) -> None:
    effects = found(department(3, flagged=-12.0, unflagged=3.0, drift=5.0))
    for name, planted in (("flagged_vs_unflagged", -15.0), ("flagged_vs_before", -12.0), ("unflagged_vs_before", 3.0)):
        effect = effects[hours, name]
        assert effect.low < planted < effect.high, effect
        assert effect.high - effect.low < 8.0, effect
        assert effect.has_control


def test_without_a_planted_effect_intervals_hold_nought_about_as_often_as_they_should() -> None:
    clear = [e.is_clear for seed in range(10) for e in found(department(seed, drift=5.0)).values()]
    assert len(clear) == 60
    assert sum(clear) <= 8  # 3 of 60 are expected at 95 %


def test_flags_that_come_into_long_queues_look_harmful_raw_and_do_not_adjusted() -> None:
    waits = department(5, flagged=-6.0, confounded=True)
    in_use = waits[waits["ai_use"] == "in_use"]
    raw = in_use.groupby("result")["unread_wait_min"].mean()
    assert raw["positive"] > raw["negative"]
    effect = found(waits)["work", "flagged_vs_unflagged"]
    assert effect.low < -6.0 < effect.high < 0


def test_a_change_that_met_everybody_is_taken_for_the_algorithms_only_without_a_control() -> None:
    waits = department(7, drift=9.0)
    with_control = found(waits)["work", "unflagged_vs_before"]
    alone = found(waits[waits["ai_use"] != "control"])["work", "unflagged_vs_before"]
    assert (with_control.is_clear, with_control.has_control) == (False, True)
    assert (alone.is_clear, alone.has_control) == (True, False)
    assert alone.minutes == pytest.approx(9.0, abs=3.0)


def test_without_exams_before_only_the_comparison_within_the_period_is_told() -> None:
    waits = department(9, flagged=-12.0)
    effects = found(waits[waits["ai_use"] == "in_use"])
    assert effects["work", "flagged_vs_unflagged"].minutes == pytest.approx(-12.0, abs=3.0)
    assert isnan(effects["work", "flagged_vs_before"].minutes)
    assert isnan(effects["off", "unflagged_vs_before"].minutes)


def test_too_few_flagged_exams_tell_nothing() -> None:
    waits = department(11)
    few = waits[(waits["result"] != "positive") | (waits.groupby("result").cumcount() < 3)]
    effects = found(few)
    assert isnan(effects["work", "flagged_vs_unflagged"].low)
    assert not isnan(effects["work", "unflagged_vs_before"].low)


def test_the_same_rows_give_the_same_numbers_in_any_order() -> None:
    waits = department(13, flagged=-6.0).sort_values(["local_date", "unread_wait_min"])
    assert [e.minutes for e in triage_effects(waits)] == pytest.approx(
        [e.minutes for e in triage_effects(waits.sort_values("queue"))]
    )
