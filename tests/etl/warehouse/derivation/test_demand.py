"""Demand, backlog and capacity by local day, each number computed on paper."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from sqlalchemy import select

from etl.warehouse.append import read_frame
from etl.warehouse.derive import derive
from etl.warehouse.tables import fact_demand_day


def ny(day: int, hour: int, minute: int = 0, month: int = 9) -> datetime:
    """Return an instant of 2026 on New York's wall clock."""
    return datetime(2026, month, day, hour, minute, tzinfo=ZoneInfo("America/New_York"))


def exam(ward: Any, acc: str, begin: datetime, minutes: int, name: str = "CT HEAD W") -> None:
    """Add a CT done on NCT1, ordered at 07:00 of its day."""
    values = {"acc": acc, "modality": "CT", "procedure_text": name}
    ward.event("order_entered", begin.replace(hour=7, minute=0), **values)
    ward.event("exam_begin", begin, station_name="NCT1", **values)
    ward.event("exam_end", begin + pd.Timedelta(minutes=minutes), station_name="NCT1", **values)


@pytest.fixture
def busy(ward: Any) -> Any:
    """Tuesday 1 September: three heads of 10, 20 and 30 min, one other of 40, with gaps of 5, 5 and 10 min."""
    exam(ward, "h1", ny(1, 8, 0), 10)  # to 08:10
    exam(ward, "h2", ny(1, 8, 15), 20)  # to 08:35
    exam(ward, "h3", ny(1, 8, 40), 30)  # to 09:10
    exam(ward, "o1", ny(1, 9, 20), 40, "CT CHEST")
    for day in (1, 2, 3):
        ward.opening("NCT1", "open", ny(day, 8), ny(day, 18), local_date=ny(day, 8).date())
    ward.opening("NCT1", "closure", ny(2, 8), ny(2, 9), local_date=ny(2, 8).date())
    return ward


def days(engine: Any, ward: Any) -> pd.DataFrame:
    """Return CT's rows at NORTH, by day."""
    with engine.begin() as connection:
        ward.load(connection)
        derive(connection, ward.parameters)
        rows = read_frame(connection, select(fact_demand_day).order_by(fact_demand_day.c.local_date))
    return rows[(rows["site_code"] == "NORTH") & (rows["modality"] == "CT")]


def test_demand_backlog_and_capacity_of_three_days(new_engine: Any, busy: Any) -> None:
    # A head is 20 min (median of 10 20 30), any other 40; the turnover 5 (median of 5 5 10): 25 and 45 min of work.
    head = {"acc": "h4", "modality": "CT", "procedure_text": "CT HEAD W"}
    busy.event("order_entered", ny(1, 23, 30), **head)  # still the 1st in New York, the 2nd in UTC
    busy.event("order_cancelled", ny(2, 10), **head)
    busy.event("order_entered", ny(2, 11), acc="o2", modality="CT", procedure_text="CT CHEST")  # nobody examines it
    busy.event("order_entered", ny(3, 12), acc="h5", modality="CT", procedure_text="CT HEAD W")
    busy.event("exam_begin", ny(3, 13), acc="h5", modality="CT", procedure_text="CT HEAD W", station_name="NCT1")
    rows = days(new_engine(), busy)
    assert rows["orders"].tolist() == [5, 1, 1]
    # 1st: 4 heads and one other; 2nd: one other; 3rd: one head
    assert rows["ordered_min"].tolist() == [4 * 25 + 45, 45, 25]
    assert rows["kept_min"].tolist() == [3 * 25 + 45, 45, 25]  # h4 was cancelled
    # open at the end of the day: h4; then o2 alone; o2 still, h5 came and went
    assert rows["backlog_orders"].tolist() == [1, 1, 1]
    assert rows["backlog_min"].tolist() == [25, 45, 45]
    assert rows["operating_min"].tolist() == [600, 540, 600]  # 08:00 to 18:00, one hour closed on the 2nd
    # a week is seven times the mean so far: 600; (600 + 540) / 2 = 570; 1740 / 3 = 580
    assert rows["weekly_operating_min"].tolist() == pytest.approx([4200, 3990, 4060])
    assert rows["end_at"].tolist() == [ny(2, 0), ny(3, 0), ny(4, 0)]


def test_capacity_is_not_known_before_the_calendar_begins(new_engine: Any, ward: Any) -> None:
    exam(ward, "h1", ny(1, 8), 10)  # an exam's hour before the calendar: no day without capacity
    ward.opening("NCT1", "open", ny(2, 8), ny(2, 18), local_date=ny(2, 8).date())
    ward.event("order_entered", ny(2, 12), acc="h2", modality="CT", procedure_text="CT HEAD W")
    rows = days(new_engine(), ward)
    assert pd.isna(rows["weekly_operating_min"].iloc[0])
    assert rows["weekly_operating_min"].iloc[1] == 4200  # seven times 600, not seven times 300


def test_an_exam_of_a_group_nobody_was_examined_in_counts_as_its_modalitys(new_engine: Any, ward: Any) -> None:
    exam(ward, "h1", ny(1, 8), 10)
    exam(ward, "h2", ny(1, 8, 15), 30)  # median 20, one gap of 5: 25 min
    ward.event("order_entered", ny(1, 12), acc="o1", modality="CT", procedure_text="CT CHEST")
    assert days(new_engine(), ward)["ordered_min"].tolist() == [75]


def test_the_day_on_which_clocks_go_back_has_twenty_five_hours(new_engine: Any, ward: Any) -> None:
    for day, month in ((31, 10), (1, 11), (2, 11)):
        ward.opening("NCT1", "open", ny(day, 0, month=month), ny(day, 23, 59, month=month),
                     local_date=ny(day, 0, month=month).date())  # fmt: skip
        ward.event("order_entered", ny(day, 23, 30, month=month), acc=f"o{day}", modality="CT")
    rows = days(new_engine(), ward)
    assert rows["orders"].tolist() == [1, 1, 1]
    assert rows["operating_min"].tolist() == [1439, 1499, 1439]  # 00:00 to 23:59, Sunday with its hour twice
    lengths = rows["end_at"].diff().dt.total_seconds().div(3600).tolist()
    assert lengths[1:] == [25, 24]
