"""Engines: one writer, migrated; readers of the published version; clear words when it cannot be."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

from etl.errors import BusyError, ConfigurationError, ExitCode, RefusedError
from etl.settings import Settings, Warehouse
from etl.warehouse.engine import current_version, reader_engine, writer_engine
from etl.warehouse.tables import metadata


def test_a_new_warehouse_has_every_table_and_column(warehouse: Any) -> None:
    found = inspect(warehouse.engine)
    for table in metadata.tables.values():
        assert {c["name"] for c in found.get_columns(table.name)} == {c.name for c in table.columns}


@pytest.mark.postgresql
def test_the_migrations_lead_to_the_declared_schema(postgresql_settings: Settings) -> None:
    """When this fails, tables.py changed: add a revision under etl/warehouse/migrations/versions."""
    engine = writer_engine(postgresql_settings)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = [d for d in compare_metadata(context, metadata) if d[0] != "remove_index"]
    engine.dispose()
    assert differences == []


def test_opening_it_again_changes_nothing(warehouse: Any) -> None:
    before = inspect(warehouse.engine).get_table_names()
    again = writer_engine(warehouse.settings)
    assert inspect(again).get_table_names() == before
    again.dispose()


def test_columns_are_explained_in_the_database_itself(warehouse: Any) -> None:
    comments = {c["name"]: c["comment"] for c in inspect(warehouse.engine).get_columns("fact_exam")}
    assert comments["exam_key"] == metadata.tables["fact_exam"].c.exam_key.comment


def test_a_newer_schema_is_refused_and_left_alone(warehouse: Any) -> None:
    with warehouse.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="9999") as caught:
        writer_engine(warehouse.settings)
    assert "newer Radpulse" in str(caught.value)
    with warehouse.engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"


HOLD = """
import sys
from etl.settings import Settings, Warehouse
from etl.warehouse.engine import writer_engine
from pathlib import Path
engine = writer_engine(Settings(base=Path(sys.argv[1])))
connection = engine.connect()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_file_another_process_writes_means_busy(settings: Settings) -> None:
    program = [sys.executable, "-c", textwrap.dedent(HOLD), str(settings.base)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(BusyError, match="another process") as caught:
            writer_engine(settings)
        assert caught.value.exit_code == ExitCode.BUSY
        other.communicate("")
    writer_engine(settings).dispose()


def test_a_file_that_is_no_warehouse_is_a_configuration_error(settings: Settings) -> None:
    folder = settings.at(settings.warehouse.folder)
    folder.mkdir()
    (folder / "writer.duckdb").write_bytes(b"this is not a database" * 1000)
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        writer_engine(settings)


def test_a_server_without_address_or_out_of_reach_is_a_configuration_error(settings: Settings) -> None:
    for url in (None, "postgresql+pg8000://nobody@127.0.0.1:1/none"):
        own = settings.model_copy(update={"warehouse": Warehouse(engine="postgresql", url=url)})
        with pytest.raises(ConfigurationError, match=r"warehouse\.url"):
            writer_engine(own)


def test_reading_before_anything_is_published_says_what_to_run(warehouse: Any) -> None:
    with pytest.raises(RefusedError, match="radpulse run"):
        current_version(warehouse.settings)


@pytest.mark.postgresql
def test_a_server_reader_cannot_write(postgresql_settings: Settings) -> None:
    writer_engine(postgresql_settings).dispose()
    with reader_engine(postgresql_settings).connect() as connection, pytest.raises(DBAPIError, match="read-only"):
        connection.execute(text("DELETE FROM run"))
    reader_engine(postgresql_settings).dispose()
