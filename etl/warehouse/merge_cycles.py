"""Merges that close a circle, listed in quarantine beside what was refused on reading.

Whether a merge closes a circle shows only beside all others, and may cease when a lost A37 arrives: so the listing
is derived, not kept. The message itself was read and stays an event; no run's count changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b

import pandas as pd
from sqlalchemy import Connection, delete, select

from etl.errors import Reason
from etl.warehouse.append import append, read_frame
from etl.warehouse.tables import event, quarantine, receipt

DETAIL = "the merge closes a circle: its surviving number had been merged away into the other; it changes nothing"
IN_LIST = 1000


def note_cycles(connection: Connection, cycles: Sequence[str]) -> None:
    """List exactly these events (event_id) in quarantine under merge_cycle."""
    wanted = {_quarantine_id(event_id): event_id for event_id in cycles}
    mine = quarantine.c.reason == str(Reason.MERGE_CYCLE)
    listed = set(connection.execute(select(quarantine.c.quarantine_id).where(mine)).scalars())
    for gone in _chunks(sorted(listed - set(wanted))):
        connection.execute(delete(quarantine).where(mine, quarantine.c.quarantine_id.in_(gone)))
    for fresh in _chunks(sorted(wanted[key] for key in set(wanted) - listed)):
        append(connection, quarantine, _rows(connection, fresh))


def _chunks(values: Sequence[str]) -> list[Sequence[str]]:
    return [values[start : start + IN_LIST] for start in range(0, len(values), IN_LIST)]


def _quarantine_id(event_id: str) -> str:
    return blake2b(f"{Reason.MERGE_CYCLE}\x1f{event_id}".encode(), digest_size=16).hexdigest()


def _rows(connection: Connection, event_ids: Sequence[str]) -> pd.DataFrame:
    """Return quarantine rows of the events, each from its first receipt (an event loaded without one has no source)."""
    told = [event.c.event_id, event.c.feed_key, receipt.c.run_key, receipt.c.source_ref, receipt.c.recorded_at]
    query = select(*told).outerjoin_from(event, receipt, receipt.c.event_id == event.c.event_id)
    rows = read_frame(connection, query.where(event.c.event_id.in_(event_ids)))
    rows = rows.sort_values(["event_id", "recorded_at", "source_ref"]).drop_duplicates("event_id", ignore_index=True)
    return pd.DataFrame(
        {
            "quarantine_id": rows["event_id"].map(_quarantine_id),
            "run_key": rows["run_key"],
            "feed_key": rows["feed_key"],
            "source_ref": rows["source_ref"],
            "reason": str(Reason.MERGE_CYCLE),
            "detail": DETAIL,
            "refused_at": rows["recorded_at"].fillna(datetime.now(UTC)),
        }
    )
