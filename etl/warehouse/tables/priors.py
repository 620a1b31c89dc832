"""What was known of the patient before: the latest comparable exam, its images, and why the order repeats it."""

from __future__ import annotations

from sqlalchemy import Table

from etl.warehouse.tables.columns import at, day, exam_dimensions, flag, key, metadata, num, text, whole

fact_prior = Table(
    "fact_prior",
    metadata,
    key("exam_key", "exam"),
    *exam_dimensions(),
    text("body_region", "regions of the procedure group, separated by blanks; NULL: not comparable"),
    text("modality_family", "modalities compared with each other"),
    key("patient_key", "patient after merges"),
    flag("is_performed", "as in fact_exam"),
    day("order_local_date", "of order_entered_at"),
    whole("order_local_hour", "of order_entered_at"),
    day("local_date", "of exam_end_at"),
    whole("local_hour", "of exam_end_at"),
    at("exam_begin_at", "chosen begin"),
    at("exam_end_at", "chosen end"),
    at("read_began_at", "opened, else dictated, else first communication"),
    num("history_days", "days from the site's first performed exam to this begin: how far back is known"),
    key("prior_exam_key", "latest earlier exam of the patient, same family and a region in common, another visit"),
    at("prior_begin_at", "begin of that visit"),
    num("prior_days", "exam_begin_at - prior_begin_at"),
    at("prior_online_at", "all images of that visit in the archive; NULL where not known"),
    flag("is_prior_elsewhere", "that visit was at another site"),
    at("prior_requested_at", "transfer of a prior asked for (SOLE112)"),
    at("prior_available_at", "transfer finished (SOLE113)"),
    num("prior_transfer_min", "P01: prior_available_at - prior_requested_at"),
    flag("is_prior_known", "a transfer was asked for, or the prior is recent enough to be relevant"),
    flag("is_prior_online", "P01: it could be seen when reading began; NULL while not read or not known"),
    text("reason", "coded reason of the order", 128),
    text("reason_class", "redundant, technical, clinical: what the reason says of the repeat"),
    text("rating", "decision support: appropriate, may_be, rarely, none", 128),
    at("rated_at", "when decision support was asked"),
    comment="One row an exam: its relevant prior, the repeat it makes, and how appropriate the order was rated.",
)
