"""Records as bytes and back: the copy kept of a readable item that staging refuses."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from etl.errors import RefusedError
from etl.records import DoseRecord, EntryRecord, EventRecord, OpeningRecord, Read, Record, SeriesRecord

_TYPES: dict[str, TypeAdapter[Any]] = {
    cls.__name__: TypeAdapter(cls) for cls in (EventRecord, SeriesRecord, DoseRecord, OpeningRecord, EntryRecord)
}


def _plain(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"a record holds no {type(value).__name__}")


def pack(item: Read) -> bytes:
    """Return an item's records as JSON."""
    records = [[type(r).__name__, _kept(r)] for r in item.records]
    content = {"source_ref": item.source_ref, "control_id": item.control_id, "records": records}
    return json.dumps(content, default=_plain).encode("utf-8", "surrogatepass")


def _kept(record: Record) -> dict[str, Any]:
    """Return a record's values without the report's text, which is never kept."""
    return {name: value for name, value in asdict(record).items() if name != "report_text"}


def unpack(content: bytes) -> Read:
    """Return the item `pack` wrote; raises RefusedError when another version wrote it and it no longer fits."""
    try:
        kept = json.loads(content)
        records: list[Record] = [_TYPES[name].validate_python(values) for name, values in kept["records"]]
        return Read(kept["source_ref"], tuple(records), kept["control_id"])
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise RefusedError("the kept records do not fit this version; offer the source again") from error
