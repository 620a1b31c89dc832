"""Alerts: what is open, what would be sent, who has taken what on."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from etl.cli.start import Config, app, settings_of
from etl.errors import ConfigurationError, ExitCode

alerts_app = typer.Typer(no_args_is_help=False, help="Alerts: list, check, run, ack; --dry-run shows what would go.")
app.add_typer(alerts_app, name="alerts")


@alerts_app.callback(invoke_without_command=True)
def alerts(
    ctx: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="what would be sent and why; changes nothing")] = False,
    config: Config = None,
) -> None:
    """List open alerts, or with --dry-run say what a run would send, hold and suppress, and why."""
    if ctx.invoked_subcommand is not None:
        return
    if not dry_run:
        list_alerts(config=config)
        return
    from etl.alerts import run_alerts

    for line in run_alerts(settings_of(config), dry_run=True):
        typer.echo(line)


@alerts_app.command("list")
def list_alerts(
    history: Annotated[bool, typer.Option("--history", help="resolved ones too")] = False,
    config: Config = None,
) -> None:
    """List open alerts with owner and age, and messages that wait or failed."""
    from etl.alerts import AlertStore
    from etl.alerts.listing import alert_line, notice_line

    settings = settings_of(config)
    store, now = AlertStore(settings.at(settings.state_file)), datetime.now(UTC)
    standing = store.open_alerts()
    for alert in standing:
        typer.echo(alert_line(alert, now))
    if not standing:
        typer.echo("no open alert")
    for notice in store.notices("waiting", "given_up", "dropped"):
        typer.echo(notice_line(notice))
    for alert in store.history() if history else []:
        typer.echo(alert_line(alert, now))


@alerts_app.command()
def check(config: Config = None) -> None:
    """Check the alert file and its targets; sends nothing, every line says the fix."""
    from etl.alerts import load_alerts
    from etl.alerts.targets import channel

    settings = settings_of(config)
    file = load_alerts(settings)
    typer.echo(f"ok  {settings.alerts_file}: {len(file.rules)} rules, {len(file.targets)} targets")
    refused = 0
    for target in file.targets:
        try:
            channel(settings, file, target)
            typer.echo(f"ok  target {target.key}: at most {target.max_per_hour} messages an hour")
        except ConfigurationError as error:
            refused += 1
            typer.echo(f"FIX {error}")
    if refused:
        raise typer.Exit(ExitCode.CONFIGURATION)


@alerts_app.command("run")
def run_now(config: Config = None) -> None:
    """Judge every rule now and send what is due; `radpulse run` does it every five minutes."""
    from etl.alerts import run_alerts

    for line in run_alerts(settings_of(config)):
        typer.echo(line)


@alerts_app.command()
def ack(
    id: Annotated[str, typer.Argument(help="id of an open alert, or its beginning")],
    hours: Annotated[float | None, typer.Option(help="for how long; without it until resolved")] = None,
    note: Annotated[str, typer.Option(help="what is being done; no patient's name")] = "",
    by: Annotated[str | None, typer.Option(help="who takes it on; your login without it")] = None,
    config: Config = None,
) -> None:
    """Acknowledge an open alert: no reminders and no escalation meanwhile; audited."""
    from etl.alerts import AlertStore

    settings = settings_of(config)
    store, now = AlertStore(settings.at(settings.state_file)), datetime.now(UTC)
    until = now + timedelta(hours=hours) if hours is not None else None
    taken = store.acknowledge(id, by=by or getpass.getuser(), role="cli", now=now, until=until, note=note)
    typer.echo(f"{taken.name}: acknowledged by {taken.ack_by}")
