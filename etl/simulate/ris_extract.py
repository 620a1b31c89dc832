"""The RIS extract: one CSV a hospital and local day with a row for every exam that changed on it, as it then stood.

Headers follow the presets `epic_like` and `cerner_like`; every time is naive local, as extracts are.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from io import StringIO
from pathlib import Path

from etl.simulate.exam import Exam
from etl.simulate.faults import Faults
from etl.simulate.hl7_files import Span
from etl.simulate.hl7_text import procedure_at
from etl.simulate.local import clock_of
from etl.simulate.run import Run
from etl.simulate.scenario import SITE

Cell = Callable[["Row"], str]

STATUS_WORDS = {
    "ordered": "Ordered", "scheduled": "Scheduled", "arrived": "Arrived", "in_progress": "Exam Begun",
    "ended": "Exam Ended", "preliminary": "Preliminary", "final": "Final", "cancelled": "Canceled",
    "aborted": "Discontinued", "no_show": "No Show",
}  # fmt: skip
PRIORITY_WORDS = {"S": "STAT", "A": "Urgent", "R": "Routine"}
CLASS_WORDS = {"E": "Emergency", "I": "Inpatient", "O": "Outpatient"}


class Row:
    """One exam as the RIS knew it at an instant."""

    def __init__(self, exam: Exam, faults: Faults, as_of_s: int) -> None:
        """Take the exam and hide what lies after `as_of_s`."""
        self.exam = exam
        self.faults = faults
        self.as_of_s = as_of_s
        clock = clock_of(SITE[exam.site].zone)
        self._text = clock.american if exam.site == "NORTH" else clock.iso
        fault = faults.of(exam)
        self._never_ended = fault is not None and fault.kind == "never_ended"
        booked = [b for b in exam.bookings if b.booked_s <= as_of_s]
        self.booking = booked[-1] if booked else None

    def knows(self, at_s: int | None) -> bool:
        """Whether this instant has passed."""
        return at_s is not None and at_s <= self.as_of_s

    def time(self, at_s: int | None) -> str:
        """Return a time as text, empty while it has not come."""
        return self._text(at_s) if at_s is not None and at_s <= self.as_of_s else ""

    @property
    def end_s(self) -> int | None:
        """When the technologist ended the exam in the RIS; a planted few never did."""
        return None if self._never_ended else self.exam.end_s

    @property
    def appointment(self) -> str:
        """The booked start, future or past."""
        return "" if self.booking is None else self._text(self.booking.begin_s)

    @property
    def minutes(self) -> str:
        """The booked length."""
        return "" if self.booking is None else str(self.booking.minutes)

    @property
    def cancelled_s(self) -> int | None:
        """When it was cancelled or discontinued."""
        return self.exam.cancelled_s if self.exam.cancelled_s is not None else self.exam.aborted_s

    @property
    def reason(self) -> str:
        """Why it was cancelled, once it is."""
        return self.exam.cancel_reason if self.knows(self.cancelled_s) else ""

    @property
    def status(self) -> str:
        """Return the canonical status at the row's time."""
        e = self.exam
        ladder = (
            ("cancelled", e.cancelled_s), ("aborted", e.aborted_s), ("final", e.final_s), ("preliminary", e.prelim_s),
            ("ended", self.end_s), ("in_progress", e.begin_s), ("arrived", e.arrived_s), ("no_show", self._missed_s),
        )  # fmt: skip
        found = next((name for name, at_s in ladder if self.knows(at_s)), None)
        return found or ("scheduled" if self.booking else "ordered")

    @property
    def _missed_s(self) -> int | None:
        """When the booking that stands was declared a no-show; a new booking clears it."""
        b = self.booking
        return b.fate_s if b is not None and b.fate == "no_show" else None

    @property
    def room(self) -> str:
        """The station name of the scanner used, else of the one booked."""
        if self.exam.scanner is not None and self.knows(self.exam.in_room_s):
            return self.faults.station(self.exam.scanner, self.exam.in_room_s or self.as_of_s)
        return "" if self.booking is None else self.faults.station(self.booking.scanner, self.booking.begin_s)

    @property
    def updated_s(self) -> int:
        """When the exam last changed before the row was written."""
        return max(at_s for at_s in changes(self.exam) if at_s <= self.as_of_s)


def changes(exam: Exam) -> Iterator[int]:
    """Yield every instant at which the RIS row of an exam changes."""
    e = exam
    times = (
        e.ordered_s, e.accepted_s, e.changed_s, e.arrived_s, e.in_room_s, e.begin_s, e.end_s, e.available_s, e.opened_s,
        e.prelim_s, e.final_s, e.cancelled_s, e.aborted_s,
    )  # fmt: skip
    yield from (at_s for at_s in times if at_s is not None)
    for b in e.bookings:
        yield b.booked_s
        if b.fate_s is not None and b.fate != "kept":
            yield b.fate_s


_NORTH: dict[str, Cell] = {
    "Accession #": lambda r: r.exam.accession,
    "Order ID": lambda r: r.exam.placer,
    "Patient MRN": lambda r: r.faults.mrn(r.exam.site, r.exam.patient, r.as_of_s),
    "Visit CSN": lambda r: r.exam.visit,
    "Study Status": lambda r: STATUS_WORDS[r.status],
    "Procedure Code": lambda r: procedure_at(r.exam, r.as_of_s).code,
    "Procedure": lambda r: procedure_at(r.exam, r.as_of_s).text,
    "Modality": lambda r: r.exam.modality,
    "Quality Priority": lambda r: PRIORITY_WORDS[r.exam.priority],
    "Base Patient Class": lambda r: CLASS_WORDS[r.exam.patient_class],
    "Ordering Department": lambda r: {"E": "ED", "I": "WARD", "O": "CLINIC"}[r.exam.patient_class],
    "Authorising Clinician": lambda r: r.exam.orderer,
    "Technologist": lambda r: r.exam.technologist or "" if r.knows(r.exam.begin_s) else "",
    "Resource": lambda r: r.room,
    "Ordering Date": lambda r: r.time(r.exam.ordered_s),
    "Appointment Time": lambda r: r.appointment,
    "Appointment Length": lambda r: r.minutes,
    "Arrived": lambda r: r.time(r.exam.arrived_s),
    "In Room": lambda r: r.time(r.exam.in_room_s),
    "Begin Exam Date": lambda r: r.time(r.exam.begin_s),
    "End Exam Date": lambda r: r.time(r.end_s),
    "Images Available": lambda r: r.time(r.exam.available_s),
    "Study Opened": lambda r: r.time(r.exam.opened_s),
    "Preliminary Date": lambda r: r.time(r.exam.prelim_s),
    "Final Date": lambda r: r.time(r.exam.final_s),
    "Cancel Date": lambda r: r.time(r.cancelled_s),
    "Cancel Reason": lambda r: r.reason,
    "Last Update": lambda r: r.time(r.updated_s),
}
_SOUTH: dict[str, Cell] = {
    "Order": _NORTH["Order ID"],
    "Accession": lambda r: r.exam.accession if r.knows(r.exam.accepted_s) else "",
    "MRN": _NORTH["Patient MRN"],
    "FIN": _NORTH["Visit CSN"],
    "Order Status": _NORTH["Study Status"],
    "Order Code": lambda r: procedure_at(r.exam, r.as_of_s).south_code,
    "Ordered Item": _NORTH["Procedure"],
    "Activity Subtype": _NORTH["Modality"],
    "Priority": _NORTH["Quality Priority"],
    "Encounter Type": _NORTH["Base Patient Class"],
    "Exam Room": _NORTH["Resource"],
    "Ordering Provider": _NORTH["Authorising Clinician"],
    "Performing Technologist": _NORTH["Technologist"],
    "Order Date": _NORTH["Ordering Date"],
    "Requested Start": _NORTH["Appointment Time"],
    "Ancillary Arrival": _NORTH["Arrived"],
    "Patient In Room": _NORTH["In Room"],
    "Exam Start": _NORTH["Begin Exam Date"],
    "Exam Completion Timestamp": _NORTH["End Exam Date"],
    "Images Available": _NORTH["Images Available"],
    "Read Opened": _NORTH["Study Opened"],
    "Preliminary Timestamp": _NORTH["Preliminary Date"],
    "Final Timestamp": _NORTH["Final Date"],
    "Cancel Timestamp": _NORTH["Cancel Date"],
    "Cancel Reason": _NORTH["Cancel Reason"],
    "Update Timestamp": _NORTH["Last Update"],
}
COLUMNS = {"NORTH": _NORTH, "SOUTH": _SOUTH}


def write_extract(run: Run, site: str, span: Span, keys: Iterable[int], folder: Path) -> int:
    """Write the extract of one span; return its number of rows."""
    columns, faults = COLUMNS[site], Faults(run.scenario)
    rows = [Row(run.by_key[key], faults, span.end_s - 1) for key in sorted(keys)]
    if not rows:
        return 0
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([cell(row) for cell in columns.values()] for row in rows)
    (folder / f"{span.name}.csv").write_text(text.getvalue(), encoding="utf-8", newline="")
    return len(rows)
