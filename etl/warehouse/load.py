"""Loading staged batches: events, receipts, quarantine, watermark and run record in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, delete, insert, select

from etl.errors import RadpulseError
from etl.settings import Feed
from etl.warehouse.append import append
from etl.warehouse.incoming import merge
from etl.warehouse.quarantine import keep
from etl.warehouse.tables import run, watermark

GROUP_ROWS = 150_000  # rows merged at once: bounds memory, makes the anti-join pay


class StagedBatch(Protocol):
    """What loading needs of a batch (`etl.staging.Batch`)."""

    @property
    def tables(self) -> dict[str, pa.Table]:
        """Rows of each event table, with their `item`."""
        ...

    @property
    def items(self) -> pa.Table:
        """One row an offered item, with its outcome."""
        ...


class ReadFile(Protocol):
    """A file that was read, as the watermark remembers it."""

    @property
    def source(self) -> str:
        """Path relative to the feed's folder."""
        ...

    @property
    def size_bytes(self) -> int:
        """Size when read."""
        ...

    @property
    def mtime_ns(self) -> int:
        """Modification time when read."""
        ...


@dataclass(frozen=True, slots=True)
class RunCounts:
    """What became of the items one run offered; they add up to `offered` or the load fails."""

    offered: int = 0
    loaded: int = 0
    unchanged: int = 0
    quarantined: int = 0
    filtered: int = 0
    events: int = 0  # new events

    def __add__(self, other: RunCounts) -> RunCounts:
        return RunCounts(*(getattr(self, n) + getattr(other, n) for n in self.__slots__))

    @property
    def balance(self) -> int:
        """Items unaccounted for; zero unless there is a defect."""
        return self.offered - self.loaded - self.unchanged - self.quarantined - self.filtered


class ConservationError(RadpulseError):
    """Stop: items would be lost or counted twice; nothing of the run is kept."""


def load(
    connection: Connection,
    feed: Feed,
    batches: Iterable[StagedBatch],
    run_key: str,
    started_at: datetime,
    *,
    files: Iterable[ReadFile] = (),
    stopped: Callable[[], str | None] = lambda: None,
    quarantine_folder: Path | None = None,
) -> RunCounts:
    """Load a feed's batches within the caller's transaction and return the counts.

    `files` and `stopped` are asked after the last batch: what was read whole, and why the feed stopped, if it did.
    Sealed copies of refused items go to `quarantine_folder` (None keeps none). Raises ConservationError when
    offered differs from loaded + unchanged + quarantined + filtered.
    """
    counts = RunCounts()
    for group in _groups(batches):
        counts += _load_group(connection, feed, group, run_key, quarantine_folder)
    _require_conserved(counts, feed)
    read = list(files)
    _advance(connection, feed, read, run_key)
    message = stopped()
    _record(connection, feed, run_key, started_at, counts, len(read), message)
    return counts


def _groups(batches: Iterable[StagedBatch]) -> Iterator[list[StagedBatch]]:
    group: list[StagedBatch] = []
    rows = 0
    for batch in batches:
        group.append(batch)
        rows += batch.items.num_rows + sum(t.num_rows for t in batch.tables.values())
        if rows >= GROUP_ROWS:
            yield group
            group, rows = [], 0
    if group:
        yield group


def _renumbered(group: list[StagedBatch]) -> tuple[dict[str, list[pa.Table]], pa.Table]:
    """Give the items of several batches numbers of their own."""
    tables: dict[str, list[pa.Table]] = {}
    items: list[pa.Table] = []
    offset = 0
    for batch in group:
        for name, rows in batch.tables.items():
            tables.setdefault(name, []).append(_shifted(rows, offset))
        items.append(_shifted(batch.items, offset))
        offset += batch.items.num_rows
    return tables, pa.concat_tables(items)


def _shifted(rows: pa.Table, offset: int) -> pa.Table:
    shifted = pc.add(rows["item"], pa.scalar(offset, pa.int32()))
    return rows.set_column(rows.column_names.index("item"), "item", shifted)


def _load_group(
    connection: Connection, feed: Feed, group: list[StagedBatch], run_key: str, folder: Path | None
) -> RunCounts:
    tables, items = _renumbered(group)
    outcome = items["outcome"]
    read = items.filter(pc.equal(outcome, "read")).select(["item", "source_ref", "control_token"])
    recorded_at = datetime.now(UTC)
    merged = merge(connection, tables, read, run_key, recorded_at)
    if not merged.items <= set(read["item"].to_pylist()):
        raise ConservationError(f"feed {feed.key}: events of an item that was not read; nothing was kept")
    refused = items.filter(pc.equal(outcome, "refused"))
    keep(connection, feed, refused, run_key, recorded_at, folder)
    return RunCounts(
        offered=items.num_rows,
        loaded=len(merged.items),
        unchanged=read.num_rows - len(merged.items),
        quarantined=refused.num_rows,
        filtered=_count(outcome, "filtered"),
        events=merged.new_events,
    )


def _count(outcome: pa.ChunkedArray, value: str) -> int:
    total: Any = pc.sum(pc.equal(outcome, value)).as_py()
    return int(total or 0)


def _require_conserved(counts: RunCounts, feed: Feed) -> None:
    if counts.balance != 0 or counts.unchanged < 0:
        raise ConservationError(
            f"feed {feed.key}: {counts.offered} items offered, but loaded {counts.loaded}, unchanged "
            f"{counts.unchanged}, quarantined {counts.quarantined} and filtered {counts.filtered} do not add up "
            "to it; nothing was kept: please report this with the feed's kind"
        )


def known_files(connection: Connection, feed: Feed) -> dict[str, tuple[int, int]]:
    """Return what the feed's watermark has read: relative path -> (size in bytes, modification time in ns)."""
    rows = connection.execute(
        select(watermark.c.source, watermark.c.size_bytes, watermark.c.mtime_ns).where(watermark.c.feed_key == feed.key)
    )
    return {row.source: (row.size_bytes, row.mtime_ns) for row in rows}


def _advance(connection: Connection, feed: Feed, files: list[ReadFile], run_key: str) -> None:
    """Put the files into the watermark, in place of what it knew of them."""
    if not files:
        return
    for start in range(0, len(files), 1000):
        names = [f.source for f in files[start : start + 1000]]
        connection.execute(delete(watermark).where(watermark.c.feed_key == feed.key, watermark.c.source.in_(names)))
    rows = [
        {
            "feed_key": feed.key,
            "source": f.source,
            "size_bytes": f.size_bytes,
            "mtime_ns": f.mtime_ns,
            "run_key": run_key,
        }
        for f in files
    ]
    append(connection, watermark, pa.Table.from_pylist(rows))


def _record(
    connection: Connection,
    feed: Feed,
    run_key: str,
    started_at: datetime,
    counts: RunCounts,
    files: int,
    message: str | None,
) -> None:
    values = {name: getattr(counts, name) for name in RunCounts.__slots__}
    connection.execute(
        insert(run).values(
            run_key=run_key,
            feed_key=feed.key,
            started_at=started_at,
            finished_at=datetime.now(UTC),
            outcome="stopped" if message else "ok",
            message=message[:1000] if message else None,
            files=files,
            **values,
        )
    )
