"""What goes wrong, is looked at again and is learnt from in the simulated hospitals.

The stories: from three weeks before the anchor the second X-ray room of the group rejects twice as many exposures for
positioning, and one MR scanner runs protocols of its own more often than the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from etl.simulate.exam import Exam
from etl.simulate.local import clock_of
from etl.simulate.roster import POSTS
from etl.simulate.scenario import DAY_S, HOUR_S, SITE, Scenario, chance

REVIEWED = 0.05
SCORES = ((0.93, "Concur"), (0.96, "2a"), (0.975, "2b"), (0.99, "3a"), (1.0, "3b"))
HARDER_SECTION, HARDER = "BODY", 0.03  # discrepancies more often
ARBITRATED = ("2b", "3a", "3b")
SUBMITTED = 0.008
CATEGORIES = ("Great call", "Perceptual", "Interpretive", "Great call", "Communication", "Technique")
QC_REFUSED = {"DX": 0.008, "MG": 0.012, "MR": 0.01, "CT": 0.004}
QC_REASONS = ("Motion", "Positioning", "Wrong protocol", "Artifact")
QC_REPEATED = 0.8
REPEATED = {"DX": 0.05, "MG": 0.04}  # an image more than the protocol asks for
OWN_PROTOCOL = {"CT": 0.012, "MR": 0.02}
OWN_PROTOCOL_SCANNER, OWN_PROTOCOL_SHARE = "NMR1", 0.07
REJECTED = 0.07  # of exposures made
REJECT_REASONS = (
    (0.48, "Positioning"), (0.65, "Anatomy cut off"), (0.77, "Motion"), (0.85, "Overexposure"), (0.91, "Underexposure"),
    (0.96, "Artifact"), (0.98, "Wrong projection"), (1.0, "Other"),
)  # fmt: skip
REJECTING_SCANNER, REJECTING_DAYS, REJECTING_MORE = "SDX1", 21, 0.045
CANCER = {"MGSCREEN": 0.012, "MGDIAG": 0.16}
CALLED, CALLED_FOR_NOTHING = 0.88, {"MGSCREEN": 0.07, "MGDIAG": 0.15}


def pick(draw: float, table: tuple[tuple[float, str], ...]) -> str:
    """Return the word whose cumulated share first exceeds a draw."""
    return next(word for limit, word in table if draw < limit)


@dataclass(frozen=True, slots=True)
class Review:
    """One peer review."""

    at_s: int
    score: str
    reviewer: str
    arbitration: str


def review(exam: Exam, scenario: Scenario) -> Review | None:
    """Return the peer review of a final report, None for most."""
    draw = chance(scenario.seed, "review", exam.key)
    if exam.final_s is None or exam.reader is None or draw >= REVIEWED:
        return None
    shift = HARDER if exam.procedure.section == HARDER_SECTION else 0.0
    score = pick(min(chance(scenario.seed, "score", exam.key) + shift, 0.9999), SCORES)
    others = [post.code for post in POSTS if not post.trainee and post.code != exam.reader]
    at_s = exam.final_s + 2 * HOUR_S + round(draw / REVIEWED * 4 * DAY_S)
    upheld = "Upheld" if chance(scenario.seed, "arbitration", exam.key) < 0.7 else "Lowered"
    reviewer = others[int(chance(scenario.seed, "reviewer", exam.key) * len(others))]
    return Review(at_s - at_s % 60, score, reviewer, upheld if score in ARBITRATED else "")


def submission(exam: Exam, scenario: Scenario) -> tuple[int, str] | None:
    """Return when and as what a case was handed in to learn from."""
    draw = chance(scenario.seed, "submission", exam.key)
    if exam.final_s is None or draw >= SUBMITTED:
        return None
    category = CATEGORIES[int(chance(scenario.seed, "category", exam.key) * len(CATEGORIES))]
    return exam.final_s + HOUR_S + round(draw / SUBMITTED * 2 * DAY_S), category


@dataclass(frozen=True, slots=True)
class Incident:
    """One reported incident; `named` says whether the report gives the exam."""

    at_s: int
    reported_s: int
    kind: str
    harm: str
    named: bool


def incident(exam: Exam, scenario: Scenario) -> Incident | None:
    """Return what befell an exam, nothing for almost all."""
    if exam.begin_s is None or (exam.end_s or exam.aborted_s) is None:
        return None
    leaks = 0.006 if exam.procedure.contrast else 0.0
    table = (
        (leaks, "Extravasation"), (0.0008, "Wrong exam"), (0.0004 if exam.modality == "DX" else 0.0, "Wrong side"),
        (0.0012, "Fall"), (0.003 if exam.procedure.contrast else 0.0, "Contrast reaction"), (0.0016, "Near miss"),
        (0.001, "Equipment"),
    )  # fmt: skip
    draw = chance(scenario.seed, "incident", exam.key)
    for share, kind in table:
        if draw < share:
            at_s = exam.begin_s + 60
            harm = ("None", "Mild", "Mild", "Moderate")[int(chance(scenario.seed, "harm", exam.key) * 4)]
            named = kind != "Fall" or exam.key % 2 == 0
            return Incident(at_s, at_s + 3 * HOUR_S, kind, harm, named)
        draw -= share
    return None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Images refused at quality control, and when replaced."""

    at_s: int
    reason: str
    repeated_s: int | None


def refusal(exam: Exam, scenario: Scenario) -> Refusal | None:
    """Return the refusal of an exam's images at quality control."""
    share = QC_REFUSED.get(exam.modality, 0.0)
    draw = chance(scenario.seed, "qc", exam.key)
    if exam.end_s is None or draw >= share:
        return None
    at_s = exam.end_s + 1200 + round(draw / share * HOUR_S)
    reason = QC_REASONS[int(chance(scenario.seed, "qc reason", exam.key) * len(QC_REASONS))]
    again = chance(scenario.seed, "qc repeat", exam.key)
    return Refusal(at_s, reason, at_s + HOUR_S + round(again**3 * 9 * DAY_S) if again < QC_REPEATED else None)


def has_repeat(exam: Exam, scenario: Scenario) -> bool:
    """Whether the technologist took an image more than the protocol asks for, and kept both."""
    return exam.aborted_s is None and chance(scenario.seed, "repeat", exam.key) < REPEATED.get(exam.modality, 0.0)


def has_own_protocol(exam: Exam, scenario: Scenario) -> bool:
    """Whether the exam was done with a protocol that is not in the standard."""
    share = OWN_PROTOCOL_SHARE if exam.scanner == OWN_PROTOCOL_SCANNER else OWN_PROTOCOL.get(exam.modality, 0.0)
    return chance(scenario.seed, "own protocol", exam.key) < share


def rejected(exam: Exam, images: int, scenario: Scenario) -> Iterator[str]:
    """Yield why each rejected exposure of an exam was rejected, `images` having been accepted."""
    if exam.end_s is None:
        return
    clock = clock_of(SITE[exam.site].zone)
    from_day = scenario.anchor - timedelta(days=REJECTING_DAYS)
    worse = exam.scanner == REJECTING_SCANNER and clock.local_date(exam.end_s) >= from_day
    for number in range(images):
        draw = chance(scenario.seed, "reject", exam.key, number)
        if draw < REJECTED:
            yield pick(draw / REJECTED, REJECT_REASONS)
        elif worse and draw < REJECTED + REJECTING_MORE:
            yield "Positioning"


@dataclass(frozen=True, slots=True)
class Reference:
    """What the pathologist or the registry found, beside the report's call."""

    at_s: int
    called: bool
    present: bool


def reference(exam: Exam, scenario: Scenario) -> Reference | None:
    """Return the reference of a mammogram, once the registry has it."""
    share = CANCER.get(exam.procedure.code)
    if share is None or exam.final_s is None:
        return None
    present = chance(scenario.seed, "cancer", exam.key) < share
    called = chance(scenario.seed, "called", exam.key) < (
        CALLED if present else CALLED_FOR_NOTHING[exam.procedure.code]
    )
    days = (1 if called else 2) + chance(scenario.seed, "registry", exam.key) * (6 if called else 20)
    return Reference(exam.final_s + round(days * DAY_S), called, present)
