"""Why a number changed: per dimension what the mix and each member did, and one sentence that names where it sits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import floor, isnan

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Engine

from etl.access import SUPPRESSED_ROLES, Principal
from etl.errors import RefusedError
from etl.kpis.attribution import MOST_PLAYERS, Floats, Sums, split
from etl.kpis.base import Kpi
from etl.kpis.catalogue import KPIS
from etl.kpis.cells import Split, cells_of, splittable
from etl.kpis.compute import MIN_N, Version, current_version
from etl.kpis.query import Query
from etl.kpis.small_numbers import PATIENT_DIMENSIONS
from etl.kpis.words import amount

WHERE = ("patient_class", "modality", "daypart")  # where a change may sit, as the sentence says it
ELSE = ("site", "scanner", "modality", "milestone", "feed", "reason")  # the same of KPIs that know no patient class
FEWEST_SHARE = 0.03  # of the items: smaller groups are noise
OTHERS, MIX = "others", "mix"
ROW = ["member", "n_before", "n_after", "value_before", "value_after", "effect"]
UNREACHED = "so many items are open that the quantile is not reached; ask for the one of closed items"
STATISTICS = {"p50": "median", "p90": "P90", "p50_closed": "median of closed", "p90_closed": "P90 of closed"}
CLASSES = {"E": "emergency", "I": "inpatient", "O": "outpatient"}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a change: what it is in words, and its effect in the KPI's unit."""

    name: str
    effect: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """A measure's change between two periods, the parts that add up to it, and one sentence."""

    kpi: Kpi
    measure: str
    unit: str
    before: float
    after: float
    parts: tuple[Part, ...]
    sentence: str

    @property
    def change(self) -> float:
        """The later number minus the earlier one."""
        return self.after - self.before


def explain_change(
    engine: Engine, before: Query, after: Query, principal: Principal, measure: str | None = None
) -> Explanation:
    """Return why a KPI changed from the period of `before` to that of `after`.

    The parts are the group in which most of the change sits, the mix, and the rest; they add up exactly. Raises
    RefusedError for a measure that cannot be split, periods of different length for what adds up over time, or too
    few items in either.
    """
    kpi = KPIS[after.kpi]
    measure = _measure(kpi, measure)
    dimensions = tuple(d for d in (WHERE if "patient_class" in kpi.dimensions else ELSE) if d in _known(kpi, principal))
    with engine.connect() as connection:
        version = current_version(connection)
        found = _read(connection, kpi, (before, after), dimensions, measure, principal, version)
    first, last = _ends(found)
    group, name = _concentrated(found, last - first, kpi.counted)
    parts = _parts(found, group, name)
    sentence = _sentence(kpi, measure, (first, last), parts)
    return Explanation(kpi, measure, _unit(kpi, measure), first, last, parts, sentence)


def effects(
    engine: Engine, before: Query, after: Query, dimension: str, principal: Principal, measure: str | None = None
) -> pd.DataFrame:
    """Return what each member of a dimension did to a KPI between two periods, and the mix: exact parts.

    Columns: the dimension, n_before, n_after, value_before, value_after, effect; the mix is the row without n. At most
    seven members are told apart, the rest are "others". Raises as `explain_change` does.
    """
    kpi = KPIS[after.kpi]
    measure = _measure(kpi, measure)
    if dimension not in _known(kpi, principal):
        allowed = ", ".join(_known(kpi, principal))
        raise RefusedError(f"{kpi.id} cannot be explained by {dimension!r}; allowed: {allowed}")
    with engine.connect() as connection:
        version = current_version(connection)
        found = _read(connection, kpi, (before, after), (dimension,), measure, principal, version)
    groups = _largest(found)
    mix, rates = _exactly(found, list(groups.values()))
    rows = [_row(found, name, cells, float(rates[place])) for place, (name, cells) in enumerate(groups.items())]
    if not isinstance(found.cells, Sums):
        rows.append({"member": MIX, "effect": mix})
    return pd.DataFrame(rows, columns=ROW).rename(columns={"member": dimension})


def _measure(kpi: Kpi, asked: str | None) -> str:
    if not kpi.grains:
        raise RefusedError(f"{kpi.id} is known for now alone, so no two periods of it can be compared")
    possible = splittable(kpi)
    measure = asked or kpi.headline
    if measure not in possible:
        raise RefusedError(
            f"{measure!r} of {kpi.id} cannot be split into parts that add up; allowed: {', '.join(possible) or 'none'}"
        )
    return measure


def _known(kpi: Kpi, principal: Principal) -> tuple[str, ...]:
    """Return the dimensions a change may be explained by: viewers get none that could point at a patient."""
    names = (*kpi.dimensions, *(["daypart"] if "hour_of_day" in kpi.dimensions else []))
    hidden = PATIENT_DIMENSIONS if principal.role in SUPPRESSED_ROLES else frozenset()
    return tuple(name for name in names if name not in hidden)


def _unit(kpi: Kpi, measure: str) -> str:
    return {m.name: m.unit for m in kpi.measures}[measure]


def _read(
    connection: Connection, kpi: Kpi, periods: tuple[Query, Query], dimensions: tuple[str, ...], measure: str,
    principal: Principal, version: Version,
) -> Split:  # fmt: skip
    days = [(query.to_date - query.from_date).days for query in periods]
    found = cells_of(connection, kpi, periods, dimensions, measure, principal, version)
    if isinstance(found.cells, Sums) and kpi.at.date is not None and days[0] != days[1]:
        spans = f"{days[0]} and {days[1]} days"
        raise RefusedError(f"{kpi.id} adds up over time, so periods of {spans} cannot be compared; take equal ones")
    totals = found.cells.n.sum(axis=1)
    if not isinstance(found.cells, Sums) and totals.min() < MIN_N:
        raise RefusedError(
            f"too little to compare: {totals[0]:.0f} and {totals[1]:.0f} {kpi.counted}, at least {MIN_N}"
        )
    return found


def _ends(found: Split) -> tuple[float, float]:
    """Return the number of both periods; raises RefusedError where one is not reached."""
    cells = found.cells.n.shape[1]
    first, last = (found.cells.number(p, np.full(cells, p, dtype=np.int64)) for p in (0, 1))
    if isnan(first) or isnan(last):
        raise RefusedError(UNREACHED)
    return first, last


def _exactly(found: Split, groups: list[list[int]]) -> tuple[float, Floats]:
    """Return the parts; raises RefusedError where a mixture of the two periods does not reach the quantile."""
    mix, rates = split(found.cells, groups)
    if isnan(mix) or np.isnan(rates).any():
        raise RefusedError(UNREACHED)
    return mix, rates


def _largest(found: Split) -> dict[str, list[int]]:
    """Return the cells of each member by name, the smallest together as others."""
    weight = found.cells.n.sum(axis=0)
    order = np.argsort(-weight, kind="stable")
    room = MOST_PLAYERS - 2
    # few items stand for no member: what they did is noise, and could point at a person
    alone = [int(c) for c in order if found.cells.n[:, c].max() >= MIN_N][: room + (len(order) == room + 1)]
    groups = {str(found.members.iloc[cell, 0]): [cell] for cell in alone}
    rest = [int(cell) for cell in order if int(cell) not in alone]
    return groups | ({OTHERS: rest} if rest else {})


def _row(found: Split, name: str, cells: list[int], effect: float) -> dict[str, object]:
    n = found.cells.n[:, cells].sum(axis=1)
    values = [_alone(found, cells, period) for period in (0, 1)]
    return {
        "member": name, "n_before": n[0], "n_after": n[1], "value_before": values[0], "value_after": values[1],
        "effect": effect,
    }  # fmt: skip


def _alone(found: Split, cells: list[int], period: int) -> float:
    """Return the number of some cells by themselves in a period."""
    only = found.cells.only(np.array(cells, dtype=np.int64))
    return only.number(period, np.full(len(cells), period, dtype=np.int64)) if only.n[period].sum() else float("nan")


def _concentrated(found: Split, change: float, counted: str) -> tuple[list[int], str]:
    """Return the cells in which the change gathers, and their name.

    A group scores its share of the change (what overshoots it counts against it) times the share of items outside of
    it; of equals the one with fewer dimensions is taken.
    """
    best: tuple[float, list[int], str] = (0.0, [], "")
    weight = found.cells.n.sum(axis=0)
    for cells, name in _candidates(found.members, counted):
        share = float(weight[cells].sum() / weight.sum()) if weight.sum() else 0.0
        if FEWEST_SHARE <= share <= 1 - FEWEST_SHARE and change:
            effect = float(split(found.cells, [cells, _rest(found, cells)])[1][0]) / change
            score = min(effect, 2 - effect) * (1 - share)
            if score > best[0]:
                best = (score, cells, name)
    return best[1], best[2]


def _candidates(members: pd.DataFrame, counted: str) -> Iterator[tuple[list[int], str]]:
    """Yield groups of cells that agree in one or more dimensions, fewer first, with their name in words."""
    names = list(members.columns)
    for size in range(1, len(names) + 1):
        for chosen in combinations(names, size):
            for values, rows in members.groupby(list(chosen), sort=True, dropna=False).indices.items():
                told = values if isinstance(values, tuple) else (values,)
                yield [int(row) for row in rows], _named(dict(zip(chosen, told, strict=True)), counted)


def _named(member: dict[str, object], counted: str) -> str:
    """Return a group in words: 'emergency CT between 00 and 06', 'inpatient exams'."""
    told = [str(value) for name, value in member.items() if name not in {"daypart", "patient_class"}]
    kind = CLASSES.get(str(member.get("patient_class")), str(member.get("patient_class", "")))
    hours = str(member.get("daypart", "")).replace(" to ", " and ")
    return " ".join(filter(None, [kind, *(told or [counted]), f"between {hours}" if hours else ""]))


def _rest(found: Split, cells: Sequence[int]) -> list[int]:
    return sorted(set(range(found.cells.n.shape[1])) - set(cells))


def _parts(found: Split, group: list[int], name: str) -> tuple[Part, ...]:
    rest = _rest(found, group)
    groups = [g for g in (group, rest) if g]
    mix, rates = _exactly(found, groups)
    named = [name] if group else []
    parts = [Part(n, float(r)) for n, r in zip([*named, "the rest"], rates, strict=False)]
    if not isinstance(found.cells, Sums):
        parts.insert(len(named), Part(MIX, mix))
    return tuple(parts)


def _sentence(kpi: Kpi, measure: str, ends: tuple[float, float], parts: tuple[Part, ...]) -> str:
    """Return the change and its parts in words, rounded so that the parts told add up to the change told."""
    first, last = ends
    unit = _unit(kpi, measure)
    what = f"{kpi.label}, {STATISTICS[measure]}" if measure in STATISTICS else kpi.label
    scale, digits, word = _shown_as(unit, abs(last - first))
    if round(abs(last - first) * scale, digits) == 0:
        return f"{what}: unchanged at {_end(last, unit, digits)}."
    whole, *told = adding_up([(last - first) * scale, *(part.effect * scale for part in parts)], digits)
    said = [f"{value:+,.{digits}f} from {part.name}" for value, part in zip(told, parts, strict=True)]
    verb = "rose" if last > first else "fell"
    ends_told = f"from {_end(first, unit, digits)} to {_end(last, unit, digits)}"
    return f"{what} {verb} {abs(whole):,.{digits}f} {word}, {ends_told}: {', '.join(said)}."


def _end(value: float, unit: str, digits: int) -> str:
    """Return a number with the digits its change is told with, so that a small change shows."""
    if unit == "share":
        return f"{100 * value:.1f} %"
    return f"{value:,.1f} min" if unit == "min" and digits and abs(value) < 120 else amount(value, unit)


def _shown_as(unit: str, size: float) -> tuple[float, int, str]:
    """Return the factor, the digits and the word a difference of a unit is said with."""
    if unit == "share":
        return 100.0, 1, "points"
    if unit == "min" and size >= 180:
        return 1 / 60, 1, "h"
    return 1.0, 0 if size >= 10 or unit == "exams" else 1, unit


def adding_up(values: Sequence[float], digits: int) -> list[float]:
    """Return a whole and its parts rounded so that the parts still add up: largest remainders first."""
    step = 10.0**-digits
    whole, *parts = (value / step for value in values)
    low = [floor(part) for part in parts]
    left = round(whole) - sum(low)
    order = sorted(range(len(parts)), key=lambda place: low[place] - parts[place])
    for place in (order * (abs(left) // max(len(order), 1) + 1))[: abs(left)]:
        low[place] += 1 if left > 0 else -1
    return [round(whole) * step, *(part * step for part in low)]
