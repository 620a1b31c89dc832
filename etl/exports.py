"""Exports to files and to the browser: one function, so that both hand over the same bytes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from etl.access import Principal, Role
from etl.errors import RefusedError
from etl.kpis.export import to_csv
from etl.kpis.query import Query, Result
from etl.kpis.variant_way import answer
from etl.kpis.workbook import FORMATS, file_of
from etl.settings import DEFAULT_CONFIG, Settings, load_settings
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


def record_export(log: AuditLog, query: Query, principal: Principal, body: bytes, rows: int) -> str:
    """Write the audit record of an export and return its id; the bytes may leave only after this."""
    return log.record(
        action="EXPORT",
        actor=principal.name,
        role=principal.role,
        object=query.kpi,
        filters=filters_text(query),
        rows=rows,
        sha256=hashlib.sha256(body).hexdigest(),
    )


def form_of(output: Path) -> str:
    """Return the format a file's name asks for: .xlsx and .parquet, else CSV."""
    suffix = output.suffix.lower().removeprefix(".")
    return suffix if suffix in FORMATS else "csv"


def export_file(settings: Settings, query: Query, role: str, output: Path, *, bom: bool) -> tuple[int, str]:
    """Write a result in the format of the file's name; return the number of rows and the SHA-256.

    A CSV gets its side file `<output>.json`; a workbook and a Parquet file hold their description themselves.
    """
    principal = as_role(role)
    result = answer(reader_engine(settings), query, principal)
    body = file_of(result, form_of(output), bom=bom)
    record_export(AuditLog(settings.at(settings.state_file)), query, principal, body, len(result.frame))
    output.write_bytes(body)
    if form_of(output) == "csv":
        output.with_name(output.name + ".json").write_bytes(to_csv(result).sidecar)
    return len(result.frame), hashlib.sha256(body).hexdigest()


def ask(query: Query, *, role: str = "analyst", settings: Settings | None = None) -> Result:
    """Return what the screen shows for a question, for notebooks: audited like an export.

    Without `settings` those named by RADPULSE_CONFIG are taken.
    """
    settings = settings or load_settings(Path(os.environ.get("RADPULSE_CONFIG", DEFAULT_CONFIG)))
    principal = as_role(role)
    result = answer(reader_engine(settings), query, principal)
    body = to_csv(result).csv
    record_export(AuditLog(settings.at(settings.state_file)), query, principal, body, len(result.frame))
    return result
