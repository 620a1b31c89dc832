"""The queues at any past minute equal a brute-force replay of the raw messages (tests/oracle/queue_replay.py)."""

from __future__ import annotations

import csv
import importlib
import random
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from etl import pipeline
from etl.access import DEMO
from etl.kpis import Query, compute
from etl.settings import load_settings
from etl.simulate import simulate
from etl.staging import make_key
from etl.warehouse.engine import reader_engine
from etl.warehouse.tables import fact_bookable

pytestmark = pytest.mark.xdist_group("queue replay")
FOLDER = Path(__file__).resolve().parents[2] / "oracle"
BEGIN, END = datetime(2026, 9, 24, 12, tzinfo=UTC), datetime(2026, 9, 30, 16, tzinfo=UTC)
KPIS_OF = {"unread": "U21", "waiting": "U21b", "unscheduled": "U21c"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a department whose only workflow feed is HL7, ingested and published."""
    place = tmp_path_factory.mktemp("replayed")
    simulate(place, seed=23, end=datetime(2026, 9, 30, 17, tzinfo=UTC), days=7, dicom_days=1, scale=0.5)
    text = (place / "radpulse.toml").read_text(encoding="utf-8")
    head, *feeds = re.split(r"(?=\[\[feeds\]\])", text)
    kept = [feed for feed in feeds if re.search(r'kind = "(hl7v2|openings_csv)"', feed)]
    (place / "radpulse.toml").write_text(head + "".join(kept), encoding="utf-8")
    targets = (place / "targets.csv").read_text(encoding="utf-8").splitlines()  # a fifth, so that much is beyond it
    strict = [f"{row},{float(minutes) / 5}" for row, minutes in (line.rsplit(",", 1) for line in targets[1:])]
    (place / "targets.csv").write_text("\n".join([targets[0], *strict]) + "\n", encoding="utf-8")
    settings = load_settings(place / "radpulse.toml")
    make_key(settings.at(settings.identity.key_file))
    with pipeline.exclusive(settings), pipeline.writer(settings) as engine:
        pipeline.ingest(settings, engine)
        pipeline.derive_facts(settings, engine)
        pipeline.publish_version(settings, engine)
    return place


@pytest.fixture(scope="module")
def warehouse(folder: Path) -> Engine:
    """Return a reader of the published version."""
    return reader_engine(load_settings(folder / "radpulse.toml"))


@pytest.fixture(scope="module")
def replay() -> Iterator[Any]:
    """Return the oracle's module."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield importlib.import_module("queue_replay")
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def orders(folder: Path, replay: Any) -> Any:
    """Return every order's happenings as the raw files tell them."""
    return replay.Orders(folder)


@pytest.fixture(scope="module")
def rules(folder: Path) -> list[dict[str, str]]:
    """Return the rows of the department's own targets."""
    with (folder / "targets.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def asked(warehouse: Engine, kpi: str, at: datetime) -> Any:
    """Return a queue as it stood at an instant."""
    day = at.date()
    query = Query(kpi, day - timedelta(days=2), day + timedelta(days=3), as_of=at)
    return compute(warehouse, query, DEMO, min_n=0).frame.iloc[0]


def compared(warehouse: Engine, replay: Any, orders: Any, instants: int, seed: int) -> dict[str, int]:
    """Compare so many random instants; return the largest queue seen of each kind."""
    draws = random.Random(seed)  # noqa: S311 - reproducible instants, no secret
    with warehouse.connect() as connection:
        columns = (fact_bookable.c.site_code, fact_bookable.c.modality)
        bookable = {(site, modality) for site, modality in connection.execute(select(*columns))}
    largest = dict.fromkeys(KPIS_OF, 0)
    for _ in range(instants):
        at = BEGIN + timedelta(seconds=draws.randrange(int((END - BEGIN).total_seconds())))
        wanted = replay.queues(orders, at, bookable)
        for queue, kpi in KPIS_OF.items():
            got, ages = asked(warehouse, kpi, at), wanted[queue]
            assert got["count"] == len(ages), (seed, queue, at)
            if ages:
                assert got["oldest"] == pytest.approx(ages[-1], abs=1e-6), (seed, queue, at)
                assert got["p50"] == pytest.approx((ages[(len(ages) - 1) // 2] + ages[len(ages) // 2]) / 2, abs=1e-6)
            largest[queue] = max(largest[queue], len(ages))
    return largest


def test_queues_at_random_instants_equal_the_raw_messages_replayed(warehouse: Engine, replay: Any, orders: Any) -> None:
    largest = compared(warehouse, replay, orders, 40, seed=1)
    assert all(number > 0 for number in largest.values()), largest


def compared_overdue(warehouse: Engine, replay: Any, orders: Any, rules: Any, instants: int, seed: int) -> int:
    """Compare what is beyond its target at so many random instants; return the most seen."""
    draws, most = random.Random(seed), 0  # noqa: S311 - reproducible instants, no secret
    for _ in range(instants):
        at = BEGIN + timedelta(seconds=draws.randrange(int((END - BEGIN).total_seconds())))
        ages, got = replay.overdue(orders, at, rules), asked(warehouse, "U21d", at)
        assert got["count"] == len(ages), (seed, at)
        if ages:
            assert got["oldest"] == pytest.approx(ages[-1], abs=1e-6), (seed, at)
            assert got["p50"] == pytest.approx((ages[(len(ages) - 1) // 2] + ages[len(ages) // 2]) / 2, abs=1e-6)
        most = max(most, len(ages))
    return most


def test_what_is_beyond_its_target_equals_the_raw_messages_replayed(
    warehouse: Engine, replay: Any, orders: Any, rules: Any
) -> None:
    assert compared_overdue(warehouse, replay, orders, rules, 40, seed=3) > 1


@pytest.mark.slow
def test_what_is_beyond_its_target_at_a_thousand_random_instants(
    warehouse: Engine, replay: Any, orders: Any, rules: Any
) -> None:
    compared_overdue(warehouse, replay, orders, rules, 1000, seed=4)


@pytest.mark.slow
def test_queues_at_a_thousand_random_instants_equal_the_raw_messages_replayed(
    warehouse: Engine, replay: Any, orders: Any
) -> None:
    compared(warehouse, replay, orders, 1000, seed=2)
