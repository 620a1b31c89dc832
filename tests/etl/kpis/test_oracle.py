"""KPIs of a simulated department, through real feeds and the real pipeline, equal an independent oracle's.

The oracles (tests/oracle) start from the simulator's truth and the raw feed files and share nothing with `etl`.
Where the feeds carry the fact the numbers are equal to 1e-9; where a planted fault or a missing fact moves them, the
bound of its effect is stated here.
"""

from __future__ import annotations

import ast
import csv
import functools
import importlib
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import permutations
from math import isnan
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from etl import pipeline
from etl.access import DEMO
from etl.cli import app
from etl.kpis import KPIS, Query, compute
from etl.kpis.variant_way import variant_sums
from etl.kpis.waterfall import amounts, waterfall
from etl.settings import load_settings
from etl.simulate import simulate
from etl.staging import make_key
from etl.warehouse.engine import reader_engine

pytestmark = pytest.mark.xdist_group("simulated kpis")  # the department is built once

FOLDER = Path(__file__).resolve().parents[2] / "oracle"
END = datetime(2026, 9, 30, 17, tzinfo=UTC)
START, STOP = date(2026, 9, 25), date(2026, 10, 1)
NOT_SIMULATED = {
    "T15": "no feed of the simulated department sends quality control",
    "I04-missing": "what a feed should send but does not is no fact of the department",
}
# (kpi, measure): how far a planted fault or a fact no feed carries may move it
BOUNDS: dict[tuple[str, str], float] = {
    ("U20", "oldest"): 90.0,  # NORTH does not send acceptance: the order's own time stands for it
    ("U20", "p50"): 90.0,
    ("U20", "p90"): 90.0,
    ("U20b", "numerator"): 1e-4,  # minutes are stored rounded to millionths, day by day
    ("I04-skew", "max"): 3.0,  # between exam begin and first image lie a patient's first minutes
}
# Series begins alone do not tell when a pause began, and an exam that never ended ends with its last image.
ON_TABLE = ("U01", "U02", "U03", "U06", "U07", "U08", "U09", "U11")
SLICES: tuple[tuple[tuple[str, str], ...], ...] = (
    (),
    (("site", "SOUTH"),),
    (("modality", "MR"),),
    (("modality", "DX"),),
)


@pytest.fixture(scope="module")
def oracles() -> Iterator[dict[str, Any]]:
    """Return the oracle modules' registry and class; they import each other by name."""
    sys.path.insert(0, str(FOLDER))
    try:
        modules = {name: importlib.import_module(name) for name in sorted(f.stem for f in FOLDER.glob("kpi_*.py"))}
    finally:
        sys.path.remove(str(FOLDER))
    # a question's truth is read once and kept
    yield {"of": modules["kpi_truth"].ORACLES, "Truth": functools.cache(modules["kpi_truth"].Truth)}
    for name in modules:
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small department that has lived a week, simulated, ingested, derived and published."""
    place = tmp_path_factory.mktemp("department")
    simulate(place, seed=11, end=END, days=7, dicom_days=2, scale=0.3, criticals=3.0)
    settings = load_settings(place / "radpulse.toml")
    make_key(settings.at(settings.identity.key_file))
    with pipeline.exclusive(settings), pipeline.writer(settings) as engine:
        pipeline.ingest(settings, engine)
        pipeline.derive_facts(settings, engine)
        pipeline.publish_version(settings, engine)
    return place


@pytest.fixture(scope="module")
def warehouse(folder: Path) -> Engine:
    """Return a reader of the department's published version."""
    return reader_engine(load_settings(folder / "radpulse.toml"))


@pytest.fixture(scope="module")
def as_of(warehouse: Engine) -> datetime:
    """Return the version's own now."""
    return compute(warehouse, Query("accessions", START, STOP), DEMO).meta.as_of


def computed(warehouse: Engine, kpi: str, where: tuple[tuple[str, str], ...]) -> dict[str, float]:
    """Return a KPI's measures."""
    filters = {name: (value,) for name, value in where}
    frame = compute(warehouse, Query(kpi, START, STOP, where=filters), DEMO, min_n=0).frame
    return {str(name): float(value) for name, value in frame.iloc[0].items()}


CASES = [
    pytest.param(
        kpi.id,
        where,
        id=f"{kpi.id}-{'='.join(where[0]) if where else 'all'}",
        # every fourth KPI by modality is sample enough for a short run: the filter is one, whatever the KPI
        marks=[pytest.mark.slow] if number % 4 and where and where[0][0] == "modality" else [],
    )
    for number, kpi in enumerate(KPIS)
    if kpi.id not in (*NOT_SIMULATED, *ON_TABLE, "I03")
    for where in SLICES
    if all(name in kpi.dimensions for name, _ in where)
]


@pytest.mark.parametrize(("kpi", "where"), CASES)
def test_kpi_equals_the_oracle_where_the_feeds_carry_the_fact(
    kpi: str, where: tuple[tuple[str, str], ...], folder: Path, warehouse: Engine, as_of: datetime, oracles: Any
) -> None:
    early, late = (
        oracles["of"][kpi](oracles["Truth"](folder, START, STOP, as_of, is_late, where)) for is_late in (False, True)
    )
    got = computed(warehouse, kpi, where)
    for name in early:
        # one value, unless the end of an exam that no RIS feed tells moves it
        low, high = sorted((float(early[name]), float(late[name])))
        bound = BOUNDS.get((kpi, name), 1e-9 * max(1.0, abs(high)))
        assert low - bound <= got[name] <= high + bound or isnan(got[name] + low + high), (name, got[name], low, high)
        assert isnan(got[name]) == isnan(low), name


def test_most_numbers_are_compared_exactly(folder: Path, as_of: datetime, oracles: Any) -> None:
    truths = [oracles["Truth"](folder, START, STOP, as_of, is_late) for is_late in (False, True)]
    pairs = [
        [oracles["of"][kpi.id](truth) for truth in truths] for kpi in KPIS if kpi.id in ("T06", "T11", "T16", "T24")
    ]
    exact = [float(a[name]) == float(b[name]) for a, b in pairs for name in a]
    assert sum(exact) >= 0.8 * len(exact)


@pytest.mark.parametrize("kpi", ON_TABLE)
def test_scanner_use_equals_the_oracle_on_scanners_without_a_pause_or_an_unended_exam(
    kpi: str, folder: Path, warehouse: Engine, as_of: datetime, oracles: Any
) -> None:
    truth = oracles["Truth"](folder, START, STOP, as_of)
    exact = undisturbed(truth)
    assert len(exact) >= 4
    for scanner in exact:
        one = oracles["Truth"](folder, START, STOP, as_of, where=(("code", scanner),))
        got = computed(warehouse, kpi, (("scanner", scanner),))
        for name, value in oracles["of"][kpi](one).items():
            assert got[name] == pytest.approx(value, rel=1e-9, abs=1e-9, nan_ok=True), (scanner, name)


def undisturbed(truth: Any) -> list[str]:
    """Return scanners on which every exam ended or runs, and nobody left the table in between."""
    exams = truth.exams[truth.exams["begin_at"].notna()]
    unended = {number for entry in truth.planted["never_ended"] for number in entry["accessions"]}
    disturbed = exams[
        exams["aborted_at"].notna()
        | exams["accession"].isin(unended)
        | (exams["parts"].map(len) > 1)
        | exams["modality"].isin(["NM", "XA"])  # long series, whose ends no feed tells, look like pauses
    ]
    return sorted({s["code"] for s in truth.scanners} - set(disturbed["scanner"]))


def test_table_utilization_of_the_house_is_within_the_pauses_effect(
    folder: Path, warehouse: Engine, as_of: datetime, oracles: Any
) -> None:
    truth = oracles["Truth"](folder, START, STOP, as_of)
    wanted, got = oracles["of"]["U01"](truth), computed(warehouse, "U01", ())
    assert got["available"] == pytest.approx(wanted["available"])
    split = (truth.exams["parts"].map(len) > 1).sum() + truth.exams["modality"].isin(["NM", "XA"]).sum()
    other = truth.exams["aborted_at"].notna().sum() + truth.planted["never_ended"][0]["n"]
    assert abs(got["numerator"] - wanted["numerator"]) <= 45.0 * split + 20.0 * other
    assert got["share"] == pytest.approx(wanted["share"], abs=0.01)


def test_every_way_between_variants_of_utilization_ends_at_their_numbers(warehouse: Engine) -> None:
    sums = variant_sums(warehouse, Query("", START, STOP, ("scanner",)), DEMO).sums.set_index("scanner")
    house = variant_sums(warehouse, Query("", START, STOP), DEMO).sums
    for scanner, one in [*sums.iterrows(), ("", house.iloc[0])]:
        where = {"scanner": (str(scanner),)} if scanner else {}
        made = {key: amount for key, amount in amounts(one).items() if amount is not None}
        for key, amount in made.items():
            tile = compute(warehouse, Query(key, START, STOP, where=where), DEMO, min_n=0).frame.iloc[0]
            assert float(amount.numerator) == pytest.approx(tile["numerator"], abs=1e-6), (scanner, key)
            assert float(amount.denominator) == pytest.approx(tile["available"], abs=1e-6), (scanner, key)
        for start, end in permutations(made.values(), 2):
            found = waterfall(one, start.variant, end.variant)
            assert start.share + sum(step.share for step in found.steps) == end.share
            way = {side: sum(s.minutes for s in found.steps if s.side == side) for side in ("numerator", "denominator")}
            assert way["numerator"] == end.numerator - start.numerator
            assert way["denominator"] == end.denominator - start.denominator


def test_the_command_line_says_and_writes_the_same_way(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "way.csv"
    dates = ["--from-date", f"{START}", "--to-date", f"{STOP}", "--config", f"{folder / 'radpulse.toml'}"]
    asked = ["explain", "utilization", "--from", "U01", "--to", "U04", "--scanner", "NMR1", *dates, "-o", f"{file}"]
    said = CliRunner().invoke(app, asked)
    assert said.exit_code == 0, said.output
    lines = said.output.splitlines()
    assert lines[0].startswith("U01 Table utilization: ")
    assert lines[-2].startswith("U04 Schedule utilization: ")
    with file.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    assert len(rows) == len(lines) - 1
    step = rows[1]
    assert f"{abs(float(step['minutes'])):,.1f} min" in lines[1]
    assert step["step"] in lines[1]


def test_freshness_is_the_age_of_the_last_message(
    folder: Path, warehouse: Engine, as_of: datetime, oracles: Any
) -> None:
    wanted = oracles["of"]["I03"](oracles["Truth"](folder, START, STOP, as_of))
    frame = compute(warehouse, Query("I03", START, STOP, ("feed",)), DEMO).frame.set_index("feed")
    assert len(wanted) == 2
    assert frame.loc[list(wanted), "oldest"].to_dict() == pytest.approx(wanted)


def test_every_kpi_has_an_oracle_or_a_reason(oracles: Any) -> None:
    assert {kpi.id for kpi in KPIS} == set(oracles["of"]) | set(NOT_SIMULATED)
    assert not set(oracles["of"]) & set(NOT_SIMULATED)


def test_oracles_import_nothing_from_the_code_they_judge() -> None:
    for file in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [n for n in names if n.split(".")[0] in ("etl", "app")], file.name
