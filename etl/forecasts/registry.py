"""The targets, who signed which recipe, and what is served: the model only where it wins and is signed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from etl.errors import RefusedError
from etl.forecasts.base import BASE_RATE, MEAN_4W, MODEL, SEASONAL_NAIVE, Target
from etl.forecasts.metrics import Estimate
from etl.settings import Settings

TARGETS: dict[str, Target] = {
    t.key: t
    for t in (
        Target(
            key="scanner_demand",
            kpi="visits",
            label="Visits begun per scanner and hour",
            unit="visits",
            baselines=(SEASONAL_NAIVE, MEAN_4W),
            default=MEAN_4W,
            is_count=True,
        ),
        Target(
            key="table_utilization",
            kpi="table_utilization",
            label="Table utilization per scanner and hour",
            unit="share",
            baselines=(SEASONAL_NAIVE, MEAN_4W),
            default=MEAN_4W,
            ceiling=1.0,
        ),
        Target(
            key="report_time",
            kpi="report_tat",
            label="Report turnaround of open exams",
            unit="min",
            baselines=(BASE_RATE,),
            default=BASE_RATE,
        ),
    )
}
DEMO_SIGNER = "demo"
SIGNATURES = "signatures.json"


@dataclass(frozen=True, slots=True)
class Signature:
    """Who allowed a recipe to be served, when and why."""

    by: str
    reason: str
    signed_at: str


def recipe_hash(target: Target, schema_hash: str, parameters: dict[str, object]) -> str:
    """Return the identity of a recipe (features and settings, not fitted numbers): what a person signs.

    Retraining keeps it, a change of features or settings does not.
    """
    text = json.dumps([target.key, schema_hash, parameters], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def sign(settings: Settings, target_key: str, recipe: str, *, by: str, reason: str, at: datetime) -> None:
    """Record that a person allows this recipe to be served.

    Raises RefusedError for an unknown target, or without a name and a reason.
    """
    if target_key not in TARGETS:
        raise RefusedError(f"no forecast target {target_key!r}; known: {sorted(TARGETS)}")
    if not by.strip() or not reason.strip():
        raise RefusedError("a sign-off needs the name of who signs and the reason")
    path = _signatures_file(settings)
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known[target_key] = {"recipe": recipe, "by": by, "reason": reason, "signed_at": at.isoformat()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(known, indent=2, sort_keys=True), encoding="utf-8")


def signature(settings: Settings, target_key: str, recipe: str) -> Signature | None:
    """Return the signature of this recipe, or None; an installation marked as demo signs visibly as "demo"."""
    path = _signatures_file(settings)
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    entry = known.get(target_key)
    if entry is not None and entry["recipe"] == recipe:
        return Signature(entry["by"], entry["reason"], entry["signed_at"])
    if settings.demo:
        return Signature(DEMO_SIGNER, "demonstration data; nobody has judged this model", "")
    return None


def _signatures_file(settings: Settings) -> Path:
    return settings.at(settings.forecast_folder) / SIGNATURES


@dataclass(frozen=True, slots=True)
class Decision:
    """What is served for a target (a method), and the sentence that explains it."""

    method: str
    reason: str
    signed_by: str = ""

    @property
    def label(self) -> str:
        """The text stored with every forecast row: `model`, in a demo `model (signed: demo)`, or the baseline."""
        if self.method == MODEL and self.signed_by == DEMO_SIGNER:
            return f"{MODEL} (signed: {DEMO_SIGNER})"
        return self.method


def decide(target: Target, best_baseline: str, skill: Estimate | None, signed: Signature | None) -> Decision:
    """Serve the model when its skill interval is above zero and it is signed, else the baseline (decision 13)."""
    if skill is None:
        return Decision(target.default, "not enough history to judge a model: the baseline is served")
    words = f"skill against {best_baseline} {skill.value:.3f} ({skill.low:.3f} to {skill.high:.3f})"
    if not skill.above_zero:
        return Decision(best_baseline, f"{words}: not above zero, the baseline is served")
    if signed is None:
        return Decision(best_baseline, f"{words}: above zero but nobody signed the model, the baseline is served")
    return Decision(MODEL, f"{words}: above zero, signed by {signed.by}", signed.by)
