"""What a scanner's operator gets wrong on purpose, as the headers of an exam's images and dose reports show it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from etl.simulate.acquisitions import Series, series_of
from etl.simulate.demand import uid
from etl.simulate.exam import Exam
from etl.simulate.faults import Faults
from etl.simulate.scenario import HOUR_S, Scenario, chance

SHARES = {  # of imaged exams that share their room visit with no other
    "no_accession": 0.0015,
    "mistyped_accession": 0.0015,
    "mistyped_patient": 0.0015,
    "unknown_station": 0.0008,
    "no_images": 0.0008,
    "no_order": 0.0008,
}
EFFECTS = {
    "no_accession": "Images made without the worklist: no accession, a study UID of their own; matched by score.",
    "mistyped_accession": "Two digits of the accession swapped, a study UID of their own; matched by score.",
    "mistyped_patient": "Images under a patient number that nobody has, accession right: linked by it.",
    "unknown_station": "As without accession, under a station name nobody configured; matched by patient and time.",
    "no_images": "The archive never got the images of this exam: listed as exam without images.",
    "no_order": "Images of an unknown patient without any order, five hours later: listed as images without exam.",
}
WITHOUT_WORKLIST = ("no_accession", "mistyped_accession", "unknown_station", "no_order")
STRANGERS = 900_000


@dataclass(frozen=True, slots=True)
class Shown:
    """Identifiers as a header shows them; `asks`: whether it carries the request."""

    accession: str
    study_uid: str
    mrn: str
    station: str
    asks: bool


def image_fault(exam: Exam, scenario: Scenario) -> str | None:
    """Return what is wrong with an exam's images, None for nearly all."""
    if exam.key < 0:
        return "no_order"
    if exam.lead is not None or exam.leads:
        return None
    drawn = chance(scenario.seed, "image fault", exam.key)
    for kind, share in SHARES.items():
        if drawn < share * scenario.image_faults:
            return kind
        drawn -= share * scenario.image_faults
    return None


def shown(exam: Exam, faults: Faults, at_s: int) -> Shown:
    """Return the identifiers that the scanner puts into headers at an instant."""
    kind = image_fault(exam, faults.scenario)
    scanner, mrn = exam.scanner or "", faults.mrn(exam.site, exam.patient, at_s)
    accession = exam.accession
    if kind in WITHOUT_WORKLIST:
        accession = _swapped(accession) if kind == "mistyped_accession" else ""
        if exam.key < 0 or kind == "no_order":
            accession = exam.accession if exam.key > 0 else ""
    own = kind in WITHOUT_WORKLIST and not (kind == "no_order" and exam.key > 0)
    return Shown(
        accession,
        uid(faults.scenario.seed, "own study", exam.key) if own else exam.study_uid,
        f"{mrn}0" if kind == "mistyped_patient" else mrn,
        "SIMMOBILE" if kind == "unknown_station" else faults.station(scanner, at_s),
        not own,
    )


def _swapped(accession: str) -> str:
    """Return the accession with the last two different neighbours swapped, and a digit too many."""
    return f"{accession[:-2]}{accession[-1]}{accession[-2]}7"


def sent(exam: Exam, series: list[Series], scenario: Scenario) -> list[tuple[Exam, list[Series]]]:
    """Return whose series the archive gets for an exam: its own, nobody's, or a stranger's too."""
    kind = image_fault(exam, scenario)
    if kind == "no_images":
        return []
    if kind != "no_order":
        return [(exam, series)]
    later = [(b + 5 * HOUR_S, e + 5 * HOUR_S) for b, e in exam.parts]
    stranger = replace(exam, key=-exam.key, patient=STRANGERS + exam.key, parts=later, accession=f"SIM{exam.key}")
    return [(exam, series), (stranger, series_of(stranger, scenario))]
