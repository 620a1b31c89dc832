"""Which messages an exam causes, when they are sent and when they reach the feed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from etl.simulate.exam import Booking, Exam
from etl.simulate.faults import Fault, Faults
from etl.simulate.run import Run
from etl.simulate.scenario import DAY_S

SIU = ("S12", "S13", "S14", "S15", "S26")
ORU = ("R", "P", "F", "C", "AI", "FLAGS")
ORDER = ("NW", "OK", "XO", "IP", "CM", "DC", "CA")
ADT = ("A04", "A08", "A40")
SEQUENCE = {kind: n for n, kind in enumerate((*ORDER, *SIU, *ADT, *ORU))}
RESEND_S = 300
MERGE_KEYS = 10**12  # above every exam key


class Mail(NamedTuple):
    """A message on its way; sorts as it lies in the feed."""

    delivered_s: int
    key: int  # of the exam, or of the merge
    sequence: int
    copy: int  # 0, or 1 for a second sending with a new control id
    sent_s: int
    kind: str
    at_s: int  # when what it tells happened
    booking: int = 0


def mails(exam: Exam, faults: Faults) -> Iterator[Mail]:
    """Yield an exam's messages as delivered, faults applied, unsorted."""
    fault = faults.of(exam)
    for kind, at_s, number in _happenings(exam):
        sequence = SEQUENCE[kind] * 10 + number
        sent_s = at_s + _lag_s(exam, kind, sequence)
        mail = Mail(sent_s, exam.key, sequence, 0, sent_s, kind, at_s, number)
        if fault is None or fault.message != kind or number:
            yield mail
        else:
            yield from _failing(mail, fault)


def _failing(mail: Mail, fault: Fault) -> Iterator[Mail]:
    if fault.kind == "late":
        yield mail._replace(delivered_s=mail.sent_s + DAY_S)
    elif fault.kind == "duplicated":
        yield from (mail, mail._replace(delivered_s=mail.sent_s + 30))
    elif fault.kind == "resent":
        again_s = mail.sent_s + RESEND_S
        yield from (mail, mail._replace(delivered_s=again_s, sent_s=again_s, copy=1))


def _lag_s(exam: Exam, kind: str, sequence: int) -> int:
    """Return the seconds from a happening to its message; appointments are told the second they are made."""
    if kind in SIU:
        return 0
    return 1 + (exam.key * 7 + sequence * 3) % (37 if kind in ORU else 11)


def _happenings(exam: Exam) -> Iterator[tuple[str, int, int]]:
    """Yield (kind, instant, booking number) of everything that is told about an exam."""
    yield "NW", exam.ordered_s, 0
    is_cancelled_late = exam.aborted_s is not None and exam.key % 3 == 0
    times = (
        ("OK", exam.accepted_s if exam.site == "SOUTH" else None), ("XO", exam.changed_s),
        ("A04", exam.arrived_s if exam.patient_class == "O" and exam.lead is None else None),
        ("A08", exam.arrived_s if exam.patient_class == "O" and exam.key % 40 == 0 else None),
        ("IP", exam.begin_s), ("CM", exam.end_s),
        ("DC", None if is_cancelled_late else exam.aborted_s),
        ("CA", exam.aborted_s if is_cancelled_late else exam.cancelled_s),
        ("AI", exam.ai_end_s), ("P", exam.prelim_s), ("F", exam.final_s), ("C", exam.addendum_s),
        ("R", exam.dictated_s if exam.site == "NORTH" and exam.assistant is None else None),
        ("FLAGS", _told_apart(exam)),
    )  # fmt: skip
    for kind, at_s in times:
        if at_s is not None:
            yield kind, at_s, 0
    for number, booking in enumerate(exam.bookings):
        for kind, at_s in _bookings(booking):
            yield kind, at_s, number


def _bookings(booking: Booking) -> Iterator[tuple[str, int]]:
    yield "S13" if booking.moves else "S12", booking.booked_s
    if booking.lengthened_s is not None:
        yield "S14", booking.lengthened_s
    if booking.fate_s is not None and booking.fate in ("cancelled", "no_show"):
        yield "S15" if booking.fate == "cancelled" else "S26", booking.fate_s


def _told_apart(exam: Exam) -> int | None:
    """Return when a critical result's communication is told after the final report, None if the report tells it."""
    told = [at_s for at_s in (exam.crit_notified_s, exam.crit_ack_s) if at_s is not None]
    return max(told) if told and exam.final_s is not None and max(told) > exam.final_s else None


def site_mails(run: Run, site: str, faults: Faults, since_s: int) -> list[Mail]:
    """Return the messages of one hospital delivered in [since, until), in feed order."""
    found = [m for exam in run.exams if exam.site == site for m in mails(exam, faults)]
    for (code, number), (_, at_s) in faults.merges.items():
        if code == site:
            found.append(Mail(at_s + 4, MERGE_KEYS + number, SEQUENCE["A40"] * 10, 0, at_s + 4, "A40", at_s))
    return sorted(m for m in found if since_s <= m.delivered_s < run.until_s)


def merged_patient(mail: Mail) -> int:
    """Return the patient whose merge this message tells."""
    return mail.key - MERGE_KEYS
