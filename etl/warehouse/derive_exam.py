"""Exam facts: one row an exam, with every milestone first and last, as an accumulating snapshot."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.records import EventType as E
from etl.warehouse.derive_dose import dose_totals
from etl.warehouse.derive_report_aftermath import coded_after_report, idle_reads, milestones_after_report
from etl.warehouse.event_set import TYPE_CODE
from etl.warehouse.exam_clock import Chosen, choose
from etl.warehouse.exam_description import demographics, describe, last_said, patient_tokens, texts
from etl.warehouse.exam_device import DeviceSpans, device_spans, device_texts
from etl.warehouse.exam_durations import durations
from etl.warehouse.intervals import MINUTE_US, Floats
from etl.warehouse.keys import NO_EXAM, Ints
from etl.warehouse.link import Links
from etl.warehouse.local_time import NO_DAY, NO_TIME, dates, hours, local_days, microseconds, shifts, times
from etl.warehouse.milestones import BOOKINGS, NONE, STOPS, Milestones, build_milestones, codes, take, taken_back
from etl.warehouse.parameters import Parameters
from etl.warehouse.patients import Patients
from etl.warehouse.performed_steps import counting_rows, first_by_ris, with_steps
from etl.warehouse.reference_match import phase_targets
from etl.warehouse.stops import REPORTS, Stops, stops_in_force
from etl.warehouse.target_phases import TIMED_PHASES

Texts = npt.NDArray[np.object_]
AFTER_END = (E.EXAM_END, E.IMAGES_AVAILABLE, E.QC_COMPLETE, E.READ_OPENED, E.DICTATED, *REPORTS, E.PATIENT_DEPARTED)
LOCAL = {
    "order": "order_entered_at",
    "appointment": "appointment_at",
    "begin": "exam_begin_at",
    "end": "exam_end_at",
    "final": "first_final_at",
}


@dataclass(frozen=True, slots=True)
class Exams:
    """`frame`: fact_exam without visit_key and is_addon, with study_token, by exam_key; `found`: its events.

    `dosed` are the irradiation events as fact_dose_event has them, of other exams and of none too; `slots` the booking
    states, once they are derived.
    """

    frame: pd.DataFrame
    found: Milestones
    dosed: pd.DataFrame
    slots: pd.DataFrame = field(default_factory=pd.DataFrame)


def derive_exams(
    workflow: pd.DataFrame,
    links: Links,
    acquired: pd.DataFrame,
    dosed: pd.DataFrame,
    patients: Patients,
    parameters: Parameters,
    data_at: int,
) -> Exams:
    """Return the exams that linked events make; `data_at` is the instant that counts as now (microseconds)."""
    named = links.exams.sort_values("exam_key", ignore_index=True)
    keys = named["exam_key"].to_numpy(dtype=np.int64)
    rows = workflow.merge(links.rows.loc[links.rows["exam_key"] != NO_EXAM, ["event_id", "exam_key"]], on="event_id")
    exam = np.searchsorted(keys, rows["exam_key"].to_numpy(dtype=np.int64))
    counting = counting_rows(rows, exam, len(keys), parameters)
    rows, exam = rows[counting].reset_index(drop=True), exam[counting]
    found = build_milestones(rows, exam, len(keys), parameters)
    said = last_said(rows, exam, len(keys))
    device = device_texts(keys, acquired, dosed)
    described = describe(said, found, device, patients, parameters)
    described = described.assign(**demographics(rows, exam, len(keys), patient_tokens(said, device), patients))
    study = texts(said["study_token"].astype(object).where(said["study_token"].notna(), device["study_token"]))
    spans = device_spans(keys, study, found.restart_at, acquired, dosed)
    spans = with_steps(spans, rows, exam, found.restart_at, parameters)
    booked = microseconds(said["appointment_at"])
    named = _named(named).assign(study_token=study)
    frame = pd.concat([named, described, _timed(found, spans, described, booked, parameters, data_at)], axis=1)
    frame = frame.join(dose_totals(dosed), on="exam_key")
    return Exams(frame, found, dosed)


def _named(named: pd.DataFrame) -> pd.DataFrame:
    token = named["token"].where(named["anchor"] == "accession")
    return pd.DataFrame({"exam_key": named["exam_key"], "accession_token": token})


def _timed(
    found: Milestones,
    spans: DeviceSpans,
    described: pd.DataFrame,
    said_appointment: Ints,
    parameters: Parameters,
    data_at: int,
) -> pd.DataFrame:
    """Return milestones, status, calendar and durations.

    An appointment that only other messages mention stands in for a booking message that was lost.
    """
    site = texts(described["site_code"])
    begin = choose("begin", _begins(found, spans, parameters), site, parameters)
    device_begin = np.where(spans.performed_begin != NO_TIME, spans.performed_begin, spans.first_acquisition)
    stops = stops_in_force(found, device_begin)
    end = choose("end", _ends(found, spans, stops, parameters, data_at), site, parameters)
    at, planned = _booking(found)
    at["appointment_at"] = np.where(at["appointment_at"] != NO_TIME, at["appointment_at"], said_appointment)
    at |= _milestones(found, spans, stops, parameters) | {"exam_begin_at": begin.at, "exam_end_at": end.at}
    stored = {"ris": found.first_at(E.IMAGES_AVAILABLE), "dicom": spans.stored}
    at["images_available_at"] = choose("available", stored, site, parameters).at
    at |= milestones_after_report(found, at["first_final_at"])
    spent, wrong = durations(at, planned)
    status = _status(at, found)
    performed = (begin.at != NO_TIME) & (end.at != NO_TIME) & (stops.aborted_at == NO_TIME)
    columns: dict[str, object] = {name: times(at[name]) for name in at if name not in {"ris_begin_at", "ris_end_at"}}
    columns |= _source("exam_begin", begin) | _source("exam_end", end) | spent
    columns |= {
        "status": status,
        "order_reason_code": found.value_of("reason_code", found.first[:, TYPE_CODE[E.ORDER_ENTERED]]),
        "planned_duration_min": planned,
        "is_performed": performed,
        "has_images": spans.has_images,
        "has_dose_report": spans.has_dose_report,
        "has_order_violation": wrong | stops.contradicted,
    }
    columns |= coded_after_report(found, at["first_final_at"])
    idle_min = parameters.rules.read_idle_min
    columns["is_read_idle"] = idle_reads(spent["read_time_min"], texts(described["modality"]), idle_min)
    columns |= _calendar(at, site, parameters)
    columns |= _targets(at, described, parameters)
    return pd.DataFrame(columns)


def _targets(at: dict[str, Ints], described: pd.DataFrame, parameters: Parameters) -> dict[str, Floats]:
    """Return the target of each phase that was valid on the day that decides it."""
    site = texts(described["site_code"])
    day = {name: local_days(at[milestone], site, parameters.zones)[0] for name, milestone in LOCAL.items()}
    due = np.where(day["appointment"] != NO_DAY, day["appointment"], day["order"])
    day["begin_or_due"] = np.where(day["begin"] != NO_DAY, day["begin"], due)
    return {p.target: phase_targets(described, day[p.base], parameters.targets, p.names) for p in TIMED_PHASES}


def _source(name: str, chosen: Chosen) -> dict[str, object]:
    return {f"{name}_source": chosen.source, f"{name}_difference_min": chosen.difference_min}


def _begins(found: Milestones, spans: DeviceSpans, parameters: Parameters) -> dict[str, Ints]:
    return {
        "ris": first_by_ris(found, E.EXAM_BEGIN, parameters),
        "mpps": spans.performed_begin,
        "dicom": spans.first_acquisition,
    }


def _ends(found: Milestones, spans: DeviceSpans, stops: Stops, parameters: Parameters, data_at: int) -> dict[str, Ints]:
    """The last image so far is an end only when later steps were taken or nothing came for a while.

    Of an aborted exam no device tells an end: its last image is where it was broken off.
    """
    settle = round(parameters.rules.images_settle_min * MINUTE_US)
    last = spans.last_acquisition
    whole = stops.aborted_at == NO_TIME
    told = (found.any_last(AFTER_END) != NONE) | (spans.performed_end != NO_TIME)
    settled = told | (last <= data_at - settle)
    return {
        "ris": first_by_ris(found, E.EXAM_END, parameters),
        "mpps": np.where(whole, spans.performed_end, NO_TIME),
        "dicom": np.where(whole & settled, last, NO_TIME),
    }


def _booking(found: Milestones) -> tuple[dict[str, Ints], Floats]:
    """Return when the first and the last booking were made, and for when and how long; the latest that states each."""
    made = found.any_last(BOOKINGS)
    booked = np.isin(found.type, codes(BOOKINGS))
    start = microseconds(found.rows["appointment_at"])
    length = found.rows["planned_duration_min"].to_numpy(dtype=np.float64, na_value=np.nan)
    stated = _last_where(booked & (start != NO_TIME), found)
    planned = _last_where(booked & ~np.isnan(length), found)
    minutes = length[np.maximum(planned, 0)] if len(length) else np.full(len(planned), np.nan)
    return (
        {
            "first_scheduled_at": found.time_of(found.any_first(BOOKINGS)),
            "scheduled_at": found.time_of(made),
            "appointment_at": take(start, stated, NO_TIME),
        },
        np.where(planned == NONE, np.nan, minutes),
    )


def _last_where(mask: npt.NDArray[np.bool_], found: Milestones) -> Ints:
    place = np.flatnonzero(mask)
    last = np.full(len(found.first), NONE, dtype=np.int64)
    last[found.exam[place]] = place
    return last


def _milestones(found: Milestones, spans: DeviceSpans, stops: Stops, parameters: Parameters) -> dict[str, Ints]:
    first, last = found.first_at, found.last_at
    entered, accepted = first(E.ORDER_ENTERED), first(E.ORDER_ACCEPTED)
    final, addendum = first(E.FINAL), first(E.ADDENDUM)
    signed = np.where(final != NO_TIME, final, addendum)  # a correction proves a final that was lost
    return {
        "order_entered_at": entered,
        "order_accepted_at": np.where(accepted != NO_TIME, accepted, entered),
        "request_received_at": accepted,
        "arrived_at": first(E.PATIENT_ARRIVED),
        "in_room_at": first(E.IN_ROOM),
        "ris_begin_at": first_by_ris(found, E.EXAM_BEGIN, parameters),
        "ris_end_at": first_by_ris(found, E.EXAM_END, parameters),
        "first_acquisition_at": spans.first_acquisition,
        "last_acquisition_at": spans.last_acquisition,
        "qc_complete_at": first(E.QC_COMPLETE),
        "read_opened_at": first(E.READ_OPENED),
        "dictated_at": first(E.DICTATED),
        "first_prelim_at": first(E.PRELIM),
        "last_prelim_at": last(E.PRELIM),
        "first_final_at": signed,
        "last_final_at": np.maximum(last(E.FINAL), last(E.ADDENDUM)),
        "first_communication_at": found.time_of(found.any_first((*REPORTS, E.CRIT_NOTIFIED))),
        "first_addendum_at": np.where(addendum > signed, addendum, NO_TIME),
        "followup_recommended_at": first(E.FOLLOWUP_RECOMMENDED),
        "cancelled_at": stops.cancelled_at,
        "aborted_at": stops.aborted_at,
        "no_show_at": stops.no_show_at,
        "prior_requested_at": first(E.PRIOR_REQUESTED),
        "prior_available_at": first(E.PRIOR_AVAILABLE),
    }


def _status(at: dict[str, Ints], found: Milestones) -> Texts:
    """Return the furthest state; a stop in force outranks what came before it, a report outranks a stop."""
    released = np.full(len(found.first), NONE, dtype=np.int64)
    place = np.flatnonzero(np.isin(found.type, codes(STOPS)) & ~taken_back(found))
    released[found.exam[place]] = place
    booked = found.any_last(BOOKINGS) > released
    ladder = (
        ("final", at["first_final_at"]),
        ("preliminary", at["first_prelim_at"]),
        ("aborted", at["aborted_at"]),
        ("cancelled", at["cancelled_at"]),
        ("no_show", at["no_show_at"]),
        ("ended", at["exam_end_at"]),
        ("in_progress", at["exam_begin_at"]),
        ("arrived", at["arrived_at"]),
    )
    rest = np.where(booked, "scheduled", "ordered")
    return np.select([t != NO_TIME for _, t in ladder], [name for name, _ in ladder], default=rest).astype(object)


def _calendar(at: dict[str, Ints], site: Texts, parameters: Parameters) -> dict[str, object]:
    """Return site-local dates and hours of the bases KPIs bucket by, and the shift (decision 9)."""
    columns: dict[str, object] = {}
    for name, milestone in LOCAL.items():
        day, hour = local_days(at[milestone], site, parameters.zones)
        columns |= {f"{name}_local_date": dates(day), f"{name}_local_hour": hours(hour)}
    basis = at["order_entered_at"]
    for milestone in ("exam_begin_at", "exam_end_at"):
        basis = np.where(at[milestone] != NO_TIME, at[milestone], basis)
    columns["shift"] = shifts(*local_days(basis, site, parameters.zones), parameters.rules.shift_hours)
    return columns
