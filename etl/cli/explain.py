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


@explain_app.command()
def change(
    kpi: Annotated[str, typer.Option(help="KPI id or key, e.g. T16")],
    from_date: Annotated[datetime, typer.Option("--from", formats=_DATES, help="first site-local date")],
    to_date: Annotated[datetime, typer.Option("--to", formats=_DATES, help="date after the last")],
    before: Annotated[
        datetime | None, typer.Option(formats=_DATES, help="first date compared with (default: the period before)")
    ] = None,
    measure: Annotated[str | None, typer.Option(help="column of the KPI, e.g. p90 (default: its headline)")] = None,
    by: Annotated[str | None, typer.Option(help="also tell every member of this dimension, or daypart")] = None,
    where: Annotated[list[str] | None, typer.Option(help="dimension=value[,value]; repeatable")] = None,
    role: Annotated[str, typer.Option("--as", help="role to ask as")] = "analyst",
    config: Config = None,
) -> None:
    """Say where a change of a KPI sits: parts that add up to it exactly, the mix of patients apart."""
    from etl.exports import as_role, parse_where
    from etl.kpis.explain_change import effects, explain_change
    from etl.kpis.query import Query
    from etl.warehouse.engine import reader_engine

    length = to_date - from_date
    first = before or from_date - length
    chosen, engine, principal = parse_where(where or []), reader_engine(settings_of(config)), as_role(role)
    earlier = Query(kpi, first.date(), (first + length).date(), (), chosen)
    later = Query(kpi, from_date.date(), to_date.date(), (), chosen)
    typer.echo(explain_change(engine, earlier, later, principal, measure).sentence)
    if by:
        typer.echo(effects(engine, earlier, later, by, principal, measure).to_string(index=False))
