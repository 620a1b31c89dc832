"""Everything together: rows as the warehouse wants them, models used again, no look-ahead in any number."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from etl.errors import RefusedError
from etl.forecasts.base import BACKTEST_COLUMNS, FORECAST_COLUMNS, ForecastOutput, silent
from etl.forecasts.registry import TARGETS
from etl.forecasts.run import forecast_all
from etl.settings import Settings
from etl.warehouse.tables import fact_backtest, fact_forecast


@pytest.fixture(scope="module")
def small(make_department: Any) -> Any:
    """A department of 70 days: enough to be judged."""
    return make_department(seed=11, days=70, exams=3000)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(base=tmp_path_factory.mktemp("installation"), demo=True)


@pytest.fixture(scope="module")
def output(small: Any, settings: Settings) -> ForecastOutput:
    return forecast_all(small.history, settings, small.issued_at, silent)


def _of(output: ForecastOutput, target: str) -> pd.DataFrame:
    return output.forecast[output.forecast["target"] == target].reset_index(drop=True)


def test_columns_are_those_of_the_warehouse(output: ForecastOutput) -> None:
    assert tuple(c.name for c in fact_forecast.columns) == FORECAST_COLUMNS == tuple(output.forecast.columns)
    assert tuple(c.name for c in fact_backtest.columns) == BACKTEST_COLUMNS == tuple(output.backtest.columns)
    for frame, table in ((output.forecast, fact_forecast), (output.backtest, fact_backtest)):
        for column in table.columns:
            if getattr(column.type, "length", None):
                assert frame[column.name].dropna().astype(str).str.len().max() <= column.type.length


def test_demand_is_forecast_for_every_scanner_and_the_next_168_hours(small: Any, output: ForecastOutput) -> None:
    demand = _of(output, "scanner_demand")
    assert demand.groupby("scanner_code").size().tolist() == [168] * 4
    assert demand["hour_at"].min() >= small.issued_at
    assert demand["hour_at"].max() == small.issued_at + timedelta(hours=167)


def test_closed_hours_are_forecast_zero_and_have_no_utilization(small: Any, output: ForecastOutput) -> None:
    demand, use = _of(output, "scanner_demand"), _of(output, "table_utilization")
    ahead = small.history.hours[small.history.hours["hour_at"] >= small.issued_at]
    is_open = set(zip(ahead["scanner_code"], ahead["hour_at"], strict=True))
    closed = [k not in is_open for k in zip(demand["scanner_code"], demand["hour_at"], strict=True)]
    assert 0 < sum(closed) < len(closed)
    assert (demand.loc[closed, ["value", "low_80", "high_80", "low_95", "high_95"]] == 0).all(axis=None)
    assert (demand.loc[~np.array(closed), "value"] > 0).all()
    assert {*zip(use["scanner_code"], use["hour_at"], strict=True)} <= is_open


def test_intervals_are_nested_and_inside_the_possible(output: ForecastOutput) -> None:
    rows = output.forecast
    assert (rows["low_95"] <= rows["low_80"]).all()
    assert (rows["low_80"] <= rows["high_80"]).all()
    assert (rows["high_80"] <= rows["high_95"]).all()
    assert (rows["low_95"] >= 0).all()
    assert _of(output, "table_utilization")[["value", "high_95"]].max(axis=None) <= 1


def test_every_open_exam_has_a_report_forecast_not_in_the_past(small: Any, output: ForecastOutput) -> None:
    exams, rows = small.history.exams, _of(output, "report_time")
    waiting = exams[exams["first_final_at"].isna() & (exams["exam_end_at"] > small.issued_at - timedelta(days=14))]
    assert set(rows["exam_key"]) == set(waiting["exam_key"])
    assert (rows["expected_at"] >= small.issued_at).all()
    assert rows["probability"].between(0, 1).all()
    late = waiting.set_index("exam_key").loc[rows["exam_key"]]
    waited = (small.issued_at - late["exam_end_at"]) / pd.Timedelta(minutes=1)
    missed = (waited > late["report_target_min"]).to_numpy()
    assert (rows.loc[missed, "probability"] == 1).all()
    assert (rows.loc[~missed, "probability"] < 1).all()


def test_the_backtest_shows_the_model_beside_every_baseline_and_marks_what_is_served(output: ForecastOutput) -> None:
    overall = output.backtest[(output.backtest["site_code"] == "") & (output.backtest["scanner_code"] == "")]
    for key, target in TARGETS.items():
        rows = overall[overall["target"] == key]
        assert set(rows["model"]) == {"model", *target.baselines}
        assert rows.loc[rows["is_served"], "model"].nunique() == 1
        skill = rows[rows["metric"] == "skill"].iloc[0]
        served = output.cards[key]["served"]
        assert served.startswith("model") == (skill["low"] > 0)
        assert _of(output, key)["served"].unique().tolist() == [served]


def test_a_second_run_uses_the_saved_models(small: Any, settings: Settings, output: ForecastOutput) -> None:
    before = {p.name: p.stat().st_mtime_ns for p in (settings.base / "models").iterdir()}
    again = forecast_all(small.history, settings, small.issued_at, silent)
    assert {p.name: p.stat().st_mtime_ns for p in (settings.base / "models").iterdir()} == before
    pd.testing.assert_frame_equal(again.forecast, output.forecast)
    pd.testing.assert_frame_equal(again.backtest, output.backtest)


def test_a_tampered_model_is_trained_anew(small: Any, settings: Settings, output: ForecastOutput) -> None:
    path = settings.base / "models" / "table_utilization.skops"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    again = forecast_all(small.history, settings, small.issued_at, silent)
    pd.testing.assert_frame_equal(again.forecast, output.forecast)


@pytest.mark.slow
def test_scrambling_the_future_changes_no_forecast_and_no_score(small: Any, tmp_path: Path) -> None:
    at = small.issued_at - timedelta(days=5)
    rng = np.random.default_rng(0)
    hours, exams = small.history.hours.copy(), small.history.exams.copy()
    later = (hours["hour_at"] >= at).to_numpy()
    hours.loc[later, "begun_visits"] = rng.integers(0, 50, later.sum())
    hours.loc[later, "table_min"] = rng.uniform(0, 60, later.sum())
    unreported = (exams["first_final_at"] > at).to_numpy()
    exams.loc[unreported, "first_final_at"] += pd.Timedelta(days=3)
    scrambled = replace(small.history, hours=hours, exams=exams)
    outputs = [
        forecast_all(history, Settings(base=tmp_path / name, demo=True), at, silent)
        for name, history in (("as_is", small.history), ("scrambled", scrambled))
    ]
    pd.testing.assert_frame_equal(outputs[0].forecast, outputs[1].forecast)
    pd.testing.assert_frame_equal(outputs[0].backtest, outputs[1].backtest)


def test_a_short_history_gets_the_baseline_labelled_so(make_department: Any, tmp_path: Path) -> None:
    young = make_department(seed=5, days=20, exams=80)
    output = forecast_all(young.history, Settings(base=tmp_path, demo=True), young.issued_at, silent)
    assert _of(output, "scanner_demand")["served"].unique().tolist() == ["mean_4w"]
    assert "not enough history" in output.cards["scanner_demand"]["decision"]
    assert output.backtest.empty


def test_an_empty_warehouse_is_refused_with_the_next_step(small: Any, settings: Settings) -> None:
    empty = replace(small.history, hours=small.history.hours.iloc[:0])
    with pytest.raises(RefusedError, match="ingest feeds"):
        forecast_all(empty, settings, small.issued_at, silent)


def test_importing_the_package_does_not_import_scikit_learn() -> None:
    code = "import sys, etl.forecasts; sys.exit('sklearn' in sys.modules or 'holidays' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
