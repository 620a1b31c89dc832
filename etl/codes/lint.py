"""Answers of `radpulse codes` that need the warehouse: findings, work list, suggestions."""

from __future__ import annotations

from etl.codes.suggest import Suggestion, examples_of, suggest
from etl.errors import RefusedError
from etl.pipeline import writer
from etl.settings import Settings
from etl.site_codes import CodeKind
from etl.warehouse.code_worklist import WorkItem, grouped_procedures, worklist
from etl.warehouse.parameters import load_parameters
from etl.warehouse.status_lint import Finding, lint_events, lint_rules


def lint_feeds(settings: Settings, feed_key: str | None = None) -> list[Finding]:
    """Return what is wrong with the status maps of all feeds, or of one; raises RefusedError for an unknown one."""
    parameters = load_parameters(settings)
    feeds = [feed for feed in parameters.feeds if feed_key in (None, feed.key)]
    if feed_key and not feeds:
        raise RefusedError(f"no feed {feed_key!r}; configured: {[feed.key for feed in parameters.feeds]}")
    found = [finding for feed in feeds for finding in lint_rules(parameters, feed)]
    with writer(settings) as engine, engine.connect() as connection:
        return found + lint_events(connection, parameters, feeds)


def work(settings: Settings, kind: CodeKind | None = None) -> list[WorkItem]:
    """Return the codes nobody has mapped, by volume."""
    with writer(settings) as engine, engine.connect() as connection:
        return worklist(connection, load_parameters(settings), kind)


def suggestions(settings: Settings, limit: int) -> list[tuple[WorkItem, list[Suggestion]]]:
    """Return the most frequent procedures without a group, each with the groups most like it."""
    parameters = load_parameters(settings)
    with writer(settings) as engine, engine.connect() as connection:
        items = worklist(connection, parameters, CodeKind.PROCEDURE)[:limit]
        known = grouped_procedures(connection, parameters)
    names = [(item.scope, item.text or item.code) for item in items]
    return list(zip(items, suggest(names, examples_of(parameters.procedure_rules, known)), strict=True))
