"""Hostile input, through the real pipeline: no crash, no hang, bounded memory, every item in one class.

Each mutant is named by seed and number: ``SEED=... pytest`` repeats a run, and what once failed is a file below
``regressions/``.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import func, select

from etl import pipeline
from etl.errors import Reason
from etl.landing import LandingWriter
from etl.reading import read_items, stage_files
from etl.records import Refused
from etl.settings import Feed, Settings, Site, Warehouse
from etl.simulate import simulate
from etl.sources import SOURCES
from etl.sources.hl7_rules import field_rules
from etl.sources.hl7v2 import items
from etl.staging import load_key, make_key
from etl.warehouse.tables import quarantine

HERE = Path(__file__).resolve().parent
CORPUS = HERE.parents[3].parent / "shared" / "corpus"
SEED = int(os.environ.get("SEED", "20261125"))
LARGEST_SAMPLE = 128 * 1024
LARGEST_TEXT = 4096
MEMORY_KIB = 50_000
# mutants between two loads: below what the pipeline would start processes for
ROUND = {"dicom_files": 500, "dicomweb": 500, "dose_reports": 150}
CORPUS_FOLDERS = {
    "hl7v2": "hl7", "dicom_files": "dicom", "dose_reports": "rdsr", "dicomweb": "qido",
}  # fmt: skip
SIMULATED = {
    "hl7v2": "*.hl7", "dicom_files": "*.dcm", "dose_reports": "*.dcm", "dicomweb": "*.json",
    "ris_csv": "*.csv", "openings_csv": "*.csv",
}  # fmt: skip
FULL = {
    "hl7v2": 100_000, "dicom_files": 65_000, "dose_reports": 25_000, "dicomweb": 10_000,
    "ris_csv": 15_000, "openings_csv": 5_000,
}  # fmt: skip
KINDS = sorted(FULL)
OPTIONS = {"ris_csv": {"mapping": "epic_like"}}


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seeds by kind: a simulated department's files, and the corpus where it is."""
    place = tmp_path_factory.mktemp("samples")
    simulate(place / "department", seed=5, end=datetime(2026, 11, 3, 18, tzinfo=UTC), days=2, dicom_days=1, scale=0.05)
    from etl.settings import load_settings

    settings = load_settings(place / "department" / "radpulse.toml")
    for kind in KINDS:
        (place / kind).mkdir()
        for feed in (f for f in settings.feeds if f.kind == kind):
            _take(sorted(settings.at(feed.path).rglob(SIMULATED[kind]))[:12], place / kind, feed.key)
        if kind in CORPUS_FOLDERS and CORPUS.exists():
            _take(sorted(p for p in (CORPUS / CORPUS_FOLDERS[kind]).rglob("*") if p.is_file()), place / kind, "corpus")
        assert any((place / kind).iterdir()), kind
    return place


def _take(paths: list[Path], target: Path, prefix: str) -> None:
    """Copy samples; a long text is cut at a line or message, a long DICOM file is left out."""
    for number, path in enumerate(paths):
        data = path.read_bytes()
        if path.suffix == ".csv":
            data = data[:LARGEST_TEXT].rsplit(b"\n", 1)[0]
        elif path.suffix == ".hl7" and len(data) > LARGEST_TEXT:
            data = data[:LARGEST_TEXT].rsplit(b"MSH|", 1)[0]
        if len(data) <= LARGEST_SAMPLE:
            (target / f"{prefix}-{number:03}").write_bytes(data)


@contextmanager
def offering(samples: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the process that offers mutants; when it dies it gives no answer."""
    command = [sys.executable, "-X", "faulthandler", str(HERE / "offering.py"), str(samples), str(SEED)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.stdin is not None:
            process.stdin.close()
        process.wait(30)


@pytest.fixture(scope="module")
def shared(samples: Path) -> Iterator[subprocess.Popen[str]]:
    """One process for the small runs of all kinds."""
    with offering(samples) as process:
        yield process


def answer(process: subprocess.Popen[str], kind: str, first: int, count: int, folder: Path) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{kind} {first} {count} {folder}\n")
    process.stdin.flush()
    line = process.stdout.readline()
    assert line, f"the offering process died within mutants {first} to {first + count - 1} of seed {SEED}"
    found: dict[str, Any] = json.loads(line)
    return found


def installation(folder: Path, kind: str) -> Settings:
    folder.mkdir()
    make_key(folder / "pseudonym.key")
    feed = Feed(key="hostile", kind=kind, site="S", path=Path("in"), options=OPTIONS.get(kind, {}))
    return Settings(
        base=folder, warehouse=Warehouse(memory_limit="500MB"), feeds=(feed,),
        sites=(Site(code="S", name="S", zone="America/New_York"),),
    )  # fmt: skip


def run(process: subprocess.Popen[str], kind: str, mutants: int, folder: Path) -> dict[str, Any]:
    """Offer mutants to the source, then the same files to the pipeline; return the row of the table."""
    settings = installation(folder / "installation", kind)
    total: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    slowest, resident = (0.0, -1), []
    with pipeline.writer(settings) as engine:
        for first in range(0, mutants, ROUND.get(kind, 1000)):
            count = min(ROUND.get(kind, 1000), mutants - first)
            place = settings.at(Path("in"))
            tally = answer(process, kind, first, count, place)
            assert tally["faults"] == [], f"seed {SEED}: {tally['faults'][:10]}"
            stopped = _set_aside(place, folder)
            (done,) = pipeline.ingest(settings, engine)
            _conserved(done, tally)
            _stops(settings, engine, stopped, place)
            shutil.rmtree(place)
            refused += Counter(tally["refused"])
            total += Counter({name: tally[name] for name in ("items", "read", "filtered", "stopped")})
            total["quarantined"] += done.counts.quarantined
            slowest = max(slowest, (tally["slowest_s"], tally["slowest"]))
            resident.append(tally["resident_kib"])
        with engine.connect() as connection:
            query = select(quarantine.c.reason, func.count()).group_by(quarantine.c.reason)
            reasons = dict(tuple(row) for row in connection.execute(query))
    assert set(reasons) <= set(Reason)
    assert sum(reasons.values()) >= total["quarantined"]
    return {"mutants": mutants, **total, "slowest_s": round(slowest[0], 3), "slowest": slowest[1],
            "growth_kib": max(resident[1:], default=resident[0]) - resident[0], "reasons": reasons}  # fmt: skip


def _set_aside(place: Path, folder: Path) -> list[Path]:
    """Move the files whose layout would stop the feed out of it; return a few of them."""
    if not (place / "stopped").exists():
        return []
    aside = folder / "stopped"
    shutil.rmtree(aside, ignore_errors=True)
    (place / "stopped").rename(aside)
    return sorted(aside.iterdir())[:3]


def _conserved(done: pipeline.FeedRun, tally: dict[str, Any]) -> None:
    counts = done.counts
    assert done.stopped is None, done.stopped
    assert counts.offered == tally["items"]
    assert counts.filtered == tally["filtered"]
    assert counts.quarantined >= sum(tally["refused"].values())  # staging refuses impossible records besides
    assert counts.offered == counts.loaded + counts.unchanged + counts.quarantined + counts.filtered


def _stops(settings: Settings, engine: Any, stopped: list[Path], place: Path) -> None:
    """A changed layout stops the feed with its difference, loading nothing of that file."""
    for path in stopped:
        for old in place.glob("*.csv"):
            old.unlink()
        shutil.copy(path, place / path.name)
        (done,) = pipeline.ingest(settings, engine)
        assert done.stopped is not None
        assert "column" in done.stopped
        assert (done.counts.offered, done.counts.events) == (0, 0)


@pytest.mark.parametrize("kind", ["hl7v2", "ris_csv", "openings_csv"])
def test_a_file_too_large_for_memory_is_refused_unread(kind: str, tmp_path: Path) -> None:
    settings = installation(tmp_path / "installation", kind)
    path = settings.at(Path("in")) / "large"
    path.parent.mkdir()
    path.touch()
    os.truncate(path, 2_000_000_000)  # a hole: takes no disk
    chunk = stage_files([path], settings.feeds[0], settings, load_key(settings))
    assert chunk.batch.items.select(["outcome", "reason", "raw"]).to_pylist() == [
        {"outcome": "refused", "reason": "oversized", "raw": None}
    ]


def test_senders_whose_header_fields_are_huge_are_not_remembered_whole(tmp_path: Path) -> None:
    settings = installation(tmp_path / "installation", "hl7v2")
    tracemalloc.start()
    for number in range(40):
        name = f"{number}" + "x" * 500_000
        message = f"MSH|^~\\&|{name}|{name}|||20261001100000||ORM^O01^{name}|1|P|2.5.1\rPID|1||PAT1\rORC|NW|P1"
        (item,) = items(message.encode(), "m", settings.zone_of(settings.feeds[0]), field_rules({}))
        del message, item
    assert tracemalloc.get_traced_memory()[0] < 5_000_000
    tracemalloc.stop()


REGRESSIONS = sorted(p for p in (HERE / "regressions").rglob("*") if p.is_file())


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.name)
def test_what_once_failed_ends_in_a_class(path: Path, tmp_path: Path) -> None:
    settings = installation(tmp_path / "installation", path.parent.name)
    settings.at(Path("in")).mkdir()
    shutil.copy(path, settings.at(Path("in")) / path.name)
    with pipeline.writer(settings) as engine:
        (done,) = pipeline.ingest(settings, engine)
    assert done.stopped is None
    assert done.counts.offered > 0
    assert done.counts.balance == 0


@pytest.mark.parametrize("count", [200, pytest.param(5000, marks=pytest.mark.slow)])
def test_damaged_segments_lose_nothing_before_the_damage(count: int, samples: Path, tmp_path: Path) -> None:
    mutated = _module("bytes_mutations")
    settings = installation(tmp_path / "installation", "hl7v2")
    place, made = settings.at(Path("in")), tmp_path / "made"
    messages = [path.read_bytes() for path in sorted((samples / "hl7v2").iterdir())][:20]
    with LandingWriter(made) as writer:
        for message in messages:
            writer.append(message, datetime(2026, 10, 1, tzinfo=UTC))
        whole = writer.seal()
    assert whole is not None
    place.mkdir()
    offered = 0
    for number in range(count):
        chance = random.Random(f"{SEED}/segment/{number}")  # noqa: S311 - reproducible, not secret
        path = place / f"{number}.seg"
        path.write_bytes(chance.choice(mutated.PLAIN)(whole.read_bytes(), chance))
        found = list(read_items(SOURCES["hl7v2"], path, settings.feeds[0], settings))
        offered += len(found)
        torn = [item for item in found if isinstance(item, Refused) and "damaged" in item.detail]
        assert len(torn) <= 1, number
    with pipeline.writer(settings) as engine:
        (done,) = pipeline.ingest(settings, engine)
    assert done.counts.offered == offered
    assert done.counts.balance == 0


def _module(name: str) -> ModuleType:
    """Load a file beside this one; in importlib mode tests are no package."""
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report(kind: str, row: dict[str, Any]) -> None:
    print(f"\n{kind} seed {SEED}: {json.dumps(row)}")  # noqa: T201 - the table of the run


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_of_the_mutants_ends_in_a_class(kind: str, shared: subprocess.Popen[str], tmp_path: Path) -> None:
    row = run(shared, kind, FULL[kind] // 200, tmp_path)
    report(kind, row)
    assert row["items"] > 0


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
def test_every_mutant_ends_in_a_class_in_bounded_memory(kind: str, samples: Path, tmp_path: Path) -> None:
    with offering(samples) as process:
        row = run(process, kind, FULL[kind], tmp_path)
    report(kind, row)
    assert row["growth_kib"] < MEMORY_KIB
