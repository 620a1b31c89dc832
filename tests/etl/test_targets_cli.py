"""`radpulse targets` from end to end: what is wrong is named, what is saved is kept and can be undone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from etl.cli import main
from etl.errors import ExitCode

HEADER = "valid_from,valid_to,site,modality,priority,patient_class,phase,target_min\n"
SETTINGS = """rule_packs = ["nhs_england_28_days"]
[[sites]]
code = "NORTH"
name = "North"
zone = "America/New_York"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an installation with nothing published yet."""
    (tmp_path / "radpulse.toml").write_text(SETTINGS)
    return tmp_path


def targets(folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run a command of `radpulse targets` and return its exit code."""
    config = str(folder / "radpulse.toml")
    monkeypatch.setattr(sys, "argv", ["radpulse", "targets", *arguments, "--config", config])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_a_bad_table_is_named_and_not_saved(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = folder / "new.csv"
    table.write_text(HEADER + ",,NORTH,*,*,*,reprot,60\n")
    assert targets(folder, monkeypatch, "check", str(table)) == ExitCode.REFUSED
    assert "FIX  row 1: phase 'reprot' is not known" in capsys.readouterr().out
    assert targets(folder, monkeypatch, "set", str(table), "--by", "ada", "--reason", "why") == ExitCode.REFUSED
    assert not (folder / "targets.csv").exists()


def test_a_table_is_saved_listed_and_undone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, minutes in enumerate((60, 45), 1):
        table = folder / "new.csv"
        table.write_text(HEADER + f"2026-01-01,,*,*,STAT,*,report,{minutes}\n")
        assert targets(folder, monkeypatch, "set", str(table), "--by", "ada", "--reason", "the board") == 0
        said = capsys.readouterr().out
        assert "no effect to show" in said  # nothing is published here
        assert f"version {number} saved with 1 rules" in said
    assert targets(folder, monkeypatch, "list", "--on", "2026-05-01") == 0
    listed = capsys.readouterr().out
    assert "45 min  * * STAT *  2026-01-01 to always" in listed
    assert "[nhs_england_28_days]" in listed
    assert targets(folder, monkeypatch, "undo", "--by", "bob", "--reason", "too strict") == 0
    assert targets(folder, monkeypatch, "history") == 0
    assert "3" in capsys.readouterr().out
    assert ",60\n" in (folder / "targets.csv").read_text()
