"""Writing derived frames to their tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd
from sqlalchemy import Column, Connection, MetaData, Select, String, Table, cast, delete, insert, select

from etl.warehouse.append import append

DOOMED = Table("derive_doomed", MetaData(), Column("key", String(64)), prefixes=["TEMPORARY"])


def store(connection: Connection, table: Table, frame: pd.DataFrame) -> None:
    """Append a frame's rows to a table; columns the table does not have are left out."""
    if len(frame):
        append(connection, table, frame[[c.name for c in table.columns if c.name in frame]])


def rewrite(connection: Connection, table: Table, rows: pd.DataFrame | Select[Any]) -> None:
    """Make a table hold exactly the rows of a frame, or of a SELECT that names its columns."""
    connection.execute(delete(table))
    if isinstance(rows, pd.DataFrame):
        store(connection, table, rows)
    else:
        connection.execute(insert(table).from_select(rows.selected_columns.keys(), rows))


def remove(connection: Connection, column: Column[Any], keys: Iterable[object]) -> None:
    """Delete the rows of a column's table whose value in it is one of `keys`."""
    texts = sorted({str(key) for key in keys})
    if not texts:
        return
    DOOMED.create(connection)
    append(connection, DOOMED, pd.DataFrame({"key": pd.Series(texts, dtype="str")}))
    doomed = select(cast(DOOMED.c.key, column.type))
    connection.execute(delete(column.table).where(column.in_(doomed)))
    DOOMED.drop(connection)
