"""What becomes of a critical finding after it is seen: told late or never, handed on, closed, and how it is noted."""

from __future__ import annotations

from dataclasses import dataclass

from etl.simulate.exam import Exam
from etl.simulate.local import clock_of
from etl.simulate.scenario import DAY_S, HOUR_S, SITE, Scenario, stream

LATE_SECTION = "NEURO"  # story: at night its class 1 findings are told late
LATE_HOURS = (21.0, 7.0)  # local; night for whoever has to phone
UNTOLD = {1: 0.015, 2: 0.03, 3: 0.05}  # share nobody was told of in time: found when the open ones are gone through
NEVER = {1: 0.0, 2: 0.08, 3: 0.08}  # of these: not even then
FOUND_DAYS = 4.0  # until then, on average; at least one
HANDED_ON = {1: 0.0, 2: 0.08, 3: 0.7}
CLOSED = {1: 0.92, 2: 0.85, 3: 0.6}
CHANNELS = ("Phone", "Phone", "Phone", "In person", "Secure message")
DOCUMENTED = {"NORTH": (0.99, 0.95, 0.97, 0.9), "SOUTH": (0.97, 0.88, 0.9, 0.76)}  # who, to whom, how, read back
NOTED = 0.97  # share of communications that are noted at all


@dataclass(frozen=True)
class Note:
    """One line of the list of communications; None where nothing was noted."""

    who: str | None
    whom: str | None
    how: str | None
    read_back: str | None


def communicate(exam: Exam, scenario: Scenario) -> None:
    """Give an exam's critical finding its course; findings keep the times drawn before unless a story moves them."""
    if exam.critical_class is None or exam.crit_identified_s is None or exam.crit_notified_s is None:
        return
    draws, kind = stream(scenario.seed, "communicate", exam.key), exam.critical_class
    late, untold, on, closed = (draws.random() for _ in range(4))
    if is_late(exam):
        exam.crit_notified_s = exam.crit_identified_s + 2100 + int(4200 * late)
        exam.crit_ack_s = exam.crit_notified_s + 240
    if untold < UNTOLD[kind]:
        found_s = exam.crit_identified_s + DAY_S + int(draws.expovariate(1 / ((FOUND_DAYS - 1) * DAY_S)))
        never = draws.random() < NEVER[kind]
        exam.crit_notified_s, exam.crit_ack_s = (None, None) if never else (found_s, found_s + 240)
    if on < HANDED_ON[kind]:
        exam.crit_delegated_s = exam.crit_identified_s + 600 + int(draws.expovariate(1 / (4 * HOUR_S)))
    if exam.crit_ack_s is not None and closed < CLOSED[kind]:
        exam.crit_closed_s = exam.crit_ack_s + 30 + int(draws.expovariate(1 / 900))


def is_late(exam: Exam) -> bool:
    """Return whether the story makes this finding be told late."""
    if exam.critical_class != 1 or exam.procedure.section != LATE_SECTION or exam.crit_identified_s is None:
        return False
    hour = clock_of(SITE[exam.site].zone).clock_hour(exam.crit_identified_s)
    return hour >= LATE_HOURS[0] or hour < LATE_HOURS[1]


def note(exam: Exam, scenario: Scenario) -> Note | None:
    """Return what was noted of telling the finding, None where nobody told it or nothing was noted."""
    if exam.crit_notified_s is None:
        return None
    draws = stream(scenario.seed, "note", exam.key)
    if draws.random() >= NOTED:
        return None
    who, whom, how, back = (draws.random() < share for share in DOCUMENTED[exam.site])
    channel, answer = draws.choice(CHANNELS), "Yes" if draws.random() < 0.93 else "No"
    reader = exam.reader or exam.assistant
    return Note(reader if who else None, exam.orderer if whom else None, channel if how else None,
                answer if back else None)  # fmt: skip
