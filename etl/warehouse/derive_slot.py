"""Booking states: one row a state an appointment was in, with the time it was known (decision 3).

An appointment of an exam lives from its booking to the next booking made after it was cancelled or missed. States:
`booked`; `rescheduled`, moved to the row's appointment time or scanner and still standing; `arrived`; `cancelled`;
`no_show`. A no-show said of a patient who had arrived is a cancellation; clean-up after a state that closed the
appointment, a cancellation after the exam began, and one refused (ORC-1 UC) or taken back, change nothing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.records import EventType as E
from etl.warehouse.booking_terms import ADD_ON_CLASSES, called_off_by, lead_bands
from etl.warehouse.event_set import TYPE_CODE
from etl.warehouse.exam_description import either, texts
from etl.warehouse.exam_durations import span_min
from etl.warehouse.intervals import Bools
from etl.warehouse.keys import Ints, stable_keys
from etl.warehouse.local_time import NO_TIME, dates, hours, local_days, microseconds, shifts, times
from etl.warehouse.milestones import BOOKINGS, NONE, STOPS, Milestones, codes, taken_back
from etl.warehouse.parameters import Parameters
from etl.warehouse.scanners import scanner_of

Texts = npt.NDArray[np.object_]
OPEN_STATES = ("booked", "rescheduled", "arrived")
DIMENSIONS = ("site_code", "modality", "procedure_code", "procedure_group", "priority", "patient_class", "section")


def derive_slots(exams: pd.DataFrame, found: Milestones, parameters: Parameters) -> pd.DataFrame:
    """Return fact_slot rows of the exams (positions of `found` are rows of `exams`), by exam and order of events.

    scanner_code is the one booked; shift, local_date and local_hour are the appointment's.
    """
    rows = _booking_rows(found)
    site = texts(exams["site_code"])[rows["exam"].to_numpy()]
    rows["scanner_code"] = scanner_of(pd.Series(site, index=rows.index), rows["station_name"], parameters)
    rows = _standing(_segmented(rows))
    return _described(rows, exams, parameters)


def _booking_rows(found: Milestones) -> pd.DataFrame:
    """Return events that can change a booking, in order, with their class: booking, arrived, closing, broken (off)."""
    kind = found.rows["type"].to_numpy(dtype=np.int64)
    closing = np.isin(kind, codes(STOPS)) & ~taken_back(found)
    booking, arrived = np.isin(kind, codes(BOOKINGS)), kind == TYPE_CODE[E.PATIENT_ARRIVED]
    coming = booking | arrived
    resumed = coming & (_before(closing, found.exam) > _before(coming, found.exam))
    # the exam of this attempt began before it, even where a later attempt made that begin void
    broken = closing & (_before(kind == TYPE_CODE[E.EXAM_BEGIN], found.exam) > _before(resumed, found.exam))
    used = coming | closing
    told = ["event_id", "station_name", "planned_duration_min", "reason_code", "known"]
    rows: pd.DataFrame = found.rows.loc[used, told]
    rows = rows.assign(
        exam=found.exam[used],
        said=np.select([booking, arrived, broken], ["booking", "arrived", "broken"], default="closing")[used],
        no_show=(kind == TYPE_CODE[E.NO_SHOW])[used],
        appointment_token=found.rows.loc[used, "appointment_token"],
        appointment=microseconds(found.rows["appointment_at"])[used],
        at=found.at[used],
    )
    return rows[(rows["said"] != "booking") | (rows["appointment"] != NO_TIME)].reset_index(drop=True)


def _before(mask: Bools, exam: Ints) -> Ints:
    """Return for each row the last earlier row of its exam where the mask holds, NONE where there is none."""
    place = np.where(mask, np.arange(len(mask)), NONE)
    last = np.maximum.accumulate(np.concatenate([[NONE], place[:-1]])) if len(mask) else place
    first_row = np.searchsorted(exam, exam)
    return np.where(last >= first_row, last, NONE)


def _segmented(rows: pd.DataFrame) -> pd.DataFrame:
    """Number the appointments of each exam; what comes before a first booking concerns none and is left out."""
    before = rows["said"].shift().where(rows["exam"] == rows["exam"].shift())
    fresh = (rows["said"] == "booking") & (before.isna() | before.isin(["closing", "broken"]))
    rows = rows.assign(segment=fresh.cumsum(), fresh=fresh)[rows["said"] != "broken"]
    first_of_exam = rows["exam"].where(fresh).groupby(rows["segment"]).transform("max")
    return rows[first_of_exam == rows["exam"]].reset_index(drop=True)


def _standing(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows that change a state, name the states and carry the booking forward."""
    rows = _bookings_that_change(rows)
    before = rows.groupby("segment", sort=False)["said"].shift()
    rows = rows.assign(after_arrival=before == "arrived")[(rows["said"] == "booking") | (rows["said"] != before)]
    state = np.select(
        [
            rows["fresh"],
            rows["moved"],
            rows["said"] == "arrived",
            rows["no_show"] & ~rows["after_arrival"],
            rows["said"] == "closing",
        ],
        ["booked", "rescheduled", "arrived", "no_show", "cancelled"],
        default="",
    )
    rows = rows.assign(state=pd.Series(state, index=rows.index, dtype=object).where(state != "", None))
    rows["state"] = rows.groupby("segment")["state"].ffill()  # a lengthened booking stays what it was
    return rows.reset_index(drop=True)


def _bookings_that_change(rows: pd.DataFrame) -> pd.DataFrame:
    """Carry what bookings state forward, mark those that move the appointment, drop those that change nothing."""
    booking = rows["said"] == "booking"
    for name in ("appointment", "scanner_code", "planned_duration_min", "appointment_token"):
        stated = rows[name].astype(object).where(rows[name].notna() & booking, None)
        rows[name] = stated.groupby(rows["segment"]).ffill()
    rows["appointment"] = rows["appointment"].astype("int64")
    again = booking & ~rows["fresh"]
    moved = again & (_changed(rows, "appointment") | _changed(rows, "scanner_code"))
    kept = ~again | moved | _changed(rows, "planned_duration_min")
    return rows.assign(moved=moved)[kept].reset_index(drop=True)


def _changed(rows: pd.DataFrame, column: str) -> pd.Series:
    before = rows.groupby("segment", sort=False)[column].shift()
    return (rows[column] != before) & rows[column].notna()


def _described(rows: pd.DataFrame, exams: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    exam = rows["exam"].to_numpy()
    of_exam = exams[["exam_key", *DIMENSIONS, "reader_mode", "scanner_code", "booked_scanner_code"]]
    described = of_exam.iloc[exam].reset_index(drop=True)
    site = texts(described["site_code"])
    appointment = rows["appointment"].to_numpy(dtype=np.int64)
    day, hour = local_days(appointment, site, parameters.zones)
    valid_from, valid_to, is_last = _validity(rows)
    cancelled = (rows["state"] == "cancelled").to_numpy()
    day_of_state, _ = local_days(rows["at"].to_numpy(dtype=np.int64), site, parameters.zones)
    own = np.where(rows["appointment_token"].isna(), described["exam_key"], rows["appointment_token"])
    made = rows.groupby("segment")["at"].transform("first").to_numpy()
    booked = _booked_at(rows, made)
    lead = span_min(appointment, booked)
    made_today = local_days(booked, site, parameters.zones)[0] == day
    is_addon = made_today & np.isin(texts(described["patient_class"]), ADD_ON_CLASSES)
    moved = (rows["moved"] & (rows["state"] == "rescheduled")).to_numpy()
    reason = rows["reason_code"].where(rows["state"].isin(["cancelled", "no_show"]) | moved)
    return described.drop(columns="booked_scanner_code").assign(
        slot_key=stable_keys("slot", own, described["exam_key"], rows["event_id"]),
        scanner_code=either(
            texts(rows["scanner_code"]), texts(described["booked_scanner_code"]), texts(described["scanner_code"])
        ),
        shift=shifts(day, hour, parameters.rules.shift_hours),
        appointment_at=times(appointment),
        planned_duration_min=pd.to_numeric(rows["planned_duration_min"]).astype("float64"),
        state=rows["state"],
        valid_from_at=times(valid_from),
        valid_to_at=times(valid_to),
        is_last=is_last,
        lead_time_min=lead,
        cancel_lead_min=np.where(cancelled, span_min(appointment, rows["at"].to_numpy(dtype=np.int64)), np.nan),
        cancelled_same_day=pd.Series(day_of_state == day, dtype="boolean").where(cancelled, pd.NA),
        reason_code=reason,
        called_off_by=called_off_by(reason, cancelled | moved, parameters.cancellation_reasons),
        lead_band=lead_bands(lead, is_addon),
        local_date=dates(day),
        local_hour=hours(hour),
    )


def _booked_at(rows: pd.DataFrame, made: Ints) -> Ints:
    """Return when the appointment in force was made: at its booking, or when it was moved last."""
    set_at = rows["at"].where(rows["fresh"] | rows["moved"])
    found = set_at.groupby(rows["segment"]).ffill()
    return found.fillna(pd.Series(made, index=rows.index)).to_numpy(dtype=np.int64)


def _validity(rows: pd.DataFrame) -> tuple[Ints, Ints, Bools]:
    """Return since when and until when each state was the one known; a feed without knowledge time has neither."""
    known, segment = rows["known"].to_numpy(dtype=np.int64), rows["segment"].to_numpy()
    last = np.ones(len(rows), dtype=bool)
    last[:-1] = segment[1:] != segment[:-1]
    big = np.iinfo(np.int64).max
    # the earliest a later state was known: a state learnt late was never the one shown
    later = np.where(known == NO_TIME, big, known)
    next_known = pd.Series(later[::-1]).groupby(segment[::-1]).cummin().to_numpy()[::-1]
    until = np.full(len(rows), NO_TIME)
    until[:-1] = np.where(last[:-1] | (next_known[1:] == big), NO_TIME, next_known[1:])
    return known, np.where(until == NO_TIME, NO_TIME, np.maximum(until, known)), last


def booked_at_midnight(slots: pd.DataFrame, exams: pd.DataFrame, parameters: Parameters) -> pd.Series:
    """Return is_addon by exam row: begun, and at 00:00 of its local day not booked for that day (U18); NULL unbegun."""
    begin = microseconds(exams["exam_begin_at"])
    day, _ = local_days(begin, exams["site_code"], parameters.zones)
    begun = begin != NO_TIME
    place = pd.Index(exams["exam_key"]).get_indexer(pd.Index(slots["exam_key"]))
    site = texts(exams["site_code"])
    midnight = _midnights(day[place], site[place], parameters)
    slot_day, _ = local_days(microseconds(slots["appointment_at"]), site[place], parameters.zones)
    since, until = microseconds(slots["valid_from_at"]), microseconds(slots["valid_to_at"])
    standing = slots["state"].isin(OPEN_STATES).to_numpy() & (since != NO_TIME) & (since <= midnight)
    standing &= ((until == NO_TIME) | (until > midnight)) & (slot_day == day[place])
    addon = np.ones(len(exams), dtype=bool)
    addon[place[standing & begun[place]]] = False
    return pd.Series(addon, dtype="boolean").mask(~begun)


def _midnights(day: Ints, site: Texts, parameters: Parameters) -> Ints:
    """Return the first instant of local days at their sites."""
    found = np.full(len(day), NO_TIME)
    for code, zone in parameters.zones.items():
        mine = (site == code) & (day != NO_TIME)
        wall = pd.DatetimeIndex(day[mine].astype("datetime64[D]").astype("datetime64[us]"))
        local = wall.tz_localize(zone, ambiguous=np.ones(len(wall), dtype=bool), nonexistent="shift_forward")
        found[mine] = microseconds(pd.Series(local))
    return found
