"""Cancelled, aborted or no-show: what a stopping event means by when it comes.

A stop is in force until the exam is taken up again (accepted, reinstated, booked, arrived, begun). In force it means:

| stop | before begin | begun or ended, not reported | reported |
|---|---|---|---|
| cancellation, discontinuation | cancelled | aborted | nothing: a report is not undone |
| no-show | no_show; cancelled when the patient had arrived | nothing | nothing |

The first stop since the exam was last taken up decides: cleaning up after a no-show does not make it a
cancellation. A report after a cancellation shows that the exam was done; after a discontinuation both stay true.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from etl.records import EventType as E
from etl.warehouse.event_set import TYPE_CODE
from etl.warehouse.intervals import Bools
from etl.warehouse.keys import Ints
from etl.warehouse.local_time import NO_TIME
from etl.warehouse.milestones import BOOKINGS, NONE, STOPS, Milestones, codes

TAKEN_UP = (
    E.ORDER_ENTERED,
    E.ORDER_ACCEPTED,
    E.ORDER_REINSTATED,
    *BOOKINGS,
    E.PATIENT_ARRIVED,
    E.IN_ROOM,
    E.PREP_BEGIN,
    E.EXAM_BEGIN,
)
REPORTS = (E.PRELIM, E.FINAL, E.ADDENDUM)


@dataclass(frozen=True, slots=True)
class Stops:
    """When each exam was cancelled, aborted or not attended, as in force; NO_TIME otherwise.

    `contradicted` is set where a stop was said and a report, or the exam's begin before a no-show, says otherwise.
    """

    cancelled_at: Ints
    aborted_at: Ints
    no_show_at: Ints
    contradicted: Bools


def stops_in_force(found: Milestones, device_begin: Ints) -> Stops:
    """Decide every exam's stop; `device_begin` is when MPPS or images show it begun (NO_TIME: they do not)."""
    stop = _first_stop(found)
    at = found.time_of(stop)
    kind = np.where(stop == NONE, NONE, found.type[np.maximum(stop, 0)] if len(found.type) else NONE)
    is_stop, no_show = stop != NONE, kind == TYPE_CODE[E.NO_SHOW]
    reported = found.any_first(REPORTS)
    begun = _begun(found, device_begin, at)
    cleared = _cleared(found, kind, stop, reported, device_begin, at)
    arrived = found.last[:, TYPE_CODE[E.PATIENT_ARRIVED]] > found.any_last(BOOKINGS)
    quiet = is_stop & ~cleared
    aborted = quiet & begun & ~no_show
    missed = quiet & ~begun & no_show & ~arrived
    cancelled = quiet & ~begun & ~missed
    contradicted = is_stop & ((cleared & (reported != NONE)) | (begun & no_show))
    at_stop = [np.where(mask, at, NO_TIME) for mask in (cancelled, aborted, missed)]
    return Stops(at_stop[0], at_stop[1], at_stop[2], contradicted)


def _first_stop(found: Milestones) -> Ints:
    """Return the first stopping row after the exam was last taken up."""
    taken_up = found.any_last(TAKEN_UP)
    place = np.flatnonzero(np.isin(found.type, codes(STOPS)))
    place = place[place > taken_up[found.exam[place]]][::-1]
    stop = np.full(len(taken_up), NONE, dtype=np.int64)
    stop[found.exam[place]] = place
    return stop


def _begun(found: Milestones, device_begin: Ints, at: Ints) -> Bools:
    ris = found.any_first((E.EXAM_BEGIN, E.EXAM_END)) != NONE
    return np.asarray(ris | ((device_begin != NO_TIME) & (device_begin <= at)), dtype=bool)


def _cleared(found: Milestones, kind: Ints, stop: Ints, reported: Ints, device_begin: Ints, at: Ints) -> Bools:
    """A report outlives any stop before or after it, save that a discontinued exam stays so when reported later."""
    discontinued = kind == TYPE_CODE[E.EXAM_DISCONTINUED]
    by_report = (reported != NONE) & (~discontinued | (reported < stop))
    by_device = (found.any_first((E.EXAM_BEGIN, E.EXAM_END)) == NONE) & (device_begin > at)
    return np.asarray(by_report | by_device, dtype=bool)
