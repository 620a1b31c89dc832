"""Alerts among the scheduled jobs, and on the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from etl.alerts.rules import load_alerts
from etl.cli import app
from etl.jobs import JOBS
from etl.schedule import run_due
from etl.settings import REFERENCE, Settings, Site

(ALERTS,) = [job for job in JOBS if job.name == "alerts"]
NOW = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "toml", ["[[rules", '[[rules]]\nkey = "a"', '[[rules]]\nkey = "a"\nname = "A"\nowner = "O"\nkind = "freshness"']
)
def test_nothing_about_alerts_stops_a_run(tmp_path: Path, toml: str, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(base=tmp_path, sites=(Site(code="A", name="A", zone="Europe/London"),))
    (tmp_path / "alerts.toml").write_text(toml, encoding="utf-8")
    assert run_due(settings, [ALERTS], NOW) == {"alerts": 1}
    assert ("the rest goes on" in capsys.readouterr().err) is ("freshness" not in toml)  # nothing published is no error


def test_the_command_line_checks_the_file_and_says_what_to_mend(tmp_path: Path) -> None:
    (tmp_path / "radpulse.toml").write_text('[[sites]]\ncode = "A"\nname = "A"\nzone = "Europe/London"\n')
    (tmp_path / "alerts.toml").write_text('[[targets]]\nkey = "t"\nurl = "json://127.0.0.1/"\n', encoding="utf-8")
    config = ["--config", str(tmp_path / "radpulse.toml")]
    checked = CliRunner().invoke(app, ["alerts", "check", *config])
    assert checked.exit_code == 78
    assert "FIX target t points at 127.0.0.1" in checked.output
    listed = CliRunner().invoke(app, ["alerts", "list", *config])
    assert (listed.exit_code, listed.output) == (0, "no open alert\n")


def test_the_file_shipped_as_an_example_is_a_good_one(tmp_path: Path) -> None:
    (tmp_path / "alerts.toml").write_text((REFERENCE / "demo_alerts.toml").read_text(encoding="utf-8"))
    assert len(load_alerts(Settings(base=tmp_path)).rules) >= 5
