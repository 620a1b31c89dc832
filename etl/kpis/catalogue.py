"""The registry of all KPIs, in the order of the catalogue; a new family is one file and one line here."""

from __future__ import annotations

from types import ModuleType

from etl.kpis import access_times, capacity, dose, feeds, flow, reporting, volume
from etl.kpis.base import Kpi, Registry

FAMILIES: tuple[ModuleType, ...] = (flow, reporting, capacity, access_times, volume, feeds, dose)


def _kpis(family: ModuleType) -> list[Kpi]:
    """Return the KPIs a family's module defines, in the order it does."""
    return [value for value in vars(family).values() if isinstance(value, Kpi)]


KPIS = Registry([kpi for family in FAMILIES for kpi in _kpis(family)])
