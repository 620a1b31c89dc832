"""Publishing: readers see one whole version after another, or keep the one they have."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine, func, inspect, select, text
from sqlalchemy.exc import DBAPIError

from etl.errors import RadpulseError, RefusedError
from etl.settings import Settings
from etl.staging import Batch
from etl.warehouse import publish as publishing
from etl.warehouse.append import append, read_frame
from etl.warehouse.engine import current_version, published_folder, reader_engine, writer_engine
from etl.warehouse.load import load
from etl.warehouse.publish import publish
from etl.warehouse.tables import (
    PUBLISHED_TABLES,
    data_version,
    event,
    fact_exam,
    fact_forecast,
    fact_run,
    metadata,
    parameter_set,
)
from etl.warehouse.version import event_set_hash

AT = datetime(2026, 9, 10, tzinfo=UTC)
Stage = Callable[..., list[Batch]]


def _load(engine: Engine, settings: Settings, batches: list[Batch], run_key: str = "r") -> None:
    with engine.begin() as connection:
        load(connection, settings.feeds[0], batches, run_key, AT)


def _parameters(engine: Engine, value: str, used_at: datetime = AT) -> None:
    with engine.begin() as connection:
        append(connection, parameter_set, pd.DataFrame({"parameter_hash": [value], "used_at": [used_at]}))


def _exams(engine: Engine, first: int, n: int) -> None:
    rows = pd.DataFrame({"exam_key": range(first, first + n), "site_code": "NORTH", "report_tat_min": 1.0})
    with engine.begin() as connection:
        append(connection, fact_exam, rows)


@pytest.fixture
def loaded(warehouse: Any, items: Any, batches: Stage) -> Any:
    """A warehouse with events, a parameter set and ten exams."""
    _load(warehouse.engine, warehouse.settings, batches(items))
    _parameters(warehouse.engine, "p1")
    _exams(warehouse.engine, 1, 10)
    return warehouse


def _exam_count(settings: Settings) -> int:
    with reader_engine(settings).connect() as connection:
        return int(connection.execute(select(func.count()).select_from(fact_exam)).scalar_one())


def test_a_published_version_is_what_readers_see(loaded: Any) -> None:
    name = publish(loaded.settings, loaded.engine)
    assert current_version(loaded.settings) == name
    assert _exam_count(loaded.settings) == 10
    with reader_engine(loaded.settings).connect() as connection:
        version = read_frame(connection, select(data_version)).iloc[0]
    assert name.startswith(version["data_version"])
    assert version["parameter_hash"] == "p1"
    assert version["data_at"] == pd.Timestamp("2026-09-01T19:31:00Z")


def test_an_unchanged_state_is_not_published_again(loaded: Any) -> None:
    first = publish(loaded.settings, loaded.engine)
    assert publish(loaded.settings, loaded.engine) == first
    with loaded.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(data_version)).scalar_one() == 1


def test_new_parameters_or_events_make_another_version_new_forecasts_another_copy(
    loaded: Any, items: Any, batches: Stage
) -> None:
    first = publish(loaded.settings, loaded.engine)
    with loaded.engine.begin() as connection:
        append(connection, fact_forecast, pd.DataFrame({"target": ["scanner_demand"], "value": [1.0]}))
    second = publish(loaded.settings, loaded.engine)
    _parameters(loaded.engine, "p2", AT + timedelta(hours=1))
    third = publish(loaded.settings, loaded.engine)
    with loaded.engine.begin() as connection:
        connection.execute(event.delete().where(event.c.local_code == "ORU^R01///F"))
    fourth = publish(loaded.settings, loaded.engine)
    assert [n.rpartition("-")[2] for n in (first, second, third, fourth)] == ["1", "2", "3", "4"]
    assert first.partition("-")[0] == second.partition("-")[0]
    assert len({n.partition("-")[0] for n in (first, third, fourth)}) == 3


@pytest.mark.postgresql
def test_the_event_set_hash_is_the_same_on_both_engines_and_for_any_order(
    settings: Settings, postgresql_settings: Settings, items: Any, batches: Stage
) -> None:
    found = set()
    for seed, own in enumerate((settings, postgresql_settings)):
        engine = writer_engine(own)
        for part in batches(items, seed=seed, size=100):
            _load(engine, own, [part])
        with engine.connect() as connection:
            found.add(event_set_hash(connection))
        engine.dispose()
    assert len(found) == 1
    assert found.pop()[1] == 149


def test_nothing_to_publish_is_said(warehouse: Any) -> None:
    with pytest.raises(RefusedError, match="radpulse ingest"):
        publish(warehouse.settings, warehouse.engine)


@pytest.fixture
def embedded(settings: Settings, items: Any, batches: Stage) -> Any:
    """The same on DuckDB only."""
    engine = writer_engine(settings)
    _load(engine, settings, batches(items))
    _parameters(engine, "p1")
    _exams(engine, 1, 10)
    yield engine
    engine.dispose()


def test_only_published_tables_leave_the_writers_file(settings: Settings, embedded: Engine) -> None:
    publish(settings, embedded)
    names = inspect(reader_engine(settings)).get_table_names()
    assert sorted(names) == sorted(t.name for t in PUBLISHED_TABLES)
    assert {"event", "receipt", "link", "quarantine"} <= set(metadata.tables) - set(names)


def test_the_published_file_cannot_be_written(settings: Settings, embedded: Engine) -> None:
    publish(settings, embedded)
    with reader_engine(settings).connect() as connection, pytest.raises(DBAPIError, match="read-only"):
        connection.execute(text("DELETE FROM fact_exam"))


def test_a_reader_engine_is_kept_until_the_pointer_moves(settings: Settings, embedded: Engine) -> None:
    publish(settings, embedded)
    first = reader_engine(settings)
    assert reader_engine(settings) is first
    with first.connect() as old:
        _exams(embedded, 11, 5)
        _parameters(embedded, "p2", AT + timedelta(hours=1))
        publish(settings, embedded)
        assert reader_engine(settings) is not first
        assert _exam_count(settings) == 15
        assert old.execute(select(func.count()).select_from(fact_exam)).scalar_one() == 10


def _republish(settings: Settings, engine: Engine, n: int) -> str:
    with engine.begin() as connection:
        append(connection, fact_run, pd.DataFrame({"run_key": [f"n{n}"], "finished_at": [AT + timedelta(hours=n)]}))
    return publish(settings, engine)


def test_old_versions_go_except_those_a_reader_holds(settings: Settings, embedded: Engine) -> None:
    first = publish(settings, embedded)
    reader_engine(settings).connect().close()
    for n in range(4):
        last = _republish(settings, embedded, n)
    kept = {p.stem for p in published_folder(settings).glob("*.duckdb")}
    assert first in kept  # this process still reads it
    assert len(kept - {first}) == settings.warehouse.versions_kept
    reader_engine(settings)
    newest = _republish(settings, embedded, 9)
    kept = {p.stem for p in published_folder(settings).glob("*.duckdb")}
    assert first not in kept
    assert {last, newest} <= kept


@pytest.mark.parametrize("step", ["_sync", "_write", "_point"])
def test_a_full_disk_leaves_the_version_before(
    settings: Settings, embedded: Engine, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    first = publish(settings, embedded)
    _exams(embedded, 11, 5)
    _parameters(embedded, "p2", AT + timedelta(hours=1))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(publishing, step, full)
        with pytest.raises(RadpulseError, match="No space left"):
            publish(settings, embedded)
    assert current_version(settings) == first
    assert _exam_count(settings) == 10
    assert list(published_folder(settings).glob("*.part*")) == []
    assert publish(settings, embedded) == current_version(settings) != first
    assert _exam_count(settings) == 15


def test_readers_poll_while_versions_are_published_and_see_whole_ones_only(
    settings: Settings, embedded: Engine
) -> None:
    publish(settings, embedded)
    stop, seen, errors = threading.Event(), set[tuple[int, int]](), list[BaseException]()

    def poll() -> None:
        while not stop.is_set():
            try:
                with reader_engine(settings).connect() as connection:
                    exams = connection.execute(select(func.count()).select_from(fact_exam)).scalar_one()
                    total = connection.execute(select(func.sum(fact_exam.c.report_tat_min))).scalar_one()
                seen.add((exams, int(total)))
            except BaseException as error:  # noqa: BLE001 - any error of a reader fails the test
                errors.append(error)
                return

    readers = [threading.Thread(target=poll) for _ in range(4)]
    for reader in readers:
        reader.start()
    for n in range(4):
        _exams(embedded, 11 + 5 * n, 5)
        _republish(settings, embedded, n)
    stop.set()
    for reader in readers:
        reader.join()
    assert errors == []
    assert seen <= {(10 + 5 * n, 10 + 5 * n) for n in range(5)}
    assert len(seen) > 1
