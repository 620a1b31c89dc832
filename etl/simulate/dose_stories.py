"""What is planted in the doses: a protocol changed on one scanner, a weekend without reports, limits to check.

All numbers are the simulator's own inventions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from math import exp

from etl.simulate.acquisitions import local_day
from etl.simulate.exam import Exam
from etl.simulate.scenario import Scenario, chance

CHANGED_SCANNER, CHANGED_PROCEDURE, CHANGED_FACTOR = "NCT2", "CTABDPELW", 1.45
CHANGED_DAYS = 10  # before the anchor
SILENT_SCANNER = "SCT1"
UNMODULATED, UNMODULATED_FACTOR = 0.003, 3.4  # scans in which the tube current modulation was off
SIZED_SCANNERS = frozenset({"NCT1", "SCT1"})  # state the patient's diameter and SSDE
CHECKING_SCANNERS = frozenset({"NCT1", "NCT2", "SCT1"})  # have dose check limits configured
NOTIFIED_FROM, ALERTED_FROM = 1.9, 2.4  # times the protocol's usual CTDIvol
DIAMETER_CM = {16: 17.5, 32: 29.0}  # of a usual head and trunk
SIZE_POWER = 0.3  # scanners raise the dose steeply with the diameter; this is the inverse
SSDE_AT = {16: (1.87, 0.0387), 32: (3.70, 0.0367)}  # factor and slope a cm: small patients get more than the CTDIvol


@dataclass(frozen=True, slots=True)
class Size:
    """A patient's diameter and the size-specific dose that goes with it."""

    diameter_mm: float
    ssde_mgy: float


def changed_on(scenario: Scenario) -> date:
    """Return the first local day with the changed protocol."""
    return scenario.anchor - timedelta(days=CHANGED_DAYS)


def change(exam: Exam, scenario: Scenario) -> float:
    """Return the factor by which the changed protocol, or a modulation left off, raises the exam's CTDIvol."""
    if is_unmodulated(exam, scenario):
        return UNMODULATED_FACTOR
    concerned = (exam.scanner, exam.procedure.code) == (CHANGED_SCANNER, CHANGED_PROCEDURE)
    return CHANGED_FACTOR if concerned and local_day(exam) >= changed_on(scenario) else 1.0


def is_unmodulated(exam: Exam, scenario: Scenario) -> bool:
    """Whether a CT exam was scanned without tube current modulation."""
    return exam.modality == "CT" and chance(scenario.seed, "modulation", exam.key) < UNMODULATED


def silent_days(scenario: Scenario) -> tuple[date, date]:
    """Return the last weekend that was over two days before the anchor."""
    last = scenario.anchor - timedelta(days=3)
    sunday = last - timedelta(days=(last.weekday() + 1) % 7)
    return sunday - timedelta(days=1), sunday


def is_silent(exam: Exam, scenario: Scenario) -> bool:
    """Whether the exam's scanner sent no dose reports on its day."""
    return exam.scanner == SILENT_SCANNER and local_day(exam) in silent_days(scenario)


def size_of(exam: Exam, size: float, ctdivol_mgy: float, phantom_cm: int) -> Size | None:
    """Return what the scanner says of the patient's size, None where it says nothing; `size` 1 is usual."""
    if exam.scanner not in SIZED_SCANNERS:
        return None
    diameter = DIAMETER_CM[phantom_cm] * size**SIZE_POWER
    factor, slope = SSDE_AT[phantom_cm]
    return Size(round(diameter * 10, 1), round(ctdivol_mgy * factor * exp(-slope * diameter), 2))


def limits(exam: Exam, index_mgy: float) -> tuple[float, float] | None:
    """Return the CTDIvol above which the scanner notifies and alerts, None where none is configured."""
    if exam.scanner not in CHECKING_SCANNERS:
        return None
    return round(NOTIFIED_FROM * index_mgy, 1), round(ALERTED_FROM * index_mgy, 1)
