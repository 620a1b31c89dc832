"""Looking closer: doctor, inspect, proposals, what has no partner, clocks, quarantine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from etl.cli.start import Config, app, settings_of
from etl.errors import ExitCode, ItemRefused, RefusedError
from etl.settings import load_settings

quarantine_app = typer.Typer(no_args_is_help=True, help="Refused items: list, show, replay.")
app.add_typer(quarantine_app, name="quarantine")


@app.command()
def doctor(config: Config = None) -> None:
    """Check settings, feeds, key, engine, disk, versions and clocks; every line says the fix."""
    from etl.doctor import examine

    findings = examine(load_settings(config))
    for finding in findings:
        line = f"{'ok ' if finding.ok else 'FIX'} {finding.area:<11} {finding.text}"
        typer.echo(line if finding.ok else f"{line} -> {finding.fix}")
    if any(not finding.ok and finding.area in ("settings", "key", "engine") for finding in findings):
        raise typer.Exit(ExitCode.CONFIGURATION)


@app.command()
def board(
    site: Annotated[list[str] | None, typer.Option(help="a site to show; repeatable; all without")] = None,
    days: Annotated[float, typer.Option(help="how long the link opens")] = 30.0,
    address: Annotated[str, typer.Option(help="where the dashboard answers")] = "http://localhost:8501",
    withdraw: Annotated[bool, typer.Option("--withdraw", help="make every link void instead")] = False,
    config: Config = None,
) -> None:
    """Print a link to the wall board: aggregates only, signed, expiring."""
    from datetime import timedelta

    from etl.board_links import make_link, withdraw_links

    settings = settings_of(config)
    if withdraw:
        typer.echo("every link is void" if withdraw_links(settings) else "there was no link")
        return
    token = make_link(settings, tuple(site or ()), timedelta(days=days), "cli")
    typer.echo(f"{address.rstrip('/')}/board/{token}")


@app.command()
def unmatched(
    limit: Annotated[int, typer.Option(help="rows of each side")] = 50,
    config: Config = None,
) -> None:
    """List images without exam and exams without images, newest first, with the likely cause."""
    from etl.listings import unmatched_lines

    lines = list(unmatched_lines(settings_of(config), limit))
    for line in lines or ["nothing without a partner"]:
        typer.echo(line)


@app.command()
def clocks(config: Config = None) -> None:
    """List what was found about each scanner's clock, and propose the corrections to write into the settings."""
    from etl.listings import clock_lines

    lines = list(clock_lines(settings_of(config)))
    for line in lines or ["no clocks to compare: add [[scanners]] to radpulse.toml, then `radpulse ingest`"]:
        typer.echo(line)


@app.command()
def inspect(file: Annotated[Path, typer.Argument(help="HL7, DICOM, dose report, QIDO-RS JSON, CSV")]) -> None:
    """Print as JSON what FILE would become; touches nothing, masks identifiers, needs no key."""
    from etl.sources import inspect_file

    try:
        found = inspect_file(file)
    except ItemRefused as refused:
        raise RefusedError(f"{file.name}: {refused}") from refused
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False, default=str))


@app.command("map")
def map_file(
    file: Annotated[Path, typer.Argument(help="CSV or TSV of another layout")],
    kind: Annotated[str | None, typer.Option(help="what it is: exam, critical_results, shift, opening ...")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="write the mapping here")] = None,
) -> None:
    """Propose which column of FILE is what, with masked examples; -o writes the mapping and says the feed's lines."""
    from etl.cli.maps import describe, write

    found = describe(file, kind, output.stem if output else file.stem, typer.echo)
    if output:
        write(found, file, output, typer.echo)


@quarantine_app.command("list")
def quarantine_list(
    feed: Annotated[str | None, typer.Option()] = None,
    limit: Annotated[int, typer.Option()] = 50,
    config: Config = None,
) -> None:
    """List refused items, newest first."""
    from etl import pipeline

    for row in pipeline.quarantined(settings_of(config), feed=feed, limit=limit):
        typer.echo(f"{row.quarantine_id}  {row.feed_key:<14} {row.reason:<22} {row.source_ref}")


@quarantine_app.command("show")
def quarantine_show(quarantine_id: str, config: Config = None) -> None:
    """Show one refused item: reason and redacted detail, never the raw content."""
    from etl import pipeline

    rows = pipeline.quarantined(settings_of(config), quarantine_id=quarantine_id, limit=1)
    if not rows:
        raise RefusedError(f"no quarantined item {quarantine_id}; `radpulse quarantine list` shows them")
    typer.echo(json.dumps(dict(rows[0]._mapping), indent=2, default=str))


@quarantine_app.command("replay")
def quarantine_replay(
    quarantine_id: Annotated[list[str] | None, typer.Argument(help="items; all when none is given")] = None,
    config: Config = None,
) -> None:
    """Read refused items again from their encrypted raw copies, after a mapping or a rule was mended."""
    from etl import pipeline
    from etl.replay import replay

    settings = settings_of(config)
    with pipeline.exclusive(settings), pipeline.writer(settings) as engine:
        counts = replay(settings, engine, quarantine_id or [])
    for line in pipeline.describe(counts):
        typer.echo(line)
