"""The whole path on a small simulated department: order, repetition and interruption change nothing."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from etl import pipeline
from etl.errors import BusyError
from etl.settings import Settings, load_settings
from etl.simulate import simulate
from etl.staging import make_key
from etl.warehouse.dump import canonical_dump_hash
from etl.warehouse.engine import reader_engine

END = datetime(2026, 11, 3, 18, tzinfo=UTC)  # two days after a DST night of both sites


@pytest.fixture(scope="module")
def department(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Feeds of a small department, with its settings and one key for all copies."""
    folder = tmp_path_factory.mktemp("department")
    simulate(folder, seed=11, end=END, days=3, dicom_days=1, scale=0.1)
    make_key(load_settings(folder / "radpulse.toml").at(Path("pseudonym.key")))
    return folder


def _empty_copy(department: Path, folder: Path) -> Settings:
    """An installation with the department's settings and key, and feeds without files."""
    folder.mkdir(parents=True)
    for name in ("radpulse.toml", "targets.csv", "pseudonym.key"):
        shutil.copy2(department / name, folder / name)
    settings = load_settings(folder / "radpulse.toml")
    for feed in settings.feeds:
        settings.at(feed.path).mkdir(parents=True, exist_ok=True)
    return settings


def _files(department: Path) -> list[Path]:
    return sorted(p.relative_to(department) for p in (department / "feeds").rglob("*") if p.is_file())


def _arrive(department: Path, settings: Settings, files: Sequence[Path]) -> None:
    for file in files:
        target = settings.base / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(department / file, target)


def _take_in(settings: Settings) -> list[pipeline.FeedRun]:
    with pipeline.exclusive(settings), pipeline.writer(settings) as engine:
        runs = pipeline.ingest(settings, engine)
        pipeline.derive_facts(settings, engine)
    return runs


def _published(settings: Settings) -> str:
    with pipeline.exclusive(settings), pipeline.writer(settings) as engine:
        pipeline.publish_version(settings, engine)
    return canonical_dump_hash(reader_engine(settings))


@pytest.fixture(scope="module")
def undisturbed(department: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Settings]:
    """The published warehouse of one load of everything, in order."""
    settings = _empty_copy(department, tmp_path_factory.mktemp("once") / "i")
    _arrive(department, settings, _files(department))
    runs = _take_in(settings)
    assert sum(r.counts.loaded for r in runs) > 500
    assert all(r.counts.balance == 0 and r.stopped is None for r in runs)
    return _published(settings), settings


def _in_random_order(department: Path, folder: Path, seed: int) -> str:
    chance = random.Random(seed)  # noqa: S311 - a test's order, no secret
    files = _files(department)
    chance.shuffle(files)
    settings = _empty_copy(department, folder)
    cut = chance.randrange(1, len(files))
    for some in (files[:cut], files[cut:]):
        _arrive(department, settings, some)
        _take_in(settings)
    return _published(settings)


@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(s, marks=pytest.mark.slow) for s in range(6, 20))])
def test_any_order_of_arrival_gives_the_identical_published_warehouse(
    department: Path, undisturbed: tuple[str, Settings], tmp_path: Path, seed: int
) -> None:
    assert _in_random_order(department, tmp_path / "i", seed) == undisturbed[0]
    shutil.rmtree(tmp_path / "i")


def test_ingesting_everything_twice_changes_nothing(
    department: Path, undisturbed: tuple[str, Settings], tmp_path: Path
) -> None:
    settings = _empty_copy(department, tmp_path / "i")
    _arrive(department, settings, _files(department))
    _take_in(settings)
    first = _published(settings)
    for file in _files(department):  # the same content under another name is offered again
        path = settings.base / file
        path.rename(path.with_name(f"again-{path.name}"))
    runs = _take_in(settings)
    assert sum(r.counts.loaded for r in runs) == 0
    assert sum(r.counts.unchanged for r in runs) > 500
    assert all(r.counts.balance == 0 for r in runs)
    assert _published(settings) == first == undisturbed[0]


def test_nothing_new_reads_no_file(undisturbed: tuple[str, Settings]) -> None:
    runs = _take_in(undisturbed[1])
    assert [r.counts.offered for r in runs] == [0] * len(runs)


def test_a_second_run_at_the_same_time_is_refused(undisturbed: tuple[str, Settings]) -> None:
    with pipeline.exclusive(undisturbed[1]), pytest.raises(BusyError), pipeline.exclusive(undisturbed[1]):
        pass


def test_no_planted_identifier_passes_the_border(department: Path, undisturbed: tuple[str, Settings]) -> None:
    settings = undisturbed[1]
    ours = [p for p in settings.base.rglob("*") if p.is_file() and "feeds" not in p.parts]
    found = {
        (path.name, word)
        for path in ours
        if path.suffix not in {".toml"}
        for word in (b"SIMNA26", b"SIMSA26", b"SIMN70", b"SIMS70", b"SIMN90", b"SIMS90")
        if word in path.read_bytes()
    }
    assert found == set()
    assert any(b"SIMNA26" in (department / f).read_bytes() for f in _files(department)), "the canary is in the feeds"
