"""What each scanner does at an instant, and that the live part says what the KPIs say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from app.command_center import AGES
from app.scanners_now import ScannerNow, scanners_now
from etl.access import DEMO
from etl.kpis import Query, compute
from etl.settings import load_settings
from etl.warehouse.engine import reader_engine
from tests.app.test_pages import open_page, text_of

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)  # 10:00 in New York
ZONES = {"NORTH": ZoneInfo("America/New_York")}
SCANNERS = pd.DataFrame([{"site_code": "NORTH", "scanner_code": "CT1", "modality": "CT"}])
COLUMNS = {
    "in_rooms": ["exam_begin_at", "appointment_at", "planned_duration_min"],
    "last_left": ["end_at"],
    "booked_around": ["appointment_at", "planned_duration_min", "arrived_at"],
    "hours_around": ["kind", "begin_at", "end_at", "reason_code"],
}


def ago(minutes: float) -> pd.Timestamp:
    return pd.Timestamp(NOW - timedelta(minutes=minutes))


def state(**rows: list[tuple[Any, ...]]) -> ScannerNow:
    """The state of one scanner, open from 07:00 to 19:00 unless `hours_around` says otherwise."""
    rows.setdefault("hours_around", [("open", ago(180), ago(-540), None)])
    frames = {name: pd.DataFrame(rows.get(name, []), columns=columns) for name, columns in COLUMNS.items()}
    for frame in frames.values():
        frame["scanner_code"] = "CT1"
        for column in frame.columns[frame.columns.str.endswith("_at")]:
            frame[column] = pd.to_datetime(frame[column], utc=True)
    (found,) = scanners_now(SCANNERS, frames, NOW, ZONES)
    return found


def test_a_patient_on_the_table_within_the_plan_is_busy() -> None:
    found = state(in_rooms=[(ago(20), ago(25), 20.0)])
    assert (found.state.word, found.said) == ("busy", "patient since 09:40")


def test_a_patient_beyond_the_plan_is_late() -> None:
    found = state(in_rooms=[(ago(40), ago(45), 20.0)])
    assert (found.state.word, found.said) == ("late", "patient since 09:20, 20 min over plan")


def test_an_empty_table_with_a_patient_overdue_is_late() -> None:
    found = state(booked_around=[(ago(22), 20.0, ago(60))])
    assert (found.state.word, found.said) == ("late", "the 09:38 appointment is 22 min late, patient is here")
    assert "has not arrived" in state(booked_around=[(ago(22), 20.0, pd.NaT)]).said


def test_an_empty_table_is_idle_until_the_next_patient() -> None:
    found = state(last_left=[(ago(30),)], booked_around=[(ago(-25), 20.0, pd.NaT)])
    assert (found.state.word, found.said, found.following) == ("idle", "empty since 09:30", "next 10:25")


def test_downtime_outranks_everything() -> None:
    hours = [("open", ago(180), ago(-540), None), ("downtime_unplanned", ago(95), pd.NaT, None)]
    found = state(hours_around=hours, in_rooms=[(ago(20), ago(25), 20.0)])
    assert (found.state.word, found.said) == ("down", "down unplanned since 08:25")


def test_outside_its_hours_a_scanner_is_closed_and_says_when_it_opens() -> None:
    hours = [("open", ago(900), ago(300), None), ("open", ago(-1260), ago(-1800), None)]
    found = state(hours_around=hours)
    assert (found.state.word, found.following) == ("closed", "opens Wed 07:00")


def test_a_closure_closes_opening_hours() -> None:
    hours = [("open", ago(180), ago(-540), None), ("closure", ago(180), ago(-540), None)]
    assert state(hours_around=hours).state.word == "closed"


def test_ages_of_the_unread_queue_add_up_to_it(config: Path) -> None:
    day = NOW.date()
    query = Query("U21", day, day + timedelta(days=1), ("patient_class",))
    frame = compute(reader_engine(load_settings(config)), query, DEMO).frame
    assert frame["count"].sum() > 0
    assert list(frame[list(AGES)].sum(axis=1)) == list(frame["count"])


def test_it_shows_every_scanner_and_each_sites_queues(config: Path) -> None:
    at = open_page("overview")
    shown = text_of(at)
    scanners = load_settings(config).scanners
    assert all(f"**{scanner.code}**" in shown for scanner in scanners)
    table = next(t.value for t in at.table if "NORTH" in t.value.columns)
    assert {"Patients waiting", "Unread exams", "Exams under way"} <= set(table.iloc[:, 0])


def test_filters_leave_only_what_they_name(config: Path) -> None:
    shown = text_of(open_page("overview", site="NORTH"))
    kept = {scanner.code for scanner in load_settings(config).scanners if f"**{scanner.code}**" in shown}
    assert kept == {scanner.code for scanner in load_settings(config).scanners if scanner.site == "NORTH"}
