"""Waits by a clock that begins anew as the shipped pack dm01_six_weeks says, each number computed on paper."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from etl.errors import ConfigurationError
from etl.warehouse.clock_rules import ClockRule, clock_rule
from etl.warehouse.parameters import ReasonRule, TargetRule
from etl.warehouse.target_rules import rule_packs

CLOCKS = rule_packs()["dm01_six_weeks"].clocks
REASONS = (ReasonRule("PATIENT", "patient"), ReasonRule("SITE", "site"))
Stretch = tuple[datetime, datetime, datetime | None]


def ny(day: int, hour: int, minute: int = 0, month: int = 9) -> datetime:
    """Return an instant of 2026 on New York's wall clock."""
    return datetime(2026, month, day, hour, minute, tzinfo=ZoneInfo("America/New_York"))


@pytest.fixture
def clinic(new_ward: Any) -> Any:
    """A department with the shipped rules; A's request is received on 1 September at 08:00."""
    ward = new_ward(clock_rules=CLOCKS, cancellation_reasons=REASONS)
    tell(ward, "order_entered", ny(1, 8))
    return ward


def tell(ward: Any, kind: str, at: datetime, **more: Any) -> None:
    """Add an event of A, an outpatient."""
    ward.event(kind, at, acc="A", appt="AP", modality="MR", patient_class_code="O", **more)


def book(
    ward: Any, at: datetime, appointment: datetime, kind: str = "exam_scheduled", reason: str | None = None
) -> None:
    """Book A, or move the booking."""
    tell(ward, kind, at, appointment_at=appointment, station_name="NMR1", planned_duration_min=40.0, reason_code=reason)


def waits(ward: Any) -> pd.DataFrame:
    """Return A's stretches, as of a day in October."""
    return ward.facts(ny(30, 12, month=10)).families["fact_wait"]  # type: ignore[no-any-return]  # a fixture


def stretches(ward: Any) -> list[Stretch]:
    """Return clock, since when and until when it is in force."""
    rows = waits(ward)[["clock_at", "entered_at", "until_at"]].astype(object)
    return [tuple(row) for row in rows.where(rows.notna(), None).itertuples(index=False)]


def test_who_did_not_come_waits_anew_from_the_appointment_missed(clinic: Any) -> None:
    book(clinic, ny(1, 9), ny(8, 9))
    tell(clinic, "no_show", ny(8, 9, 40))
    book(clinic, ny(8, 11), ny(22, 10))
    tell(clinic, "exam_begin", ny(22, 10, 5), station_name="NMR1")
    assert stretches(clinic) == [
        (ny(1, 8), ny(1, 8), ny(8, 9, 40)),  # until the miss was told everyone counted from the request
        (ny(8, 9), ny(8, 9, 40), None),
    ]
    rows = waits(clinic)
    assert rows["wait_min"].tolist()[1] == 14 * 1440 + 65  # 8 September 09:00 to 22 September 10:05
    assert pd.isna(rows["wait_min"].iloc[0])
    assert rows["restarts"].tolist() == [0, 1]
    assert rows["is_last"].tolist() == [False, True]
    # the wait itself stays what it was: 21 days and 2 h 5 min since the request
    assert clinic.one()["access_wait_min"] == 21 * 1440 + 125


def test_who_calls_off_ahead_waits_anew_from_the_appointment_given_up(clinic: Any) -> None:
    book(clinic, ny(1, 9), ny(10, 9))
    tell(clinic, "appt_cancelled", ny(3, 12), reason_code="PATIENT")
    book(clinic, ny(3, 13), ny(24, 9))
    # known on the 3rd, the clock begins on the 10th: until then it stands at nought
    assert stretches(clinic) == [(ny(1, 8), ny(1, 8), ny(3, 12)), (ny(10, 9), ny(3, 12), None)]


@pytest.mark.parametrize("reason", ["SITE", None, "WHATEVER"])
def test_what_the_hospital_calls_off_leaves_the_clock_running(clinic: Any, reason: str | None) -> None:
    book(clinic, ny(1, 9), ny(10, 9))
    tell(clinic, "appt_cancelled", ny(3, 12), reason_code=reason)
    book(clinic, ny(3, 13), ny(24, 9))
    assert stretches(clinic) == [(ny(1, 8), ny(1, 8), None)]


@pytest.mark.parametrize(("reason", "anew"), [("PATIENT", True), ("SITE", False)])
def test_moving_at_the_patients_wish_gives_the_old_time_up(clinic: Any, reason: str, anew: bool) -> None:
    book(clinic, ny(1, 9), ny(10, 9))
    book(clinic, ny(4, 12), ny(17, 9), "exam_rescheduled", reason)
    later = [(ny(10, 9), ny(4, 12), None)]  # from the old time, not from the new one
    assert stretches(clinic)[1:] == (later if anew else [])


def test_a_clock_never_runs_backwards(clinic: Any) -> None:
    book(clinic, ny(1, 9), ny(20, 9))
    tell(clinic, "appt_cancelled", ny(3, 12), reason_code="PATIENT")
    book(clinic, ny(3, 13), ny(15, 9))
    tell(clinic, "no_show", ny(15, 10))
    # the miss of the 15th would put the clock back from the 20th to the 15th
    assert [clock for clock, _, _ in stretches(clinic)] == [ny(1, 8), ny(20, 9), ny(20, 9)]


def test_who_is_examined_before_the_appointment_given_up_waited_nought(clinic: Any) -> None:
    book(clinic, ny(1, 9), ny(20, 9))
    book(clinic, ny(3, 12), ny(8, 9), "exam_rescheduled", "PATIENT")
    tell(clinic, "exam_begin", ny(8, 9, 5), station_name="NMR1")
    assert waits(clinic)["wait_min"].tolist()[-1] == 0.0


def test_clocks_going_back_make_an_hour_more_of_waiting(clinic: Any) -> None:
    book(clinic, ny(1, 9), ny(31, 9, month=10))
    tell(clinic, "no_show", ny(31, 9, 40, month=10))
    book(clinic, ny(31, 10, month=10), ny(2, 9, month=11))
    tell(clinic, "exam_begin", ny(2, 9, month=11), station_name="NMR1")
    rows = clinic.facts(ny(3, 12, month=11)).families["fact_wait"]
    assert rows["wait_min"].tolist()[-1] == 49 * 60  # Saturday 09:00 to Monday 09:00, with Sunday's 25 hours


def test_a_rule_may_count_from_the_notice(new_ward: Any) -> None:
    rule = ClockRule("cancelled", "*", "notice", "own")
    ward = new_ward(clock_rules=(rule,), cancellation_reasons=REASONS)
    tell(ward, "order_entered", ny(1, 8))
    book(ward, ny(1, 9), ny(10, 9))
    tell(ward, "appt_cancelled", ny(3, 12), reason_code="SITE")
    assert stretches(ward) == [(ny(1, 8), ny(1, 8), ny(3, 12)), (ny(3, 12), ny(3, 12), None)]


def test_without_rules_and_for_inpatients_there_is_no_such_clock(clinic: Any, ward: Any) -> None:
    clinic.event("order_entered", ny(1, 9), acc="B", modality="MR", patient_class_code="I")
    assert len(waits(clinic)) == 1
    tell(ward, "order_entered", ny(1, 8))
    assert waits(ward).empty


def test_the_access_target_is_the_one_of_the_day_of_the_order(new_ward: Any) -> None:
    october = ny(1, 0, month=10).date()
    targets = (
        TargetRule(None, october, "*", "MR", "*", "O", "access", 60480.0),
        TargetRule(october, None, "*", "MR", "*", "O", "access", 40320.0),
    )
    ward = new_ward(targets=targets, clock_rules=CLOCKS)
    tell(ward, "order_entered", datetime(2026, 10, 1, 3, 30, tzinfo=UTC))  # 30 September, 23:30 in New York
    assert ward.one()["access_target_min"] == 60480.0
    assert waits(ward)["limit_min"].tolist() == [60480.0]


def test_a_rule_with_a_word_nobody_knows_is_refused(tmp_path: Any) -> None:
    with pytest.raises(ConfigurationError, match="no_show, cancelled, rescheduled"):
        clock_rule(tmp_path / "own.toml", {"after": "noshow"})
