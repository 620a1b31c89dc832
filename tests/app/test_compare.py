"""A number beside its past: like is compared with like, and words say better or worse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from app import data
from app.compare import compared, headline_value
from app.comparison import PERIODS_BACK
from app.control import STATES
from app.filters import View
from app.theme import AHEAD, CONCERN, FRESH, IMPROVEMENT, LATE, NEVER, STALE
from app.widgets import feed_state
from etl.access import DEMO, Principal, Role
from etl.annotations import Annotation, Annotations
from etl.errors import ConfigurationError, RefusedError
from etl.kpis import Query, compute
from etl.settings import load_settings
from etl.warehouse.engine import reader_engine

NOW = datetime(2026, 11, 24, 12, 12, tzinfo=UTC)


@pytest.fixture
def who(config: Path) -> data.Asker:
    return data.asker()


def _view(who: data.Asker, back: int, days: int) -> View:
    today = data.today(who)
    end = today + timedelta(days=1 - back)
    return View(end - timedelta(days=days), end, (), today)


def test_running_day_is_compared_with_earlier_days_at_the_same_clock_time(who: data.Asker, config: Path) -> None:
    view = _view(who, 0, 1)
    found = compared(who, view, "U21")
    engine = reader_engine(load_settings(config))
    earlier = [
        headline_value(
            compute(engine, Query("U21", day, day + timedelta(days=1), as_of=NOW - timedelta(days=7 * k)), DEMO)
        )
        for k in range(1, PERIODS_BACK + 1)
        for day in [view.from_date - timedelta(days=7 * k)]
    ]
    assert None not in earlier
    assert found.usual == pytest.approx(pd.Series(earlier).median())


def test_usual_is_the_median_of_the_same_weekdays(who: data.Asker, config: Path) -> None:
    view = _view(who, 1, 1)
    engine = reader_engine(load_settings(config))
    days = [view.from_date - timedelta(days=7 * k) for k in range(1, 5)]
    values = [headline_value(compute(engine, Query("T06", d, d + timedelta(days=1)), DEMO)) for d in days]
    assert compared(who, view, "T06").usual == pytest.approx(pd.Series(values).median())


@pytest.mark.parametrize("name", ["T06", "U01", "T24", "V01", "U15"])
def test_state_is_what_the_last_complete_day_says(who: data.Asker, name: str) -> None:
    found = compared(who, _view(who, 0, 7), name)
    assert found.chart is not None
    assert found.chart.buckets[-1] == data.today(who) - timedelta(days=1)
    assert found.state is STATES[found.chart.variation]
    if found.state in (CONCERN, IMPROVEMENT):
        last = found.chart.control.last
        assert last is not None
        worse = (found.chart.control.side(last) > 0) == (found.chart.better == "lower")
        assert worse == (found.state is CONCERN)


def test_running_day_is_never_flagged(who: data.Asker) -> None:
    """Whatever today says, the chart ends yesterday: of a day that has hardly begun nothing is usual."""
    found = compared(who, _view(who, 0, 1), "T16")
    assert found.chart is not None
    assert data.today(who) not in found.chart.buckets
    assert found.usual is None


def test_nothing_earlier_is_no_usual_value(who: data.Asker) -> None:
    assert compared(who, _view(who, 0, 40), "T06").usual is None


def test_a_rebase_and_an_excluded_day_change_the_chart(
    who: data.Asker, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Annotations(tmp_path / "state.sqlite")
    monkeypatch.setattr("app.notes.notes", lambda: kept)
    view, day = _view(who, 0, 7), data.today(who) - timedelta(days=9)
    before = compared(who, view, "V01").chart
    kept.add(Annotation("rebase", day, day + timedelta(days=1), "new shift", kpi="V01-accessions"), "ada", "manager")
    kept.add(Annotation("data", day + timedelta(days=1), day + timedelta(days=2), "lost", excludes=True), "ada", "x")
    after = compared(who, view, "V01").chart
    assert before is not None
    assert after is not None
    assert (before.control.starts, [after.buckets[place] for place in after.control.starts[1:]]) == ((0,), [day])
    assert pd.isna(after.control.series.values[after.buckets.index(day + timedelta(days=1))])


def test_sparkline_leaves_the_running_day_out(who: data.Asker) -> None:
    view = _view(who, 0, 7)
    line = data.ask(who, view.over(view.from_date - timedelta(days=22), view.to_date).query("V01", "day")).frame
    complete = line[line["day"] < pd.Timestamp(view.today)]
    assert list(compared(who, view, "V01").spark) == complete["count"].tolist()


@pytest.mark.parametrize(
    ("ago_min", "state"), [(-30, AHEAD), (-5, FRESH), (0, FRESH), (60, FRESH), (61, LATE), (180, LATE), (181, STALE)]
)
def test_feed_is_judged_by_the_age_of_its_data(ago_min: float, state: object) -> None:
    until = NOW - timedelta(minutes=ago_min)
    due, stale = until + timedelta(minutes=60), until + timedelta(minutes=180)
    feed = {"data_until_at": until, "expected_by_at": due, "stale_at": stale}
    assert feed_state(feed, NOW) == (state, float(ago_min))


def test_feed_without_data_is_neither_current_nor_late() -> None:
    never = dict.fromkeys(("data_until_at", "expected_by_at", "stale_at"))
    assert feed_state(never, NOW) == (NEVER, None)


def test_another_role_never_gets_a_cached_answer_of_wider_scope(who: data.Asker) -> None:
    north = data.Asker(Principal("nora", Role.MANAGER, frozenset({"NORTH"})), who.data_version)
    wide, narrow = (data.ask(w, _view(who, 1, 1).query("V01")) for w in (who, north))
    assert narrow.meta.n < wide.meta.n
    assert data.dimension_values(north, "site") == ["NORTH"]


def test_viewer_sees_no_rows(who: data.Asker) -> None:
    viewer = data.Asker(Principal("vera", Role.VIEWER), who.data_version)
    with pytest.raises(RefusedError, match="aggregates only"):
        data.rows_behind(viewer, _view(who, 1, 1).query("T16"))


def test_demo_principal_is_for_demo_data_only(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = tmp_path / "radpulse.toml"
    real.write_text(config.read_text(encoding="utf-8").replace("demo = true", "demo = false"), encoding="utf-8")
    monkeypatch.setenv("RADPULSE_CONFIG", str(real))
    with pytest.raises(ConfigurationError, match="no accounts"):
        data.asker()
