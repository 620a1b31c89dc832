"""The department itself: its own lists, its sites, scanners and patients."""

from __future__ import annotations

from sqlalchemy import Table

from etl.warehouse.tables.columns import at, day, key, metadata, num, text, whole

fact_entry = Table(
    "fact_entry",
    metadata,
    text("event_id", "the row's event", 32),
    text("kind", "EntryKind"),
    key("exam_key", "exam; 0 where the row names none or it is unmatched"),
    text("site_code", "site"),
    text("scanner_code", "scanner, where the row names one"),
    text("modality", "modality: the scanner's, else the row's, else the exam's"),
    at("begin_at", "begin, or the instant"),
    at("end_at", "end"),
    day("local_date", "site-local date of begin"),
    whole("local_hour", "site-local hour of begin"),
    num("duration_min", "minutes from begin to end"),
    text("person", "pseudonym", 32),
    text("other_person", "pseudonym", 32),
    text("code", "role, finding, score, type, volume or procedure code", 128),
    text("outcome_code", "second code: verdict, reason", 128),
    num("value", "value"),
    text("unit", "its unit"),
    key("count", "exposures, weight"),
    num("limit_value", "capacity of a volume, accepted exposures"),
    comment="One row an entry of the department's own lists.",
)

dim_site = Table(
    "dim_site",
    metadata,
    text("site_code", "site"),
    text("name", "name", 128),
    text("zone", "IANA zone"),
    comment="Sites.",
)

dim_scanner = Table(
    "dim_scanner",
    metadata,
    text("scanner_code", "scanner"),
    text("site_code", "site"),
    text("modality", "modality"),
    text("name", "name", 128),
    comment="Scanners.",
)

dim_patient = Table(
    "dim_patient",
    metadata,
    text("patient_token", "token as sent", 32),
    key("patient_key", "patient after merges"),
    comment="Patient tokens and the patient they belong to now.",
)
