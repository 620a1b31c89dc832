"""The shared filters applied to a SELECT of published rows, and the types its builders share."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, Table

from etl.kpis.base import DIMENSION_COLUMNS

Built = tuple[Select[Any], tuple[Table, ...]]  # what to read, and the tables whose rows must be scoped
Where = tuple[tuple[str, tuple[str, ...]], ...]


def filtered(query: Select[Any], table: Table, where: Where) -> Select[Any]:
    """Return `query` with the filters the table has a column for; the page says which ones it has not."""
    for dimension, chosen in where:
        name = DIMENSION_COLUMNS.get(dimension, dimension)
        if chosen and name in table.c:
            query = query.where(table.c[name].in_(chosen))
    return query
