"""Facts behind utilization, throughput and value: hours of the clock, gaps, reading hours, exams by local tables."""

from __future__ import annotations

from sqlalchemy import Table

from etl.warehouse.tables.columns import (
    at,
    day,
    exam_dimensions,
    flag,
    key,
    metadata,
    num,
    text,
    variant_minutes,
    whole,
)

fact_scanner_time = Table(
    "fact_scanner_time",
    metadata,
    text("site_code", "site"),
    text("scanner_code", "scanner"),
    text("modality", "modality"),
    at("hour_at", "start of the hour, UTC (a repeated local hour has two rows)"),
    day("local_date", "site-local"),
    whole("local_hour", "site-local, 0-23"),
    text("shift", "day, evening, night, weekend"),
    num("clock_min", "length of the hour by the clock: 60 unless the zone's offset changes in it"),
    num("week_50h_min", "its part of 50 hours a week, a seventh for each local day"),
    num("stated_min", "its part of the hours a day stated for the scanner, else its open minutes"),
    num("scheduled_open_min", "open minus closures, downtime not subtracted"),
    num("operating_min", "open minus closures and downtime"),
    num("table_min", "union of exam intervals inside operating time"),
    num("room_min", "the same with buffers"),
    num("booked_min", "union of booked appointments inside operating time"),
    num("after_hours_min", "exam minutes outside operating time"),
    whole("begun_visits", "visits begun in the hour"),
    *variant_minutes(),
    comment="One row a scanner and hour of the clock from its first to its last operating day, open or not.",
)

fact_gap = Table(
    "fact_gap",
    metadata,
    text("site_code", "site"),
    text("scanner_code", "scanner"),
    text("modality", "modality"),
    text("shift", "of the next visit's begin"),
    at("begin_at", "end of the visit before"),
    at("end_at", "begin of the next visit"),
    day("local_date", "of the next visit's begin"),
    whole("local_hour", "of the next visit's begin"),
    text("kind", "turnover (up to the cap), idle"),
    num("gap_min", "minutes between the visits"),
    num("idle_min", "of an idle gap, inside operating time"),
    num("longest_min", "longest stretch of it inside operating time"),
    num("slot_min", "the scanner's most frequent slot length; NULL: it has no slots"),
    num("turnover_min", "the scanner's median turnover; nought: unknown"),
    flag("is_usable", "an idle gap whose longest stretch holds a slot and a turnover"),
    comment="One row a gap between two visits on the same scanner and local day.",
)

fact_reader_hour = Table(
    "fact_reader_hour",
    metadata,
    text("site_code", "site whose roster it is"),
    at("hour_at", "start of the site-local hour, UTC"),
    day("local_date", "site-local"),
    whole("local_hour", "site-local, 0-23"),
    text("shift", "day, evening, night, weekend"),
    text("rostered_reader", "pseudonym where the site shows individuals, else: all readers"),
    num("rostered_min", "rostered minutes of reading people"),
    whole("finals", "first finals signed by them while on the roster"),
    whole("finals_off", "signed by them while not on the roster"),
    num("wrvu", "work units of the finals signed while on the roster, by the site's own table"),
    comment="One row a site and hour in which readers were rostered or signed: the group as one unless a site opts in.",
)

fact_exam_value = Table(
    "fact_exam_value",
    metadata,
    key("exam_key", "exam"),
    *exam_dimensions(),
    at("exam_end_at", "end of the exam: what the table says of that day counts"),
    day("local_date", "of exam end"),
    whole("local_hour", "of exam end"),
    num("wrvu", "work units of the site's own table; NULL: it has no row for this exam"),
    num("money", "money of the site's own table, in its most frequent currency"),
    comment="One row a performed exam of a site that loaded a table of costs or work units.",
)
