"""What other targets would do to the share within target: by stratum and month, before and after, read-only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import (
    ColumnElement,
    Date,
    DateTime,
    Engine,
    Select,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
)
from sqlalchemy import Double as Number

from etl.access import Principal, scoped
from etl.kpis.compute import current_version
from etl.kpis.kinds import count_if
from etl.kpis.moment import moment_params
from etl.kpis.targets import JUDGED, Judged
from etl.warehouse.engine import read_frame
from etl.warehouse.reference import ANY
from etl.warehouse.reference_match import ranked
from etl.warehouse.tables import fact_exam
from etl.warehouse.target_phases import Phase
from etl.warehouse.target_rules import TargetRule

_x = fact_exam.c
STRATUM = ["priority", "patient_class"]
COUNTS = ["n", "before", "met_before", "after", "met_after", "gained", "lost"]
_SCOPE = {"site": "site_code", "modality": "modality", "priority": "priority", "patient_class": "patient_class"}


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change does to one phase.

    `rows` have month, site, modality, priority, patient_class, and counts of exams: n, judged before and after, within
    target before and after, and those that change from late to in time (gained) or from in time to late (lost).
    """

    phase: Phase
    rows: pd.DataFrame

    def by(self, *names: str) -> pd.DataFrame:
        """Return the counts by some of the keys, with the shares before and after."""
        if names:
            found = self.rows.groupby(list(names), as_index=False, dropna=False)[COUNTS].sum()
        else:
            found = self.rows[COUNTS].sum().to_frame().T
        for when in ("before", "after"):
            found[f"share_{when}"] = found[f"met_{when}"] / found[when].where(found[when] > 0)
        return found

    def lines(self) -> Iterator[str]:
        """Yield it in words: all, each stratum that changes, the months concerned."""
        total = self.by().iloc[0]
        yield f"{self.phase.label}: {_moved(total)}; {_sides(total)}"
        strata = self.by(*STRATUM)
        for _, row in strata[_changed(strata)].iterrows():
            yield f"  {row['priority']} {row['patient_class']}: {_moved(row)}; {_sides(row)}"
        months = self.by("month")
        named = [f"{month:%Y-%m}" for month in pd.to_datetime(months.loc[_changed(months), "month"])]
        yield f"  months concerned: {', '.join(named) if named else 'none'}"


def _changed(frame: pd.DataFrame) -> pd.Series:
    return (frame["gained"] + frame["lost"] > 0) | (frame["before"] != frame["after"])


def _moved(row: pd.Series) -> str:
    shown = [
        "nobody judged" if not row[when] else f"{100 * row[f'share_{when}']:.1f} % of {row[when]:.0f}"
        for when in ("before", "after")
    ]
    return f"{shown[0]} -> {shown[1]}"


def _sides(row: pd.Series) -> str:
    return f"{row['gained']:.0f} turn to in time, {row['lost']:.0f} to late"


def effects(
    engine: Engine, before: Sequence[TargetRule], after: Sequence[TargetRule], principal: Principal
) -> list[Effect]:
    """Return what replacing one set of rules by another does, phase by phase, to the exams of the published version.

    Only phases whose rules differ are looked at. The warehouse is read and never written. Raises RefusedError where
    nothing is published.
    """
    changed = [
        judged for judged in JUDGED.values() if ranked(before, judged.phase.names) != ranked(after, judged.phase.names)
    ]
    found = []
    with engine.connect() as connection:
        as_of = current_version(connection).data_at
        for judged in changed:
            query = scoped(_counted(judged, before, after), principal, fact_exam).params(**moment_params(as_of))
            rows = read_frame(connection, query)
            found.append(
                Effect(judged.phase, rows.astype({"month": "datetime64[us]", **dict.fromkeys(COUNTS, "int64")}))
            )
    return found


def _counted(judged: Judged, before: Sequence[TargetRule], after: Sequence[TargetRule]) -> Select[Any]:
    """Return the SELECT of exams by month and stratum, with how many meet either target."""
    date = judged.at.date
    assert date is not None  # noqa: S101 - every judged phase has a date
    old, new = (_target(judged.phase, rules, date) for rules in (before, after))
    met_old, met_new = (and_(judged.decided(t), judged.within(t)) for t in (old, new))
    late_old, late_new = (and_(judged.decided(t), ~judged.within(t)) for t in (old, new))
    month = cast(func.date_trunc(literal_column("'month'"), cast(date, DateTime)), Date)
    keys = [month.label("month"), *(func.coalesce(_x[c], "unknown").label(n) for n, c in _SCOPE.items())]
    counts = [
        func.count().label("n"),
        count_if(judged.decided(old)).label("before"),
        count_if(met_old).label("met_before"),
        count_if(judged.decided(new)).label("after"),
        count_if(met_new).label("met_after"),
        count_if(and_(late_old, met_new)).label("gained"),
        count_if(and_(met_old, late_new)).label("lost"),
    ]
    names: list[ColumnElement[Any]] = [literal_column(key.name) for key in keys]
    query = select(*keys, *counts).where(judged.population.condition, date.is_not(None))
    return query.group_by(*names).order_by(*names)


def _target(phase: Phase, rules: Sequence[TargetRule], date: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the target valid for an exam as SQL: the first of the ranked rules that fits."""
    fits = [(_fits(rule, date), literal(rule.target_min, Number)) for rule in ranked(rules, phase.names)]
    return case(*fits, else_=cast(null(), Number)) if fits else case((false(), 0.0), else_=cast(null(), Number))


def _fits(rule: TargetRule, date: ColumnElement[Any]) -> ColumnElement[bool]:
    wanted = [_x[column] == getattr(rule, name) for name, column in _SCOPE.items() if getattr(rule, name) != ANY]
    if rule.valid_from is not None:
        wanted.append(date >= rule.valid_from)
    if rule.valid_to is not None:
        wanted.append(date < rule.valid_to)
    return and_(*wanted) if wanted else or_(date.is_not(None))
