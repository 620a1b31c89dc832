"""Installations that lack something: no scanners, one kind of feed alone."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from etl import pipeline
from etl.settings import Settings, load_settings
from etl.simulate import simulate
from etl.staging import make_key

END = datetime(2026, 11, 3, 18, tzinfo=UTC)


@pytest.fixture(scope="module")
def department(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Feeds of every kind of a small department, with settings and key."""
    folder = tmp_path_factory.mktemp("department")
    simulate(folder, seed=12, end=END, days=3, dicom_days=1, scale=0.1)
    make_key(load_settings(folder / "radpulse.toml").at(Path("pseudonym.key")))
    return folder


def _tables(text: str, name: str) -> list[str]:
    """Return the [[name]] tables of a settings file, as text."""
    return re.findall(rf"^\[\[{name}\]\]\n(?:(?!^\[).*\n?)*", text, flags=re.MULTILINE)


def _installation(department: Path, *, without: tuple[str, ...] = (), only: str = "") -> Settings:
    """The department with another settings file, without some tables or with feeds of one kind only."""
    text = (department / "radpulse.toml").read_text()
    taken_out = [table for name in without for table in _tables(text, name)]
    taken_out += [feed for feed in _tables(text, "feeds") if only and f'kind = "{only}"' not in feed]
    for table in taken_out:
        text = text.replace(table, "")
    name = "-".join((*without, only)) or "all"
    folder = department.with_name(f"{department.name}-{name}")
    shutil.copytree(department, folder)
    (folder / "radpulse.toml").write_text(text)
    return load_settings(folder / "radpulse.toml")


def _taken_in(settings: Settings) -> list[pipeline.FeedRun]:
    with pipeline.exclusive(settings), pipeline.writer(settings) as engine:
        runs = pipeline.ingest(settings, engine)
        pipeline.derive_facts(settings, engine)
    return runs


def test_a_department_without_configured_scanners_is_derived(department: Path) -> None:
    settings = _installation(department, without=("scanners",))
    assert settings.scanners == ()
    runs = _taken_in(settings)
    assert sum(run.counts.loaded for run in runs) > 1000


@pytest.mark.parametrize("kind", ["hl7v2", "ris_csv", "openings_csv", "dicom_files", "dicomweb", "dose_reports"])
def test_one_kind_of_feed_alone_is_derived(department: Path, kind: str) -> None:
    settings = _installation(department, only=kind)
    assert {feed.kind for feed in settings.feeds} == {kind}
    runs = _taken_in(settings)
    assert sum(run.counts.offered for run in runs) > 0
