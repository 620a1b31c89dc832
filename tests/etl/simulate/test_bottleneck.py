"""The planted bottleneck: outpatients of MR at NORTH wait longer week by week, nobody else does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from etl.simulate.bookings import Desk
from etl.simulate.calendars import STORY_SHORT, Calendar, calendars
from etl.simulate.demand import exams_of_day, is_booked
from etl.simulate.exam import Booking, Exam
from etl.simulate.local import clock_of
from etl.simulate.scenario import DAY_S, SITE, WARM_UP_DAYS, Scenario

END = datetime(2026, 12, 1, 14, tzinfo=UTC)
UNTIL_S = int(END.timestamp())
DAYS = 120


class Desks:
    """The booking desks of MR after four months at full demand."""

    def __init__(self) -> None:
        self.scenario = Scenario.ending(END, seed=7, days=DAYS, dicom_days=1, dose_days=1, scale=1.0)
        self.calendars: dict[str, Calendar] = calendars(self.scenario)
        days = [self.scenario.start + timedelta(days=n) for n in range(-WARM_UP_DAYS, DAYS)]
        every = [e for day in days for site in SITE.values() for e in exams_of_day(self.scenario, site, day)]
        self.exams = [e for e in every if e.modality == "MR" and is_booked(e) and e.lead is None]
        Desk(self.scenario, self.calendars).run(self.exams, UNTIL_S)

    def third_days(self, code: str, day: date) -> int:
        """Return the days to the third open slot of a scanner at 08:00."""
        at_s = clock_of(SITE[self.calendars[code].spec.site].zone).second(day, 8)
        held = {b.begin_s for e in self.exams for b in e.bookings if b.scanner == code and _stands(b, at_s)}
        days = (day + timedelta(days=n) for n in range(90))
        free = [s for d in days for s in self.calendars[code].slots(d) if s.begin_s > at_s and s.begin_s not in held]
        return (sorted(free, key=lambda s: s.begin_s)[2].day - day).days

    def waiting_days(self, site: str) -> list[float]:
        """Return how long each outpatient who still waits at the end has waited."""
        mine = (e for e in self.exams if e.site == site and e.accepted_s < UNTIL_S and not _done(e))
        return [(UNTIL_S - e.accepted_s) / DAY_S for e in mine]


def _stands(booking: Booking, at_s: int) -> bool:
    gone = booking.fate != "kept" and booking.fate_s is not None and booking.fate_s <= at_s
    return booking.booked_s <= at_s and not gone


def _done(exam: Exam) -> bool:
    off = exam.cancelled_s is not None or exam.no_show_s is not None
    return off or any(b.fate == "kept" and b.begin_s < UNTIL_S for b in exam.bookings)


@pytest.fixture(scope="module")
def desks() -> Desks:
    """The desks, once."""
    return Desks()


def test_the_third_next_available_of_mr_at_north_rises_to_weeks(desks: Desks) -> None:
    anchor = desks.scenario.anchor
    before = [desks.third_days("NMR1", anchor - timedelta(days=n)) for n in (105, 98, 91, 84)]
    last = [desks.third_days("NMR1", anchor - timedelta(days=n)) for n in (29, 22, 15, 8, 1)]
    assert max(before) <= 5
    assert 10 <= sorted(last)[2] <= 25


def test_the_south_shows_nothing_of_it(desks: Desks) -> None:
    last = [desks.third_days("SMR1", desks.scenario.anchor - timedelta(days=n)) for n in (29, 22, 15, 8)]
    assert max(last) <= 7
    assert max(desks.waiting_days("SOUTH")) < 56


def test_some_outpatients_have_waited_beyond_six_weeks(desks: Desks) -> None:
    waited = desks.waiting_days("NORTH")
    over = sum(days >= 42 for days in waited)
    assert over >= 3
    assert 0.01 < over / len(waited) < 0.1


def test_slots_end_early_from_the_planted_day_on(desks: Desks) -> None:
    code, from_day, hour = STORY_SHORT
    assert code == "NMR1"
    calendar, clock = desks.calendars[code], clock_of(SITE["NORTH"].zone)
    changed = desks.scenario.anchor + timedelta(days=from_day)
    changed += timedelta(days=-changed.weekday() % 7)  # a Monday: weekdays have hours after that
    before, after = changed - timedelta(days=7), changed
    assert calendar.slots(before)[-1].begin_s > clock.second(before, hour)
    assert calendar.slots(after)[-1].begin_s < clock.second(after, hour)
    assert calendar.open(after)[-1].end_s > clock.second(after, hour)  # for emergency and inpatients it stays open
