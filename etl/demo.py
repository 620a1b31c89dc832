"""`radpulse demo`: a simulated department through the same code path a hospital runs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from etl import pipeline
from etl.alerts import run_alerts
from etl.beliefs import keep_belief, kept
from etl.logs import configure_logs
from etl.progress import Steps
from etl.settings import Settings, load_settings
from etl.simulate import append, simulate
from etl.simulate.truth import read_manifest
from etl.staging import make_key

# seconds on two cores for 120 days; together under five minutes
BUDGET_S = {"simulate": 75.0, "ingest": 90.0, "derive": 50.0, "forecast": 60.0, "publish": 10.0, "belief": 40.0}


DOSE_DAYS = 28  # last days with dose reports: what the dashboard shows unasked


def current_hour() -> datetime:
    """Return the start of the current hour, where the demo's data end (decision 4)."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def _is_same_department(folder: Path, seed: int, days: int) -> bool:
    manifest = folder / "truth" / "manifest.json"
    if not manifest.exists() or not (folder / "radpulse.toml").exists():
        return False
    stored = json.loads(manifest.read_text(encoding="utf-8"))
    return (stored.get("seed"), stored.get("days")) == (seed, days)


def prepare(folder: Path, *, seed: int, days: int, dicom_days: int, end: datetime, steps: Steps) -> Settings:
    """Make or extend the department under `folder` and bring its warehouse up to `end`.

    What is valid is re-used: feeds already written are extended, files already read are skipped, and with
    nothing new neither derivation nor forecasts run again.
    """
    with steps.step("simulate") as report:
        if _is_same_department(folder, seed, days):
            append(folder, end, progress=report)
        else:
            dose_days = max(dicom_days, min(days, DOSE_DAYS))
            simulate(folder, seed=seed, end=end, days=days, dicom_days=dicom_days, dose_days=dose_days, progress=report)
    settings = load_settings(folder / "radpulse.toml")
    configure_logs(settings.at(settings.log_file))
    key_file = settings.at(settings.identity.key_file)
    if not key_file.exists():
        make_key(key_file)
    pipeline.refresh(settings, steps)
    run_alerts(settings)
    with steps.step("belief"):
        _keep_one_belief(settings, end)
    return settings


def _keep_one_belief(settings: Settings, end: datetime) -> None:
    """Keep what was known a week ago, unless some earlier state of knowledge is kept already."""
    known_at = (end - timedelta(days=7)).replace(hour=0)
    if kept(settings) or known_at.date() <= read_manifest(settings.base).scenario.start:
        return
    with pipeline.exclusive(settings), pipeline.writer(settings) as engine:
        keep_belief(settings, engine, known_at)
