"""What people do in the dashboard, as a batch of events: their identifiers are tokens already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from etl.records import EventRecord
from etl.settings import OWN_FEED
from etl.staging.columns import ITEMS, SCHEMAS
from etl.staging.pseudonymise import Pseudonymiser
from etl.staging.rows import RowMaker
from etl.staging.stage import Batch


@dataclass(frozen=True, slots=True)
class OwnEvent:
    """An event of the dashboard: where it stands in the state store, whose site, and the eight tokens of `SOURCE`."""

    source_ref: str
    site_code: str
    record: EventRecord
    tokens: tuple[str | None, ...]


def stage_own(events: Sequence[OwnEvent], pseudonymiser: Pseudonymiser) -> Batch:
    """Return the events as a batch, one item each; persons in them become tokens as in any feed."""
    rows = [
        (*RowMaker(OWN_FEED, e.site_code, pseudonymiser).event(e.record, e.tokens), number)
        for number, e in enumerate(events)
    ]
    items = [(number, e.source_ref, None, "read", None, None, None, None) for number, e in enumerate(events)]
    return Batch({"event": _table(rows, SCHEMAS["event"])}, _table(items, ITEMS))


def _table(rows: Sequence[tuple[object, ...]], schema: pa.Schema) -> pa.Table:
    columns = zip(zip(*rows, strict=True), schema, strict=True)
    return pa.Table.from_arrays([pa.array(values, field.type) for values, field in columns], schema=schema)
