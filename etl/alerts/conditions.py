"""What each rule finds in the published version: one finding a slice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import Engine, select

from etl.access import Principal, Role
from etl.alerts.charted import charted
from etl.alerts.finding import Finding, Slice, said, slice_of
from etl.alerts.rules import FreshnessRule, KpiRule, OverdueRule, Rule, SpcRule, ThresholdRule
from etl.errors import RefusedError
from etl.kpis import compute
from etl.kpis.compute import current_version, site_zones
from etl.kpis.query import Query, Result
from etl.kpis.snapshot import Snapshot
from etl.warehouse.engine import read_frame
from etl.warehouse.feed_profile import Freshness, judged
from etl.warehouse.tables import fact_feed

# messages leave the house: what they say is what a viewer may see (decision 12)
ASKED_AS = Principal("alerts", Role.VIEWER)
_BEYOND: dict[str, Callable[[float, float], bool]] = {
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
    "<": lambda value, limit: value < limit,
    "<=": lambda value, limit: value <= limit,
}
_WITHIN = {">": "at most", ">=": "below", "<": "at least", "<=": "above"}  # what is not beyond, by operator
_COUNTS = ("count", "over_limit", "oldest", "work")  # of an empty queue nought is known
_DAYS = {"yesterday": 1, "last_7_days": 7, "last_28_days": 28}


def find(engine: Engine, rule: Rule, now: datetime, open_slices: Iterable[str] = ()) -> list[Finding]:
    """Return what a rule finds; `open_slices` are those with an open alert, so that an emptied queue is seen.

    A KPI that cannot be told (no feed, no published version) is a finding without a verdict, never an error.
    """
    if isinstance(rule, FreshnessRule):
        return _feeds(engine, rule, now)
    try:
        asked = _asked(engine, rule)
        result = compute(engine, asked, ASKED_AS)
    except RefusedError as refused:
        return [Finding(rule.key, (), None, str(refused))]
    if result.meta.absent:
        return [Finding(rule.key, (), None, f"no number: {result.meta.absent}")]
    if isinstance(rule, SpcRule):
        return charted(rule, result)
    return _beyond(rule, result, [slice_of(key) for key in open_slices])


def _asked(engine: Engine, rule: KpiRule) -> Query:
    """Return the question of a rule; days are the sites' own, the earliest one where they lie in several zones."""
    with engine.connect() as connection:
        as_of = current_version(connection).data_at
        zones = site_zones(connection, ASKED_AS)
    if not zones:
        raise RefusedError("no site is known")
    days = [as_of.astimezone(zone).date() for zone in zones.values()]
    today = min(days)
    first, stop = _chart_days(rule, today) if isinstance(rule, SpcRule) else _period(rule, today, max(days))
    by = (*rule.by, rule.grain) if isinstance(rule, SpcRule) else rule.by
    return Query(rule.definition.key, first, stop, by, rule.where)


def _chart_days(rule: SpcRule, today: date) -> tuple[date, date]:
    """Return the days of the last complete bucket and of the points before it."""
    if rule.grain == "week":
        monday = today - timedelta(days=today.weekday())
        return monday - timedelta(weeks=rule.points + 1), monday
    apart = 7 if rule.same_weekday else 1
    return today - timedelta(days=rule.points * apart + 1), today


def _period(rule: ThresholdRule | OverdueRule, today: date, latest: date) -> tuple[date, date]:
    chosen = getattr(rule, "period", None)
    if chosen is None:
        chosen = "today" if rule.definition.at.date is None else "yesterday"
    tomorrow = latest + timedelta(days=1)
    if chosen == "today":
        return today, tomorrow
    if chosen == "month":
        return today.replace(day=1), tomorrow
    return today - timedelta(days=_DAYS[chosen]), today


def _beyond(rule: ThresholdRule | OverdueRule, result: Result, open_slices: list[Slice]) -> list[Finding]:
    found = [_judged(rule, result, row) for row in result.frame.to_dict("records")]
    if isinstance(rule.definition.kind, Snapshot) and _column(rule) in _COUNTS:
        seen = {finding.slice for finding in found}
        emptied = [parts for parts in open_slices if parts not in seen]
        found += [Finding(rule.key, parts, False, "nothing is waiting", 0.0, rule.limit, 0) for parts in emptied]
    return found or [Finding(rule.key, (), None, "nothing in this period and filter")]


def _column(rule: ThresholdRule | OverdueRule) -> str:
    if isinstance(rule, OverdueRule) and rule.measure is None:
        names = [measure.name for measure in rule.definition.measures]
        return "over_limit" if "over_limit" in names else rule.column
    return rule.column


def _judged(rule: ThresholdRule | OverdueRule, result: Result, row: dict[Any, Any]) -> Finding:
    column, operator = _column(rule), getattr(rule, "operator", ">")
    parts = tuple(sorted((name, str(row[name])) for name in rule.by))
    unit = result.meta.columns[column]
    n = int(row["n"]) if pd.notna(row.get("n")) else 0
    if pd.isna(row[column]):
        return Finding(rule.key, parts, None, "too few to show a number", limit=rule.limit, n=n)
    value = float(row[column])
    if n < rule.min_n:
        return Finding(rule.key, parts, None, f"n = {n} is below {rule.min_n}", value, rule.limit, n)
    text = f"{said(value, unit)}, should be {_WITHIN[operator]} {said(rule.limit, unit)}"
    return Finding(rule.key, parts, _BEYOND[operator](value, rule.limit), text, value, rule.limit, n)


def _feeds(engine: Engine, rule: FreshnessRule, now: datetime) -> list[Finding]:
    with engine.connect() as connection:
        feeds = read_frame(connection, select(fact_feed).order_by(fact_feed.c.feed_key))
    rows = feeds.to_dict("records")
    return [_feed(rule, row, now) for row in rows if not rule.feeds or row["feed_key"] in rule.feeds]


def _feed(rule: FreshnessRule, row: dict[Any, Any], now: datetime) -> Finding:
    until, due, stale = (None if pd.isna(row[n]) else row[n] for n in ("data_until_at", "expected_by_at", "stale_at"))
    parts = (("feed", str(row["feed_key"])), ("site", str(row["site_code"])))
    if until is None:
        return Finding(rule.key, parts, None, "has delivered nothing yet")
    state, age = judged(until, due, stale, now), (now - until).total_seconds() / 60
    if state is Freshness.UNKNOWN:
        return Finding(rule.key, parts, None, "its newest stamp lies ahead of the clock")
    breached = state is Freshness.STALE or (state is Freshness.LATE and rule.state == "late")
    limit = None if pd.isna(row["expected_within_min"]) else float(row["expected_within_min"])
    text = f"{state}: data {said(age, 'min')} old" + (f", more was due after {said(limit, 'min')}" if limit else "")
    return Finding(rule.key, parts, breached, text, age, limit)
