"""What goes wrong on purpose: each fault is drawn per exam or fixed by the scenario, so that it never moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from etl.simulate.exam import Exam
from etl.simulate.local import clock_of
from etl.simulate.people import patient
from etl.simulate.scenario import DAY_S, SCANNER, SITE, Scenario, chance

SKEWED_SCANNER, SKEW_S = "NUS1", 7 * 60
DRIFTING_SCANNER, DRIFT_S_A_DAY = "SDX1", 6.0  # 0.1 min a day
RENAMED_SCANNER = "NDX1"
MERGED = {"NORTH": (2, 5, 8), "SOUTH": (3, 6)}  # patients who first came under another number
MERGE_AT = (0.35, 0.55, 0.75)  # parts of the first told window
CAN_FAIL = ("NW", "IP", "CM", "F", "S12")
LOST, NEVER_ENDED, DUPLICATED, RESENT, LATE = 0.002, 0.0008, 0.006, 0.003, 0.004  # shares of exams


@dataclass(frozen=True)
class Fault:
    """What happens to one message of an exam."""

    kind: str  # lost, never_ended, duplicated, resent, late
    message: str  # which message kind


@dataclass(frozen=True)
class Faults:
    """All faults of a scenario, answered by exam, scanner or patient."""

    scenario: Scenario

    def of(self, exam: Exam) -> Fault | None:
        """Return the message fault of an exam, None for nearly all."""
        drawn = chance(self.scenario.seed, "fault", exam.key)
        message = CAN_FAIL[exam.key % len(CAN_FAIL)]
        for kind, share in (("lost", LOST), ("never_ended", NEVER_ENDED), ("duplicated", DUPLICATED),
                            ("resent", RESENT), ("late", LATE)):  # fmt: skip
            if drawn < share:
                return Fault(kind, "CM" if kind == "never_ended" else message)
            drawn -= share
        return None

    def device_s(self, scanner: str, at_s: int) -> int:
        """Return what a scanner's own clock shows at an instant."""
        if scanner == SKEWED_SCANNER:
            return at_s + SKEW_S
        if scanner == DRIFTING_SCANNER:
            return at_s + round(DRIFT_S_A_DAY * (at_s - self.scenario.origin_s) / DAY_S)
        return at_s

    @cached_property
    def renamed_s(self) -> int:
        """When the renamed scanner took its new station name: a local midnight."""
        days = int((self.scenario.anchor - self.scenario.start).days * 0.6) + 1
        zone = SITE[SCANNER[RENAMED_SCANNER].site].zone
        return clock_of(zone).second(self.scenario.start + timedelta(days=days), 0)

    def station(self, scanner: str, at_s: int) -> str:
        """Return the station name a scanner used at an instant."""
        names = SCANNER[scanner].stations
        return names[-1] if scanner == RENAMED_SCANNER and at_s < self.renamed_s else names[0]

    @cached_property
    def merges(self) -> dict[tuple[str, int], tuple[str, int]]:
        """Return (site, patient) -> (number before the merge, when it was merged)."""
        length_s = ((self.scenario.anchor - self.scenario.start).days + 1) * DAY_S
        found = {}
        for site, numbers in MERGED.items():
            for number, part in zip(numbers, MERGE_AT, strict=False):
                old = f"SIM{SITE[site].letter}9{number:05d}"
                found[(site, number)] = (old, self.scenario.origin_s + int(length_s * part) + 12 * 3600 + number * 60)
        return found

    def mrn(self, site: str, number: int, at_s: int) -> str:
        """Return the patient number in use at an instant."""
        merge = self.merges.get((site, number))
        if merge is not None and at_s < merge[1]:
            return merge[0]
        return patient(site, number).mrn
