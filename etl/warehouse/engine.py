"""Engines: one writer, and readers of the published version.

Embedded (DuckDB) the writer's file belongs to one process; readers open published copies (design.md decision 10).
On a server (PostgreSQL) both use the same database and readers see one snapshot per transaction.
"""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock
from typing import Any

import duckdb
from sqlalchemy import URL, Connection, Engine, create_engine, inspect
from sqlalchemy.exc import DBAPIError

from etl.errors import BusyError, ConfigurationError, RefusedError
from etl.settings import Settings
from etl.warehouse.append import append, arrow_schema, read_arrow, read_frame
from etl.warehouse.migrate import migrate
from etl.warehouse.tables import PUBLISHED_TABLES
from etl.warehouse.version import current_row, version_name

__all__ = [
    "append",
    "arrow_schema",
    "current_version",
    "held_versions",
    "published_folder",
    "read_arrow",
    "read_frame",
    "reader_engine",
    "writer_engine",
]

_readers: dict[tuple[int, Path], tuple[str, Engine]] = {}
_readers_lock = Lock()


def warehouse_folder(settings: Settings) -> Path:
    """Return the warehouse's folder."""
    return settings.at(settings.warehouse.folder)


def published_folder(settings: Settings) -> Path:
    """Return the folder of the published versions."""
    return warehouse_folder(settings) / "published"


def pointer_file(settings: Settings) -> Path:
    """Return the file that names the current published version."""
    return warehouse_folder(settings) / "current"


def writer_engine(settings: Settings) -> Engine:
    """Return an engine that may write, its schema created or migrated; dispose of it when done.

    Raises BusyError when another process holds the DuckDB file, ConfigurationError when the schema is newer than
    this program or the database cannot be reached.
    """
    engine = _duckdb_writer(settings) if settings.warehouse.engine == "duckdb" else _postgresql(settings)
    try:
        migrate(engine)
    except DBAPIError as error:
        engine.dispose()
        raise _explained(error, settings) from error
    except ConfigurationError:
        engine.dispose()
        raise
    return engine


def _duckdb_writer(settings: Settings) -> Engine:
    folder = warehouse_folder(settings)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return _duckdb(folder / "writer.duckdb", settings, read_only=False)


def _duckdb(path: Path, settings: Settings, *, read_only: bool) -> Engine:
    config: dict[str, Any] = {
        "memory_limit": settings.warehouse.memory_limit,
        "threads": settings.warehouse.threads,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    url = URL.create("duckdb", database=str(path))
    return create_engine(url, connect_args={"read_only": read_only, "config": config})


def _postgresql(settings: Settings, **options: Any) -> Engine:
    if not settings.warehouse.url:
        raise ConfigurationError(
            "warehouse.engine is 'postgresql' but warehouse.url is not set; "
            "set it to postgresql+pg8000://user@host/database"
        )
    return create_engine(settings.warehouse.url, **options)


def _explained(error: DBAPIError, settings: Settings) -> BusyError | ConfigurationError:
    """Turn the driver's complaint into what a person can do about it."""
    if isinstance(error.orig, duckdb.IOException) and "lock" in str(error.orig).lower():
        return BusyError(
            f"another process holds {warehouse_folder(settings) / 'writer.duckdb'}; wait until that run ends"
        )
    return ConfigurationError(
        f"the {settings.warehouse.engine} warehouse cannot be opened: {error.orig}; "
        "check warehouse.folder or warehouse.url in the settings"
    )


def current_version(settings: Settings) -> str:
    """Return the name of the current published version, new with every publication.

    Raises RefusedError when nothing is published yet.
    """
    if settings.warehouse.engine == "postgresql":
        with reader_engine(settings).connect() as connection:
            return _server_version(connection)
    try:
        return pointer_file(settings).read_text(encoding="ascii").strip()
    except FileNotFoundError as error:
        raise _nothing_published(settings) from error


def _server_version(connection: Connection) -> str:
    last = current_row(connection)
    if last is None:
        raise RefusedError("nothing is published yet; run `radpulse run` (or `make demo`) first")
    return version_name(connection, last.data_version)


def _nothing_published(settings: Settings) -> RefusedError:
    return RefusedError(
        f"nothing is published in {warehouse_folder(settings)}; run `radpulse run` (or `make demo`) first"
    )


def reader_engine(settings: Settings) -> Engine:
    """Return a read-only engine on the current published version; cheap, ask anew for every page or request.

    The engine changes when a new version is published; connections of the old one stay usable until closed.
    Raises RefusedError when nothing is published yet, or an older Radpulse published it.
    """
    if settings.warehouse.engine == "postgresql":
        return _cached(Path(settings.warehouse.url or ""), "server", lambda: _server_reader(settings))
    name = current_version(settings)
    path = published_folder(settings) / f"{name}.duckdb"
    if not path.exists():
        raise _nothing_published(settings)
    return _cached(warehouse_folder(settings), name, lambda: opened_version(path, settings))


def opened_version(path: Path, settings: Settings) -> Engine:
    """Open a published file read-only; raises RefusedError when an older Radpulse wrote it."""
    engine = _duckdb(path, settings, read_only=True)
    found = inspect(engine)
    held = {name: {c["name"] for c in found.get_columns(name)} for name in found.get_table_names()}
    missing = [t.name for t in PUBLISHED_TABLES if not {c.name for c in t.columns} <= held.get(t.name, set())]
    if missing:
        engine.dispose()
        raise RefusedError(
            f"the published version was written by an older Radpulse (other columns in {', '.join(missing[:3])}); "
            "run `radpulse ingest` and `radpulse publish` once after an upgrade"
        )
    return engine


def _server_reader(settings: Settings) -> Engine:
    engine = _postgresql(settings, pool_pre_ping=True)
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _cached(folder: Path, name: str, make: Any) -> Engine:
    """Return this process's engine for a version, letting go of the one before."""
    place = (os.getpid(), folder)
    with _readers_lock:
        held = _readers.get(place)
        if held is not None and held[0] == name:
            return held[1]
        engine: Engine = make()
        _readers[place] = (name, engine)
    if held is not None:
        held[1].dispose()  # closes idle connections only; those in use close when their user is done
    return engine


def held_versions(settings: Settings) -> set[str]:
    """Return the published versions this process has open."""
    place = (os.getpid(), warehouse_folder(settings))
    with _readers_lock:
        return {_readers[place][0]} if place in _readers else set()
