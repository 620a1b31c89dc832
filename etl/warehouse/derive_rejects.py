"""Rejected exposures: counts of the consoles' own lists, the accepted ones of a room and view counted once."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
from sqlalchemy import Connection, select

from etl.records import EntryKind
from etl.warehouse.append import read_frame
from etl.warehouse.parameters import Parameters
from etl.warehouse.tables import fact_entry

# the accepted exposures that rows of a list repeat are those of these together
COUNTED_FOR = ["site_code", "scanner_code", "modality", "code", "local_date", "person"]


def derive_rejects(connection: Connection, parameters: Parameters, data_at: datetime) -> pd.DataFrame:
    """Return fact_reject rows.

    A list has a row a reason and states on each how many exposures of that room, view, day (and technologist) were
    accepted: the largest number counts, on the first row, so that sums over rows are right.
    """
    e = fact_entry.c
    names = [*COUNTED_FOR, "outcome_code", "count", "limit_value", "event_id"]
    query = select(*(e[name] for name in names)).where(e.kind == str(EntryKind.REJECT)).order_by(e.event_id)
    rows = read_frame(connection, query)
    accepted = rows.groupby(COUNTED_FOR, dropna=False)["limit_value"].transform("max").fillna(0.0)
    first = ~rows.duplicated(COUNTED_FOR)
    rejected = rows["count"].fillna(0).astype("int64")
    accepted = accepted.where(first, 0.0).round().astype("int64")
    return pd.DataFrame(
        {
            **{name: rows[name] for name in ("site_code", "scanner_code", "modality", "local_date")},
            "exposure_view": rows["code"],
            "reason": rows["outcome_code"],
            "rejected": rejected,
            "accepted": accepted,
            "exposures": rejected + accepted,
        }
    )
