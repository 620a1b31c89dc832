"""`radpulse drl`: the site's own diagnostic reference levels, checked row by row and kept as dated versions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from etl.cli.start import Config, app
from etl.errors import ExitCode
from etl.settings import Settings, load_settings

drl_app = typer.Typer(no_args_is_help=True, help="Diagnostic reference levels: check, load, list.")
app.add_typer(drl_app, name="drl")

File = Annotated[Path, typer.Argument(help="CSV of reference levels", exists=True, dir_okay=False)]


@drl_app.command("check")
def check_file(file: File, config: Config = None) -> None:
    """Check a table without loading it; exit 1, naming every row, when something is wrong."""
    from etl.dose.references import check, collisions, loaded

    settings = load_settings(config)
    groups, folder, region = _groups(settings), settings.at(settings.dose.drl_folder), settings.dose.region
    table = check(file, groups, region)
    others = [other for other in loaded(folder, groups, region) if other.version != table.version]
    wrong = [*table.refused, *collisions(table, others)]
    for said in wrong:
        typer.echo(f"FIX {said}")
    if wrong:
        raise typer.Exit(ExitCode.REFUSED)
    typer.echo(f"ok: {len(table.references)} rows, version {table.version}")


@drl_app.command("load")
def load_file(file: File, config: Config = None) -> None:
    """Check a table and keep it; its rows hold from their valid_from on, from the next `radpulse run`."""
    from etl.dose.references import load

    settings = load_settings(config)
    table = load(file, settings.at(settings.dose.drl_folder), _groups(settings), settings.dose.region)
    typer.echo(f"version {table.version}: {len(table.references)} rows; count from the next `radpulse run` on")


@drl_app.command("list")
def list_loaded(config: Config = None) -> None:
    """List the loaded versions with their rows: what holds for which group, from when on."""
    from etl.dose.references import loaded

    settings = load_settings(config)
    tables = loaded(settings.at(settings.dose.drl_folder), _groups(settings), settings.dose.region)
    if not tables:
        typer.echo("no reference is loaded; `radpulse drl load FILE`")
    for table in tables:
        typer.echo(f"version {table.version}, {len(table.references)} rows")
        for r in table.references:
            where = ", ".join(filter(None, (r.procedure_group, r.band, r.phantom)))
            achievable = "" if r.achievable is None else f", achievable {r.achievable:g}"
            typer.echo(f"  {r.valid_from}  {r.modality}  {where}: {r.quantity} {r.drl:g}{achievable}  ({r.source})")


def _groups(settings: Settings) -> dict[str, frozenset[str]]:
    from etl.warehouse.dose_rules import procedure_group_names
    from etl.warehouse.parameters import load_parameters

    without = settings.model_copy(update={"dose": settings.dose.model_copy(update={"drl_folder": Path("no folder")})})
    return procedure_group_names(load_parameters(without).procedure_rules)
