"""Exports to files and to the browser: one function, so that both hand over the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from etl.access import Principal, Role
from etl.errors import RefusedError
from etl.kpis.export import Export, to_csv
from etl.kpis.query import Query
from etl.kpis.variant_way import answer
from etl.settings import Settings
from etl.state import AuditLog
from etl.warehouse.engine import reader_engine


def parse_where(texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return filters from `dimension=value[,value]` texts; raises RefusedError on one without `=`."""
    where: dict[str, tuple[str, ...]] = {}
    for text in texts:
        dimension, sign, values = text.partition("=")
        if not sign or not values:
            raise RefusedError(f"--where {text!r} is not of the form dimension=value[,value]")
        where[dimension.strip()] = tuple(value.strip() for value in values.split(","))
    return where


def as_role(name: str) -> Principal:
    """Return the command line's principal in a role; raises RefusedError naming the roles."""
    try:
        return Principal(name="cli", role=Role(name))
    except ValueError as error:
        raise RefusedError(f"role {name!r} is not one of {', '.join(Role)}") from error


def filters_text(query: Query) -> str:
    """Return the question as readable text for the audit record; dimensions never hold identifiers."""
    where = "; ".join(f"{k}={','.join(v)}" for k, v in sorted(query.where.items()))
    return f"{query.from_date}..{query.to_date} by {','.join(query.by) or '-'} where {where or '-'}"


def record_export(log: AuditLog, query: Query, principal: Principal, export: Export, rows: int) -> str:
    """Write the audit record of an export and return its id; the bytes may leave only after this."""
    return log.record(
        action="EXPORT",
        actor=principal.name,
        role=principal.role,
        object=query.kpi,
        filters=filters_text(query),
        rows=rows,
        sha256=hashlib.sha256(export.csv).hexdigest(),
    )


def export_file(settings: Settings, query: Query, role: str, output: Path, *, bom: bool) -> tuple[int, str]:
    """Write the CSV and its side file `<output>.json`; return the number of rows and the CSV's SHA-256."""
    principal = as_role(role)
    result = answer(reader_engine(settings), query, principal)
    export = to_csv(result, bom=bom)
    record_export(AuditLog(settings.at(settings.state_file)), query, principal, export, len(result.frame))
    output.write_bytes(export.csv)
    output.with_name(output.name + ".json").write_bytes(export.sidecar)
    return len(result.frame), hashlib.sha256(export.csv).hexdigest()
