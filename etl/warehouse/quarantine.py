"""Refused items: kept with a reason and a sealed copy, listed, replayed, and purged when their time is over."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Row, func, select, update

from etl.errors import RadpulseError, RefusedError
from etl.settings import Feed
from etl.warehouse.append import append
from etl.warehouse.tables import quarantine

SUFFIX = ".sealed"
IN_LIST = 1000  # ids a statement names at once


def keep(
    connection: Connection,
    feed: Feed,
    refused: pa.Table,
    run_key: str,
    refused_at: datetime,
    folder: Path | None,
) -> int:
    """Store refused items not known yet, their sealed copies first, and return how many were new.

    A copy without its row (a run that failed afterwards) does no harm: it is unreadable without the key and
    `purge` removes it.
    """
    known = _known(connection, refused["quarantine_id"].to_pylist())
    rows = []
    for item in refused.to_pylist():
        if item["quarantine_id"] in known:
            continue
        known.add(item["quarantine_id"])
        rows.append(_row(item, feed, run_key, refused_at, folder))
    if rows:
        append(connection, quarantine, pa.Table.from_pylist(rows))
    return len(rows)


def _row(item: dict[str, Any], feed: Feed, run_key: str, refused_at: datetime, folder: Path | None) -> dict[str, Any]:
    raw_file = None
    if folder is not None and item["raw"] is not None:
        raw_file = item["quarantine_id"] + SUFFIX
        _write(folder, raw_file, item["raw"])
    return {
        "quarantine_id": item["quarantine_id"],
        "run_key": run_key,
        "feed_key": feed.key,
        "source_ref": item["source_ref"],
        "reason": item["reason"],
        "detail": item["detail"],
        "raw_file": raw_file,
        "refused_at": refused_at,
    }


def _write(folder: Path, name: str, sealed: bytes) -> None:
    """Write a copy that only the owner may read, whole or not at all."""
    part = folder / f".{name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(sealed)
        part.replace(folder / name)
    except OSError as error:
        if folder.is_dir():
            part.unlink(missing_ok=True)
        raise RadpulseError(
            f"the quarantine copy cannot be written to {folder}: {error.strerror}; nothing of this run was kept"
        ) from error


def _known(connection: Connection, ids: Sequence[str]) -> set[str]:
    known: set[str] = set()
    for start in range(0, len(ids), IN_LIST):
        some = ids[start : start + IN_LIST]
        known |= set(
            connection.execute(select(quarantine.c.quarantine_id).where(quarantine.c.quarantine_id.in_(some))).scalars()
        )
    return known


def listed(
    connection: Connection,
    *,
    ids: Sequence[str] | None = None,
    feed: str | None = None,
    replayed: bool = False,
    limit: int | None = None,
) -> list[Row[Any]]:
    """Return quarantined items, newest first; details are redacted already. Replayed ones only when asked for."""
    query = select(quarantine).order_by(quarantine.c.refused_at.desc(), quarantine.c.quarantine_id)
    if ids is not None:
        query = query.where(quarantine.c.quarantine_id.in_(list(ids)))
    if feed is not None:
        query = query.where(quarantine.c.feed_key == feed)
    if not replayed:
        query = query.where(quarantine.c.replayed_at.is_(None))
    return list(connection.execute(query.limit(limit)).all())


@dataclass(frozen=True, slots=True)
class SealedCopy:
    """The encrypted copy of a quarantined item, for `etl.staging.Sealer.open(quarantine_id, sealed)`."""

    quarantine_id: str
    feed_key: str
    source_ref: str
    sealed: bytes


def sealed_copies(connection: Connection, folder: Path, ids: Sequence[str] | None = None) -> list[SealedCopy]:
    """Return the copies of the items (all not yet replayed, when no ids are given) that still have one.

    Raises RefusedError for an id that is unknown, or whose copy was never kept or has been purged.
    """
    rows = listed(connection, ids=ids)
    missing = set(ids or ()) - {row.quarantine_id for row in rows}
    if missing:
        raise RefusedError(f"not in quarantine (any more): {', '.join(sorted(missing))}")
    copies = []
    for row in rows:
        path = folder / row.raw_file if row.raw_file else None
        if path is not None and path.exists():
            copies.append(SealedCopy(row.quarantine_id, row.feed_key, row.source_ref, path.read_bytes()))
        elif ids:
            raise RefusedError(
                f"{row.quarantine_id} has no raw copy (any more); offer {row.source_ref} of feed {row.feed_key} again"
            )
    return copies


def mark_replayed(connection: Connection, ids: Sequence[str], replayed_at: datetime) -> None:
    """Note that the items were read after all."""
    for start in range(0, len(ids), IN_LIST):
        some = list(ids[start : start + IN_LIST])
        connection.execute(
            update(quarantine).where(quarantine.c.quarantine_id.in_(some)).values(replayed_at=replayed_at)
        )


def purge(connection: Connection, folder: Path, *, now_at: datetime, days: int) -> int:
    """Delete raw copies older than the retention, or without a row, and return how many; the rows stay."""
    if not folder.exists():
        return 0
    recent = select(quarantine.c.raw_file).where(
        quarantine.c.raw_file.is_not(None),
        quarantine.c.refused_at >= now_at - timedelta(days=days),
        quarantine.c.replayed_at.is_(None),
    )
    wanted = set(connection.execute(recent).scalars())
    removed = 0
    for path in sorted(folder.glob(f"*{SUFFIX}")) + sorted(folder.glob(f".*{SUFFIX}.part")):
        if path.name not in wanted:
            path.unlink(missing_ok=True)
            removed += 1
    connection.execute(
        update(quarantine)
        .where(quarantine.c.raw_file.is_not(None), quarantine.c.raw_file.not_in(wanted or {""}))
        .values(raw_file=None)
    )
    return removed


def held(connection: Connection) -> int:
    """Return how many items are in quarantine now."""
    count = select(func.count()).select_from(quarantine).where(quarantine.c.replayed_at.is_(None))
    return int(connection.execute(count).scalar_one())
