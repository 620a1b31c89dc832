"""The README's table and the Definitions page say what the registry says."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.errors import RefusedError
from etl.kpis import KPIS, docs

README = Path(__file__).resolve().parents[3] / "README.md"


def test_the_table_has_one_line_a_kpi() -> None:
    lines = docs.table().splitlines()
    assert len(lines) == 2 + len(KPIS)
    assert {line.count("|") - line.count("\\|") for line in lines} == {8}


def test_every_definition_states_all_that_decides_the_number() -> None:
    for kpi in KPIS:
        text = docs.definition(kpi)
        for part in (kpi.description, kpi.formula, kpi.population.text, kpi.at.text, kpi.open_items, kpi.source):
            assert part in text
    assert docs.definitions().count("### ") == len(KPIS)


def test_a_stale_table_is_refused_and_a_renewed_one_is_not(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{docs.BEGIN}\nold\n{docs.END}\nafter\n", encoding="utf-8")
    with pytest.raises(RefusedError, match="stale"):
        docs.check_table(readme)
    docs.write_table(readme)
    docs.check_table(readme)
    assert readme.read_text(encoding="utf-8").startswith("before\n")
    assert readme.read_text(encoding="utf-8").endswith("after\n")


def test_a_readme_without_a_place_for_the_table_is_refused(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("nothing", encoding="utf-8")
    with pytest.raises(RefusedError, match="kpi table"):
        docs.write_table(readme)


def test_the_readme_of_this_project_is_up_to_date() -> None:
    docs.check_table(README)
