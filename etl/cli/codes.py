"""`radpulse codes`: what local codes mean at this site, who said so, and what a change would do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from etl.cli.start import Config, app
from etl.errors import ExitCode
from etl.settings import Settings, load_settings
from etl.site_codes import Change, CodeKind, codes_path, history, save, undoing

codes_app = typer.Typer(no_args_is_help=True, help="Local codes: check, list, suggest, map, undo.")
app.add_typer(codes_app, name="codes")

Kind = Annotated[CodeKind | None, typer.Option(help="only this kind of code")]
By = Annotated[str, typer.Option(help="who says so")]
Why = Annotated[str, typer.Option(help="why; kept in the history")]
Try = Annotated[bool, typer.Option("--preview", help="only show what it would do")]


@codes_app.command("lint")
def lint(feed: Annotated[str | None, typer.Option(help="only this feed")] = None, config: Config = None) -> None:
    """Check the feeds' status maps: complete, reachable, in order, nothing unmapped; exit 1 when something is wrong."""
    from etl.codes.lint import lint_feeds

    findings = lint_feeds(load_settings(config), feed)
    for f in findings:
        typer.echo(f"FIX {f.feed:<16} {f.rule:<11} {f.text}")
    typer.echo(f"{len(findings)} findings" if findings else "ok: every status map is complete and reachable")
    if findings:
        raise typer.Exit(ExitCode.REFUSED)


@codes_app.command("list")
def worklist(kind: Kind = None, limit: Annotated[int, typer.Option()] = 40, config: Config = None) -> None:
    """List the codes nobody has mapped, by volume: number, kind, scope, code, name, what it counts as now."""
    items = _work(load_settings(config), kind)
    if not items:
        typer.echo("ok: every code has a map")
    for item in items[:limit]:
        typer.echo(f"{item.n:>8}  {item.kind:<13} {item.scope:<12} {item.code:<24} {item.text:<40} {item.now}".rstrip())
    if len(items) > limit:
        typer.echo(f"{len(items) - limit} more; all with --limit {len(items)}")


@codes_app.command("suggest")
def suggest(limit: Annotated[int, typer.Option()] = 20, config: Config = None) -> None:
    """Suggest a group for each procedure that has none, the most frequent first, with how like its names are."""
    from etl.codes.lint import suggestions

    items = suggestions(load_settings(config), limit)
    if not items:
        typer.echo("ok: every procedure has a group")
    for item, found in items:
        near = "; ".join(f"{s.group} ({s.score:.2f})" for s in found) or "like no group"
        typer.echo(f"{item.n:>8}  {item.scope:<4} {item.code:<16} {item.text:<40} -> {near}")


@codes_app.command("set")
def set_code(
    code: Annotated[str, typer.Argument(help="local code (of a status: a pattern with * and ?)")],
    value: Annotated[str, typer.Argument(help="group, event type or 'none', scanner, protocol name, canonical code")],
    by: By,
    reason: Why,
    kind: Annotated[CodeKind, typer.Option()] = CodeKind.PROCEDURE,
    scope: Annotated[str, typer.Option(help="modality (procedure, protocol), feed (status), site (station)")] = "*",
    preview: Try = False,
    config: Config = None,
) -> None:
    """Say what a local code means; with --preview only what that would do."""
    from etl.codes.changes import wished

    settings = load_settings(config)
    _show_or_save(settings, wished(settings, kind, scope, code, value, by=by, reason=reason), preview)


@codes_app.command("undo")
def undo(
    by: By,
    reason: Why,
    version: Annotated[int | None, typer.Option(help="which change; default the last")] = None,
    preview: Try = False,
    config: Config = None,
) -> None:
    """Take a change back: what held before holds again; the history keeps both."""
    settings = load_settings(config)
    change = undoing(history(codes_path(settings)), version, by=by, reason=reason)
    _show_or_save(settings, change, preview)


@codes_app.command("history")
def show_history(config: Config = None) -> None:
    """Show every change of the site's codes: who, when, what, why."""
    for c in history(codes_path(load_settings(config))):
        typer.echo(f"{c.version:>4} {c.changed_at} {c.by}: {_said(c)} ({c.reason})")


def _said(change: Change) -> str:
    return f"{change.kind} {change.code} [{change.scope}] {change.old or '-'} -> {change.new or '-'}"


def _show_or_save(settings: Settings, change: Change, preview: bool) -> None:
    if preview:
        for line in _effect(settings, change):
            typer.echo(line)
        return
    save(codes_path(settings), change)
    typer.echo(f"version {change.version}: {_said(change)}; counts from the next `radpulse run` on")


def _effect(settings: Settings, change: Change) -> Iterator[str]:
    from etl.codes.preview import preview
    from etl.pipeline import exclusive, writer

    with exclusive(settings), writer(settings) as engine:
        effect = preview(settings, engine, change)
    yield from effect.lines()


def _work(settings: Settings, kind: CodeKind | None) -> list[Any]:
    from etl.codes.lint import work

    return work(settings, kind)
