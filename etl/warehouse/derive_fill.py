"""What became of template slots (U05), and of the time that patients gave back (U17)."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
from sqlalchemy import Connection, select

from etl.warehouse.append import read_frame
from etl.warehouse.booking_terms import ADD_ON
from etl.warehouse.intervals import MINUTE_US, Bools
from etl.warehouse.keys import NO_EXAM, Ints
from etl.warehouse.local_time import NO_TIME, dates, hours, local_days, microseconds, shifts, times
from etl.warehouse.parameters import Parameters
from etl.warehouse.tables import fact_exam, fact_freed_slot, fact_slot
from etl.warehouse.template_slots import AXIS_US, bookings, ranges, template_slots

STANDING = ("booked", "rescheduled", "arrived")
UNDONE = ("ordered", "scheduled", "arrived", "in_progress")
LEAST_OVERLAP = 0.5  # of freed time that another booking must cover to count as refilling it


def holders(booked: pd.DataFrame) -> pd.DataFrame:
    """Return the appointments that held their time when it began: not called off before."""
    called_off = booked["state"].eq("cancelled") & ~booked["cancel_lead_min"].lt(0)
    return booked[booked["is_last"] & ~called_off].reset_index(drop=True)


def derive_template_slots(connection: Connection, parameters: Parameters, data_at: datetime) -> pd.DataFrame:
    """Return fact_template_slot rows."""
    slots = template_slots(connection, parameters).standing()
    held = holders(bookings(connection, parameters))
    exams = read_frame(connection, select(fact_exam.c.exam_key, fact_exam.c.is_performed, fact_exam.c.status))
    held = held.merge(exams, on="exam_key", how="left")
    stands = held["state"].isin(STANDING)
    held = held.assign(
        performed=stands & held["is_performed"].fillna(False).astype(bool),
        pending=stands & held["status"].isin(UNDONE),
    )
    row, slot = slots.meeting(*(held[name].to_numpy(dtype=np.int64) for name in ("scanner", "begin", "end")))
    best = held.iloc[row].assign(slot=slot, later=~held["performed"].to_numpy()[row])
    best = best.sort_values(["slot", "later", "exam_key"]).drop_duplicates("slot").set_index("slot")
    best = best.reindex(np.arange(len(slots)))
    return _described(slots.scanner, slots.begin, parameters).assign(
        end_at=times(slots.end),
        minutes=(slots.end - slots.begin) / MINUTE_US,
        exam_key=best["exam_key"].fillna(NO_EXAM).astype("int64").to_numpy(),
        is_booked=best["exam_key"].notna().to_numpy(),
        is_performed=best["performed"].eq(True).to_numpy(),
        is_pending=best["pending"].eq(True).to_numpy(),
    )


def _described(scanner: Ints, begin: Ints, parameters: Parameters) -> pd.DataFrame:
    known = pd.DataFrame(
        [(s.site, s.code, s.modality) for s in parameters.scanners], columns=["site_code", "scanner_code", "modality"]
    )
    rows = known.iloc[scanner].reset_index(drop=True)
    day, hour = local_days(begin, rows["site_code"], parameters.zones)
    return rows.assign(
        shift=shifts(day, hour, parameters.rules.shift_hours),
        begin_at=times(begin),
        local_date=dates(day),
        local_hour=hours(hour),
    )


def derive_freed_slots(connection: Connection, parameters: Parameters, data_at: datetime) -> pd.DataFrame:
    """Return fact_freed_slot rows: refilled by another exam's later booking, else perhaps used by one unbooked."""
    c = fact_slot.c
    gone = c.is_last.is_(True) & c.state.in_(["cancelled", "no_show"])
    freed = read_frame(connection, select(fact_slot).where(gone).order_by(c.slot_key))
    booked = bookings(connection, parameters)
    place = booked[booked["is_last"] & booked["state"].isin(["cancelled", "no_show"])]
    keys = ["exam_key", "appointment_at", "state"]
    freed = freed.merge(place[[*keys, "scanner", "begin", "end"]].drop_duplicates(keys), on=keys)
    freed["freed"] = _freed_at(freed)
    held = holders(booked)
    is_refilled = _booked_again(freed, held[held["lead_band"].ne(ADD_ON)])
    is_used = _scanned(freed, connection, parameters) & ~is_refilled
    columns = [column.name for column in fact_freed_slot.columns if column.name in freed]
    return freed[columns].assign(
        freed_at=times(freed["freed"].to_numpy(dtype=np.int64)),
        is_refilled=is_refilled,
        is_used=is_used,
    )


def _freed_at(freed: pd.DataFrame) -> Ints:
    """Return when time came free: when it was cancelled, when the no-show was known, else at the appointment."""
    notice = freed["cancel_lead_min"].astype("float64")
    called_off = freed["begin"] - (notice.fillna(0.0) * MINUTE_US).round().astype("int64")
    known = microseconds(freed["valid_from_at"])
    missed = np.where(known == NO_TIME, freed["begin"], known)
    return np.where(notice.notna(), called_off, missed).astype(np.int64)


def _booked_again(freed: pd.DataFrame, held: pd.DataFrame) -> Bools:
    """Return which freed times another exam was booked into afterwards, for at least half of them."""
    held = held[held["scanner"] >= 0].sort_values(["scanner", "begin"])
    made = held["begin"] - (held["lead_time_min"].astype("float64").fillna(0.0) * MINUTE_US).round().astype("int64")
    longest = int((held["end"] - held["begin"]).max()) if len(held) else 0
    axis = (held["scanner"] * AXIS_US + held["begin"]).to_numpy(dtype=np.int64)
    scanner, begin, end = (freed[name].to_numpy(dtype=np.int64) for name in ("scanner", "begin", "end"))
    first = np.searchsorted(axis, scanner * AXIS_US + begin - longest)
    last = np.searchsorted(axis, scanner * AXIS_US + end)
    row, other = ranges(first, np.where(scanner >= 0, last, first))
    theirs = held.iloc[other]
    common = np.minimum(end[row], theirs["end"].to_numpy()) - np.maximum(begin[row], theirs["begin"].to_numpy())
    fits = common >= LEAST_OVERLAP * (end - begin)[row]
    fits &= theirs["exam_key"].to_numpy() != freed["exam_key"].to_numpy()[row]
    fits &= made.to_numpy()[other] >= freed["freed"].to_numpy()[row]
    return np.asarray(np.bincount(row[fits], minlength=len(freed)) > 0, dtype=bool)


def _scanned(freed: pd.DataFrame, connection: Connection, parameters: Parameters) -> Bools:
    """Return in which freed times an exam not on the day's schedule began on the scanner."""
    c = fact_exam.c
    query = select(c.scanner_code, c.exam_begin_at).where(c.is_addon.is_(True), c.exam_begin_at.is_not(None))
    began = read_frame(connection, query)
    places = {scanner.code: place for place, scanner in enumerate(parameters.scanners)}
    scanner = began["scanner_code"].map(places).fillna(-1).to_numpy(dtype=np.int64)
    axis = np.sort(scanner * AXIS_US + microseconds(began["exam_begin_at"]))
    where = freed["scanner"].to_numpy(dtype=np.int64) * AXIS_US
    first = np.searchsorted(axis, where + freed["begin"].to_numpy(dtype=np.int64))
    last = np.searchsorted(axis, where + freed["end"].to_numpy(dtype=np.int64))
    return np.asarray((last > first) & (freed["scanner"] >= 0).to_numpy(), dtype=bool)
