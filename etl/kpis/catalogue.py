"""The registry of all KPIs, in the order of the catalogue."""

from __future__ import annotations

from etl.kpis import flow
from etl.kpis.base import Registry

KPIS = Registry([*flow.KPIS])
