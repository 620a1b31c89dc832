"""Taking numbers and events out: the KPI registry, exports, operational events."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from etl.cli.start import Config, app, settings_of

SPAN_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]


@app.command()
def kpis(
    write: Annotated[Path | None, typer.Option(help="rewrite the KPI table in this README")] = None,
    check: Annotated[Path | None, typer.Option(help="exit 1 when the table in this README is stale")] = None,
) -> None:
    """List the KPI registry, or keep the README's table equal to it."""
    from etl.kpis import docs

    if write:
        docs.write_table(write)
    elif check:
        docs.check_table(check)
    else:
        typer.echo(docs.table())


@app.command()
def export(
    kpi: Annotated[str, typer.Option(help="KPI id or key, e.g. T16")],
    from_date: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="first site-local date")],
    to_date: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="date after the last")],
    output: Annotated[Path, typer.Option("-o", "--output", help=".csv (with a side file .json), .xlsx or .parquet")],
    by: Annotated[str, typer.Option(help="dimensions and one grain, comma-separated")] = "",
    where: Annotated[list[str] | None, typer.Option(help="dimension=value[,value]; repeatable")] = None,
    role: Annotated[str, typer.Option("--as", help="role to export as")] = "analyst",
    bom: Annotated[bool, typer.Option(help="UTF-8 byte order mark, for Excel")] = False,
    config: Config = None,
) -> None:
    """Write what the screen shows as CSV, Excel or Parquet: the same bytes as the app's button in the same role."""
    from etl.exports import export_file, parse_where
    from etl.kpis.query import Query

    settings = settings_of(config)
    dimensions = tuple(part.strip() for part in by.split(",") if part.strip())
    query = Query(kpi, _day(from_date), _day(to_date), dimensions, parse_where(where or []))
    rows, sha256 = export_file(settings, query, role, output, bom=bom)
    typer.echo(f"{output}: {rows} rows, sha256 {sha256[:16]}…")


@app.command()
def emit(
    shape: Annotated[str, typer.Option("--as", help="sole or auditevent")],
    from_at: Annotated[datetime, typer.Option("--from", formats=SPAN_FORMATS, help="first instant, UTC")],
    to_at: Annotated[datetime, typer.Option("--to", formats=SPAN_FORMATS, help="instant after the last, UTC")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="file; .json makes AuditEvents a Bundle")
    ] = None,
    to_syslog: Annotated[str | None, typer.Option(help="host:port that takes SOLE messages")] = None,
    tls_ca: Annotated[Path | None, typer.Option(help="authority of the peer's certificate; turns TLS on")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="our certificate for that peer")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="its key")] = None,
    identified: Annotated[bool, typer.Option(help="real identifiers; needs the identity vault")] = False,
    config: Config = None,
) -> None:
    """Send our events on as IHE SOLE syslog messages or FHIR AuditEvents, pseudonymous, to a file or a syslog peer."""
    from etl import emit as emission
    from etl import pipeline
    from etl.emit.syslog_peer import SyslogPeer, peer_of

    settings = settings_of(config)
    if identified:
        emission.refuse_identified(settings)
    chosen = emission.shape_of(shape, output, to_syslog)
    span = emission.Span(from_at.replace(tzinfo=UTC), to_at.replace(tzinfo=UTC))
    with pipeline.exclusive(settings), pipeline.writer(settings) as engine, engine.connect() as connection:
        if output is not None:
            number = emission.emit_file(connection, settings, span, chosen, output)
        else:
            peer = SyslogPeer(*peer_of(str(to_syslog)), tls_ca, tls_cert, tls_key)
            number = emission.emit_syslog(connection, settings, span, peer)
    typer.echo(f"{output or to_syslog}: {number} events, pseudonymous")


@app.command()
def radlex(
    file: Annotated[Path, typer.Argument(help="RadLex as CSV or OWL")],
    config: Config = None,
) -> None:
    """Propose RadLex codes for the event vocabulary from FILE; a person reviews them before they are used."""
    from etl.radlex import propose, write_proposals

    settings = settings_of(config)
    proposals = propose(settings, file)
    for p in proposals:
        found = ", ".join(f"{rid} {name!r}" for rid, name in p.found) or "not found"
        typer.echo(f"{p.term.key:<22} {found}{'  (choose one by hand)' if len(p.found) > 1 else ''}")
    path = write_proposals(settings, proposals)
    typer.echo(f"{path}: fill reviewed_by in the rows that are right; rows without it are not used")


def _day(value: datetime) -> date:
    return value.date()
