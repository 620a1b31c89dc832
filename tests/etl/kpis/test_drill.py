"""The rows behind a tile add up to the tile, and only roles that may see rows do."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Engine, Table

from etl.access import DEMO, Principal, Role
from etl.errors import RefusedError
from etl.kpis import KPIS, Query, compute, drill, values
from etl.kpis.base import Kpi
from etl.kpis.kinds import Aggregate
from etl.kpis.shares import IntervalShare, Ratio
from etl.kpis.snapshot import Snapshot
from etl.kpis.survival import Survival

PERIOD = (date(2026, 9, 1), date(2026, 10, 1))
WITH_ROWS = [kpi for kpi in KPIS if not kpi.group_only]
FILTERS: tuple[dict[str, tuple[str, ...]], ...] = (
    {},
    {"site": ("NORTH",)},
    {"modality": ("CT",)},
    {"priority": ("STAT", "ROUTINE"), "weekday": ("1",)},
)


def recomputed(kpi: Kpi, rows: pd.DataFrame) -> dict[str, float]:
    """Return measures of the tile computed from its rows."""
    value = rows["value"].astype(float)
    if isinstance(kpi.kind, Survival):
        closed = value[rows["state"] == "closed"]
        return {"p50_closed": closed.median(), "n": len(rows), "open": (rows["state"] == "open").sum()}
    if isinstance(kpi.kind, Snapshot):
        return {"count": len(rows), "oldest": value.max()}
    if isinstance(kpi.kind, IntervalShare):
        available = rows["available"].sum()
        share = value.sum() / available * kpi.kind.per_min if available else np.nan
        return {kpi.headline: share, "n": len(rows)}
    if isinstance(kpi.kind, Ratio) and kpi.kind.of is not None:
        total = rows["available"].sum()
        return {kpi.headline: value.sum() / total * kpi.kind.per if total else np.nan, "n": total}
    if isinstance(kpi.kind, Aggregate) and kpi.kind.span is None:
        return {"count": len(rows) or np.nan}
    if isinstance(kpi.kind, Aggregate):
        known = value.dropna()
        of: dict[str, Any] = {"p50": known.median(), "sum": known.sum() if len(known) else np.nan, "max": known.max()}
        of |= {"min": known.min()}
        return {kpi.headline: of[kpi.headline], "n": len(rows)}
    return {kpi.headline: value.mean()}


@pytest.mark.parametrize("where", FILTERS, ids=lambda where: ",".join(where) or "all")
@pytest.mark.parametrize("kpi", WITH_ROWS, ids=lambda kpi: kpi.id)
def test_the_rows_behind_a_tile_add_up_to_it(kpi: Kpi, where: dict[str, tuple[str, ...]], duck: Engine) -> None:
    query = Query(kpi.key, *PERIOD, where=where)
    tile = compute(duck, query, DEMO, min_n=0).frame.iloc[0]
    for name, value in recomputed(kpi, drill(duck, query, DEMO)).items():
        assert value == pytest.approx(tile[name], nan_ok=True), name


@pytest.mark.postgresql
@pytest.mark.parametrize("kpi", [k for k in KPIS if k.group_only], ids=lambda kpi: kpi.id)
def test_a_number_of_groups_shows_no_patients_row(kpi: Kpi, duck: Engine) -> None:
    with pytest.raises(RefusedError, match="one patient"):
        drill(duck, Query(kpi.key, *PERIOD), DEMO)


@pytest.mark.parametrize("kpi", WITH_ROWS, ids=lambda kpi: kpi.id)
def test_both_engines_give_the_same_rows(kpi: Kpi, duck: Engine, postgres: Engine) -> None:
    query = Query(kpi.key, *PERIOD)
    pd.testing.assert_frame_equal(drill(duck, query, DEMO), drill(postgres, query, DEMO), check_dtype=False)


def test_longest_come_first_and_the_limit_holds(duck: Engine) -> None:
    rows = drill(duck, Query("T16", *PERIOD), DEMO, limit=3)
    assert rows["value"].tolist() == [1565.0, 980.0, 90.0]
    assert rows["state"].tolist() == ["open", "open", "closed"]
    assert rows["accession_token"].iat[0] == "token003"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.STEWARD, Role.ADMIN])
def test_a_role_without_rows_is_refused(duck: Engine, role: Role) -> None:
    with pytest.raises(RefusedError, match="manager"):
        drill(duck, Query("T16", *PERIOD), Principal("p", role))


def test_rows_of_other_sites_stay_unseen(duck: Engine) -> None:
    south = Principal("s", Role.ANALYST, frozenset({"SOUTH"}))
    assert set(drill(duck, Query("T16", *PERIOD), south)["site_code"]) == {"SOUTH"}


def test_dimension_values_are_what_the_warehouse_holds(duck: Engine) -> None:
    assert values(duck, "modality", DEMO) == ["CT", "DX", "MR"]
    assert values(duck, "scanner", DEMO) == ["NCT1", "NMR1", "SDX1"]
    assert values(duck, "reader_mode", DEMO) == ["single", "trainee", "unknown"]
    assert values(duck, "weekday", DEMO)[-1] == "7"
    assert values(duck, "feed", Principal("s", Role.VIEWER, frozenset({"SOUTH"}))) == ["south"]
    with pytest.raises(RefusedError, match="modality"):
        values(duck, "colour", DEMO)


def test_every_kpi_table_can_be_drilled(rows: dict[Table, Any]) -> None:
    assert {kpi.table for kpi in KPIS} <= set(rows)


@pytest.mark.parametrize("kpi", WITH_ROWS, ids=lambda kpi: kpi.id)
def test_no_two_columns_of_the_rows_behind_have_one_name(kpi: Kpi, duck: Engine) -> None:
    columns = drill(duck, Query(kpi.id, *PERIOD), DEMO, limit=1).columns
    assert columns.is_unique, sorted(columns[columns.duplicated()])
