"""What a KPI is, and the registry that the app, the exports, the documentation and the forecasts all read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, Protocol

import pandas as pd
from sqlalchemy import ColumnElement, Select, Table

from etl.errors import RefusedError
from etl.kpis.query import DIMENSIONS, GRAINS

if TYPE_CHECKING:
    from etl.kpis.plan import Plan

DIMENSION_COLUMNS = {
    "site": "site_code",
    "scanner": "scanner_code",
    "modality": "modality",
    "priority": "priority",
    "patient_class": "patient_class",
    "procedure_group": "procedure_group",
    "section": "section",
    "shift": "shift",
    "reader_mode": "reader_mode",
    "feed": "feed_key",
    "reason": "reason",
    "milestone": "milestone",
    "critical_class": "critical_class",
    "body_region": "body_region",
    "reader": "rostered_reader",  # only where a site shows individuals (U22)
    "view": "exposure_view",
    "finding": "finding",
    "algorithm": "algorithm",
    "hours": "hours",
    "lead_band": "lead_band",
    "protocol": "protocol_name",
    "phantom": "phantom",
    "quantity": "quantity",
    "told_by": "told_by",
}
Better = Literal["lower", "higher", "neutral"]


@dataclass(frozen=True, slots=True, eq=False)
class When:
    """Which site-local date (and hour) decides the period and bucket an item falls in; without a date it is now."""

    date: ColumnElement[Any] | None
    hour: ColumnElement[Any] | None
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """Which rows a KPI is about."""

    condition: ColumnElement[bool]
    text: str


@dataclass(frozen=True, slots=True)
class Measure:
    """A column of a result: its name, its unit, and whether it is hidden where few values stand behind it.

    `basis` is the column that says how many do.
    """

    name: str
    unit: str
    hide: bool = False
    basis: str = "basis"


class Kind(Protocol):
    """How a KPI is counted: one SELECT of sufficient statistics, then one pure function of them.

    Kinds are a closed set (decision 7): Aggregate, Ratio, Survival, IntervalShare, Snapshot, Funnel. The first
    measure is the headline.
    """

    @property
    def name(self) -> str:
        """The kind's name."""

    @property
    def adds_over(self) -> str:
        """How its numbers may be added up over time and dimensions."""

    def measures(self, unit: str, counted: str) -> tuple[Measure, ...]:
        """Return the columns of the result, `unit` being the KPI's and `counted` what n counts."""

    def select(self, plan: Plan) -> Select[Any]:
        """Return the SELECT of sufficient statistics, one group a slice."""

    def finish(self, statistics: pd.DataFrame, plan: Plan) -> pd.DataFrame:
        """Return keys, measures, and `basis`: how many values stand behind the hideable measures."""

    def rows(self, plan: Plan) -> Select[Any]:
        """Return the SELECT of the rows behind: their `value` and `state`, to which drilling adds columns."""


@dataclass(frozen=True, slots=True, eq=False)
class Kpi:
    """One KPI: what it is called, what it means, and the warehouse columns it points at.

    Snapshots have no date in `at`: they are taken at instants. Dimensions are those the table has a column for.
    """

    key: str
    id: str
    label: str
    unit: str
    description: str
    formula: str
    source: str
    better: Better
    kind: Kind
    table: Table
    population: Population
    at: When
    open_items: str
    counted: str = "exams"
    time_grains: tuple[str, ...] | None = None  # None: day, week, month, and hour where `at` has one
    without: frozenset[str] = frozenset()  # dimensions it cannot take although the table has them
    needs: tuple[str, ...] = ()  # what feeds must tell (fact_evidence), all of it; `a|b` is met by either; sites where
    # none does are left out
    group_only: bool = False  # a number of groups alone: no row behind it is shown
    definition_version: str = "1"

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions it can be cut and filtered by."""
        names = [name for name, column in DIMENSION_COLUMNS.items() if column in self.table.c]
        names += ["weekday"] if self.at.date is not None else []
        names += ["hour_of_day"] if self.at.hour is not None else []
        return tuple(name for name in DIMENSIONS if name in names and name not in self.without)

    @property
    def grains(self) -> tuple[str, ...]:
        """The time grains it can be bucketed by."""
        if self.time_grains is not None:
            return self.time_grains
        if self.at.date is None:
            return ()
        return GRAINS if self.at.hour is not None else GRAINS[1:]

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The result's measure columns, headline first."""
        return self.kind.measures(self.unit, self.counted)

    @property
    def headline(self) -> str:
        """The measure a tile shows."""
        return self.measures[0].name

    @property
    def definition(self) -> str:
        """The definition as one text: sentence, formula, population, date basis, open items."""
        return (
            f"{self.description} Formula: {self.formula}. Population: {self.population.text}. "
            f"Counted {self.at.text}. Open items: {self.open_items}"
        )


@dataclass(frozen=True, slots=True)
class Family:
    """KPIs that answer one question; its page asks it. `modules` define the KPIs, in catalogue order."""

    key: str
    label: str
    question: str
    modules: tuple[ModuleType, ...]

    @property
    def kpis(self) -> tuple[Kpi, ...]:
        """The KPIs its modules define, in the order they do."""
        return tuple(kpi for module in self.modules for kpi in vars(module).values() if isinstance(kpi, Kpi))


class Registry:
    """KPIs by key and id, in catalogue order; a duplicate key or id is an error at import."""

    def __init__(self, kpis: Iterable[Kpi]) -> None:
        self._kpis = tuple(kpis)
        self._by_name: dict[str, Kpi] = {}
        for kpi in self._kpis:
            for name in (kpi.key, kpi.id.upper()):
                if name in self._by_name:
                    raise ValueError(f"two KPIs are called {name!r}")
                self._by_name[name] = kpi

    def __iter__(self) -> Iterator[Kpi]:
        return iter(self._kpis)

    def __len__(self) -> int:
        return len(self._kpis)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._find(name) is not None

    def __getitem__(self, name: str) -> Kpi:
        """Return a KPI by key or id; 'V01' finds the first of V01-accessions, V01-orders, ..."""
        found = self._find(name)
        if found is None:
            known = ", ".join(f"{k.id} ({k.key})" for k in self._kpis)
            raise RefusedError(f"KPI {name!r} is not known; known: {known}")
        return found

    def _find(self, name: str) -> Kpi | None:
        exact = self._by_name.get(name) or self._by_name.get(name.upper())
        if exact is not None:
            return exact
        return next((k for k in self._kpis if k.id.upper().startswith(f"{name.upper()}-")), None)
