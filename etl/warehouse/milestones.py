"""The first and last occurrence of every event type of every exam, attempts that came to nothing left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from etl.records import EventType as E
from etl.warehouse.event_set import TYPE_CODE, TYPES, feed_kinds
from etl.warehouse.intervals import Bools
from etl.warehouse.keys import Ints
from etl.warehouse.local_time import NO_TIME
from etl.warehouse.parameters import Parameters

NONE = -1  # no such row
STOPS = (
    E.ORDER_CANCELLED,
    E.ORDER_DISCONTINUED,
    E.ORDER_REPLACED,
    E.APPT_CANCELLED,
    E.EXAM_DISCONTINUED,
    E.NO_SHOW,
)
BOOKINGS = (E.EXAM_SCHEDULED, E.EXAM_RESCHEDULED)
COMING = (*BOOKINGS, E.PATIENT_ARRIVED)  # a new attempt for the patient ...
PERFORMING = (*COMING, E.IN_ROOM, E.PREP_BEGIN, E.EXAM_BEGIN)  # ... and for the scanner
VOID_ON_COMING = (E.PATIENT_ARRIVED, E.IN_ROOM, E.PREP_BEGIN)
VOID_ON_PERFORMING = (E.EXAM_BEGIN, E.EXAM_END, E.QC_COMPLETE, E.IMAGES_AVAILABLE, E.PATIENT_DEPARTED)


# families of types: an extract's rounded times beside a message's would break the order within them
FAMILIES = (STOPS, BOOKINGS)


def codes(kinds: tuple[E, ...]) -> list[int]:
    """Return the type codes of event types."""
    return [TYPE_CODE[kind] for kind in kinds]


@dataclass(frozen=True, slots=True)
class Milestones:
    """Events of exams in order; `first` and `last` hold row positions by (exam, type), NONE where there is none.

    `rows` is sorted by (exam, at, known, event_id), so that positions of one exam compare as its events' order.
    `restart_at` is when the attempt that counts began: what a device did before belongs to an aborted one.
    """

    rows: pd.DataFrame
    exam: Ints
    type: Ints
    at: Ints
    first: Ints
    last: Ints
    restart_at: Ints

    def first_at(self, kind: E) -> Ints:
        """Return by exam when an event type first happened, NO_TIME where it did not."""
        return self.time_of(self.first[:, TYPE_CODE[kind]])

    def last_at(self, kind: E) -> Ints:
        """Return by exam when an event type last happened."""
        return self.time_of(self.last[:, TYPE_CODE[kind]])

    def time_of(self, position: Ints) -> Ints:
        """Return the times of row positions."""
        return take(self.at, position, NO_TIME)

    def value_of(self, column: str, position: Ints) -> pd.Series:
        """Return a column's values at row positions, NULL for NONE."""
        if self.rows.empty:  # only devices told of these exams
            return self.rows[column].reindex(range(len(position)))
        return self.rows[column].take(np.maximum(position, 0)).reset_index(drop=True).where(position != NONE)

    def any_first(self, kinds: tuple[E, ...]) -> Ints:
        """Return the position of the first event of several types."""
        return lowest(self.first[:, codes(kinds)])

    def any_last(self, kinds: tuple[E, ...]) -> Ints:
        """Return the position of the last event of several types."""
        return np.asarray(self.last[:, codes(kinds)].max(axis=1, initial=NONE), dtype=np.int64)


def take(values: Ints, position: Ints, missing: int) -> Ints:
    """Return `values[position]`, `missing` where the position is NONE."""
    if not len(values):
        return np.full(len(position), missing, dtype=np.int64)
    return np.where(position == NONE, missing, values[np.maximum(position, 0)])


def lowest(positions: Ints) -> Ints:
    """Return the smallest position along the last axis, NONE where all are NONE."""
    big = np.iinfo(np.int64).max
    low = np.where(positions == NONE, big, positions).min(axis=-1, initial=big)
    return np.where(low == big, NONE, low)


def build_milestones(workflow: pd.DataFrame, exam: Ints, exams: int, parameters: Parameters) -> Milestones:
    """Arrange linked workflow rows (`exam` is each row's exam position) into milestones of `exams` exams.

    Where several kinds of feeds tell the same event type of an exam, the kind believed first is used.
    """
    typed = workflow["type"].to_numpy() >= 0
    rows, exam = workflow[typed], exam[typed]
    believed = _believed(rows, exam, parameters)
    rows, exam = rows[believed], exam[believed]
    # one message replaces an order (RU) by itself under another number (RO), at one instant: first that, then this
    last = rows["type"].to_numpy() != TYPE_CODE[E.ORDER_REPLACED]
    # stable: rows come by event_id
    order = np.lexsort((last, rows["known"].to_numpy(), rows["at"].to_numpy(), exam))
    rows = rows.iloc[order].reset_index(drop=True)
    exam, kind = exam[order], rows["type"].to_numpy(dtype=np.int64)
    first, last = _first_last(exam, kind, exams)
    coming = _last_stop_before(exam, kind, last[:, codes(COMING)].max(axis=1, initial=NONE))
    performing = _last_stop_before(exam, kind, last[:, codes(PERFORMING)].max(axis=1, initial=NONE))
    place = np.arange(len(kind))
    void = np.isin(kind, codes(VOID_ON_COMING)) & (place < coming[exam])
    void |= np.isin(kind, codes(VOID_ON_PERFORMING)) & (place < performing[exam])
    kept = np.where(void, NONE, kind)
    first, last = _first_last(exam, kept, exams)
    at = rows["at"].to_numpy(dtype=np.int64)
    return Milestones(rows, exam, kept, at, first, last, take(at, performing, NO_TIME))


def taken_back(found: Milestones) -> Bools:
    """Return which rows are stops of an order that a later row says stands after all."""
    stands = found.last[:, TYPE_CODE[E.ORDER_REINSTATED]][found.exam]
    stop = np.isin(found.type, codes(STOPS))
    return np.asarray(stop & (np.arange(len(stop)) < stands), dtype=bool)


def _believed(rows: pd.DataFrame, exam: Ints, parameters: Parameters) -> Bools:
    """Return which rows come from the best kind of feed for their exam and (family of) type."""
    rank = feed_kinds(rows, parameters)
    family = np.arange(len(TYPES))
    for kinds in FAMILIES:
        family[codes(kinds)] = TYPE_CODE[kinds[0]]
    cell = exam * len(TYPES) + family[rows["type"].to_numpy(dtype=np.int64)]
    best = np.full(int(cell.max(initial=0)) + 1, np.iinfo(np.int64).max, dtype=np.int64)
    np.minimum.at(best, cell, rank)
    return np.asarray(rank == best[cell], dtype=bool)


def _first_last(exam: Ints, kind: Ints, exams: int) -> tuple[Ints, Ints]:
    first = np.full((exams, len(TYPES)), NONE, dtype=np.int64)
    last = first.copy()
    place = np.flatnonzero(kind != NONE)
    last[exam[place], kind[place]] = place  # the last assignment of a cell stays
    back = place[::-1]
    first[exam[back], kind[back]] = back
    return first, last


def _last_stop_before(exam: Ints, kind: Ints, limit: Ints) -> Ints:
    """Return the last stopping event before position `limit` of each exam: what it stopped was tried again."""
    place = np.flatnonzero(np.isin(kind, codes(STOPS)))
    place = place[place < limit[exam[place]]]
    found = np.full(len(limit), NONE, dtype=np.int64)
    found[exam[place]] = place
    return found
