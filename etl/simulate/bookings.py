"""The booking desk: appointments in template slots, and how each ends: kept, moved, cancelled or not come to."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from etl.simulate.calendars import Calendar, Stretch
from etl.simulate.demand import LEAD_DAYS, is_booked
from etl.simulate.exam import Booking, Exam
from etl.simulate.local import clock_of
from etl.simulate.scenario import DAY_S, HOUR_S, SCANNERS, SITE, Scenario, stream

LOOK_AHEAD_DAYS = 75
MOST_BOOKINGS = 3
USUAL_LATEST_DAYS = 42.0  # nobody asks for a day later than that ...
LATEST_DAYS = {("NORTH", "MR"): 58.0}  # ... save where the story of the bottleneck has a tail
NOTICE_S = 2 * HOUR_S  # nobody is booked for sooner
BY_WHOM = (("PATIENT", 0.70), ("PROVIDER", 0.19), ("SITE", 0.11))


@dataclass(order=True, slots=True)
class _Due:
    """A step of the desk waiting for its time."""

    at_s: int
    key: int
    step: str = field(compare=False)
    exam: Exam = field(compare=False)
    draws: random.Random = field(compare=False)
    wanted: date | None = field(default=None, compare=False)


class Desk:
    """Books in the order in which time passes; a slot freed by one patient is open to the next."""

    def __init__(self, scenario: Scenario, calendars: dict[str, Calendar]) -> None:
        """Begin with every slot free."""
        self._scenario = scenario
        self._calendars = calendars
        self._free: dict[tuple[str, date], list[Stretch]] = {}
        self._due: list[_Due] = []

    def run(self, exams: Iterable[Exam], until_s: int) -> None:
        """Work through every booking step up to `until_s` (Unix seconds)."""
        for exam in exams:
            if is_booked(exam) and exam.lead is None:
                draws = stream(self._scenario.seed, "booking", exam.key)
                wait_s = 120 + int(draws.expovariate(1 / 2400))
                self._due.append(_Due(exam.accepted_s + wait_s, exam.key, "book", exam, draws, self._wish(exam, draws)))
        heapq.heapify(self._due)
        while self._due and self._due[0].at_s < until_s:
            due = heapq.heappop(self._due)
            if due.step == "book":
                self._book(due)
            else:
                self._end(due)

    def _wish(self, exam: Exam, draws: random.Random) -> date:
        lead = draws.lognormvariate(0, 0.8) * LEAD_DAYS[exam.modality]
        latest = LATEST_DAYS.get((exam.site, exam.modality), USUAL_LATEST_DAYS)
        lead = 0.3 if exam.priority == "S" else min(lead, 2.0) if exam.priority == "A" else min(lead, latest)
        return clock_of(SITE[exam.site].zone).local_date(exam.accepted_s + int(lead * DAY_S))

    def _slots(self, pool: str, day: date) -> list[Stretch]:
        known = self._free.get((pool, day))
        if known is None:
            codes = [s.code for s in SCANNERS if s.pool == pool]
            known = sorted(
                (s for c in codes for s in self._calendars[c].slots(day)), key=lambda s: (s.begin_s, s.scanner)
            )
            self._free[(pool, day)] = known
        return known

    def _take(self, pool: str, wanted: date, now_s: int, draws: random.Random) -> Stretch | None:
        first = wanted.toordinal()
        for n in range(first, first + LOOK_AHEAD_DAYS):
            slots = self._slots(pool, date.fromordinal(n))
            usable = [s for s in slots if s.begin_s > now_s + NOTICE_S]
            if usable:
                chosen = usable[int(len(usable) * draws.random() ** 1.3)]
                slots.remove(chosen)
                return chosen
        return None

    def _book(self, due: _Due) -> None:
        exam, draws = due.exam, due.draws
        today = clock_of(SITE[exam.site].zone).local_date(due.at_s)
        slot = self._take(f"{exam.site}-{exam.modality}", max(due.wanted or today, today), due.at_s, draws)
        if slot is None:  # no capacity within sight: the order is sent elsewhere
            exam.cancelled_s, exam.cancel_reason = due.at_s, "SITE"
            return
        number = len(exam.bookings)
        moves = number > 0 and exam.bookings[-1].fate == "moved"
        booking = Booking(
            appointment_id(exam, moves), slot.scanner, slot.begin_s, (slot.end_s - slot.begin_s) // 60,
            due.at_s, moves=moves,
        )  # fmt: skip
        exam.bookings.append(booking)
        exam.no_show_s = None
        _decide(booking, draws, number)
        if booking.fate != "kept" and booking.fate_s is not None:
            heapq.heappush(self._due, _Due(booking.fate_s, exam.key, "end", exam, draws))

    def _end(self, due: _Due) -> None:
        exam, draws, booking = due.exam, due.draws, due.exam.bookings[-1]
        day = clock_of(SITE[exam.site].zone).local_date(booking.begin_s)
        slot = Stretch(booking.scanner, "slot", day, booking.begin_s, booking.begin_s + booking.minutes * 60)
        if booking.fate != "no_show":
            self._slots(f"{exam.site}-{exam.modality}", day).append(slot)
        else:
            exam.no_show_s = due.at_s
        if booking.fate == "moved":
            self._book(
                _Due(
                    due.at_s, exam.key, "book", exam, draws, date.fromordinal(day.toordinal() + 1 + draws.randrange(9))
                )
            )
            return
        if draws.random() < (0.45 if booking.fate == "no_show" else 0.35):
            again_s = due.at_s + HOUR_S + draws.randrange(2 * DAY_S)
            heapq.heappush(
                self._due, _Due(again_s, exam.key, "book", exam, draws, date.fromordinal(day.toordinal() + 1))
            )
        elif booking.fate == "cancelled":
            exam.cancelled_s, exam.cancel_reason = due.at_s, booking.reason


def _decide(booking: Booking, draws: random.Random, number: int) -> None:
    """Settle at booking how the appointment will end; long leads cancel more and come less."""
    lead_s = booking.begin_s - booking.booked_s
    lead_days = lead_s / DAY_S
    cancels = min(0.05 + 0.003 * lead_days, 0.16) if number < MOST_BOOKINGS - 1 else 0.0
    moves = cancels + (0.05 if number < MOST_BOOKINGS - 1 else 0.0)
    misses = moves + min(0.012 + 0.0018 * lead_days, 0.09)
    chance, when = draws.random(), draws.random()
    if chance < moves:
        booking.fate = "cancelled" if chance < cancels else "moved"
        booking.reason = draws.choices([w for w, _ in BY_WHOM], [p for _, p in BY_WHOM])[0]
        booking.fate_s = booking.booked_s + max(600, int(lead_s - _notice_s(when, lead_s)))
    elif chance < misses:
        booking.fate, booking.reason = "no_show", "NOSHOW"
        booking.fate_s = booking.begin_s + 1800 + int(when * 1800)
    else:
        booking.fate = "kept"
        if when < 0.05 and lead_s > DAY_S:
            booking.lengthened_s = booking.booked_s + int(when * 20 * (lead_s - DAY_S // 2))


def _notice_s(when: float, lead_s: int) -> float:
    """Return how long before the appointment it is called off: a fifth on the day itself."""
    if when < 0.22:
        return HOUR_S * (1 + 4 * when / 0.22)
    if when < 0.45:
        return HOUR_S * (5 + 19 * (when - 0.22) / 0.23)
    return DAY_S + max(lead_s - DAY_S, 0) * (when - 0.45) / 0.55 * 0.98


def appointment_id(exam: Exam, moves: bool) -> str:
    """Return the number of the exam's next appointment; a moved appointment keeps its number."""
    if moves:
        return exam.bookings[-1].appointment_id
    return f"SIM{SITE[exam.site].letter}S{exam.placer[5:]}{len(exam.bookings)}"


def mirror(exam: Exam, lead: Exam) -> None:
    """Give a linked exam appointments of its own at the times of its lead's."""
    exam.cancelled_s, exam.cancel_reason, exam.no_show_s = lead.cancelled_s, lead.cancel_reason, lead.no_show_s
    for b in lead.bookings:
        exam.bookings.append(
            Booking(
                appointment_id(exam, b.moves),
                b.scanner,
                b.begin_s,
                b.minutes,
                b.booked_s + 5,
                b.fate,
                b.fate_s,
                b.reason,
                b.moves,
                b.lengthened_s,
            )
        )
