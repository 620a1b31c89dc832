"""Gaps that would hold a patient, reading hours, and exams by the site's own tables, computed by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Table, select

from etl.warehouse.append import read_frame
from etl.warehouse.derive import derive
from etl.warehouse.parameters import FeedRule
from etl.warehouse.tables import (
    fact_demand_day,
    fact_exam_value,
    fact_gap,
    fact_reader_hour,
    fact_scanner_time,
    fact_visit,
)

LIST = FeedRule("north_list", "extract_csv", "NORTH")
MONEY = FeedRule("north_money", "extract_csv", "NORTH")


@pytest.fixture
def derived(new_engine: Any) -> Any:
    """Return a function that gives a table's rows after derivation."""

    def rows(ward: Any, table: Table) -> pd.DataFrame:
        with new_engine().begin() as connection:
            ward.load(connection)
            derive(connection, ward.parameters)
            return read_frame(connection, select(table))

    return rows


def test_a_gap_is_usable_where_a_stretch_of_it_holds_a_slot_and_a_turnover(ward: Any, derived: Any) -> None:
    ward.opening("NCT1", "open", -60, 900)
    for n in range(3):
        ward.opening("NCT1", "slot", n * 30, n * 30 + 30)
    ward.opening("NCT1", "slot", 100, 145)  # rarer: not the scanner's usual slot
    ward.opening("NCT1", "downtime_planned", 190, 230)
    ward.exam("A", 0)
    ward.exam("B", 26)  # turnover 6
    ward.exam("C", 56)  # turnover 10: the median is 8
    ward.exam("D", 160)  # 76-160 idle: 84 minutes
    ward.exam("E", 265)  # 180-265 idle, down in the middle: 10 and 35 minutes, too short for 30 + 8
    found = derived(ward, fact_gap).sort_values("end_at")
    assert found["kind"].tolist() == ["turnover", "turnover", "idle", "idle"]
    assert found["gap_min"].tolist() == [6, 10, 84, 85]
    assert found["idle_min"].tolist()[2:] == [84, 45]
    assert found["longest_min"].tolist()[2:] == [84, 35]
    assert (found["slot_min"].unique().tolist(), found["turnover_min"].unique().tolist()) == ([30], [8])
    assert found["is_usable"].tolist() == [False, False, True, False]


def test_a_scanner_without_slots_has_no_usable_gap(ward: Any, derived: Any) -> None:
    ward.opening("NCT1", "open", 0, 900)
    ward.exam("A", 0)
    ward.exam("B", 300)
    found = derived(ward, fact_gap)
    assert (found["slot_min"].isna().all(), found["is_usable"].tolist()) == (True, [False])


def roster(ward: Any) -> None:
    ward.entry("shift", 0, 120, code="reader", person="r1")
    ward.entry("shift", 60, 120, code="reader", person="r1")  # said twice: once is enough
    ward.entry("shift", 30, 60, code="reader", person="r2")
    ward.entry("shift", 0, 600, code="trainee", person="r3")
    for acc, begin, reader in (("A", -70, "r1"), ("B", -60, "r1"), ("C", 50, "r1"), ("D", -20, "r9")):
        ward.exam(acc, begin, minutes=20, reader=reader, procedure_code="x" if acc == "A" else "y")
    ward.entry("cost", -9999, code="X", value=1.5, unit="wRVU")


def test_finals_count_where_their_signer_is_rostered(new_ward: Any, derived: Any) -> None:
    ward = new_ward(feeds=(*new_ward().parameters.feeds, LIST))
    roster(ward)  # finals: A 08:10 and B 08:20 on duty, C 10:10 off, D by nobody on the roster; 08:00 is minute 0
    found = derived(ward, fact_reader_hour).sort_values("local_hour")
    assert found["rostered_reader"].unique().tolist() == ["all readers"]
    rows = found[["local_hour", "rostered_min", "finals", "finals_off", "wrvu"]].values.tolist()
    assert rows == [[8, 90, 2, 0, 1.5], [9, 60, 0, 0, 0], [10, 0, 0, 1, 0]]


def test_people_are_told_apart_only_where_a_site_opts_in(new_ward: Any, derived: Any) -> None:
    ward = new_ward(feeds=(*new_ward().parameters.feeds, LIST), individual_readers=True)
    roster(ward)
    found = derived(ward, fact_reader_hour).set_index(["local_hour", "rostered_reader"])
    assert found["rostered_min"].to_dict() == {(8, "r1"): 60, (8, "r2"): 30, (9, "r1"): 60, (10, "r1"): 0}


def test_an_exam_counts_for_what_the_table_says_of_the_day_it_ended(new_ward: Any, derived: Any) -> None:
    ward = new_ward(feeds=(*new_ward().parameters.feeds, LIST, MONEY))
    for acc, code in (("A", "ct1"), ("B", "ct1"), ("C", "ct2"), ("D", "ct3")):
        ward.exam(acc, {"A": 0, "B": 5000, "C": 100, "D": 200}[acc], procedure_code=code)
    ward.entry("cost", -9999, code="CT1", value=1.0, unit="wRVU")
    ward.entry("cost", 3000, code="CT1", value=2.0, unit="wRVU")  # later: from then on
    ward.entry("cost", -9999, 50, code="CT2", value=7.0, unit="wRVU")  # ran out before
    ward.entry("cost", -9999, code="CT3", value=3.0, unit="wRVU", modality="MR")  # another modality's
    for code, value, unit in (("CT1", 100.0, "EUR"), ("CT2", 50.0, "EUR"), ("CT3", 9.0, "USD")):
        ward.entry("cost", -9999, code=code, value=value, unit=unit, feed="north_money")
    found = derived(ward, fact_exam_value).sort_values("exam_end_at")
    assert found["procedure_code"].tolist() == ["ct1", "ct2", "ct3", "ct1"]
    assert found["wrvu"].fillna(-1).tolist() == [1, -1, -1, 2]
    assert found["money"].fillna(-1).tolist() == [100, 50, -1, 100]  # most rows are in euros


def test_without_a_table_there_are_no_rows(ward: Any, derived: Any) -> None:
    ward.exam("A", 0)
    assert derived(ward, fact_exam_value).empty


def test_acquisition_counts_inside_the_visit_where_every_series_tells(ward: Any, derived: Any) -> None:
    ward.exam("A", 0, 30, study="s")
    ward.series("a1", -5, 10, acc="A", instance="i1", station_name="NCT1")  # 10 minutes of it inside
    ward.series("a2", 8, 20, acc="A", instance="i2", station_name="NCT1")
    ward.exam("B", 100, 30)
    ward.series("b1", 105, None, acc="B", number_of_instances=40, station_name="NCT1")
    found = derived(ward, fact_visit).sort_values("begin_at")
    assert found["acquired_min"].fillna(-1).tolist() == [20, -1]
    assert (found["begin_at"] >= found["hour_at"]).all()


def test_hours_of_the_clock_reach_from_the_first_to_the_last_operating_day(new_ward: Any, derived: Any) -> None:
    scanners = new_ward().parameters.scanners
    stated = (scanners[0].model_copy(update={"stated_hours_per_day": 10.0}), *scanners[1:])
    ward = new_ward(scanners=stated)
    ward.opening("NCT1", "open", 0, 480)
    ward.opening("NCT1", "open", 2 * 1440, 2 * 1440 + 480)  # the day between is closed
    ward.exam("A", 2 * 1440 + 1000)
    found = derived(ward, fact_scanner_time)
    by_day = found.groupby("local_date")[["clock_min", "stated_min", "operating_min"]].sum()
    assert pd.to_datetime(by_day.index).date.tolist() == [date(2026, 9, day) for day in (1, 2, 3)]
    assert by_day["clock_min"].tolist()[:2] == [1440, 1440]
    assert by_day["stated_min"].tolist()[:2] == pytest.approx([600, 0])
    assert by_day["operating_min"].tolist() == [480, 0, 480]
    assert replace(ward.parameters, individual_readers=True).hash != ward.parameters.hash


def test_a_kind_of_scanner_nobody_orders_from_has_its_capacity_all_the_same(ward: Any, derived: Any) -> None:
    for scanner in ("NCT1", "NMR1", "SCT1"):
        for day in range(3):
            ward.opening(scanner, "open", day * 1440, day * 1440 + 480)
    ward.exam("A", 10)
    ward.exam("B", 2 * 1440 + 10, modality="MR", station_name="NMR1")  # its first order comes two days after the CT's
    ward.exam("C", 3 * 1440)
    found = derived(ward, fact_demand_day).sort_values(["site_code", "modality", "local_date"])
    by_pool = found.groupby(["site_code", "modality"])
    assert by_pool["operating_min"].apply(list).loc[("NORTH", "MR")][:3] == [480, 480, 480]
    assert by_pool["orders"].sum().to_dict() == {("NORTH", "CT"): 2, ("NORTH", "MR"): 1}  # nothing is known of South
    assert by_pool.size().nunique() == 1


def test_today_counts_before_the_doors_open_and_days_behind_the_calendar_never(ward: Any, derived: Any) -> None:
    ward.opening("NCT1", "open", 0, 480)
    ward.opening("NCT1", "open", 4 * 1440, 4 * 1440 + 480)  # the days between are closed
    ward.opening("NCT2", "open", 0, 480)
    ward.exam("A", 2 * 1440 + 600)  # the last that is known: the evening of a closed day
    found = derived(ward, fact_scanner_time)
    days = found.groupby("scanner_code")["local_date"].unique()
    assert [day.day for day in pd.to_datetime(days["NCT1"])] == [1, 2, 3]
    assert [day.day for day in pd.to_datetime(days["NCT2"])] == [1]
