"""Entries of the department's own lists beside the exam each is about, and the dimensions facts take from both."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sqlalchemy import Connection, select

from etl.records import EntryKind
from etl.warehouse.append import read_frame
from etl.warehouse.tables import fact_entry, fact_exam
from etl.warehouse.tables.columns import exam_dimensions

DIMENSIONS = tuple(column.name for column in exam_dimensions())
STATED = ("site_code", "scanner_code", "modality")  # what an entry itself may say where its exam does not
ENTRY = ("exam_key", "begin_at", "end_at", "code", "outcome_code", "value", "local_date", "local_hour")


def entries_of(connection: Connection, *kinds: EntryKind) -> pd.DataFrame:
    """Return the entries of these kinds in the order of their events, with their exam's dimensions and end.

    Columns: `kind`, those of ENTRY, DIMENSIONS, and `exam_end_at`, `exam_date`, `exam_hour`, `is_performed`.
    """
    e, x = fact_entry.c, fact_exam.c
    own = [e[name] for name in ("event_id", "kind", *ENTRY)]
    of_exam = [x[name] for name in DIMENSIONS if name not in STATED]
    stated = [e[name].label(f"stated_{name}") for name in STATED] + [x[name].label(f"exam_{name}") for name in STATED]
    ended = [x.exam_end_at, x.end_local_date.label("exam_date"), x.end_local_hour.label("exam_hour"), x.is_performed]
    query = (
        select(*own, *of_exam, *stated, *ended)
        .select_from(fact_entry.outerjoin(fact_exam, x.exam_key == e.exam_key))
        .where(e.kind.in_([str(kind) for kind in kinds]))
        .order_by(e.event_id)
    )
    rows = read_frame(connection, query)
    for name in STATED:
        first, second = ("exam", "stated") if name != "site_code" else ("stated", "exam")
        rows[name] = rows[f"{first}_{name}"].fillna(rows[f"{second}_{name}"])
    return rows


def at_exam_end(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the local date and hour of the exam's end, those of the entry itself where its exam has none."""
    has_end = rows["exam_date"].notna()
    return pd.DataFrame(
        {
            "local_date": rows["exam_date"].where(has_end, rows["local_date"]),
            "local_hour": rows["exam_hour"].where(has_end, rows["local_hour"]),
        }
    )


def word_in(codes: pd.Series, *words: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which codes are one of these words, letter case aside."""
    return codes.fillna("").str.casefold().isin(words).to_numpy(dtype=bool)
