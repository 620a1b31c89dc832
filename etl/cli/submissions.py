"""Registry-shaped exports with validation before submission."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from etl.cli.start import Config, app, settings_of
from etl.errors import ExitCode

LISTED = 20


@app.command()
def submission(
    registry: Annotated[str, typer.Argument(help="grid, dids, dm01 or dose")],
    month: Annotated[str, typer.Option(help="site-local month, YYYY-MM")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="folder for the file and its manifest")] = None,
    check: Annotated[bool, typer.Option("--check", help="only say what would be rejected")] = False,
    role: Annotated[str, typer.Option("--as", help="role to export as")] = "analyst",
    config: Config = None,
) -> None:
    """Write a registry's month, or refuse with the list of what would be rejected; never a part of it."""
    from etl.errors import RefusedError
    from etl.exports import as_role
    from etl.submissions import month_of, prepare, write
    from etl.warehouse.engine import reader_engine

    settings, principal = settings_of(config), as_role(role)
    if output is None and not check:
        raise RefusedError("give -o FOLDER, or --check to only look")
    prepared = prepare(reader_engine(settings), settings, registry, month_of(month), principal)
    typer.echo(", ".join(f"{name.replace('_', ' ')} {n}" for name, n in prepared.counts.items()))
    for why, n in prepared.manifest["out_of_scope"].items():
        typer.echo(f"  out of scope, {why}: {n}")
    for why, n in list(prepared.manifest["refused_by"].items())[:LISTED]:
        typer.echo(f"  refused, {n} times {why}")
    for name, local, n in prepared.worklist[:LISTED]:
        typer.echo(f"  missing in {settings.submission_codes_file}: {name},{local} ({n} rows)")
    for field in prepared.manifest["refused_fields"]:
        typer.echo(f"  not told: {field} needs the identity vault, which is off")
    if output is not None and not check:
        for path in write(settings, prepared, principal, output):
            typer.echo(str(path))
    if prepared.refusals:
        raise typer.Exit(ExitCode.REFUSED)
