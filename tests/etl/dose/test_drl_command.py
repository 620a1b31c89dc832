"""`radpulse drl`: check, load, list; exit 1 and one line a wrong row."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from etl.cli import app
from etl.dose.references import COLUMNS

GOOD = "Somebody 2025,,CT,CT chest,adult,*,ctdivol,mGy,32,12,9,2025-01-01"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return the settings file of an empty installation."""
    path = tmp_path / "radpulse.toml"
    path.write_text('[[sites]]\ncode = "N"\nname = "North"\nzone = "UTC"\n', encoding="utf-8")
    return path


def table(folder: Path, *rows: str) -> Path:
    """Write a table."""
    path = folder / "drl.csv"
    path.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", encoding="utf-8")
    return path


def run(config: Path, *arguments: str) -> tuple[int, str]:
    """Run a command; return its exit code and what it printed."""
    done = CliRunner().invoke(app, ["drl", *arguments, "--config", str(config)])
    return done.exit_code, done.output or str(done.exception)


def test_a_good_table_is_checked_loaded_and_listed(config: Path, tmp_path: Path) -> None:
    path = str(table(tmp_path, GOOD))
    assert run(config, "list") == (0, "no reference is loaded; `radpulse drl load FILE`\n")
    assert run(config, "check", path)[1].startswith("ok: 1 rows, version ")
    code, said = run(config, "load", path)
    assert code == 0
    assert "1 rows; count from the next `radpulse run` on" in said
    assert "2025-01-01  CT  CT chest, adult, 32 cm: CTDIvol 12, achievable 9  (Somebody 2025)" in run(config, "list")[1]
    assert run(config, "check", path)[0] == 0  # loaded already, and still right


def test_a_wrong_table_is_named_row_by_row_and_nothing_is_kept(config: Path, tmp_path: Path) -> None:
    path = str(table(tmp_path, GOOD, GOOD.replace("mGy", "mSv"), GOOD.replace("CT chest", "Thorax")))
    code, said = run(config, "check", path)
    assert code == 1
    assert [line.split(":")[0] for line in said.splitlines()] == ["FIX row 3", "FIX row 4"]
    code, said = run(config, "load", path)
    assert code == 1
    assert "row 3: unit 'mSv'" in said
    assert "row 4: procedure group 'Thorax'" in said
    assert not (tmp_path / "drl").exists()
