"""Queues by event replay: each stay of an exam among the unread, the waiting and the unscheduled.

The events of an exam in their order open and close its stays. Unread: from the exam's end to its first report.
Waiting: from an arrival to the begin, or to whatever ends that attempt. Unscheduled: from the order, or from an
appointment called off, to the next booking, or to whatever makes one needless. Where no message tells of the booking, a
list that speaks of the appointment does, or the message that calls it off.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from etl.records import EventType as E
from etl.warehouse.derive_exam import Exams
from etl.warehouse.event_set import TYPE_CODE
from etl.warehouse.intervals import MINUTE_US, Bools, Floats
from etl.warehouse.keys import Ints
from etl.warehouse.local_time import NO_TIME, local_days, microseconds, times
from etl.warehouse.milestones import BOOKINGS, STOPS, Milestones, codes, taken_back
from etl.warehouse.parameters import Parameters
from etl.warehouse.reference_match import phase_targets
from etl.warehouse.stops import REPORTS
from etl.warehouse.tables import fact_queue

WAIT_PHASES = frozenset({"patient_wait", "T06"})  # of targets: since the later of arrival and appointment
DONE = (E.EXAM_BEGIN, E.EXAM_END, E.IMAGES_AVAILABLE, *REPORTS)
SEEN = ("exam_begin_at", "exam_end_at", "first_acquisition_at", "first_communication_at")  # as devices tell too
REPORTED = ("first_prelim_at", "first_final_at")


def derive_queues(exams: Exams, parameters: Parameters, data_at: int) -> pd.DataFrame:
    """Return fact_queue rows of these exams."""
    frame, found = exams.frame, exams.found
    began = _earliest(frame, SEEN)
    site = frame["site_code"].to_numpy(dtype=object)
    stays = pd.concat([_unread(frame), _waiting(found, began), _unscheduled(found, began)], ignore_index=True)
    stays = stays[(stays["left"] == NO_TIME) | (stays["left"] > stays["entered"])]
    stays = stays.sort_values(["exam", "entered", "queue"], kind="stable", ignore_index=True)
    exam, entered = stays["exam"].to_numpy(dtype=np.int64), stays["entered"].to_numpy(dtype=np.int64)
    columns = [column.name for column in fact_queue.columns if column.name in frame]
    described = frame[columns].iloc[exam].reset_index(drop=True)
    day, _ = local_days(entered, site[exam], parameters.zones)
    wait_min = phase_targets(described, day, parameters.targets, WAIT_PHASES)
    limit = _limits(stays["queue"], frame["report_target_min"].to_numpy(dtype="float64")[exam], wait_min)
    due = np.where(stays["queue"] == "waiting", np.maximum(entered, _appointments(exams, exam, entered)), entered)
    overdue = np.where(np.isnan(limit), NO_TIME, due + (np.nan_to_num(limit) * MINUTE_US).round().astype(np.int64))
    return described.assign(
        queue=stays["queue"],
        entered_at=times(entered),
        left_at=times(stays["left"].to_numpy(dtype=np.int64)),
        limit_min=limit,
        overdue_at=times(overdue),
    )


def _appointments(exams: Exams, exam: Ints, entered: Ints) -> Ints:
    """Return the appointment in force when each stay began, else the exam's own; NO_TIME without any."""
    own = microseconds(exams.frame["appointment_at"])[exam]
    slots = exams.slots
    if not len(slots):
        return own
    place = pd.Index(exams.frame["exam_key"]).get_indexer(pd.Index(slots["exam_key"]))
    since, due = microseconds(slots["valid_from_at"]), microseconds(slots["appointment_at"])
    told = pd.DataFrame({"exam": place, "entered": since, "due": due})[since != NO_TIME]
    asked = pd.DataFrame({"exam": exam, "entered": entered, "row": np.arange(len(exam))})
    asked, told = (rows.sort_values("entered", kind="stable") for rows in (asked, told))
    found = pd.merge_asof(asked, told, on="entered", by="exam").sort_values("row", ignore_index=True)["due"]
    return found.fillna(pd.Series(own)).to_numpy(dtype=np.int64)


def _limits(queue: pd.Series, unread_min: Floats, wait_min: Floats) -> Floats:
    return np.select([queue == "unread", queue == "waiting"], [unread_min, wait_min], default=np.nan)


def _stays(queue: str, exam: Ints, entered: Ints, left: Ints) -> pd.DataFrame:
    return pd.DataFrame({"queue": queue, "exam": exam, "entered": entered, "left": left})


def _earliest(frame: pd.DataFrame, names: tuple[str, ...]) -> Ints:
    """Return the first of several milestones by exam, NO_TIME where there is none."""
    at = np.stack([microseconds(frame[name]) for name in names])
    big = np.iinfo(np.int64).max
    low = np.where(at == NO_TIME, big, at).min(axis=0) if at.size else np.zeros(len(frame), dtype=np.int64)
    return np.where(low == big, NO_TIME, low)


def _unread(frame: pd.DataFrame) -> pd.DataFrame:
    place = np.flatnonzero(frame["is_performed"].to_numpy(dtype=bool))
    return _stays("unread", place, microseconds(frame["exam_end_at"])[place], _earliest(frame, REPORTED)[place])


def _waiting(found: Milestones, began: Ints) -> pd.DataFrame:
    kind = _types(found)
    arrived = kind == TYPE_CODE[E.PATIENT_ARRIVED]
    ended = np.isin(kind, codes((*DONE, E.PATIENT_DEPARTED))) | _stopped(found, STOPS)
    return _opened("waiting", found, arrived, ended, began)


def _unscheduled(found: Milestones, began: Ints) -> pd.DataFrame:
    kind = _types(found)
    booked, called_off = np.isin(kind, codes(BOOKINGS)), _stopped(found, (E.APPT_CANCELLED,))
    # what is called off had been made, though nobody told of it: the stay before it is over
    unheard = called_off & ~_earlier(booked | called_off, found.exam)
    opened = (kind == TYPE_CODE[E.ORDER_ENTERED]) | called_off
    others = tuple(stop for stop in STOPS if stop != E.APPT_CANCELLED)
    done = booked | np.isin(kind, codes((E.PATIENT_ARRIVED, E.IN_ROOM, *DONE)))
    ended = done | unheard | _stopped(found, others)
    ordered_again = (kind == TYPE_CODE[E.ORDER_ENTERED]) & _earlier(ended, found.exam)
    stays = _opened("unscheduled", found, opened & ~ordered_again, ended, began)
    entered, left = (stays[name].to_numpy(dtype=np.int64) for name in ("entered", "left"))
    said = _said_to_be_booked(found, booked)[stays["exam"].to_numpy(dtype=np.int64)]
    is_sooner = (said >= entered) & ((left == NO_TIME) | (said < left))
    return stays.assign(left=np.where(is_sooner, said, left))


def _said_to_be_booked(found: Milestones, booked: Bools) -> Ints:
    """Return by exam without any booking told when a row first spoke of its appointment, NO_TIME where none did."""
    known = found.rows["known"].to_numpy(dtype=np.int64)
    speaks = (microseconds(found.rows["appointment_at"]) != NO_TIME) & ~np.isin(_types(found), codes(STOPS))
    speaks &= ~np.isin(found.exam, found.exam[booked])
    said = np.full(len(found.first), np.iinfo(np.int64).max)
    np.minimum.at(said, found.exam[speaks], np.where(known == NO_TIME, found.at, known)[speaks])
    return np.where(said == np.iinfo(np.int64).max, NO_TIME, said)


def _types(found: Milestones) -> Ints:
    """Return what each row told when it was told, whatever a later attempt made of it."""
    return found.rows["type"].to_numpy(dtype=np.int64)


def _stopped(found: Milestones, kinds: tuple[E, ...]) -> Bools:
    return np.asarray(np.isin(_types(found), codes(kinds)) & ~taken_back(found), dtype=bool)


def _earlier(mask: Bools, exam: Ints) -> Bools:
    """Return which rows have an earlier row of their exam where the mask holds."""
    before: Ints = np.cumsum(mask) - mask
    first = np.searchsorted(exam, exam)
    return np.asarray(before > before[first] if len(exam) else mask, dtype=bool)


def _opened(queue: str, found: Milestones, opened: Bools, ended: Bools, began: Ints) -> pd.DataFrame:
    """Return the stays that rows open and later rows of the exam, or its begin as a device tells it, end.

    A row that opens what is open already opens nothing.
    """
    exam, rows = found.exam, np.arange(len(found.exam))
    after = _next(ended, exam)
    last_opened = _last(opened, exam)
    still = opened & (last_opened >= 0) & (_next(ended, exam)[np.maximum(last_opened, 0)] > rows)
    place = np.flatnonzero(opened & ~still)
    left = np.where(after[place] < len(rows), found.at[np.minimum(after[place], max(len(rows) - 1, 0))], NO_TIME)
    device = began[exam[place]]
    earlier = (device != NO_TIME) & (device >= found.at[place]) & ((left == NO_TIME) | (device < left))
    return _stays(queue, exam[place], found.at[place], np.where(earlier, device, left))


def _next(mask: Bools, exam: Ints) -> Ints:
    """Return for each row the first row after it of its exam where the mask holds, their number where none is."""
    count = len(mask)
    place = np.where(mask, np.arange(count), count)
    following = np.append(np.minimum.accumulate(place[::-1])[::-1][1:], count)
    same = np.append(exam, -1)[np.minimum(following, count)] == exam
    return np.where(same, following, count)


def _last(mask: Bools, exam: Ints) -> Ints:
    """Return for each row the last row before it of its exam where the mask holds, -1 where none is."""
    place = np.where(mask, np.arange(len(mask)), -1)
    before = np.append(-1, np.maximum.accumulate(place)[:-1]) if len(mask) else place
    return np.where(before >= np.searchsorted(exam, exam), before, -1)
