"""The events whose meaning hangs on a local code."""

from __future__ import annotations

from fnmatch import fnmatchcase

from sqlalchemy import ColumnElement, Connection, Table, and_, func, select

from etl.site_codes import Change, CodeKind, plain_code
from etl.warehouse.tables import event, event_dose, event_opening, event_series

PLACES: dict[CodeKind, tuple[tuple[Table, str], ...]] = {
    CodeKind.PROCEDURE: ((event, "procedure_code"),),
    CodeKind.STATUS: ((event, "local_code"),),
    CodeKind.STATION: (
        (event, "station_name"), (event_series, "station_name"), (event_dose, "station_name"),
        (event_opening, "scanner_code"),
    ),
    CodeKind.PROTOCOL: ((event_series, "protocol_name"), (event_dose, "protocol_name")),
    CodeKind.PRIORITY: ((event, "priority_code"),),
    CodeKind.PATIENT_CLASS: ((event, "patient_class_code"),),
    CodeKind.MODALITY: ((event, "modality"), (event_series, "modality"), (event_dose, "modality")),
    CodeKind.RATING: ((event, "result_code"), (event, "reason_code")),
}  # fmt: skip


def concerned(connection: Connection, change: Change) -> list[dict[str, str]]:
    """Return rows of table `touched` for the events that carry the code of a change."""
    kind = CodeKind(change.kind)
    found = []
    for table, name in PLACES[kind]:
        codes = _spellings(connection, table, name, change)
        if codes:
            query = select(table.c.event_id).where(and_(table.c[name].in_(codes), *_scope(table, change)))
            found += [{"event_table": table.name, "event_id": e} for e in connection.execute(query).scalars()]
    return found


def _spellings(connection: Connection, table: Table, name: str, change: Change) -> list[str]:
    """Return the codes held that the change's code or pattern means."""
    held = connection.execute(select(table.c[name]).where(table.c[name].is_not(None)).distinct()).scalars()
    if change.kind == CodeKind.STATUS:
        return [code for code in held if fnmatchcase(code, change.code)]
    return [code for code in held if plain_code(change.kind, code) == change.code]


def _scope(table: Table, change: Change) -> list[ColumnElement[bool]]:
    if change.kind == CodeKind.STATUS:
        return [table.c.feed_key == change.scope]
    if change.kind == CodeKind.STATION:
        return [func.coalesce(table.c.site_code, "") == change.scope]
    return []  # a modality may be known by the scanner alone
