"""Peer reviews and reference results: what others, or the pathologist, found of a report."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
from sqlalchemy import Connection

from etl.records import EntryKind
from etl.warehouse.exam_entries import DIMENSIONS, at_exam_end, entries_of, word_in
from etl.warehouse.parameters import Parameters

SCORES = ("1", "2", "3")


def derive_peer_reviews(connection: Connection, parameters: Parameters, data_at: datetime) -> pd.DataFrame:
    """Return fact_peer_review rows: a score is its first character, `b` after it marks likely significance."""
    rows = entries_of(connection, EntryKind.PEER_REVIEW)
    code = rows["code"].fillna("").str.strip().str.casefold()
    scale = code.str.fullmatch("[123][ab]?")
    return pd.DataFrame(
        {
            **{name: rows[name] for name in ("exam_key", *DIMENSIONS, "local_date", "local_hour")},
            "reviewed_at": rows["begin_at"],
            "score": code.str[:1].where(scale).astype("float64").astype("Int64"),
            "is_significant": scale & code.str.endswith("b"),
            "arbitration": rows["outcome_code"],
        }
    )


def derive_references(connection: Connection, parameters: Parameters, data_at: datetime) -> pd.DataFrame:
    """Return fact_reference rows; a row without a clear call or result tells nothing of accuracy and stays NULL."""
    rows = entries_of(connection, EntryKind.REFERENCE)
    present, absent = (word_in(rows["outcome_code"], word) for word in ("positive", "negative"))
    return pd.DataFrame(
        {
            **{name: rows[name] for name in ("exam_key", *DIMENSIONS)},
            **at_exam_end(rows),
            "finding": rows["code"],
            "is_called": (rows["value"] >= 0.5).astype("boolean").where(rows["value"].notna()),
            "is_present": pd.Series(present).astype("boolean").where(pd.Series(present | absent)),
            "known_from_at": rows["begin_at"],
        }
    )
