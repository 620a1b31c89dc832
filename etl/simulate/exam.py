"""One simulated exam with everything that is true about it; times are whole Unix seconds, None while not yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from etl.simulate.catalogue import Procedure

if TYPE_CHECKING:
    from etl.simulate.followups import Followup


@dataclass(slots=True)
class Booking:
    """One appointment of an exam and how it ended."""

    appointment_id: str
    scanner: str
    begin_s: int
    minutes: int
    booked_s: int
    fate: str = "open"  # open, kept, moved, cancelled, no_show
    fate_s: int | None = None  # when moved, cancelled or declared a no-show
    reason: str = ""
    moves: bool = False  # came about by moving the one before it (S13 instead of S15 and S12)
    lengthened_s: int | None = None  # message S14: same slot, modified


@dataclass(slots=True)
class Exam:
    """An order of one accession, from its entry to its last report."""

    key: int
    site: str
    procedure: Procedure
    patient: int
    patient_class: str  # E, I, O
    priority: str  # S, A, R
    visit: str
    placer: str
    filler: str
    accession: str
    study_uid: str
    orderer: str
    ordered_s: int
    accepted_s: int
    lead: int | None = None  # key of the exam whose room visit this one shares
    leads: bool = False  # another exam shares this one's room visit
    changed_from: Procedure | None = None
    changed_s: int | None = None
    bookings: list[Booking] = field(default_factory=list)
    ready_s: int | None = None
    arrived_s: int | None = None
    cancelled_s: int | None = None
    cancel_reason: str = ""
    no_show_s: int | None = None
    aborts: bool = False
    scanner: str | None = None
    technologist: str | None = None
    in_room_s: int | None = None
    begin_s: int | None = None
    end_s: int | None = None  # aborted exams have aborted_s instead
    aborted_s: int | None = None
    parts: list[tuple[int, int]] = field(default_factory=list)
    available_s: int | None = None
    ai_begin_s: int | None = None
    ai_end_s: int | None = None
    ai_positive: bool = False
    ai_failed_s: int | None = None
    has_finding: bool = False  # of what its algorithm looks for
    opened_s: int | None = None
    dictated_s: int | None = None
    prelim_s: int | None = None
    final_s: int | None = None
    addendum_s: int | None = None
    addendum_class: str | None = None  # typographic, clinical; None where nobody coded it
    discrepancy: str | None = None  # none, minor, major: the final against the preliminary
    transcribed_s: int | None = None
    viewed_s: int | None = None  # by the referrer, after the final
    recoded_s: int | None = None  # another procedure billed after the final
    has_impression: bool = False
    reader: str | None = None
    assistant: str | None = None
    critical_class: int | None = None
    crit_identified_s: int | None = None
    crit_notified_s: int | None = None
    crit_ack_s: int | None = None
    crit_delegated_s: int | None = None
    crit_closed_s: int | None = None
    followup: str | None = None
    order_reason: str = ""  # ORC-16 of the order: why an exam is repeated
    prior_requested_s: int | None = None
    prior_available_s: int | None = None
    rating: str | None = None
    rating_score: int | None = None
    rated_s: int | None = None
    recommended: Followup | None = None
    faults: list[str] = field(default_factory=list)

    @property
    def modality(self) -> str:
        """Return the DICOM modality."""
        return self.procedure.modality

    @property
    def booking(self) -> Booking | None:
        """Return the last appointment."""
        return self.bookings[-1] if self.bookings else None

    @property
    def status(self) -> str:
        """Return how far it is."""
        if self.cancelled_s is not None:
            return "cancelled"
        if self.aborted_s is not None:
            return "aborted"
        ladder = (
            ("final", self.final_s), ("preliminary", self.prelim_s), ("ended", self.end_s),
            ("in_progress", self.begin_s), ("arrived", self.arrived_s), ("no_show", self.no_show_s),
        )  # fmt: skip
        found = next((name for name, at_s in ladder if at_s is not None), None)
        if found is not None:
            return found
        return "scheduled" if self.bookings else "ordered"
