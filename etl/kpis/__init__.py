"""KPIs: one registry of objects that point at warehouse columns, and the few verbs that read them."""

from etl.kpis.catalogue import KPIS
from etl.kpis.compute import compute
from etl.kpis.decompose import Change, changes
from etl.kpis.drill import drill, values
from etl.kpis.query import DIMENSIONS, GRAINS, Meta, Query, Result

__all__ = ["DIMENSIONS", "GRAINS", "KPIS", "Change", "Meta", "Query", "Result", "changes", "compute", "drill", "values"]
