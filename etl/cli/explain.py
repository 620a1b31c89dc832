"""`radpulse explain`: why a number is what it is."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from etl.cli.start import Config, app, settings_of

explain_app = typer.Typer(no_args_is_help=True, help="Say why a number is what it is.")
app.add_typer(explain_app, name="explain")

_DATES = ["%Y-%m-%d"]


@explain_app.callback()
def explain() -> None:
    """Say why a number is what it is."""


@explain_app.command()
def utilization(
    start: Annotated[str, typer.Option("--from", help="variant to start from, e.g. U01")],
    end: Annotated[str, typer.Option("--to", help="variant to come to, e.g. U04")],
    from_date: Annotated[datetime, typer.Option("--from-date", formats=_DATES, help="first site-local date")],
    to_date: Annotated[datetime, typer.Option("--to-date", formats=_DATES, help="date after the last")],
    scanner: Annotated[list[str] | None, typer.Option("--scanner", help="scanner code; repeatable")] = None,
    where: Annotated[list[str] | None, typer.Option(help="dimension=value[,value]; repeatable")] = None,
    role: Annotated[str, typer.Option("--as", help="role to ask as")] = "analyst",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="write the steps as CSV too")] = None,
    config: Config = None,
) -> None:
    """Say step by step, to the minute, why two variants of utilization differ."""
    from etl.explanations import utilization_lines
    from etl.exports import export_file, parse_where
    from etl.kpis.query import Query
    from etl.kpis.variant_way import way_name

    chosen = parse_where(where or []) | ({"scanner": tuple(scanner)} if scanner else {})
    query = Query(way_name(start, end), from_date.date(), to_date.date(), (), chosen)
    settings = settings_of(config)
    for line in utilization_lines(settings, query, role):
        typer.echo(line)
    if output:
        rows, sha256 = export_file(settings, query, role, output, bom=False)
        typer.echo(f"{output}: {rows} rows, sha256 {sha256[:16]}…")
