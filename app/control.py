"""A KPI's control chart over a view: complete days against limits frozen at a baseline, and what it says in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from app import data, words
from app.filters import View
from app.notes import noted, rebases
from app.theme import COMMON, CONCERN, HIGHER, IMPROVEMENT, LOWER, UNKNOWN, State
from etl.kpis.base import Kpi
from etl.kpis.control import Assurance, Variation
from etl.kpis.kpi_chart import KpiChart, baseline_begin, kpi_chart
from etl.kpis.spc import Signal
from etl.warehouse.reference import ANY
from etl.warehouse.target_phases import PHASES

STATES = {
    Variation.COMMON: COMMON,
    Variation.IMPROVEMENT: IMPROVEMENT,
    Variation.CONCERN: CONCERN,
    Variation.HIGHER: HIGHER,
    Variation.LOWER: LOWER,
    Variation.UNKNOWN: UNKNOWN,
}


def chart_of(who: data.Asker, view: View, kpi: Kpi) -> KpiChart | None:
    """Return the control chart up to the view's last complete day; None where the KPI has no days or no data."""
    last = min(view.to_date, view.today) - timedelta(days=1)
    first = baseline_begin(data.first_day(who), last)
    if first >= last or "day" not in kpi.grains:
        return None
    span = view.over(first, last + timedelta(days=1))
    starts = [note.from_date for note in rebases(kpi.id, view)]
    left_out = [note for note in noted(view, first, last) if note.excludes]
    excluded = {first + timedelta(days=k) for note in left_out for k in _days(note.from_date, note.to_date, first)}
    return kpi_chart(kpi, lambda grain: data.ask(who, span.query(kpi.key, grain)).frame, first, last, starts, excluded)


def _days(begin: date, end: date, origin: date) -> range:
    return range((begin - origin).days, (end - origin).days)


def said(chart: KpiChart, unit: str) -> str:
    """Say what the last point means: the usual range, or since when and by which rule it is out of it."""
    control, last = chart.control, chart.control.last
    if last is None or chart.variation is Variation.UNKNOWN:
        return "too few points for limits"
    if chart.is_of_gaps:
        gap, usual = (_gap(column[last], chart) for column in (control.series.values, control.expected))
        return f"{gap} before the last event, usually {usual}"
    if chart.since is None:
        return f"{_bucket(chart, last)} within {limits_words(chart, unit)}"
    return _signalled(chart, last, unit)


def _signalled(chart: KpiChart, last: int, unit: str) -> str:
    """Say which rule the last point breaks, and since when points do."""
    control, causes = chart.control, chart.control.causes[last]
    assert chart.since is not None  # noqa: S101 - asked only where the last point signals
    since = _bucket(chart, chart.buckets.index(chart.since))
    up = control.side(last) > 0
    if Signal.SHIFT in causes:
        usual = words.amount(float(control.expected[last]), unit)
        return f"{'above' if up else 'below'} its usual {usual} since {since}"
    if Signal.TREND in causes:
        return f"{'rising' if up else 'falling'} since {since}"
    if Signal.OUTSIDE in causes:
        return f"{'above' if up else 'below'} {limits_words(chart, unit)} since {since}"
    return f"close to a limit of {limits_words(chart, unit)} since {since}"


def limits_words(chart: KpiChart, unit: str) -> str:
    """Say the natural limits of the last point, as far as there are such values."""
    low, high = limits(chart, unit)
    last = chart.control.last
    assert last is not None  # noqa: S101 - asked only where there is a point
    return words.spread(float(low[last]), float(high[last]), unit)


def limits(chart: KpiChart, unit: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the natural limits of every point, cut where no value can lie: below nought, above all."""
    control = chart.control
    known = control.series.values[~np.isnan(control.series.values)]
    low = np.maximum(control.low, 0.0) if known.size and known.min() >= 0 else control.low
    return low, np.minimum(control.high, 1.0) if unit == "share" else control.high


def _bucket(chart: KpiChart, place: int) -> str:
    day = words.day(chart.buckets[place])
    return f"the week of {day}" if chart.grain == "week" else day


def _gap(value: float, chart: KpiChart) -> str:
    unit = chart.kpi.counted if chart.control.series.chart == "g" else "days"
    return words.amount(float(value), unit)


def state_of(chart: KpiChart) -> State:
    """Return the variation as a word, icon and colour."""
    return STATES[chart.variation]


def target_of(view: View, kpi: Kpi) -> float | None:
    """Return the one target in minutes that holds for everything in the view; None where there are several or none."""
    phase = next((phase for phase in PHASES.values() if phase.kpi == kpi.id), None)
    if phase is None or kpi.unit != "min":
        return None
    last, where = view.to_date - timedelta(days=1), dict(view.where)
    limits_found = {
        rule.target_min
        for rule in data.targets()
        if rule.phase in phase.names
        and rule.holds_on(last)
        and all(
            value == ANY or not where.get(name) or value in where[name]
            for name, value in zip(("site", "modality", "priority", "patient_class"), rule.scope, strict=True)
        )
    }
    return limits_found.pop() if len(limits_found) == 1 else None


ASSURANCES = {
    Assurance.PASS: "will be met by nearly every day as things are",
    Assurance.FAIL: "will be missed by nearly every day as things are: the process itself must change",
    Assurance.HIT_OR_MISS: "will be hit or missed by chance",
}


def assurance_words(chart: KpiChart, target: float | None, unit: str) -> str:
    """Say whether the process as it is will meet its target; empty without one target."""
    found = chart.assurance(target)
    if target is None or found is Assurance.NONE:
        return ""
    chance = chart.chance_to_meet(target)
    share = "" if chance is None else f" ({words.amount(chance, 'share')} of {chart.grain}s)"
    return f"target {words.amount(target, unit)} {ASSURANCES[found]}{share}"


def limits_from(chart: KpiChart) -> str:
    """Say which chart it is and from which points its limits come."""
    begin = chart.control.starts[-1]
    first = words.day(chart.buckets[begin])
    days = "" if chart.grain != "day" else ", each weekday against its own level"
    new = " New limits begin there by hand." if begin else ""
    points = words.plural(chart.control.n, "point")
    return (
        f"{chart.control.series.chart} chart, limits from {points} from {first}{days}; they stay until the next "
        f"half-year or until somebody sets new ones.{new}"
    )


def concerns(charts: Sequence[tuple[str, KpiChart]]) -> list[str]:
    """Return the labels of what gives concern, with since when."""
    return [
        f"{label} (since {words.day(chart.since)})"
        for label, chart in charts
        if chart.variation is Variation.CONCERN and chart.since is not None
    ]
