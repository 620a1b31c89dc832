"""Laws that hold whatever the data: doubling changes no rate, an empty day changes no number."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine, Table

from etl.access import DEMO
from etl.kpis import KPIS, Query, compute
from etl.kpis.base import Kpi
from etl.warehouse import tables as t

START, END = date(2026, 9, 1), date(2026, 10, 1)
# intervals narrow and interpolated P90s move with the number of rows; counts double
UNMOVED = ("p50", "p50_closed", "mean_closed", "share", "oldest", "max")
DOUBLED = ("n", "count", "sum", "numerator", "missing", "open", "closed", "work", "over_limit")
KEYS = {t.fact_exam: "exam_key", t.fact_visit: "visit_key"}


@pytest.fixture(scope="module")
def doubled(rows: dict[Table, list[dict[str, Any]]], make_engine: Any) -> Engine:
    """Return the department with every fact twice."""
    twice = {
        table: some + [row | ({KEYS[table]: row[KEYS[table]] + 1000} if table in KEYS else {}) for row in some]
        if table.name.startswith("fact_")
        else some
        for table, some in rows.items()
    }
    engine: Engine = make_engine(twice)
    return engine


@pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.id)
def test_doubling_all_rows_doubles_counts_and_leaves_medians_and_shares(
    kpi: Kpi, duck: Engine, doubled: Engine
) -> None:
    once, twice = (
        compute(engine, Query(kpi.key, START, END), DEMO, min_n=0).frame.iloc[0] for engine in (duck, doubled)
    )
    for name in once.index:
        if name in UNMOVED or name.endswith("_share") or (once.index[0] == name and kpi.unit == "share"):
            assert twice[name] == pytest.approx(once[name], nan_ok=True), name
        if name in DOUBLED:
            assert twice[name] == pytest.approx(2 * once[name]), name


@pytest.fixture(scope="module")
def with_closed_day(rows: dict[Table, list[dict[str, Any]]], make_engine: Any) -> Engine:
    """Return the department with a day on which a scanner was closed."""
    closed_day = {
        "site_code": "NORTH",
        "scanner_code": "NCT1",
        "hour_at": rows[t.fact_scanner_hour][0]["hour_at"].replace(day=6),
        "local_date": date(2026, 9, 6),
        "local_hour": 8,
        **dict.fromkeys(("operating_min", "scheduled_open_min", "table_min", "down_min", "begun_visits"), 0),
    }
    engine: Engine = make_engine({**rows, t.fact_scanner_hour: [*rows[t.fact_scanner_hour], closed_day]})
    return engine


@pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.id)
def test_a_day_without_work_changes_nothing(kpi: Kpi, duck: Engine, with_closed_day: Engine) -> None:
    query = Query(kpi.key, START, END)
    assert compute(with_closed_day, query, DEMO).frame.equals(compute(duck, query, DEMO).frame)


# what falls due after the period is data of a longer one
@pytest.mark.parametrize("kpi", [k for k in KPIS if k.at.date is not None and k.id != "C06"], ids=lambda kpi: kpi.id)
def test_a_longer_period_without_data_changes_nothing(kpi: Kpi, duck: Engine) -> None:
    query, longer = Query(kpi.key, START, END), Query(kpi.key, START, date(2027, 1, 1))
    assert compute(duck, query, DEMO).frame.equals(compute(duck, longer, DEMO).frame)


def test_renaming_a_modality_renames_its_row_and_nothing_else(
    duck: Engine, rows: dict[Table, list[dict[str, Any]]], make_engine: Any
) -> None:
    renamed = [row | {"modality": {"CT": "XX"}.get(row["modality"], row["modality"])} for row in rows[t.fact_exam]]
    query = Query("T16", START, END, ("modality",))
    other = compute(make_engine({**rows, t.fact_exam: renamed}), query, DEMO).frame.replace({"XX": "CT"})
    pattern = compute(duck, query, DEMO).frame
    assert other.sort_values("modality").reset_index(drop=True).equals(pattern)


@pytest.mark.parametrize("kpi", ["T16", "T26", "U01", "U09", "U20", "T11"])
def test_the_order_of_the_rows_changes_no_digit(
    kpi: str, duck: Engine, rows: dict[Table, list[dict[str, Any]]], make_engine: Any
) -> None:
    query = Query(kpi, START, END, KPIS[kpi].dimensions[:1])
    backwards = make_engine({table: some[::-1] for table, some in rows.items()})
    assert compute(backwards, query, DEMO, min_n=0).frame.equals(compute(duck, query, DEMO, min_n=0).frame)


@pytest.mark.parametrize("kpi", [k for k in KPIS if k.kind.name == "Survival"], ids=lambda kpi: kpi.id)
def test_where_nothing_is_open_the_quantiles_are_those_of_the_closed_items(kpi: Kpi, duck: Engine) -> None:
    cuts = [compute(duck, Query(kpi.id, START, END, (d,)), DEMO, min_n=0).frame for d in kpi.dimensions]
    frame = pd.concat([cut[["p50", "p90", "p50_closed", "p90_closed", "closed", "open"]] for cut in cuts])
    finished = frame[(frame["open"] == 0) & (frame["closed"] > 0)]
    assert len(finished) > 0
    assert finished["p50"].tolist() == finished["p50_closed"].tolist()
    assert finished["p90"].tolist() == finished["p90_closed"].tolist()
