"""What becomes of the simulated reports: transcription, views, addenda, discrepancies, changes after the final.

Planted for a manager to find: night preliminaries are changed more often, the clinics of the South look late and
often never, one scanner's exams are recoded after the final, and readers leave exams open over a break.
"""

from __future__ import annotations

from random import Random

from etl.simulate.exam import Exam
from etl.simulate.local import clock_of
from etl.simulate.scenario import DAY_S, HOUR_S, SITE, Scenario, chance, stream

LEFT_OPEN = 0.02  # of exams that waited: opened, then left while something else was read
LONG_WAIT_S = 2 * HOUR_S
MAJOR = {"day": 0.008, "night": 0.035}  # of preliminaries
MINOR = 0.05
GRADED = 0.95
CLINICAL = 0.35  # of addenda
CLASSED = 0.9
VIEW_S = {"E": 900, "I": 2 * HOUR_S, "O": DAY_S}  # mean until the referrer looks
NEVER_VIEWED = {("NORTH", "E"): 0.01, ("NORTH", "I"): 0.02, ("NORTH", "O"): 0.05, ("SOUTH", "O"): 0.14}
RECODED = 0.004
RECODED_SCANNER, RECODED_THERE = "SUS1", 0.03
WITHOUT_IMPRESSION = {"DX": 0.08}
NIGHT = (22.0, 6.0)


def follow_report(exam: Exam, scenario: Scenario) -> None:
    """Add what follows the reading of an exam to its truth; a stream of its own moves no other draw."""
    if exam.opened_s is None or exam.dictated_s is None:
        return
    draws = stream(scenario.seed, "after report", exam.key)
    _left_open(exam, draws)
    read_s = min(at_s for at_s in (exam.prelim_s, exam.final_s, exam.dictated_s + HOUR_S) if at_s is not None)
    exam.transcribed_s = exam.dictated_s + int((0.2 + 0.7 * draws.random()) * max(read_s - exam.dictated_s, 0))
    if exam.final_s is not None:
        _after_final(exam, exam.final_s, draws, scenario)


def _left_open(exam: Exam, draws: Random) -> None:
    """Open a few exams long before they are read."""
    left, part = draws.random() < LEFT_OPEN, draws.random()
    if left and exam.opened_s is not None and exam.available_s is not None:
        waited_s = exam.opened_s - exam.available_s
        if waited_s > LONG_WAIT_S:
            exam.opened_s -= HOUR_S + int(part * (waited_s - LONG_WAIT_S))


def _after_final(exam: Exam, final_s: int, draws: Random, scenario: Scenario) -> None:
    hour = clock_of(SITE[exam.site].zone).clock_hour(exam.prelim_s or final_s)
    grade, is_graded, addendum, is_classed = (draws.random() for _ in range(4))
    major = MAJOR["night" if hour >= NIGHT[0] or hour < NIGHT[1] else "day"]
    if exam.prelim_s is not None and is_graded < GRADED:
        exam.discrepancy = "major" if grade < major else "minor" if grade < major + MINOR else "none"
    if exam.addendum_s is not None and is_classed < CLASSED:
        exam.addendum_class = "clinical" if addendum < CLINICAL else "typographic"
    looked_s = final_s + 20 + int(draws.expovariate(1 / VIEW_S[exam.patient_class]))
    is_seen = draws.random() >= NEVER_VIEWED.get((exam.site, exam.patient_class), 0.03)
    exam.viewed_s = looked_s if is_seen else None
    later_s = final_s + 1800 + int(draws.expovariate(1 / (2 * DAY_S)))
    recoded = RECODED_THERE if exam.scanner == RECODED_SCANNER else RECODED
    exam.recoded_s = later_s if draws.random() < recoded else None
    missing = WITHOUT_IMPRESSION.get(exam.modality, 0.01)
    exam.has_impression = chance(scenario.seed, "impression", exam.key) >= missing
