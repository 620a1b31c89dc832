"""The model is served only where it wins and a person signed it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from etl.errors import RefusedError
from etl.forecasts.metrics import Estimate
from etl.forecasts.registry import TARGETS, Signature, decide, recipe_hash, sign, signature
from etl.kpis import KPIS
from etl.settings import Settings

TARGET = TARGETS["scanner_demand"]
NOW = datetime(2026, 9, 1, tzinfo=UTC)
WINS = Estimate(0.1, 0.05, 0.15)
PERSON = Signature("A. Person", "looked at it", NOW.isoformat())


def test_a_winning_signed_model_is_served() -> None:
    decision = decide(TARGET, "mean_4w", WINS, PERSON)
    assert (decision.method, decision.label) == ("model", "model")
    assert "signed by A. Person" in decision.reason


@pytest.mark.parametrize("skill", [Estimate(0.1, 0.0, 0.2), Estimate(-0.1, -0.2, -0.05), Estimate(*[float("nan")] * 3)])
def test_a_model_not_beyond_doubt_gives_way_to_the_stronger_baseline(skill: Estimate) -> None:
    assert decide(TARGET, "seasonal_naive", skill, PERSON).label == "seasonal_naive"


def test_an_unsigned_model_gives_way() -> None:
    decision = decide(TARGET, "mean_4w", WINS, None)
    assert decision.label == "mean_4w"
    assert "nobody signed" in decision.reason


def test_without_a_backtest_the_default_baseline_is_served() -> None:
    assert decide(TARGET, "mean_4w", None, PERSON).label == TARGET.default


def test_a_demo_signs_visibly(tmp_path: Path) -> None:
    signed = signature(Settings(base=tmp_path, demo=True), TARGET.key, "r")
    assert decide(TARGET, "mean_4w", WINS, signed).label == "model (signed: demo)"
    assert signature(Settings(base=tmp_path), TARGET.key, "r") is None


def test_a_signature_holds_for_one_recipe_only(tmp_path: Path) -> None:
    settings = Settings(base=tmp_path)
    sign(settings, TARGET.key, "r1", by="A. Person", reason="beats the mean on three scanners", at=NOW)
    found = signature(settings, TARGET.key, "r1")
    assert found is not None
    assert found.by == "A. Person"
    assert signature(settings, TARGET.key, "r2") is None
    assert signature(settings, "report_time", "r1") is None


@pytest.mark.parametrize(
    ("key", "by", "reason"), [("nothing", "A", "b"), (TARGET.key, " ", "b"), (TARGET.key, "A", "")]
)
def test_a_signature_needs_a_target_a_name_and_a_reason(tmp_path: Path, key: str, by: str, reason: str) -> None:
    with pytest.raises(RefusedError):
        sign(Settings(base=tmp_path), key, "r", by=by, reason=reason, at=NOW)


def test_a_recipe_changes_with_features_and_settings_not_with_data() -> None:
    one = recipe_hash(TARGET, "schema", {"max_iter": 50})
    assert one == recipe_hash(TARGET, "schema", {"max_iter": 50})
    assert (
        len({one, recipe_hash(TARGET, "other", {"max_iter": 50}), recipe_hash(TARGET, "schema", {"max_iter": 9})}) == 3
    )


def test_every_target_forecasts_a_kpi_of_the_registry() -> None:
    assert [KPIS[t.kpi].key for t in TARGETS.values()] == [t.kpi for t in TARGETS.values()]
    assert all(t.default in t.baselines and key == t.key for key, t in TARGETS.items())
