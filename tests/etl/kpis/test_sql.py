"""The SQL of every KPI on both engines is on file, so that a change of a number's meaning is seen in review.

After a wanted change: RADPULSE_RENEW_SNAPSHOTS=1 pytest tests/etl/kpis/test_sql.py, and read the difference.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb_sqlalchemy
import pytest
from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql

from etl.access import Principal, Role
from etl.kpis import KPIS, Query
from etl.kpis.base import Kpi
from etl.kpis.compute import statement
from etl.kpis.plan import make_plan

FOLDER = Path(__file__).parent / "snapshots"
DIALECTS: dict[str, Dialect] = {"duckdb": duckdb_sqlalchemy.Dialect(), "postgresql": postgresql.dialect()}
MANAGER = Principal("snapshot", Role.MANAGER, frozenset({"NORTH"}))


def sql(kpi: Kpi, principal: Principal = MANAGER) -> str:
    """Return the KPI's SELECT by its first dimension and coarsest grain, filtered, on both engines."""
    by = (*kpi.dimensions[1:2], *kpi.grains[-1:])
    query = Query(kpi.key, date(2026, 9, 1), date(2026, 10, 1), by, {"site": ("NORTH",)})
    as_of = datetime(2026, 9, 8, 18, 0, tzinfo=UTC)
    select = statement(make_plan(kpi, query, as_of, {"NORTH": ZoneInfo("America/New_York")}), principal)
    parts = []
    for name, dialect in DIALECTS.items():
        text = str(select.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
        broken = re.sub(r"\s+(FROM|JOIN|WHERE|AND|OR|WHEN|ELSE|GROUP BY|ORDER BY) ", r"\n  \1 ", text)
        parts.append(f"-- {name}\n{broken}\n")
    return "\n".join(parts)


@pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.id)
def test_sql_is_as_on_file(kpi: Kpi) -> None:
    file = FOLDER / f"{kpi.id}.sql"
    if os.environ.get("RADPULSE_RENEW_SNAPSHOTS"):
        file.write_text(sql(kpi), encoding="utf-8")
    assert file.exists(), f"no {file.name}: renew the snapshots as the head of this file says"
    assert sql(kpi) == file.read_text(encoding="utf-8")


def test_every_snapshot_belongs_to_a_kpi() -> None:
    assert {file.stem for file in FOLDER.glob("*.sql")} == {kpi.id for kpi in KPIS}


@pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.id)
def test_every_select_is_limited_to_the_principals_sites(kpi: Kpi) -> None:
    elsewhere = Principal("snapshot", Role.MANAGER, frozenset({"SOUTH"}))
    assert sql(kpi, elsewhere).count(f"{kpi.table.name}.site_code IN ('SOUTH')") == len(DIALECTS)
    assert "'SOUTH'" not in sql(kpi, Principal("all", Role.MANAGER))
