"""The control chart in words and picture: since when, by which rule, and whether the target can be met."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from app import control, data
from app.control_chart import control_picture, points
from app.fact_filters import Where
from app.filters import View
from etl.annotations import Annotation
from etl.kpis import KPIS
from etl.kpis.kpi_chart import KpiChart, kpi_chart
from etl.warehouse.target_rules import TargetRule

FIRST = date(2026, 9, 7)
CALM = np.where(np.arange(63) % 2, 39.0, 41.0)


def charted(*last: float, name: str = "T16") -> KpiChart:
    """The chart of nine calm weeks around 40 and some last days."""
    values = np.append(CALM, last)
    days = pd.date_range(FIRST, periods=len(values))
    column = KPIS[name].headline
    frame = pd.DataFrame({"day": days, column: values, "n": 30})
    found = kpi_chart(KPIS[name], lambda _grain: frame, FIRST, days[-1].date())
    assert found is not None
    return found


def test_a_calm_day_says_its_usual_range() -> None:
    assert control.said(charted(40.0), "min").startswith("Mon 9 Nov within ")


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ((90.0,), "above 35 to 45 min since Mon 9 Nov"),
        ((10.0,), "below 35 to 45 min since Mon 9 Nov"),
        ((39.0, *(43.0,) * 8), "above its usual 40 min since Tue 10 Nov"),
    ],
)
def test_a_signal_says_which_way_and_since_when(last: tuple[float, ...], said: str) -> None:
    assert control.said(charted(*last), "min") == said


def test_limits_are_never_where_no_value_can_be() -> None:
    chart = charted(40.0)
    wide = KpiChart(chart.kpi, chart.grain, chart.buckets, chart.control, chart.better)
    wide.control.low[:] = -5.0
    assert control.limits(wide, "min")[0].min() == 0.0


def test_the_picture_tells_usual_points_from_special_ones_by_shape_and_words() -> None:
    frame = points(charted(90.0), "min")
    assert list(frame["kind"].iloc[-2:]) == ["common cause", "concern"]
    assert frame["why"].iloc[-1] == "outside"
    chart = control_picture(charted(90.0), "min", said="Concern.")
    assert "1 of 64 points with a special cause. Concern." in chart.alt


def test_annotations_of_its_days_are_drawn_with_their_author() -> None:
    note = Annotation("downtime", FIRST - timedelta(days=3), FIRST + timedelta(days=2), "tube", author="ada")
    later = Annotation("other", date(2027, 1, 1), date(2027, 1, 2), "elsewhere", author="ada")
    layers = control_picture(charted(40.0), "min", notes=[note, later]).spec["layer"]
    told = [row["note"] for layer in layers for row in layer.get("data", {}).get("values", [])]
    assert set(told) == {"Downtime: tube (ada)"}


def rule(target_min: float, priority: str = "*", phase: str = "report") -> TargetRule:
    return TargetRule(None, None, "*", "*", priority, "*", phase, target_min)


@pytest.mark.parametrize(
    ("rules", "where", "target"),
    [
        ([rule(60)], (), 60),
        ([rule(60, "STAT"), rule(240, "ROUTINE")], (), None),
        ([rule(60, "STAT"), rule(240, "ROUTINE")], (("priority", ("STAT",)),), 60),
        ([rule(60, phase="T16"), rule(30, phase="unread")], (), 60),
        ([], (), None),
    ],
)
def test_a_target_is_drawn_where_one_holds_for_all_of_the_view(
    monkeypatch: pytest.MonkeyPatch,
    rules: list[TargetRule],
    where: Where,
    target: float | None,
) -> None:
    monkeypatch.setattr(data, "targets", lambda: tuple(rules))
    view = View(FIRST, FIRST + timedelta(days=7), where, FIRST + timedelta(days=7))
    assert control.target_of(view, KPIS["T16"]) == target


def test_a_target_within_the_limits_is_hit_or_missed_by_chance() -> None:
    assert "hit or missed by chance (50 % of days)" in control.assurance_words(charted(40.0), 40.0, "min")
    assert "nearly every day as things are" in control.assurance_words(charted(40.0), 60.0, "min")
    assert "process itself must change" in control.assurance_words(charted(40.0), 20.0, "min")
    assert control.assurance_words(charted(40.0), None, "min") == ""
