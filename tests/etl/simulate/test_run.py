"""The simulated days look like a department's: load, profiles, waits, no-shows, and the stories planted last."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median

import pytest

from etl.simulate.calendars import Calendar, days_between
from etl.simulate.exam import Exam
from etl.simulate.local import clock_of
from etl.simulate.planted import repeated_hour
from etl.simulate.run import Run, run
from etl.simulate.scenario import SCANNER, SCANNERS, SITE, Scenario

END = datetime(2026, 11, 25, 14, tzinfo=UTC)
DAYS = 21


@pytest.fixture(scope="module")
def lived() -> Run:
    scenario = Scenario.ending(END, seed=3, days=DAYS, dicom_days=2, dose_days=2, scale=1.0)
    return run(scenario, int(END.timestamp()), lambda *_: None)


def utilization(lived: Run, code: str) -> float:
    first, last = lived.scenario.start + timedelta(days=1), lived.scenario.anchor - timedelta(days=1)
    closed = {s.day for s in lived.stretches(code, "closures", first, last)}
    hours = [(s.begin_s, s.end_s) for s in lived.stretches(code, "open", first, last) if s.day not in closed]
    used = 0
    for exam in lived.exams:
        if exam.scanner == code and exam.lead is None:
            for begin_s, end_s in exam.parts:
                used += sum(max(0, min(end_s, e) - max(begin_s, b)) for b, e in hours)
    return used / sum(e - b for b, e in hours)


def test_volume_is_about_three_hundred_and_thirty_a_day(lived: Run) -> None:
    begun = [e for e in lived.exams if e.begin_s is not None]
    assert 290 <= len(begun) / DAYS <= 370
    assert {e.modality for e in begun} == {"CT", "MR", "DX", "US", "MG", "NM", "XA"}


def test_table_utilization_is_realistic_and_differs(lived: Run) -> None:
    found = {s.code: utilization(lived, s.code) for s in SCANNERS}
    assert all(0.40 <= value <= 0.85 for value in found.values()), found
    assert max(found.values()) - min(found.values()) > 0.15


def test_emergencies_peak_in_the_evening_and_weekends_are_quiet(lived: Run) -> None:
    hours: Counter[int] = Counter()
    weekdays: Counter[int] = Counter()
    for exam in lived.exams:
        hour = clock_of(SITE[exam.site].zone).hour(exam.ordered_s)
        if exam.patient_class == "E":
            hours[int(hour.hour)] += 1
        elif exam.begin_s is not None:
            weekdays[clock_of(SITE[exam.site].zone).hour(exam.begin_s).weekday] += 1
    assert sum(hours[h] for h in range(17, 21)) > 2 * sum(hours[h] for h in range(2, 6))
    assert weekdays[6] < 0.4 * weekdays[1]


def test_no_shows_are_two_to_five_per_cent_and_grow_with_lead_time(lived: Run) -> None:
    until_s = lived.until_s
    past = [b for e in lived.exams if e.lead is None for b in e.bookings if b.begin_s + 3600 < until_s]
    due = [b for b in past if b.fate in ("kept", "no_show")]
    missed = [b for b in due if b.fate == "no_show"]
    assert 0.02 <= len(missed) / len(due) <= 0.055
    lead_missed = median(b.begin_s - b.booked_s for b in missed)
    assert lead_missed > median(b.begin_s - b.booked_s for b in due)


def test_urgent_reports_come_sooner(lived: Run) -> None:
    def tat(priority: str, patient_class: str) -> float:
        chosen = [e for e in lived.exams if (e.priority, e.patient_class) == (priority, patient_class)]
        return median(
            (e.prelim_s or e.final_s or 0) - e.end_s for e in chosen if e.end_s is not None and e.final_s is not None
        )

    assert tat("S", "E") < tat("R", "O")


def test_unread_queue_grows_in_the_last_days(lived: Run) -> None:
    def unread(at_s: int) -> int:
        return sum(
            e.end_s is not None and e.end_s <= at_s and not any(s and s <= at_s for s in (e.prelim_s, e.final_s))
            for e in lived.exams
            if e.procedure.section == "BODY"
        )

    usual = [unread(lived.until_s - n * 7 * 86400) for n in (1, 2)]
    assert unread(lived.until_s) > max(usual)


def test_linked_exams_lie_inside_their_lead(lived: Run) -> None:
    linked = [e for e in lived.exams if e.lead is not None and e.end_s is not None and e.begin_s is not None]
    assert len(linked) > 100
    for exam in linked:
        lead = lived.by_key[exam.lead or 0]
        assert lead.begin_s is not None
        assert lead.end_s is not None
        assert lead.begin_s <= (exam.begin_s or 0) < (exam.end_s or 0) <= lead.end_s


def test_milestones_come_in_order(lived: Run) -> None:
    for exam in lived.exams:
        times = (
            exam.ordered_s,
            exam.in_room_s,
            exam.begin_s,
            exam.end_s,
            exam.available_s,
            exam.opened_s,
            exam.final_s,
        )
        known = [t for t in times if t is not None]
        assert known == sorted(known), exam.key


def test_nobody_is_scanned_twice_at_once_on_a_table(lived: Run) -> None:
    for spec in SCANNERS:
        parts = sorted(p for e in lived.exams if e.scanner == spec.code and e.lead is None for p in e.parts)
        assert all(before[1] <= after[0] for before, after in pairwise(parts))


def test_down_scanner_begins_nobody(lived: Run) -> None:
    for spec in SCANNERS:
        down = lived.stretches(spec.code, "unplanned", lived.scenario.start, lived.scenario.anchor)
        in_room = [e.in_room_s for e in lived.exams if e.scanner == spec.code and e.in_room_s is not None]
        assert not any(s.begin_s < at_s < s.end_s for s in down for at_s in in_room)


def test_a_longer_life_has_the_same_days(lived: Run) -> None:
    earlier_s = lived.until_s - 20 * 3600
    shorter = run(lived.scenario, earlier_s, lambda *_: None)

    def known(exam: Exam) -> tuple[int | None, ...]:
        times = (
            exam.arrived_s,
            exam.begin_s,
            exam.end_s,
            exam.prelim_s,
            exam.final_s,
            exam.cancelled_s,
            exam.addendum_s,
        )
        return tuple(s if s is not None and s < earlier_s else None for s in times)

    assert len(shorter.exams) > 1000
    assert {e.key: known(e) for e in shorter.exams} == {e.key: known(e) for e in lived.exams if e.ordered_s < earlier_s}


def test_slots_avoid_holidays_and_maintenance(lived: Run) -> None:
    calendar = Calendar(lived.scenario, SCANNER["NMG1"])
    thanksgiving = datetime(2026, 11, 26, tzinfo=UTC).date()
    assert calendar.open(thanksgiving)
    assert calendar.closures(thanksgiving)
    assert not calendar.slots(thanksgiving)
    planned = [s for day in days_between(lived.scenario.start, thanksgiving) for s in calendar.planned(day)]
    assert planned
    for stretch in planned:
        assert all(s.end_s <= stretch.begin_s or s.begin_s >= stretch.end_s for s in calendar.slots(stretch.day))


def test_repeated_hour_is_found_where_the_zone_has_one() -> None:
    first, last = datetime(2026, 10, 30, tzinfo=UTC).date(), datetime(2026, 11, 3, tzinfo=UTC).date()
    span = repeated_hour("America/New_York", first, last)
    assert span == (
        int(datetime(2026, 11, 1, 6, tzinfo=UTC).timestamp()),
        int(datetime(2026, 11, 1, 7, tzinfo=UTC).timestamp()),
    )
    assert repeated_hour("America/Phoenix", first, last) is None
