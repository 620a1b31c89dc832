"""Template slots of the operating calendar, the bookings that fall into them, and who holds one at an instant."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sqlalchemy import Connection, select

from etl.records import OpeningKind
from etl.warehouse.append import read_frame
from etl.warehouse.intervals import MINUTE_US, Bools
from etl.warehouse.keys import Ints
from etl.warehouse.local_time import NO_TIME, day_numbers, microseconds
from etl.warehouse.parameters import Parameters
from etl.warehouse.scanners import places_of, scanner_of
from etl.warehouse.tables import event_opening, fact_slot

TAKEN = (OpeningKind.CLOSURE, OpeningKind.DOWNTIME_PLANNED)
AXIS_US = 4 * 10**15  # more than any time: scanners lie one after the other on one axis
ALWAYS = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class TemplateSlots:
    """Every slot the calendar ever told of, by (scanner, begin); times in microseconds.

    `scanner` is the position in `parameters.scanners`, `known` when the calendar first told of a slot (NO_TIME:
    unknown, taken as always), `gone` when it was known that it falls away (ALWAYS: it stands): by a closure, by planned
    downtime, or by another slot over the same time that was told later, as where a template is changed. `day` is its
    local day since 1970.
    """

    scanner: Ints
    begin: Ints
    end: Ints
    known: Ints
    gone: Ints
    day: Ints

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.begin)

    def where(self, mask: Bools) -> TemplateSlots:
        """Return the slots a mask picks."""
        columns = (self.scanner, self.begin, self.end, self.known, self.gone, self.day)
        return TemplateSlots(*(column[mask] for column in columns))

    def standing(self) -> TemplateSlots:
        """Return those that nothing took away, whenever it was known."""
        return self.where(np.asarray(self.gone == ALWAYS, dtype=bool))

    def meeting(self, scanner: Ints, begin: Ints, end: Ints) -> tuple[Ints, Ints]:
        """Return pairs (row, slot) of stretches and the slots they overlap."""
        axis = self.scanner * AXIS_US + self.begin
        longest = int((self.end - self.begin).max()) if len(self) else 0
        first = np.searchsorted(axis, scanner * AXIS_US + begin - longest, side="right")
        last = np.searchsorted(axis, scanner * AXIS_US + end, side="left")
        row, slot = ranges(first, np.where(scanner >= 0, np.maximum(last, first), first))
        over = (self.end[slot] > begin[row]) & (self.scanner[slot] == scanner[row])
        return row[over], slot[over]


def ranges(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """Return pairs (row, position) of the half-open ranges `[first, last)`."""
    count = last - first
    row = np.repeat(np.arange(len(count)), count)
    return row, first[row] + np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)


def template_slots(connection: Connection, parameters: Parameters) -> TemplateSlots:
    """Return the template slots that event_opening tells, with what took them away and since when that was known."""
    c = event_opening.c
    columns = (c.site_code, c.scanner_code, c.kind, c.occurred_at, c.end_at, c.known_at, c.local_date)
    kinds = [str(kind) for kind in (OpeningKind.SLOT, *TAKEN)]
    rows = read_frame(connection, select(*columns).where(c.kind.in_(kinds)))
    scanner = places_of(pd.Series(scanner_of(rows["site_code"], rows["scanner_code"], parameters)), parameters)
    told = pd.DataFrame(
        {
            "scanner": scanner, "begin": microseconds(rows["occurred_at"]), "end": microseconds(rows["end_at"]),
            "known": microseconds(rows["known_at"]), "day": day_numbers(rows["local_date"]), "gone": ALWAYS,
        }
    )  # fmt: skip
    is_slot = (rows["kind"] == str(OpeningKind.SLOT)).to_numpy()
    slots = told[is_slot & (scanner >= 0)].sort_values(["scanner", "begin", "end", "known"], kind="stable")
    slots = slots.drop_duplicates(["scanner", "begin", "end"])  # a calendar sent again tells nothing new
    slots = slots.drop_duplicates(["scanner", "begin", "known"])
    names = ("scanner", "begin", "end", "known", "gone", "day")
    found = TemplateSlots(*(slots[name].to_numpy(dtype=np.int64) for name in names))
    return _with_what_took_away(found, told[~is_slot & (scanner >= 0)])


def _with_what_took_away(slots: TemplateSlots, taken: pd.DataFrame) -> TemplateSlots:
    scanner, begin, end, known = (taken[name].to_numpy(dtype=np.int64) for name in ("scanner", "begin", "end", "known"))
    row, slot = slots.meeting(scanner, begin, end)
    gone = slots.gone.copy()
    np.minimum.at(gone, slot, known[row])
    newer, older = slots.meeting(slots.scanner, slots.begin, slots.end)
    replaced = slots.known[newer] > slots.known[older]
    np.minimum.at(gone, older[replaced], slots.known[newer[replaced]])
    return replace(slots, gone=gone)


def bookings(connection: Connection, parameters: Parameters) -> pd.DataFrame:
    """Return all booking states with `scanner` (position), `begin`, `end`, `since` and `until` in microseconds."""
    c = fact_slot.c
    names = (
        "exam_key", "site_code", "scanner_code", "state", "is_last", "appointment_at", "planned_duration_min",
        "valid_from_at", "valid_to_at", "lead_time_min", "cancel_lead_min", "lead_band",
    )  # fmt: skip
    rows = read_frame(connection, select(*(c[name] for name in names)).order_by(c.exam_key, c.appointment_at))
    minutes = rows["planned_duration_min"].astype("float64").fillna(parameters.rules.booking_default_min)
    begin, until = microseconds(rows["appointment_at"]), microseconds(rows["valid_to_at"])
    return rows.assign(
        scanner=places_of(rows["scanner_code"], parameters),
        begin=begin,
        end=begin + np.round(minutes.to_numpy() * MINUTE_US).astype(np.int64),
        since=microseconds(rows["valid_from_at"]),
        until=np.where(until == NO_TIME, ALWAYS, until),
    )
