"""Beliefs at the command line: keep what was knowable on a date, and show it beside today's numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from etl.cli.start import Config, app, settings_of

INSTANTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]
belief_app = typer.Typer(help="What was known on a date, and what has been learned since.", no_args_is_help=True)
app.add_typer(belief_app, name="belief")
KnownAt = Annotated[datetime, typer.Argument(formats=INSTANTS, help="instant of knowledge, UTC")]


@belief_app.command()
def keep(known_at: KnownAt, config: Config = None) -> None:
    """Derive what could be known at KNOWN_AT and keep it; takes as long as deriving everything does."""
    from etl import pipeline
    from etl.beliefs import keep_belief

    settings = settings_of(config)
    with pipeline.exclusive(settings), pipeline.writer(settings) as engine:
        belief = keep_belief(settings, engine, known_at.replace(tzinfo=UTC))
    typer.echo(f"{belief.path}: as known on {belief.known_at:%Y-%m-%d %H:%M} UTC")
    for feed in belief.without_feeds:
        typer.echo(f"  left out: {feed}, which does not say when its data became known")


@belief_app.command("list")
def list_(config: Config = None) -> None:
    """List the beliefs that are kept."""
    from etl.beliefs import kept

    for belief in kept(settings_of(config)):
        without = f"  without {', '.join(belief.without_feeds)}" if belief.without_feeds else ""
        typer.echo(f"{belief.known_at:%Y-%m-%dT%H:%M}  {belief.path.stat().st_size / 1e6:.1f} MB{without}")


@belief_app.command()
def show(
    known_at: KnownAt,
    kpi: Annotated[str, typer.Option(help="KPI id or key, e.g. T16")],
    from_date: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="first site-local date")],
    to_date: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="date after the last")],
    by: Annotated[str, typer.Option(help="dimensions and one grain, comma-separated")] = "",
    where: Annotated[list[str] | None, typer.Option(help="dimension=value[,value]; repeatable")] = None,
    role: Annotated[str, typer.Option("--as", help="role to ask as")] = "analyst",
    config: Config = None,
) -> None:
    """Show a KPI as it was known at KNOWN_AT, as it is known today, and the difference."""
    from etl.beliefs import belief_of, believed, differences
    from etl.exports import as_role, parse_where
    from etl.kpis import Query, compute
    from etl.warehouse.engine import reader_engine

    settings = settings_of(config)
    cuts = tuple(part.strip() for part in by.split(",") if part.strip())
    query = Query(kpi, from_date.date(), to_date.date(), cuts, parse_where(where or []))
    principal = as_role(role)
    then = believed(settings, belief_of(settings, known_at.replace(tzinfo=UTC)), query, principal)
    today = compute(reader_engine(settings), query, principal)
    typer.echo(f"{today.meta.label}, {today.meta.headline} in {today.meta.unit}")
    typer.echo(differences(then, today).to_string(index=False))
