"""Events of the warehouse as emission needs them: a code, a time, and pseudonyms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Row, select

from etl.records import EventType
from etl.settings import Settings
from etl.warehouse.event_set import TYPES, event_types
from etl.warehouse.parameters import load_parameters
from etl.warehouse.tables import event
from etl.warehouse.vocabulary import Term, vocabulary

CHUNK = 5000
SUBJECTS = ("patient", "accession", "placer", "filler", "study", "visit", "appointment", "procedure")
PERSONS = ("ordering", "technologist", "reader", "assistant")


@dataclass(frozen=True, slots=True)
class Happening:
    """One event to be emitted; `at` has the offset of the sender's wall clock, ids are pseudonym URNs by kind."""

    event_id: str
    type: EventType
    term: Term
    at: datetime
    known_at: datetime
    site: str
    source: str  # which clock wrote it
    subjects: dict[str, str]
    persons: dict[str, str]
    station: str | None
    modality: str | None
    procedure_code: str | None
    procedure_text: str | None


def happenings(connection: Connection, settings: Settings, from_at: datetime, to_at: datetime) -> Iterator[Happening]:
    """Yield the workflow events of `[from_at, to_at)` in time order; those mapped to no event are left out.

    Times are as sent, before clock corrections: a reader of the log corrects the clock it knows.
    """
    terms, parameters = vocabulary(settings), load_parameters(settings)
    query = (
        select(event)
        .where(event.c.occurred_at >= from_at, event.c.occurred_at < to_at)
        .order_by(event.c.occurred_at, event.c.event_id)
    )
    for rows in connection.execution_options(yield_per=CHUNK).execute(query).partitions(CHUNK):
        codes = event_types(pd.DataFrame(rows, columns=query.selected_columns.keys()), parameters)
        for row, code in zip(rows, codes, strict=True):
            if code >= 0:
                yield _happening(row, TYPES[code], terms[TYPES[code]])


def _happening(row: Row[Any], kind: EventType, term: Term) -> Happening:
    at = row.occurred_at.astimezone(timezone(timedelta(minutes=row.utc_offset_min or 0)))
    return Happening(
        event_id=row.event_id,
        type=kind,
        term=term,
        at=at,
        known_at=max(row.known_at or at, at),
        site=row.site_code,
        source=row.clock_key,
        subjects=_pseudonyms(row, SUBJECTS),
        persons=_pseudonyms(row, PERSONS),
        station=row.station_name,
        modality=row.modality,
        procedure_code=row.procedure_code,
        procedure_text=row.procedure_text,
    )


def pseudonym_system(epoch: int, kind: str) -> str:
    """Return the id system of a pseudonym: which key made it, and of what."""
    return f"urn:radpulse:pseudonym:{epoch}:{kind}"


def _pseudonyms(row: Row[Any], kinds: tuple[str, ...]) -> dict[str, str]:
    tokens = {kind: getattr(row, f"{kind}_token") for kind in kinds}
    of = {kind: "person" if kinds is PERSONS else kind for kind in kinds}
    return {k: f"{pseudonym_system(row.key_epoch, of[k])}:{token}" for k, token in tokens.items() if token}
