"""From source items to a batch of columns, pseudonymous and valid, that the warehouse can load."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import pyarrow as pa

from etl.errors import Reason
from etl.records import Filtered, Read, Refused, SourceItem
from etl.settings import Feed, Settings
from etl.site_codes import CodeKind, site_map
from etl.staging.clean import text
from etl.staging.columns import ITEMS, SCHEMAS
from etl.staging.kept import pack
from etl.staging.places import PlaceNamer
from etl.staging.pseudonymise import Pseudonymiser
from etl.staging.recommendations import with_recommendations
from etl.staging.redact import redact
from etl.staging.rows import RowMaker, digest
from etl.staging.seal import Kind, Sealer
from etl.staging.validate import Bounds, Fault, fault, plain_name

REFERENCE_CHARACTERS = 300
PIECE_ROWS = 500


@dataclass(frozen=True, slots=True)
class Batch:
    """Columns ready to load; holds no raw identifier and may be pickled between processes.

    `tables` maps each event table to its rows plus `item`; `items` has one row an offered item (`columns.ITEMS`)
    with its outcome: read, refused or filtered.
    """

    tables: dict[str, pa.Table]
    items: pa.Table

    @property
    def offered(self) -> int:
        """Number of source items in the batch."""
        return int(self.items.num_rows)

    @property
    def events(self) -> int:
        """Number of event rows in the batch."""
        return sum(int(t.num_rows) for t in self.tables.values())


def stage(
    items: Iterable[SourceItem],
    feed: Feed,
    settings: Settings,
    pseudonymiser: Pseudonymiser,
    *,
    now_at: datetime | None = None,
    sealer: Sealer | None = None,
) -> Batch:
    """Return the items of one feed as a batch; a readable item with an impossible record becomes a refused one.

    An item is loaded whole or not at all, so that one bad time cannot lose the others' company unnoticed. `now_at`
    (default: the wall clock) bounds what lies in the future. Refused items keep a sealed copy.
    """
    here = [s for s in settings.scanners if s.site == feed.site]
    aliases = [code for kind, site, code in site_map(settings) if (kind, site) == (CodeKind.STATION, feed.site)]
    names = [name for s in here for name in (s.code, *s.station_names)] + aliases
    scanners = frozenset(map(plain_name, names))
    bounds = Bounds(now_at or datetime.now(UTC), scanners)
    stager = _Stager(feed, pseudonymiser, sealer or pseudonymiser.sealer(), bounds)
    for item in items:
        stager.add(item)
    return stager.batch()


class _Stager:
    """Collects the rows of one batch."""

    def __init__(self, feed: Feed, pseudonymiser: Pseudonymiser, sealer: Sealer, bounds: Bounds) -> None:
        self._feed, self._bounds, self._sealer = feed, bounds, sealer
        self._control = pseudonymiser.control_token
        self._place = PlaceNamer(feed, pseudonymiser)
        self._row = RowMaker(feed.key, feed.site, pseudonymiser).row
        self._tables = {name: _Columns(schema) for name, schema in SCHEMAS.items()}
        self._items = _Columns(ITEMS)
        self._number = 0

    def add(self, item: SourceItem) -> None:
        """Take an item: its records as rows, and what became of it."""
        if isinstance(item, Read):
            self._add_read(item)
        elif isinstance(item, Filtered):
            self._note(item.source_ref, "filtered", str(item.reason))
        else:
            self._refuse(item, "raw")

    def _add_read(self, item: Read) -> None:
        found = self._fault(item)
        if found is not None:
            self._refuse(Refused(item.source_ref, *found, raw=pack(item)), "records")
            return
        for record in with_recommendations(item.records):
            table, row = self._row(record)
            self._tables[table].add((*row, self._number))
        self._note(item.source_ref, "read", control=self._control(item.control_id))

    def _fault(self, item: Read) -> Fault | None:
        for record in item.records:
            found = fault(record, self._bounds)
            if found is not None:
                return found
        return None if item.records else (Reason.MISSING_TIME, "nothing with a time in it")

    def _refuse(self, item: Refused, kind: Kind) -> None:
        content = item.raw if item.raw is not None else f"{item.reason}|{item.detail}".encode()
        item_id = refused_id(self._feed.key, self._place(item.source_ref), content)
        sealed = None if item.raw is None else self._sealer.seal(item_id, kind, item.raw)
        self._note(item.source_ref, "refused", str(item.reason), redact(item.detail), item_id, sealed)

    def _note(
        self,
        source_ref: str,
        outcome: str,
        reason: str | None = None,
        detail: str | None = None,
        item_id: str | None = None,
        sealed: bytes | None = None,
        control: str | None = None,
    ) -> None:
        reference = text(self._place(source_ref), REFERENCE_CHARACTERS)
        self._items.add((self._number, reference, control, outcome, reason, detail, item_id, sealed))
        self._number += 1

    def batch(self) -> Batch:
        """Return what was collected; tables without rows are left out."""
        tables = {name: columns.table() for name, columns in self._tables.items() if columns}
        return Batch(tables, self._items.table())


class _Columns:
    """Rows turned into columns piece by piece: many live tuples make Python's collector the slowest part."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._rows: list[tuple[Any, ...]] = []
        self._pieces: list[pa.RecordBatch] = []

    def __bool__(self) -> bool:
        return bool(self._rows or self._pieces)

    def add(self, row: tuple[Any, ...]) -> None:
        """Add a row, turning a full piece into columns."""
        self._rows.append(row)
        if len(self._rows) >= PIECE_ROWS:
            self._turn()

    def _turn(self) -> None:
        columns = zip(zip(*self._rows, strict=True), self._schema, strict=True)
        arrays = [pa.array(values, field.type) for values, field in columns]
        self._pieces.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._rows = []

    def table(self) -> pa.Table:
        """Return all rows as one table."""
        if self._rows:
            self._turn()
        return pa.Table.from_batches(self._pieces, self._schema)


def refused_id(feed_key: str, source_ref: str, content: bytes) -> str:
    """Return the stable id of a refused item: hash of feed, place and content."""
    return digest(f"{feed_key}\x1f{source_ref}\x1f{blake2b(content, digest_size=16).hexdigest()}")
