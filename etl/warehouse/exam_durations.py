"""An exam's durations in minutes, computed once from its milestones (kpis.md K1; decision 11)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from etl.warehouse.intervals import MINUTE_US, Bools, Floats
from etl.warehouse.keys import Ints
from etl.warehouse.local_time import NO_TIME

# column: (to, from); a negative value of these is an error of the feeds
SPANS: Mapping[str, tuple[str, str]] = {
    "order_to_arrive_min": ("arrived_at", "order_entered_at"),
    "arrival_to_begin_min": ("exam_begin_at", "arrived_at"),
    "prep_min": ("exam_begin_at", "in_room_at"),
    "exam_duration_min": ("exam_end_at", "exam_begin_at"),
    "dicom_duration_min": ("last_acquisition_at", "first_acquisition_at"),
    "images_delay_min": ("images_available_at", "exam_end_at"),
    "report_tat_min": ("first_final_at", "exam_end_at"),
    "first_communication_min": ("first_communication_at", "exam_end_at"),
    "total_tat_min": ("first_communication_at", "order_entered_at"),
    "unread_wait_min": ("read_opened_at", "images_available_at"),
    "read_time_min": ("dictated_at", "read_opened_at"),
    "transcription_min": ("transcribed_at", "dictated_at"),
    "view_delay_min": ("report_viewed_at", "first_final_at"),
    "prelim_to_final_min": ("first_final_at", "first_prelim_at"),
    "end_to_end_min": ("first_final_at", "order_entered_at"),
}
# a negative value of these means something (early, late entry, or one clock before the other)
SIGNED_SPANS: Mapping[str, tuple[str, str]] = {
    "order_to_schedule_min": ("first_scheduled_at", "order_entered_at"),  # an order may be entered after the fact
    "request_received_min": ("request_received_at", "order_entered_at"),
    "access_wait_min": ("exam_begin_at", "order_accepted_at"),
    "punctuality_min": ("arrived_at", "appointment_at"),
    "start_delay_min": ("exam_begin_at", "appointment_at"),
    "begin_offset_min": ("ris_begin_at", "first_acquisition_at"),
    "end_offset_min": ("ris_end_at", "last_acquisition_at"),
}


def span_min(to: Ints, since: Ints) -> Floats:
    """Return `to - since` in minutes, NaN where either is unknown."""
    known = (to != NO_TIME) & (since != NO_TIME)
    return np.where(known, (np.where(known, to, 0) - np.where(known, since, 0)) / MINUTE_US, np.nan)


def durations(at: Mapping[str, Ints], planned_min: Floats) -> tuple[dict[str, Floats], Bools]:
    """Return the duration columns and where one that must not be negative was.

    A negative span of `SPANS` is no duration: it becomes NaN and its exam is marked (decision 11).
    """
    found = {name: span_min(at[to], at[since]) for name, (to, since) in SPANS.items()}
    wrong = np.zeros(len(planned_min), dtype=bool)
    for name, values in found.items():
        negative = values < 0
        wrong |= negative
        found[name] = np.where(negative, np.nan, values)
    found |= {name: span_min(at[to], at[since]) for name, (to, since) in SIGNED_SPANS.items()}
    due = np.maximum(at["arrived_at"], at["appointment_at"])  # NO_TIME is the lowest: the known one remains
    found["patient_wait_min"] = np.where(
        at["arrived_at"] != NO_TIME, np.maximum(0.0, span_min(at["exam_begin_at"], due)), np.nan
    )
    ris_min = span_min(at["ris_end_at"], at["ris_begin_at"])
    found["ris_dicom_difference_min"] = ris_min - found["dicom_duration_min"]
    found["overrun_min"] = found["exam_duration_min"] - planned_min
    return found, wrong
