"""Bookings as of an origin: validity decides, not what became of the appointment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from etl.forecasts.bookings import Bookings, read_bookings
from etl.forecasts.localtime import local_hours

START = datetime(2026, 5, 4, tzinfo=UTC)


def _bookings(*rows: dict[str, Any]) -> Bookings:
    frame = pd.DataFrame([{"site_code": "A", "scanner_code": "S", "planned_duration_min": 30.0} | r for r in rows])
    for column in ("appointment_at", "valid_from_at", "valid_to_at"):
        frame[column] = pd.to_datetime(frame[column], utc=True)
    scanners = pd.DataFrame({"scanner_code": ["S"], "site_code": ["A"], "modality": ["CT"]})
    site = local_hours("UTC", int(START.timestamp() // 3600), 72)
    return read_bookings(frame, scanners, (site,), np.array([0]), 72)


def _state(state: str, hour: float, known: float, until: float | None) -> dict[str, Any]:
    return {
        "state": state,
        "appointment_at": START + timedelta(hours=hour),
        "valid_from_at": START + timedelta(hours=known),
        "valid_to_at": None if until is None else START + timedelta(hours=until),
    }


def test_a_booking_counts_from_when_it_was_known_until_it_changed() -> None:
    booked = _bookings(_state("booked", 40, 10, 20), _state("cancelled", 40, 20, None))
    counts = [booked.as_of(START + timedelta(hours=h))[0][0, 40] for h in (9, 10, 19.9, 20, 39)]
    assert counts == [0, 1, 1, 0, 0]


def test_a_moved_booking_counts_where_it_was_known_to_be() -> None:
    booked = _bookings(_state("booked", 40, 1, 20), _state("rescheduled", 60, 20, None))
    before, after = (booked.as_of(START + timedelta(hours=h))[0][0] for h in (19, 21))
    assert (before[40], before[60]) == (1, 0)
    assert (after[40], after[60]) == (0, 1)


def test_a_state_without_knowledge_time_is_never_used() -> None:
    unknown = _state("booked", 40, 10, None) | {"valid_from_at": pd.NaT}
    known = _state("booked", 41, 10, None)
    starts, _ = _bookings(unknown, known).as_of(START + timedelta(hours=30))
    assert starts.sum() == 1


def test_booked_time_is_spread_over_the_hours_it_touches() -> None:
    long = _state("booked", 40.75, 1, None) | {"planned_duration_min": 90.0}
    starts, hours = _bookings(long).as_of(START + timedelta(hours=30))
    assert starts[0, 40:43].tolist() == [1, 0, 0]
    assert hours[0, 40:44].tolist() == [0.25, 1.0, 0.25, 0.0]


def test_bookings_at_a_past_lead_are_those_known_then() -> None:
    booked = _bookings(_state("booked", 40, 10, None))
    assert booked.as_of_lead(30)[0][0, 40] == 1  # known at hour 10
    assert booked.as_of_lead(31)[0][0, 40] == 0
