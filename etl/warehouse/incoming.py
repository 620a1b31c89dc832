"""Set-based de-duplication: which incoming rows are new or better than what the warehouse holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    and_,
    cast,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
)

from etl.warehouse.append import offered
from etl.warehouse.tables import EVENT_TABLES, receipt, touched

_temporary = MetaData()


def _incoming_table(table: Table) -> Table:
    copies = [Column(c.name, c.type) for c in table.columns]
    extra = [Column("item", Integer), Column("position", BigInteger)]
    return Table(f"incoming_{table.name}", _temporary, *copies, *extra, prefixes=["TEMPORARY"])


INCOMING = {table.name: _incoming_table(table) for table in EVENT_TABLES}
ITEMS = Table(
    "incoming_item",
    _temporary,
    Column("item", Integer),
    Column("source_ref", String(300)),
    Column("control_token", String(32)),
    prefixes=["TEMPORARY"],
)
CHOSEN = Table(
    "incoming_chosen",
    _temporary,
    Column("event_id", String(32)),
    Column("item", Integer),
    Column("position", BigInteger),
    Column("is_new", Integer),
    prefixes=["TEMPORARY"],
)


@dataclass(frozen=True, slots=True)
class Merged:
    """What one group of rows changed: the items that brought something, and how many events are new."""

    items: frozenset[int]
    new_events: int


def merge(
    connection: Connection,
    tables: Mapping[str, Sequence[pa.Table]],
    items: pa.Table,
    run_key: str,
    recorded_at: datetime,
) -> Merged:
    """Merge rows into the event tables, note what was touched, and write a receipt for every arrival.

    `tables` holds each event table's rows with `item`; `items` the columns of ITEMS for the items that were read.
    An event known already is replaced only by the row with the lower (known_at with NULL last, content_hash), so
    that neither order nor repetition of arrivals can change what is kept (design.md decisions 1 and 3).
    """
    brought: set[int] = set()
    new_events = 0
    with offered(connection, ITEMS, items):
        for table in EVENT_TABLES:
            if table.name in tables:
                found, new = _merge_table(connection, table, tables[table.name], run_key, recorded_at)
                brought |= found
                new_events += new
    return Merged(frozenset(brought), new_events)


def _merge_table(
    connection: Connection, table: Table, pieces: Sequence[pa.Table], run_key: str, recorded_at: datetime
) -> tuple[set[int], int]:
    incoming = INCOMING[table.name]
    rows = pa.concat_tables(pieces)
    rows = rows.append_column("position", pa.array(range(rows.num_rows), pa.int64()))
    CHOSEN.create(connection)
    with offered(connection, incoming, rows):
        names = [c.name for c in CHOSEN.columns]
        connection.execute(insert(CHOSEN).from_select(names, _chosen(table, incoming)))
        new = _replace(connection, table, incoming)
        _receive(connection, incoming, run_key, recorded_at)
    items = {int(item) for item in connection.execute(select(CHOSEN.c.item).distinct()).scalars()}
    CHOSEN.drop(connection)
    return items, new


def _replace(connection: Connection, table: Table, incoming: Table) -> int:
    """Put the chosen rows in the place of those they beat, and return how many are new."""
    totals = select(func.count(), func.coalesce(func.sum(CHOSEN.c.is_new), 0)).select_from(CHOSEN)
    chosen, new = connection.execute(totals).one()
    if chosen > new:
        beaten = select(CHOSEN.c.event_id).where(CHOSEN.c.is_new == 0)
        connection.execute(delete(table).where(table.c.event_id.in_(beaten)))
    if chosen:
        _keep(connection, table, incoming)
    return int(new)


def _chosen(table: Table, incoming: Table) -> Select[tuple[str, int, int, int]]:
    """Select the best arrival of each event that is new or better than the stored one."""
    rank = func.row_number().over(
        partition_by=incoming.c.event_id,
        order_by=(
            incoming.c.known_at.asc().nulls_last(),
            incoming.c.content_hash,
            incoming.c.item,
            incoming.c.position,
        ),
    )
    names = ("event_id", "known_at", "content_hash", "item", "position")
    ranked = select(*[incoming.c[n] for n in names], rank.label("place")).subquery()
    known = (
        select(table.c.event_id, table.c.known_at, table.c.content_hash)
        .where(table.c.event_id.in_(select(incoming.c.event_id)))
        .subquery()
    )
    same_time = or_(
        ranked.c.known_at == known.c.known_at, and_(ranked.c.known_at.is_(None), known.c.known_at.is_(None))
    )
    better = or_(
        ranked.c.known_at < known.c.known_at,
        and_(ranked.c.known_at.is_not(None), known.c.known_at.is_(None)),
        and_(same_time, ranked.c.content_hash < known.c.content_hash),
    )
    is_new = known.c.event_id.is_(None)
    return (
        select(ranked.c.event_id, ranked.c.item, ranked.c.position, cast(is_new, Integer).label("is_new"))
        .select_from(ranked.outerjoin(known, ranked.c.event_id == known.c.event_id))
        .where(ranked.c.place == 1, or_(is_new, better))
    )


def _keep(connection: Connection, table: Table, incoming: Table) -> None:
    names = [c.name for c in table.columns]
    rows = select(*[incoming.c[name] for name in names]).join(CHOSEN, CHOSEN.c.position == incoming.c.position)
    connection.execute(insert(table).from_select(names, rows))
    noted = select(literal(table.name), CHOSEN.c.event_id)
    connection.execute(insert(touched).from_select(["event_table", "event_id"], noted))


def _receive(connection: Connection, incoming: Table, run_key: str, recorded_at: datetime) -> None:
    arrivals = select(
        incoming.c.event_id,
        literal(run_key),
        cast(literal(recorded_at.replace(tzinfo=None)), DateTime),
        ITEMS.c.source_ref,
        ITEMS.c.control_token,
    ).join(ITEMS, ITEMS.c.item == incoming.c.item)
    names = ["event_id", "run_key", "recorded_at", "source_ref", "control_token"]
    connection.execute(insert(receipt).from_select(names, arrivals))
