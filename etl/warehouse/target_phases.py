"""The phases a target may be set for: which wait it limits, and what on the exam tells that wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Phase:
    """A wait with a limit in minutes; `base` is the calendar (`<base>_local_date`) that decides which rule holds.

    `value`, `started`, `ended` and `target` are columns of fact_exam; without a `target` the limit is looked up
    where the wait itself is derived.
    """

    key: str
    label: str
    kpi: str
    base: str = "end"
    value: str = ""
    started: str = ""
    ended: str = ""
    target: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Every word a table of targets may use for it."""
        return frozenset({self.key, *self.aliases})


_ALL = (
    Phase(
        "report", "Exam end to final report", "T16", "end", "report_tat_min", "exam_end_at", "first_final_at",
        "report_target_min", ("report_tat", "T16"),
    ),
    Phase(
        "first_communication", "Exam end to first communication", "T17", "end", "first_communication_min",
        "exam_end_at", "first_communication_at", "communication_target_min", ("T17",),
    ),
    Phase(
        "unread", "Images to opened for reading", "T19", "end", "unread_wait_min", "images_available_at",
        "read_opened_at", "unread_target_min", ("unread_age", "T19"),
    ),
    Phase(
        "patient_wait", "Patient wait", "T06", "begin_or_due", "patient_wait_min",
        "arrived_at", "exam_begin_at", "patient_wait_target_min", ("T06",),
    ),
    Phase(
        "order_to_arrive", "Order to arrival", "T05", "order", "order_to_arrive_min", "order_entered_at", "arrived_at",
        "arrive_target_min", ("T05",),
    ),
    Phase(
        "access", "Request to exam", "T03", "order", "access_wait_min", "order_accepted_at", "exam_begin_at",
        "access_target_min", ("T03", "dm01"),
    ),
    *(Phase(f"critical_{n}", f"Critical finding of class {n} to communication", "C01") for n in (1, 2, 3)),
    Phase("followup_grace", "Grace after a follow-up is due", "C06", aliases=("C06",)),
)  # fmt: skip
PHASES: Mapping[str, Phase] = MappingProxyType({phase.key: phase for phase in _ALL})
TIMED_PHASES = tuple(phase for phase in _ALL if phase.target)
_BY_NAME = {name: phase for phase in _ALL for name in phase.names}


def phase_of(name: str) -> Phase | None:
    """Return the phase a word means, None for an unknown one."""
    return _BY_NAME.get(name)
