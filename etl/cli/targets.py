"""`radpulse targets`: which limits hold, what is wrong with them, and what a change would do before it is saved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from etl.cli.start import Config, app
from etl.errors import ConfigurationError, ExitCode, RefusedError
from etl.settings import Settings, load_settings
from etl.warehouse.target_rules import TargetRule, own_targets, parsed_targets, rule_packs, site_targets

targets_app = typer.Typer(no_args_is_help=True, help="Targets: list, check, preview a change, save it, undo.")
app.add_typer(targets_app, name="targets")

By = Annotated[str, typer.Option(help="who says so")]
Why = Annotated[str, typer.Option(help="why; kept in the history")]
Table = Annotated[Path, typer.Argument(help="CSV with the columns of targets.csv")]


@targets_app.command("list")
def show(
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="only what holds on this day")] = None,
    phase: Annotated[str, typer.Option(help="only this phase")] = "",
    config: Config = None,
) -> None:
    """List the rules that hold: phase, minutes, whom they are about, from and to, the pack they come from."""
    rules = [r for r in site_targets(load_settings(config)) if phase in ("", r.phase)]
    day = on.date() if on else None
    for rule in rules:
        if day is None or rule.holds_on(day):
            typer.echo(_said(rule))
    if not rules:
        typer.echo("no targets; write targets.csv or switch on a pack: radpulse targets packs")


@targets_app.command("packs")
def packs(config: Config = None) -> None:
    """List the shipped rule packs, their sources, and which are switched on in radpulse.toml (rule_packs)."""
    on = load_settings(config).rule_packs
    for pack in rule_packs().values():
        typer.echo(f"{'on ' if pack.key in on else 'off'} {pack.key:<22} {pack.name} ({pack.source})")
        for rule, source in zip(pack.rules, pack.sources, strict=True):
            typer.echo(f"      {_said(rule)}: {source}")
        for clock, source in zip(pack.clocks, pack.clock_sources, strict=True):
            typer.echo(f"      clock anew after {clock.after} by {clock.by}, from the {clock.restart}: {source}")
        for strata in pack.strata:
            typer.echo(f"      {strata['kpi']} by {', '.join(strata['by'])}: {strata['source']}")


@targets_app.command("check")
def check_table(
    table: Annotated[Path | None, typer.Argument(help="another table than the site's own")] = None,
    config: Config = None,
) -> None:
    """Check a table of targets for unknown words, overlaps and gaps; exit 1 when something must be mended."""
    settings = load_settings(config)
    rules = own_targets(settings.at(settings.targets_file)) if table is None else _read(table)
    if _problems(settings, rules):
        raise typer.Exit(ExitCode.REFUSED)


@targets_app.command("preview")
def preview(table: Table, config: Config = None) -> None:
    """Show what a table would change: share within target before and after by stratum, and the months concerned."""
    settings = load_settings(config)
    rules = _read(table)
    _problems(settings, rules)
    _show_effect(settings, rules)


@targets_app.command("set")
def save_table(table: Table, by: By, reason: Why, config: Config = None) -> None:
    """Save a table as the site's targets, after showing its effect; it counts from the next `radpulse run` on."""
    from etl.targets.history import save

    settings = load_settings(config)
    rules = _read(table)
    if _problems(settings, rules):
        raise RefusedError("nothing saved: mend what is marked FIX first")
    try:
        _show_effect(settings, rules)
    except RefusedError as refused:
        typer.echo(f"no effect to show: {refused}")
    version = save(settings, rules, by=by, reason=reason)
    typer.echo(f"version {version.number} saved with {len(rules)} rules; counts from the next `radpulse run` on")


@targets_app.command("undo")
def take_back(by: By, reason: Why, config: Config = None) -> None:
    """Bring back the table before the last change; the history keeps both."""
    from etl.targets.history import undo

    version = undo(load_settings(config), by=by, reason=reason)
    typer.echo(f"version {version.number} is the table before; it counts from the next `radpulse run` on")


@targets_app.command("history")
def show_history(config: Config = None) -> None:
    """Show every saved version: who, when, why, how many rules, how many came and went."""
    from etl.targets.history import versions

    before: tuple[TargetRule, ...] = ()
    for v in versions(load_settings(config)):
        came, went = len(set(v.rules) - set(before)), len(set(before) - set(v.rules))
        typer.echo(f"{v.number:>4} {v.changed_at} {v.by}: {len(v.rules)} rules, {came} new, {went} gone ({v.reason})")
        before = v.rules


def _read(table: Path) -> tuple[TargetRule, ...]:
    try:
        return parsed_targets(table.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(f"{table} cannot be read: {error.strerror}") from error


def _problems(settings: Settings, rules: Sequence[TargetRule]) -> bool:
    """Show what is wrong; return whether something must be mended."""
    from etl.targets.check import check, known_words

    found = check(rules, known_words(settings))
    for problem in found:
        typer.echo(f"{'FIX ' if problem.must else 'note'} {problem.text}")
    if not found:
        typer.echo(f"ok: {len(rules)} rules, no overlap, no gap, no unknown word")
    return any(problem.must for problem in found)


def _show_effect(settings: Settings, rules: Sequence[TargetRule]) -> None:
    from etl.access import Principal, Role
    from etl.targets.effect import effects
    from etl.warehouse.engine import reader_engine

    now = site_targets(settings)
    shipped = [rule for rule in now if rule.pack]
    role = Principal(name="cli", role=Role.STEWARD)
    found = effects(reader_engine(settings), now, [*rules, *shipped], role)
    for effect in found:
        for line in effect.lines():
            typer.echo(line)
    if not found:
        typer.echo("changes no target of a wait that is measured on the exam")


def _said(rule: TargetRule) -> str:
    def day(value: date | None) -> str:
        return value.isoformat() if value else "always"

    about = " ".join(rule.scope)
    pack = f" [{rule.pack}]" if rule.pack else ""
    when = f"{day(rule.valid_from)} to {day(rule.valid_to)}"
    return f"{rule.phase:<22} {rule.target_min:>8g} min  {about}  {when}{pack}"
