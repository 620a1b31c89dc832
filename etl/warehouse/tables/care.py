"""Facts of communication and follow-up: critical findings and recommended exams."""

from __future__ import annotations

from sqlalchemy import Table

from etl.warehouse.tables.columns import at, day, exam_dimensions, flag, key, metadata, num, text, whole

fact_critical_result = Table(
    "fact_critical_result",
    metadata,
    key("finding_key", "hash(exam, class)"),
    key("exam_key", "exam the finding was made on"),
    text("accession_token", "pseudonym to find the exam in the RIS with", 32),
    key("patient_key", "patient after merges"),
    *exam_dimensions(),
    text("critical_class", "1 minutes, 2 hours, 3 days; NULL where no feed says"),
    text("owner", "pseudonym of who found it, else of the exam's reader", 32),
    at("identified_at", "crit_identified"),
    at("notified_at", "crit_notified"),
    at("acknowledged_at", "crit_ack"),
    at("delegated_at", "crit_delegated"),
    at("closed_at", "crit_closed"),
    at("communicated_at", "first of notified, acknowledged and closed"),
    num("limit_min", "site's target for the class, valid on the day it was identified; NULL without one"),
    num("communicate_min", "communicated - identified; negative where it was told before it was flagged"),
    num("close_min", "closed - identified"),
    flag("has_who", "documented who told it"),
    flag("has_whom", "documented to whom"),
    flag("has_when", "a time of communication is known"),
    flag("has_how", "documented how: phone, in person, ..."),
    flag("has_read_back", "documented that it was read back"),
    day("local_date", "site-local date of identified, else of the first thing known"),
    whole("local_hour", "site-local hour of the same"),
    comment="One row a critical finding: exam and class.",
)

fact_followup = Table(
    "fact_followup",
    metadata,
    key("followup_key", "hash(exam, what is recommended)"),
    key("exam_key", "exam whose report recommends it"),
    text("accession_token", "pseudonym to find that exam in the RIS with", 32),
    key("patient_key", "patient after merges"),
    *exam_dimensions(),
    text("told_by", "feed (coded) or rule (read from the report's text)"),
    text("feed_key", "feed that told it"),
    text("rule_id", "rule of the text that matched; NULL where a feed told it coded"),
    text("owner", "pseudonym of the exam's reader", 32),
    text("wanted_modality", "modality recommended; NULL where none is named"),
    num("interval_days", "days until it is due, as stated; NULL where no interval is"),
    text("wanted_region", "body region recommended; NULL where none is named: then the exam's own"),
    at("recommended_at", "followup_recommended"),
    at("due_at", "recommended plus interval, months by the calendar"),
    at("deadline_at", "due plus the site's grace"),
    at("scheduled_at", "followup_scheduled"),
    at("completed_at", "followup_completed, else begin of the exam that did it"),
    text("completed_by", "feed (told) or exam (a matching one was done); NULL while open"),
    key("completed_exam_key", "the matching exam; NULL where none did it"),
    at("dismissed_at", "followup_dismissed: by a human, as a feed tells it or in the dashboard"),
    text("dismissed_by", "feed or dashboard; NULL while not dismissed"),
    text("dismiss_reason", "coded reason", 128),
    flag("is_excluded", "dismissed because of death, transfer or a newer recommendation"),
    day("local_date", "site-local date of recommended"),
    whole("local_hour", "site-local hour of the same"),
    day("due_local_date", "site-local date of due; NULL without an interval"),
    comment="One row a recommended follow-up exam.",
)
