"""A KPI whose feed is absent says so instead of showing zero; sites without the feed are left out of the rest."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Table

from etl.access import DEMO, Principal, Role
from etl.kpis import KPIS, Query
from etl.kpis.compute import compute_kpi
from etl.kpis.evidence import needs_words
from etl.warehouse import tables as t

QUERY = Query("V01-orders", date(2026, 9, 1), date(2026, 10, 1))
NEEDY = replace(KPIS["V01-orders"], needs=("exam_begin", "entry.incident"))


def told(rows: dict[Table, list[dict[str, Any]]], **missing: str) -> dict[Table, list[dict[str, Any]]]:
    """Return the department without what a site's feeds no longer tell."""
    kept = [row for row in rows[t.fact_evidence] if missing.get(row["site_code"]) != row["what"]]
    return {**rows, t.fact_evidence: kept}


def test_without_any_feed_there_is_no_number_and_the_result_says_what_is_missing(rows: Any, make_engine: Any) -> None:
    engine = make_engine(told(rows, NORTH="entry.incident", SOUTH="entry.incident"))
    result = compute_kpi(engine, NEEDY, QUERY, DEMO)
    assert result.meta.absent == "no feed tells of incident"
    assert result.frame.iloc[0].isna().all()
    assert result.meta.n == 0


def test_a_site_without_the_feed_is_left_out_and_named(rows: Any, make_engine: Any, duck: Any) -> None:
    engine = make_engine(told(rows, SOUTH="entry.incident"))
    result = compute_kpi(engine, NEEDY, QUERY, DEMO)
    alone = compute_kpi(duck, NEEDY, replace(QUERY, where={"site": ("NORTH",)}), DEMO)
    everyone = compute_kpi(duck, NEEDY, QUERY, DEMO)
    assert (result.meta.absent, result.meta.without_sites) == ("", ("SOUTH",))
    assert result.frame.equals(alone.frame)
    assert result.frame["n"].iloc[0] < everyone.frame["n"].iloc[0]


def test_what_is_missing_is_judged_by_the_sites_one_may_see(rows: Any, make_engine: Any) -> None:
    engine = make_engine(told(rows, SOUTH="entry.incident"))
    south = Principal("manager", Role.MANAGER, frozenset({"SOUTH"}))
    assert compute_kpi(engine, NEEDY, QUERY, south).meta.absent == "no feed tells of incident"


def test_a_need_is_met_by_any_one_of_its_choices_and_names_them_all_without(rows: Any, make_engine: Any) -> None:
    either = replace(NEEDY, needs=("exam_begin", "entry.incident|order_replaced"))
    one = make_engine(told(rows, NORTH="entry.incident", SOUTH="order_replaced"))
    assert compute_kpi(one, either, QUERY, DEMO).meta.without_sites == ()
    none = {**rows, t.fact_evidence: [r for r in rows[t.fact_evidence] if r["what"] not in either.needs[1].split("|")]}
    assert (
        compute_kpi(make_engine(none), either, QUERY, DEMO).meta.absent == "no feed tells of incident or order replaced"
    )
    assert needs_words(either) == "exam_begin, entry.incident or order_replaced"
