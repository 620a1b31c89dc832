"""The Overview's sentences name the change that was planted, where it sits, and nothing when nothing changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from etl.access import DEMO, Principal, Role
from etl.kpis import changes
from etl.kpis.words import amount, difference
from etl.warehouse import tables as t

TODAY = datetime(2026, 9, 30, 16, tzinfo=UTC)  # a Wednesday, noon in New York
YESTERDAY = date(2026, 9, 29)


def department(slow_min: float = 0.0, extra: int = 0) -> dict[Any, list[dict[str, Any]]]:
    """Return five weeks of twenty exams a day on two scanners; yesterday's of NMR1 read later, or more of them."""
    exams = []
    for back in range(1, 36):
        day = TODAY.date() - timedelta(days=back)
        for number in range(20 + (extra if day == YESTERDAY else 0)):
            scanner = "NMR1" if number % 2 or number >= 20 else "NCT1"
            end = datetime(day.year, day.month, day.day, 14, tzinfo=UTC) + timedelta(minutes=7 * number)
            tat = 60.0 + (number * 7 + back * back * 13) % 23
            tat += slow_min if day == YESTERDAY and scanner == "NMR1" else 0.0
            exams.append(
                {
                    "exam_key": len(exams) + 1,
                    "site_code": "NORTH",
                    "scanner_code": scanner,
                    "modality": scanner[1:3],
                    "exam_begin_at": end - timedelta(minutes=20),
                    "exam_end_at": end,
                    "end_local_date": day,
                    "begin_local_date": day,
                    "first_final_at": end + timedelta(minutes=tat),
                    "report_tat_min": tat,
                    "is_performed": True,
                }
            )
    return {
        t.data_version: [{"data_version": "v", "data_at": TODAY, "published_at": TODAY}],
        t.dim_site: [{"site_code": "NORTH", "zone": "America/New_York"}],
        t.fact_exam: exams,
    }


def told(make_engine: Any, **planted: float) -> dict[str, Any]:
    """Return the changes found, by KPI."""
    return {change.kpi: change for change in changes(make_engine(department(**planted)), DEMO)}


def test_a_slow_day_is_told_with_its_scanner_and_its_size(make_engine: Any) -> None:
    slow = told(make_engine, slow_min=200.0)["T16"]
    assert slow.is_signal
    assert (slow.direction, slow.day) == ("worse", YESTERDAY)
    assert "Tuesday 29 September" in slow.text
    assert "outside its usual range; the largest part in scanner NMR1." in slow.text


def test_more_exams_are_told_as_neutral_and_count(make_engine: Any) -> None:
    more = told(make_engine, extra=15)["V01-accessions"]
    assert more.is_signal
    assert more.direction == "neutral"
    assert "35 exams, up 15 exams from 20 exams, the mean of the 4 Tuesdays before" in more.text
    assert "scanner NMR1" in more.text


def test_an_ordinary_day_is_told_as_such(make_engine: Any) -> None:
    found = told(make_engine)
    assert not any(change.is_signal for change in found.values())
    assert all(change.text.endswith("within its usual range.") for change in found.values())


def test_most_unusual_first_and_three_at_most(make_engine: Any) -> None:
    found = changes(make_engine(department(slow_min=200.0, extra=15)), DEMO)
    assert len(found) <= 3
    assert [c.magnitude for c in found] == sorted((c.magnitude for c in found), reverse=True)


def test_today_is_not_judged_before_it_is_over(make_engine: Any) -> None:
    assert {c.day for c in changes(make_engine(department()), DEMO)} == {YESTERDAY}


def test_filters_and_scope_apply(make_engine: Any) -> None:
    engine: Engine = make_engine(department(slow_min=200.0))
    ct = {c.kpi: c for c in changes(engine, DEMO, where={"scanner": ("NCT1",)})}
    assert "T16" not in ct or not ct["T16"].is_signal
    assert changes(engine, Principal("s", Role.VIEWER, frozenset({"SOUTH"}))) == []


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (38.4, "min", "38 min"),
        (320.0, "min", "5 h 20 min"),
        (7200.0, "min", "5.0 days"),
        (0.62, "share", "62 %"),
        (0.024, "share", "2.4 %"),
        (1312.0, "exams", "1,312 exams"),
        (2.5, "visits/h", "2.5 visits/h"),
    ],
)
def test_numbers_are_said_with_their_units(value: float, unit: str, words: str) -> None:
    assert amount(value, unit) == words


def test_differences_of_shares_are_points() -> None:
    assert difference(0.62, 0.655, "share") == "down 3.5 points"
    assert difference(50.0, 38.0, "min") == "up 12 min"
