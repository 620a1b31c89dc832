"""Publishing: readers get a whole new version or keep the old one (design.md decision 10)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import Column, Connection, Engine, MetaData, Select, Table, insert, select, text
from sqlalchemy.exc import DBAPIError

from etl.errors import RadpulseError, RefusedError
from etl.settings import Settings
from etl.warehouse.data_time import data_time
from etl.warehouse.engine import held_versions, pointer_file, published_folder
from etl.warehouse.parameters import load_parameters
from etl.warehouse.tables import PUBLISHED_TABLES, data_version, parameter_set
from etl.warehouse.version import Version, record_version

ATTACHED = "published"
STORAGE = "v1.5.0"
MIN_KEPT = 2  # a reader may have read the pointer just before it moved
# columns rows are sorted by, so that a date range lies together; others by their first columns
LOCALITY = {
    "fact_exam": ("end_local_date", "site_code", "scanner_code", "exam_key"),
    "fact_visit": ("local_date", "scanner_code", "begin_at", "visit_key"),
    "fact_scanner_hour": ("local_date", "scanner_code", "hour_at"),
    "fact_opening": ("local_date", "scanner_code", "begin_at", "kind"),
    "fact_slot": ("local_date", "scanner_code", "appointment_at", "slot_key", "valid_from_at"),
    "fact_acquisition": ("local_date", "scanner_code", "begin_at", "series_key"),
    "fact_dose_event": ("local_date", "scanner_code", "occurred_at", "irradiation_token"),
    "fact_entry": ("kind", "local_date", "site_code", "event_id"),
    "fact_report_version": ("local_date", "exam_key", "signed_at", "version"),
}


def publish(settings: Settings, engine: Engine) -> str:
    """Publish the writer's present facts and return the version's name; an unchanged state is not copied again.

    Raises RefusedError when nothing has been derived yet, RadpulseError when the copy fails (a full disk, say):
    then the version before stays current.
    """
    with engine.begin() as connection:
        version = _recorded(connection, settings)
    if engine.dialect.name != "duckdb":
        return version.name
    path = published_folder(settings) / f"{version.name}.duckdb"
    if version.is_new or not _is_current(settings, version, path):
        try:
            write_copy(engine, path)
            _point(pointer_file(settings), version.name)
        except (OSError, DBAPIError) as error:
            raise _failed(error, settings) from error
        drop_old_versions(settings)
    return version.name


def _recorded(connection: Connection, settings: Settings) -> Version:
    last = select(parameter_set.c.parameter_hash).order_by(parameter_set.c.used_at.desc()).limit(1)
    parameter_hash = connection.execute(last).scalar_one_or_none()
    data_at = data_time(connection, load_parameters(settings).rules)
    if parameter_hash is None or data_at is None:
        raise RefusedError("there is nothing to publish: no events derived yet; run `radpulse ingest` first")
    return record_version(connection, parameter_hash, data_at)


def _is_current(settings: Settings, version: Version, path: Path) -> bool:
    pointer = pointer_file(settings)
    return path.exists() and pointer.exists() and pointer.read_text(encoding="ascii").strip() == version.name


def _failed(error: OSError | DBAPIError, settings: Settings) -> RadpulseError:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return RadpulseError(
        f"the new version could not be published in {published_folder(settings)}: {cause}; "
        "readers keep the one before: free space or mend the disk, then run `radpulse publish`"
    )


def write_copy(engine: Engine, path: Path) -> None:
    """Write the published tables to a file of their own, whole and on disk before it gets its name."""
    part = path.with_suffix(".part")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _discard(part)
    try:
        _write(engine, part)
        _sync(part)
        part.replace(path)
        _sync(path.parent)
    finally:
        _discard(part)


def _discard(part: Path) -> None:
    for leftover in (part, part.with_name(part.name + ".wal")):
        leftover.unlink(missing_ok=True)


def _write(engine: Engine, part: Path) -> None:
    quoted = str(part).replace("'", "''")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # ATTACH takes no bound parameters; the path is ours and quoted
        connection.execute(text(f"ATTACH '{quoted}' AS {ATTACHED} (STORAGE_VERSION '{STORAGE}')"))
        try:
            connection.execute(text("BEGIN"))  # one snapshot over all tables
            for table in PUBLISHED_TABLES:
                _write_table(connection, table)
            connection.execute(text("COMMIT"))
        finally:
            _end_transaction(connection)
            connection.execute(text(f"DETACH {ATTACHED}"))


def _end_transaction(connection: Connection) -> None:
    """Roll back what was not committed, so that the copy can be detached."""
    driver: Any = connection.connection.driver_connection
    with suppress(duckdb.TransactionException):  # none is open after COMMIT
        driver.execute("ROLLBACK")


def _write_table(connection: Connection, table: Table) -> None:
    columns = [Column(c.name, c.type) for c in table.columns]  # no comments: 500 statements that readers never ask
    copy = Table(table.name, MetaData(), *columns, schema=ATTACHED)
    copy.create(connection, checkfirst=False)
    connection.execute(insert(copy).from_select([c.name for c in columns], _ordered(table)))


def _ordered(table: Table) -> Select[Any]:
    """Select a table's rows for publication: sorted; of `data_version` the current one only."""
    if table is data_version:
        return select(table).order_by(table.c.published_at.desc()).limit(1)
    names = LOCALITY.get(table.name) or tuple(c.name for c in table.columns)[:6]
    return select(table).order_by(*[table.c[name] for name in names])


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _point(pointer: Path, name: str) -> None:
    """Move the pointer in one step."""
    part = pointer.with_suffix(".part")
    with part.open("w", encoding="ascii") as file:
        file.write(name + "\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(pointer)
    _sync(pointer.parent)


def drop_old_versions(settings: Settings) -> list[str]:
    """Delete versions beyond the number kept, save those a reader holds, and return the deleted names."""
    kept = max(settings.warehouse.versions_kept, MIN_KEPT)
    held = held_versions(settings) | {pointer_file(settings).read_text(encoding="ascii").strip()}
    dropped = []
    for path in _newest_first(published_folder(settings).glob("*.duckdb"))[kept:]:
        if path.stem not in held and not _is_open(path):
            path.unlink()
            dropped.append(path.stem)
    return dropped


def _newest_first(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=lambda p: int(p.stem.rpartition("-")[2]), reverse=True)


def _is_open(path: Path) -> bool:
    """Return whether another process reads the file: DuckDB's readers hold a shared lock on it."""
    if os.name != "posix":
        return False  # there an open file cannot be deleted, which says the same
    import fcntl

    with path.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
