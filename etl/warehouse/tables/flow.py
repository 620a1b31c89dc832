"""Facts of flow beyond the single exam: the first booked case of a scanner's day."""

from __future__ import annotations

from sqlalchemy import Table

from etl.warehouse.tables.columns import at, day, exam_dimensions, key, metadata, num, whole

fact_first_case = Table(
    "fact_first_case",
    metadata,
    key("exam_key", "exam; scanner_code is the scanner it was booked on"),
    *exam_dimensions(),
    at("appointment_at", "booked start"),
    at("exam_begin_at", "begin; NULL: not yet"),
    num("start_delay_min", "T09: begin - appointment"),
    day("local_date", "of the appointment"),
    whole("local_hour", "of the appointment"),
    comment="One row a scanner and day: its first booked exam that was not called off.",
)
