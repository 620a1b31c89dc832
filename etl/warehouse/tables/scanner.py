"""Facts of scanners: room visits, hours, the operating calendar."""

from __future__ import annotations

from sqlalchemy import Table

from etl.warehouse.tables.columns import at, day, key, metadata, num, text, variant_minutes, whole

fact_visit = Table(
    "fact_visit",
    metadata,
    key("visit_key", "hash(scanner, first exam)", primary_key=True, autoincrement=False),
    text("site_code", "site"),
    text("scanner_code", "scanner"),
    text("modality", "modality"),
    text("procedure_group", "of the longest exam"),
    text("priority", "most urgent of its exams"),
    text("patient_class", "of its first exam"),
    text("shift", "of the begin"),
    key("patient_key", "patient"),
    whole("part", "0, 1, .. where a pause splits the visit (K0.5)"),
    whole("exams", "accessions in the visit"),
    at("begin_at", "begin of this part"),
    at("end_at", "end of this part"),
    day("local_date", "of begin"),
    whole("local_hour", "of begin"),
    num("duration_min", "end - begin"),
    num("gap_before_min", "begin - previous end on the same scanner-day; NULL for the first"),
    text("gap_kind", "turnover (below cap), idle, NULL"),
    num("idle_in_hours_min", "part of an idle gap inside operating time"),
    num("acquired_min", "U07: union of its series inside it; NULL where a series does not tell how long it took"),
    at("hour_at", "start of the site-local hour of begin, UTC"),
    comment="One row a room visit part: linked accessions merged, pauses split.",
)

fact_scanner_hour = Table(
    "fact_scanner_hour",
    metadata,
    text("site_code", "site"),
    text("scanner_code", "scanner"),
    text("modality", "modality"),
    at("hour_at", "start of the hour, UTC (a repeated local hour has two rows)"),
    day("local_date", "site-local"),
    whole("local_hour", "site-local, 0-23"),
    text("shift", "day, evening, night, weekend"),
    num("operating_min", "open minus closures and downtime"),
    num("scheduled_open_min", "open minus closures, downtime not subtracted"),
    num("down_min", "declared downtime inside open minutes"),
    num("unplanned_down_min", "of these unplanned"),
    num("table_min", "U01: union of exam intervals inside operating time"),
    num("room_min", "U02: the same with buffers"),
    num("booked_min", "U04: union of booked appointments inside operating time"),
    num("after_hours_min", "U11: exam minutes outside operating time"),
    num("idle_min", "operating minus table minutes"),
    whole("begun_visits", "visits begun in the hour: the demand forecast's target"),
    whole("begun_exams", "exams begun in the hour"),
    whole("booked_exams", "appointments starting in the hour, not cancelled"),
    *variant_minutes(),
    comment="One row a scanner and hour with operating time or activity.",
)

fact_opening = Table(
    "fact_opening",
    metadata,
    text("site_code", "site"),
    text("scanner_code", "scanner"),
    text("modality", "modality"),
    text("kind", "OpeningKind"),
    at("begin_at", "begin"),
    at("end_at", "end"),
    day("local_date", "site-local date"),
    text("reason_code", "reason", 128),
    comment="The operating calendar.",
)
