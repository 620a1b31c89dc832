"""Visits and scanner hours of tiny days, computed by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from etl.settings import Scanner, Site
from etl.warehouse.derive_scanner_hour import derive_scanner_hours
from etl.warehouse.derive_visit import Visits, derive_visits
from etl.warehouse.local_time import microsecond
from etl.warehouse.openings import derive_openings, operating_time


def _scanner_facts(ward: Any, data_at: datetime) -> tuple[Visits, pd.DataFrame]:
    facts = ward.facts(data_at)
    calendar = operating_time(derive_openings(ward.events().openings, ward.parameters), ward.parameters)
    now = microsecond(data_at)
    visits = derive_visits(facts.exams, facts.acquisitions, calendar.operating, ward.parameters, now)
    return visits, derive_scanner_hours(visits, facts.exams, facts.slots, calendar, ward.parameters, now)


@pytest.fixture
def visits(minutes: Any) -> Any:
    return lambda ward, data_at=1000: _scanner_facts(ward, minutes(data_at))[0].frame


@pytest.fixture
def hours(minutes: Any) -> Any:
    return lambda ward, data_at=1000: _scanner_facts(ward, minutes(data_at))[1]


def _done(ward: Any, acc: str, begin: float, end: float, **more: Any) -> None:
    values = {"acc": acc, "patient": f"p{acc}", "modality": "CT", "station_name": "NCT1", **more}
    ward.event("exam_begin", begin, **values)
    ward.event("exam_end", end, **values)
    ward.event("final", end + 60, **values)


def test_overlapping_exams_of_one_patient_are_one_visit(ward: Any, visits: Any) -> None:
    _done(ward, "A", 0, 20, patient="p", priority_code="R")
    _done(ward, "B", 15, 40, patient="p", priority_code="S")
    _done(ward, "C", 45, 60)
    frame = visits(ward)
    assert frame["exams"].tolist() == [2, 1]
    assert frame["duration_min"].tolist() == [40, 15]
    assert frame["priority"].tolist() == ["STAT", "UNKNOWN"]
    assert frame["gap_before_min"].fillna(-1).tolist() == [-1, 5]
    assert frame["gap_kind"].fillna("").tolist() == ["", "turnover"]


def test_accessions_of_one_study_are_one_visit_even_apart(ward: Any, visits: Any) -> None:
    _done(ward, "A", 0, 20, study="S", patient="p1")
    _done(ward, "B", 25, 40, study="S", patient="p2")
    assert visits(ward)["exams"].tolist() == [2]


def test_other_patients_and_other_scanners_stay_apart(ward: Any, visits: Any) -> None:
    _done(ward, "A", 0, 20, patient="p")
    _done(ward, "B", 10, 30, patient="q")
    _done(ward, "C", 10, 30, patient="p", station_name="NCT2")
    assert visits(ward)["exams"].tolist() == [1, 1, 1]


def test_merged_patients_share_a_visit(ward: Any, visits: Any) -> None:
    _done(ward, "A", 0, 20, patient="old")
    _done(ward, "B", 15, 40, patient="new")
    ward.event("patient_merged", 500, patient="new", prior="old")
    assert visits(ward)["exams"].tolist() == [2]


def test_a_pause_splits_a_visit_and_frees_the_scanner(ward: Any, visits: Any) -> None:
    _done(ward, "A", 0, 120)
    ward.series("s1", 5, 12, acc="A", station_name="NCT1")
    ward.series("s2", 20, 30, acc="A", station_name="NCT1")
    ward.series("s3", 100, 115, acc="A", station_name="NCT1")
    _done(ward, "B", 40, 70)
    frame = visits(ward).sort_values("begin_at")
    assert frame["part"].tolist() == [0, 0, 1]
    assert frame["duration_min"].tolist() == [30, 30, 20]
    assert frame["gap_before_min"].fillna(-1).tolist() == [-1, 10, 30]
    assert frame["visit_key"].is_unique


def test_a_series_without_a_stated_length_may_fill_the_gap_after_it(ward: Any, visits: Any) -> None:
    _done(ward, "A", 0, 105)
    ward.series("s1", 5, acc="A", station_name="NCT1", modality="CT")
    ward.series("s2", 49, acc="A", station_name="NCT1", modality="CT")  # 44 min on: 15 for the series, 29 idle
    ward.series("s3", 95, acc="A", station_name="NCT1", modality="CT")  # 46 min on: 31 idle
    frame = visits(ward)
    assert frame["part"].tolist() == [0, 1]
    assert frame["duration_min"].tolist() == [59, 10]  # the second took as long as the third


def test_gaps_are_counted_in_operating_time(ward: Any, visits: Any) -> None:
    ward.opening("NCT1", "open", -60, 100)
    ward.opening("NCT1", "downtime_unplanned", 30, 45)
    _done(ward, "A", 0, 20)
    _done(ward, "B", 130, 150)
    frame = visits(ward)
    assert frame["gap_before_min"].tolist()[1] == 110
    assert frame["gap_kind"].tolist()[1] == "idle"
    assert frame["idle_in_hours_min"].tolist()[1] == 65  # 20-100 without 30-45


def test_the_first_visit_of_a_day_has_no_gap(ward: Any, visits: Any) -> None:
    _done(ward, "A", 0, 20)
    _done(ward, "B", 1440, 1460)
    assert visits(ward)["gap_before_min"].isna().all()


def test_an_aborted_exam_holds_the_table_until_it_was_stopped(ward: Any, visits: Any) -> None:
    ward.event("exam_begin", 0, acc="A", station_name="NCT1")
    ward.event("exam_discontinued", 9, acc="A")
    assert visits(ward)["duration_min"].tolist() == [9]


def test_an_hour_of_everything(ward: Any, hours: Any) -> None:
    ward.opening("NCT1", "open", -60, 60)  # 07:00 to 09:00
    ward.opening("NCT1", "closure", -60, -45)
    ward.opening("NCT1", "downtime_unplanned", -45, -35)
    ward.opening("NCT1", "downtime_planned", -40, -30)
    _done(ward, "A", -20, 10, patient="p")
    _done(ward, "B", 5, 15, patient="q")
    _done(ward, "C", 50, 80, patient="r")
    ward.event("exam_scheduled", -500, acc="A", appointment_at=-15, planned_duration_min=30, station_name="NCT1")
    ward.event("exam_scheduled", -500, acc="C", appointment_at=50, planned_duration_min=30, station_name="NCT1")
    ward.event("exam_scheduled", -500, acc="X", appointment_at=20, planned_duration_min=30, station_name="NCT1")
    ward.event("appt_cancelled", -400, acc="X")
    frame = hours(ward).set_index("local_hour")
    expected = {
        "scheduled_open_min": [45, 60, 0],
        "down_min": [15, 0, 0],
        "unplanned_down_min": [10, 0, 0],
        "operating_min": [30, 60, 0],
        "table_min": [20, 25, 0],
        "after_hours_min": [0, 0, 20],
        "booked_min": [15, 25, 0],
        "idle_min": [10, 35, 0],
        "begun_visits": [1, 2, 0],
        "begun_exams": [1, 2, 0],
        "booked_exams": [1, 1, 0],
    }
    assert frame.index.tolist() == [7, 8, 9]
    assert {name: frame[name].round(6).tolist() for name in expected} == expected
    assert frame["hour_at"].tolist()[1] == pd.Timestamp("2026-09-01T12:00Z")


def test_room_time_has_the_buffers_of_its_scanner(new_ward: Any, hours: Any) -> None:
    scanner = Scanner(
        code="NCT1", site="NORTH", modality="CT", name="CT", room_buffer_before_min=5, room_buffer_after_min=10
    )
    ward = new_ward(scanners=(scanner,))
    ward.opening("NCT1", "open", 0, 60)
    _done(ward, "A", 2, 20)
    _done(ward, "B", 24, 40)
    frame = hours(ward)
    assert frame["table_min"].tolist() == [34]
    assert frame["room_min"].tolist() == [50]  # 0-50, clipped at opening and merged


def test_a_procedure_group_has_buffers_of_its_own(new_ward: Any, hours: Any) -> None:
    scanner = Scanner(
        code="NCT1", site="NORTH", modality="CT", name="CT", room_buffer_before_min=1, room_buffer_after_min=1,
        room_buffers_min={"CT head": (5, 10)},
    )  # fmt: skip
    ward = new_ward(scanners=(scanner,))
    ward.opening("NCT1", "open", 0, 60)
    _done(ward, "A", 6, 10, procedure_code="x", procedure_text="CT HEAD WITHOUT")
    _done(ward, "B", 40, 44)
    frame = hours(ward)
    assert frame["table_min"].tolist() == [8]
    assert frame["room_before_min"].tolist() == [14]  # 1-10 and 39-44
    assert frame["room_min"].tolist() == [25]  # 1-20 and 39-45


def test_exams_in_progress_count_until_now(ward: Any, hours: Any) -> None:
    ward.opening("NCT1", "open", 0, 120)
    ward.event("exam_begin", 10, acc="A", station_name="NCT1")
    assert hours(ward, 35)["table_min"].tolist() == [25, 0]
    assert hours(ward, 75)["table_min"].tolist() == [50, 15]


def test_a_begin_that_never_ended_counts_as_planned_once_it_is_old(ward: Any, hours: Any) -> None:
    ward.opening("NCT1", "open", 0, 120)
    ward.event("exam_scheduled", -100, acc="A", appointment_at=10, planned_duration_min=20, station_name="NCT1")
    ward.event("exam_begin", 10, acc="A", station_name="NCT1")
    assert hours(ward, 1000)["table_min"].tolist() == [20, 0]


def test_a_broken_clock_does_not_fill_years_with_table_time(ward: Any, hours: Any) -> None:
    ward.opening("NCT1", "open", 0, 60)
    ward.event("exam_begin", 10, acc="A", station_name="NCT1")
    ward.event("exam_end", datetime(2036, 1, 1, tzinfo=UTC), acc="A", station_name="NCT1")
    frame = hours(ward)
    assert frame["table_min"].sum() == 0
    assert len(frame) == 1


def test_openings_and_bookings_ahead_have_hours(ward: Any, hours: Any) -> None:
    ward.opening("NCT1", "open", 14 * 1440, 14 * 1440 + 120)
    ward.event(
        "exam_scheduled", 0, acc="A", appointment_at=14 * 1440 + 30, planned_duration_min=45, station_name="NCT1"
    )
    frame = hours(ward, 10)
    assert frame["operating_min"].tolist() == [60, 60]
    assert frame["booked_min"].tolist() == [30, 15]
    assert frame["booked_exams"].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("zone", "begin", "end", "expected"),
    [
        ("America/New_York", datetime(2026, 11, 1, 4, tzinfo=UTC), datetime(2026, 11, 2, 5, tzinfo=UTC), 25 * 60),
        ("Europe/London", datetime(2026, 3, 29, 0, tzinfo=UTC), datetime(2026, 3, 29, 23, tzinfo=UTC), 23 * 60),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 13, tzinfo=UTC), datetime(2026, 4, 5, 13, 30, tzinfo=UTC), 1470),
        ("Asia/Kolkata", datetime(2026, 9, 1, 18, 30, tzinfo=UTC), datetime(2026, 9, 2, 18, 30, tzinfo=UTC), 1440),
    ],
)
def test_a_day_open_round_the_clock_has_its_zones_minutes(
    new_ward: Any, hours: Any, zone: str, begin: datetime, end: datetime, expected: float
) -> None:
    ward = new_ward(sites=(Site(code="NORTH", name="N", zone=zone),))
    ward.opening("NCT1", "open", begin, end)
    ward.event("order_entered", 0, acc="A")
    frame = hours(ward, 100_000)
    assert frame["operating_min"].sum() == expected
    assert frame["local_date"].nunique() == 1
    assert sorted(set(frame["local_hour"]) ^ set(range(24))) == ([1] if zone == "Europe/London" else [])
