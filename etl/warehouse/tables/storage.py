"""What the archive took in, how fast, what it holds, and when it will be full."""

from __future__ import annotations

from sqlalchemy import Table

from etl.warehouse.tables.columns import at, day, exam_dimensions, key, metadata, num, text, whole

fact_transmission = Table(
    "fact_transmission",
    metadata,
    text("event_id", "row of the archive's log", 32),
    key("exam_key", "exam; 0 where unmatched"),
    *exam_dimensions(),
    text("direction", "store, or what else the log names: prefetch"),
    at("first_stored_at", "first instance in the archive"),
    at("last_stored_at", "last instance in the archive"),
    day("local_date", "of the first"),
    whole("local_hour", "of the first"),
    key("size_bytes", "bytes moved"),
    key("instances", "instances moved"),
    num("span_min", "I02: last - first"),
    num("mb_per_s", "I02: megabytes (10^6) a second; NULL where all came within a second"),
    comment="One row a study's way into the archive (or a prior's out of it).",
)

fact_storage_day = Table(
    "fact_storage_day",
    metadata,
    text("site_code", "site"),
    text("modality", "modality"),
    text("scanner_code", "scanner; NULL in lists"),
    text("origin", "list (what the archive says it holds), transfer or series (what was seen to come in)"),
    text("volume", "volume of the list, '' otherwise"),
    day("local_date", "day, of the site; of lists the one the measure ends"),
    num("added_bytes", "I01: came in this day, or held more than at the measure before"),
    num("held_bytes", "held at the day's last measure, lists only"),
    num("capacity_bytes", "of the volume, lists only"),
    key("studies", "studies that came in, or held"),
    comment="One row a site, volume or scanner, modality and day: bytes that came in and bytes held.",
)

fact_storage_volume = Table(
    "fact_storage_volume",
    metadata,
    text("site_code", "site"),
    text("volume", "volume; '' where only what comes in is known"),
    text("modality", "NULL: all together"),
    text("origin", "list, transfer or series"),
    day("local_date", "last day used"),
    whole("days", "days used"),
    num("held_bytes", "held at last"),
    num("capacity_bytes", "capacity; NULL for a modality"),
    num("bytes_per_day", "I01: robust slope (Theil-Sen) of the last 30 days"),
    num("slowest_week_per_day", "growth a day of the slowest seven days among them"),
    num("fastest_week_per_day", "growth a day of the fastest seven days among them"),
    num("days_to_full", "I01: free bytes over the slope; NULL where it does not fill"),
    num("days_to_full_low", "at the fastest week's pace"),
    num("days_to_full_high", "at the slowest week's pace; NULL where that week did not grow"),
    comment="One row a volume (and modality): its growth now and when it will be full.",
)
