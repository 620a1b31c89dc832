"""A canonical dump of the warehouse: equal content gives an equal hash, whatever the engine or order of arrival."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, Engine, Table, select

from etl.warehouse.append import read_arrow
from etl.warehouse.tables import PUBLISHED_TABLES, data_version, fact_run

# columns that tell when this installation did something, not what the feeds say
WALL_CLOCK = {
    "data_version": {"published_at", "content_hash"},
    "fact_feed": {"loaded_at"},
    "fact_quarantine": {"last_refused_at"},
}
SIGNIFICANT_DIGITS = 12  # sums over rows in another order differ in the last bits
DUMPED = tuple(t for t in PUBLISHED_TABLES if t is not fact_run)


def canonical_dump_hash(engine: Engine, tables: Sequence[Table] = DUMPED) -> str:
    """Return one hash over all rows of the tables (default: everything published but runs and wall clocks)."""
    whole = blake2b(digest_size=16)
    with engine.connect() as connection:
        for table in tables:
            whole.update(f"{table.name}\x1e{table_hash(connection, table)}\x1e".encode())
    return whole.hexdigest()


def table_hash(connection: Connection, table: Table) -> str:
    """Return the hash of one table's rows in sorted order."""
    digest = blake2b(digest_size=16)
    for line in canonical_lines(connection, table):
        digest.update(line.encode("utf-8", "surrogatepass") + b"\n")
    return digest.hexdigest()


def canonical_lines(connection: Connection, table: Table) -> Iterator[str]:
    """Yield a table's rows as sorted text lines; NULL is `\\N`, numbers keep twelve significant digits."""
    columns = [c for c in table.columns if c.name not in WALL_CLOCK.get(table.name, ())]
    query = select(*columns)
    if table is data_version:
        query = query.order_by(data_version.c.published_at.desc()).limit(1)
    rows = read_arrow(connection, query)
    texts = [_texts(column) for column in rows.columns]
    yield from sorted("\x1f".join(values) for values in zip(*texts, strict=True))


def _texts(values: pa.ChunkedArray) -> list[str]:
    if pa.types.is_floating(values.type):
        return ["\\N" if v is None else f"{v + 0.0:.{SIGNIFICANT_DIGITS}g}" for v in values.to_pylist()]
    texts: list[str] = pc.fill_null(values.cast(pa.string()), "\\N").to_pylist()
    return texts
