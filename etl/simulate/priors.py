"""Patients who come back, why their orders repeat an exam, priors fetched from the other hospital, and ratings.

Every draw belongs to one exam alone, so that nothing here moves what other modules draw.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from math import exp

from etl.simulate.exam import Exam
from etl.simulate.network import is_slow
from etl.simulate.scenario import DAY_S, HOUR_S, Scenario, chance, stream

RETURNING = {"E": 0.10, "I": 0.0, "O": 0.16}  # inpatients come back by themselves: stays of a few days
GAPS_DAYS = ((0.25, 6.5), (1.0, 7.0), (8.0, 29.0), (31.0, 80.0))  # from the first order to the second
GAP_WEIGHTS = {"E": (30, 30, 25, 15), "O": (2, 10, 38, 50)}
REASONED = 0.45  # of the orders known to repeat one
REASONS = {
    "REPEAT-FOLLOWUP": 34, "REPEAT-CHANGE": 26, "REPEAT-TREATMENT": 12, "REPEAT-QUALITY": 8, "REPEAT-INCOMPLETE": 4,
    "REPEAT-NOREPORT": 4, "REPEAT-DUPLICATE": 7, "REPEAT-NOPRIOR": 5,
}  # fmt: skip
STORY_SITE, STORY_MODALITY = "SOUTH", "CT"  # its emergency room repeats what it cannot see
STORY_NO_PRIOR = 0.5
REQUESTED = {"CT": 0.06, "MR": 0.09, "XA": 0.05, "DX": 0.006}  # exams for which the other hospital's prior is asked for
NEVER_COMES = 0.07
RATED = {"CT": 0.72, "MR": 0.8, "NM": 0.6}  # of emergency and outpatient orders
RATINGS = ("Appropriate", "May Be Appropriate", "Rarely Appropriate", "No Guideline")
RATING_WEIGHTS = (68, 17, 9, 6)
STORY_PROCEDURE, STORY_WEIGHTS = "MRLSPINE", (44, 20, 32, 4)
SCORES = {"Appropriate": (7, 9), "May Be Appropriate": (4, 6), "Rarely Appropriate": (1, 3), "No Guideline": (0, 0)}


def bring_back(scenario: Scenario, exams: list[Exam]) -> None:
    """Let some emergency and outpatient exams be of a patient who had the same region imaged before.

    Exams that share a visit with another keep their patient. Only exams ordered before are looked at, so that a
    department told further is the same one.
    """
    visits = Counter(exam.visit for exam in exams)
    leads = {exam.lead for exam in exams}
    before: dict[tuple[str, str, str], list[Exam]] = defaultdict(list)
    for exam in sorted(exams, key=lambda e: (e.ordered_s, e.key)):
        kind = (exam.site, exam.modality, exam.procedure.body_part)
        alone = visits[exam.visit] == 1 and exam.lead is None and exam.key not in leads
        if alone and chance(scenario.seed, "returns", exam.key) < RETURNING[exam.patient_class]:
            _return(scenario, exam, before[kind])
        before[kind].append(exam)


def _return(scenario: Scenario, exam: Exam, before: list[Exam]) -> None:
    draws = stream(scenario.seed, "return", exam.key)
    low, high = draws.choices(GAPS_DAYS, GAP_WEIGHTS[exam.patient_class])[0]
    first, last = (
        bisect_left(before, exam.ordered_s - int(days * DAY_S), key=lambda e: e.ordered_s) for days in (high, low)
    )
    if first == last:
        return
    exam.patient = before[draws.randrange(first, last)].patient
    if draws.random() < REASONED:
        exam.order_reason = draws.choices(tuple(REASONS), tuple(REASONS.values()))[0]
    story = (exam.site, exam.modality, exam.patient_class) == (STORY_SITE, STORY_MODALITY, "E")
    if story and high <= 7 and draws.random() < STORY_NO_PRIOR:
        exam.order_reason = "REPEAT-NOPRIOR"


def add_priors(exam: Exam, scenario: Scenario) -> None:
    """Add what decision support said of the order, and the request for a prior with its arrival."""
    _rate(exam, scenario)
    share = REQUESTED.get(exam.modality, 0.0)
    if exam.begin_s is None or chance(scenario.seed, "prior", exam.key) >= share:
        return
    draws = stream(scenario.seed, "prior request", exam.key)
    asked_s = max(exam.accepted_s + 60, exam.begin_s - 6 * HOUR_S) + draws.randrange(120)
    took_s = 45 + 60 * 9 * exp(draws.gauss(0, 0.9)) * (8 if is_slow(scenario, exam.site, asked_s) else 1)
    exam.prior_requested_s = asked_s
    if draws.random() >= NEVER_COMES:
        exam.prior_available_s = asked_s + int(took_s)


def _rate(exam: Exam, scenario: Scenario) -> None:
    if exam.patient_class == "I" or chance(scenario.seed, "rated", exam.key) >= RATED.get(exam.modality, 0.0):
        return
    draws = stream(scenario.seed, "rating", exam.key)
    weights = STORY_WEIGHTS if exam.procedure.code == STORY_PROCEDURE else RATING_WEIGHTS
    exam.rating = draws.choices(RATINGS, weights)[0]
    low, high = SCORES[exam.rating]
    exam.rating_score = draws.randint(low, high)
    exam.rated_s = exam.ordered_s - 20 - draws.randrange(60)
