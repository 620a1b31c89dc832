"""Every KPI of fifty departments that differ in zone, calendar, feeds and faults equals its oracle to 1e-9.

All but two of them belong to the long tests; each compares what its feeds tell of.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Iterator
from datetime import datetime
from math import isnan
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from etl.access import DEMO
from etl.kpis import KPIS, Query, compute
from etl.kpis.base import Kpi
from etl.kpis.snapshot import Snapshot
from etl.settings import load_settings
from etl.warehouse.engine import reader_engine
from tests.etl.kpis.departments import build, plan
from tests.etl.kpis.test_oracle import BOUNDS, FOLDER, ON_TABLE, undisturbed

pytestmark = pytest.mark.xdist_group("many departments")

Where = tuple[tuple[str, str], ...]
ELSEWHERE = {
    "I03": "asked by feed in test_oracle",
    "I03-overdue": "a feed taken away is overdue by what it was expected to send; compared in test_oracle",
    "I04-skew": "a clock is judged by more exams than a small department has; exact offsets in test_clocks",
}
# what a missing feed leaves to another, that tells less
LEFT_TO_ANOTHER = {("archive", "I01")}  # bytes are then those of the files read
# the usual turnover is of patients who left: long series, whose ends no feed tells, look like pauses
BY_MODALITY = ("U20b", "U24")
LONG_SERIES = ("NM", "XA")
HOUSES = ("NORTH", "SOUTH")
EPOCH_BIT = 1e-8  # an age is a difference of two doubles of minutes since 1970
NUMBERS = 50
compared: set[str] = set()
lived: set[int] = set()


@pytest.fixture(scope="module")
def oracles() -> Iterator[dict[str, Any]]:
    """Return the oracles and the truth they read; the modules import each other by name."""
    sys.path.insert(0, str(FOLDER))
    try:
        modules = {name: importlib.import_module(name) for name in sorted(f.stem for f in FOLDER.glob("kpi_*.py"))}
    finally:
        sys.path.remove(str(FOLDER))
    yield {"of": modules["kpi_truth"].ORACLES, "Truth": functools.cache(modules["kpi_truth"].Truth)}
    for name in modules:
        sys.modules.pop(name, None)


class Department:
    """A built department, its warehouse and its truth."""

    def __init__(self, number: int, folder: Path, oracles: dict[str, Any]) -> None:
        """Build it in `folder`."""
        self.plan, self.oracles = plan(number), oracles
        self.folder = build(folder, self.plan)
        self.engine: Engine = reader_engine(load_settings(self.folder / "radpulse.toml"))
        self.as_of: datetime = compute(self.engine, Query("accessions", *self.plan.period), DEMO).meta.as_of
        planted = self.truth().planted
        blurred = ["never_ended", *(kind for kind in planted if kind.startswith("images_"))]
        self.is_exact = not any(entry["accessions"] for kind in blurred for entry in planted[kind])

    def truth(self, where: Where = (), is_late: bool = False) -> Any:
        """Return the truth asked about the plan's period."""
        return self.oracles["Truth"](self.folder, *self.plan.period, self.as_of, is_late, where)

    def disagreements(self, kpi: Kpi, where: Where = ()) -> list[str]:
        """Return what of a KPI differs from the oracle; `where` may choose a scanner."""
        filters = {"scanner" if name == "code" else name: (value,) for name, value in where}
        result = compute(self.engine, Query(kpi.id, *self.plan.period, where=filters), DEMO, min_n=0)
        if result.meta.absent:
            return []
        told = [site for site in HOUSES if site not in result.meta.without_sites]
        asked = where if len(told) == 2 or where else (("site", told[0]),)
        early = self.oracles["of"][kpi.id](self.truth(asked))
        late = early if self.is_exact else self.oracles["of"][kpi.id](self.truth(asked, is_late=True))
        compared.add(kpi.id)
        got = result.frame.iloc[0]
        return [
            f"{kpi.id} {dict(asked)} {name}: {float(got[name])}, oracle {float(early[name])} to {float(late[name])}"
            for name in early
            if not agrees(float(got[name]), float(early[name]), float(late[name]), bound_of(kpi, name))
        ]


def bound_of(kpi: Kpi, name: str) -> float | None:
    """Return how far a measure may be off, where that is not 1e-9 of it."""
    return BOUNDS.get((kpi.id, name), EPOCH_BIT if isinstance(kpi.kind, Snapshot) and name != "count" else None)


def agrees(got: float, early: float, late: float, bound: float | None) -> bool:
    """Whether a number lies between what the oracle gives at the earliest and the latest."""
    low, high = sorted((early, late))
    bound = max(1e-9 * max(1.0, abs(high)), bound or 0.0)
    return low - bound <= got <= high + bound or (isnan(got) and isnan(low))


def modalities_of(department: Department) -> list[Where]:
    """Return the modalities whose turnovers can be told, each a filter."""
    return [(("modality", name),) for name in department.plan.modalities if name not in LONG_SERIES]


@pytest.mark.parametrize("number", [pytest.param(n, marks=[pytest.mark.slow] if n else []) for n in range(NUMBERS)])
def test_every_kpi_equals_its_oracle(number: int, tmp_path: Path, oracles: dict[str, Any]) -> None:
    department = Department(number, tmp_path, oracles)
    found: list[str] = []
    for kpi in KPIS:
        is_another = (department.plan.missing, kpi.id) in LEFT_TO_ANOTHER
        if kpi.id in oracles["of"] and kpi.id not in (*ELSEWHERE, *ON_TABLE) and not is_another:
            asked = modalities_of(department) if kpi.id in BY_MODALITY else [()]
            found += [one for where in asked for one in department.disagreements(kpi, where)]
    for scanner in undisturbed(department.truth()):
        for kpi_id in ON_TABLE:
            found += department.disagreements(KPIS[kpi_id], (("code", scanner),))
    department.engine.dispose()
    lived.add(number)
    assert not found, (department.plan, found)


@pytest.mark.slow
def test_each_kpi_was_compared_in_some_department(oracles: dict[str, Any]) -> None:
    if len(lived) < NUMBERS:
        pytest.skip("only after all departments")
    assert set(oracles["of"]) - set(ELSEWHERE) <= compared
