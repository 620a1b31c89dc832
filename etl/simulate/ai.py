"""Algorithms of the simulated hospitals: where they run since when, what they get wrong, and what readers make of it.

The story: at North the CT algorithms went live a third of the way in, and after an update the one for bleeding flags
more exams without one. South has none for CT.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from etl.simulate.exam import Exam
from etl.simulate.local import clock_of
from etl.simulate.scenario import DAY_S, HOUR_S, SITE, Scenario, chance

LIVE_SITE = "NORTH"
GROUPS = {"ICH": "CT head", "LVO": "CT angiography head and neck", "PE": "CT angiography chest", "PTX": "XR chest"}
ALWAYS_ON = frozenset({"PTX"})  # plain films of both hospitals have had theirs for long
RIGHT = 0.80  # of what an algorithm flags
MISSED = 0.008  # findings among what it does not flag
DRIFTING = "ICH"
MORE_FLAGGED = 0.07  # share of exams flagged for nothing after the update
# share of findings that are called in at once; the others are small or known
CALLED_IN = {"ICH": 0.3, "LVO": 0.4, "PE": 0.3, "PTX": 0.08}
READER_FINDS = 0.97
READER_INVENTS = 0.004
JUDGED = 0.95
ADJUDICATED = 0.7
FAILS = 0.5  # of the exams without a result
FALSE_ALARMS = ("Artifact", "Calcification", "Postoperative", "Known finding", "Other")


def alarming(exam: Exam) -> float:
    """Return how likely what the exam's algorithm looks for was found and is called in at once."""
    return CALLED_IN[exam.procedure.ai] if exam.has_finding and exam.procedure.ai is not None else 0.0


def go_live(scenario: Scenario) -> date:
    """Return the local day from which the CT algorithms run at North."""
    return scenario.start + (scenario.anchor - scenario.start) // 3


def update_day(scenario: Scenario) -> date:
    """Return the local day of the update after which the algorithm for bleeding drifts."""
    return scenario.anchor - (scenario.anchor - scenario.start) // 4


def runs(exam: Exam, scenario: Scenario) -> bool:
    """Whether an algorithm looks at this exam, by the local day its patient is ready."""
    algorithm = exam.procedure.ai
    if algorithm is None or algorithm in ALWAYS_ON:
        return algorithm is not None
    return exam.site == LIVE_SITE and _since(exam, go_live(scenario))


def _since(exam: Exam, day: date) -> bool:
    return (exam.ready_s or exam.accepted_s) >= clock_of(SITE[exam.site].zone).second(day, 0)


def flagged(exam: Exam, scenario: Scenario, suspicious: bool) -> bool:
    """Set the exam's finding and return whether its algorithm flags it; `suspicious` exams it always flags."""
    draw = chance(scenario.seed, "finding", exam.key)
    exam.has_finding = exam.procedure.ai is not None and draw < (RIGHT if suspicious else MISSED)
    drifts = exam.procedure.ai == DRIFTING and _since(exam, update_day(scenario))
    more = drifts and chance(scenario.seed, "drift", exam.key) < MORE_FLAGGED
    return (suspicious or more) and runs(exam, scenario)


def failed_s(exam: Exam, scenario: Scenario) -> int | None:
    """Return when an algorithm that gave no result gave up, None where it never began."""
    if exam.available_s is None or exam.ai_begin_s is not None or not runs(exam, scenario):
        return None
    draw = chance(scenario.seed, "ai failed", exam.key)
    return exam.available_s + 60 + round(draw * 600) if draw < FAILS else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the reader made of a result and what came of looking again; None while not."""

    judged_s: int
    words: str  # of preset `ai_verdicts`
    reported: bool
    adjudicated_s: int | None


def reports_finding(exam: Exam, scenario: Scenario) -> bool:
    """Whether the reader reports the finding an algorithm looks for."""
    return chance(scenario.seed, "reports", exam.key) < (READER_FINDS if exam.has_finding else READER_INVENTS)


def verdict(exam: Exam, scenario: Scenario) -> Verdict | None:
    """Return the reader's verdict on an exam's result, None where there is no result, report or judgement."""
    if exam.ai_end_s is None or exam.dictated_s is None or chance(scenario.seed, "judged", exam.key) >= JUDGED:
        return None
    reported = reports_finding(exam, scenario)
    judged_s = max(exam.dictated_s, exam.ai_end_s)
    if reported == exam.ai_positive:
        return Verdict(judged_s, "Agree", reported, None)
    draw = chance(scenario.seed, "why", exam.key)
    words = FALSE_ALARMS[int(draw**1.5 * len(FALSE_ALARMS))] if exam.ai_positive else "Missed finding"
    again = chance(scenario.seed, "again", exam.key)
    later_s = judged_s + HOUR_S + round(again / ADJUDICATED * 6 * DAY_S) if again < ADJUDICATED else None
    return Verdict(judged_s, words, reported, later_s)


def uses(scenario: Scenario) -> list[tuple[str, str, str, str, str]]:
    """Return the rows of the site's `ai_use.csv`."""
    live = go_live(scenario).isoformat()
    return [
        (algorithm, site, group, "" if algorithm in ALWAYS_ON else live, "")
        for algorithm, group in GROUPS.items()
        for site in (SITE if algorithm in ALWAYS_ON else (LIVE_SITE,))
    ]
