"""Facts of quality and of AI beside the reader: reviews, rejects, incidents, protocols, references, AI results.

No person is in them: quality is shown by group (kpis.md Q03 to Q05).
"""

from __future__ import annotations

from sqlalchemy import Table

from etl.warehouse.tables.columns import at, day, exam_dimensions, flag, key, metadata, num, text, whole

fact_peer_review = Table(
    "fact_peer_review",
    metadata,
    key("exam_key", "exam reviewed; 0 where the row names none or it is unmatched"),
    *exam_dimensions(),
    at("reviewed_at", "when reviewed"),
    day("local_date", "site-local date of the review"),
    whole("local_hour", "site-local hour of the review"),
    whole("score", "1, 2 or 3 of the review scale; NULL where the code is none of them"),
    flag("is_significant", "letter b: likely clinically significant"),
    text("arbitration", "outcome of the arbitration as coded", 128),
    comment="One row a peer review, without the persons.",
)

fact_quality = Table(
    "fact_quality",
    metadata,
    key("exam_key", "performed exam; 0 where an incident or submission names none"),
    *exam_dimensions(),
    at("exam_end_at", "end of the exam"),
    day("local_date", "site-local date of exam end, else of the incident or submission"),
    whole("local_hour", "its hour"),
    whole("exams", "1 for a performed exam, 0 for what names none"),
    flag("is_reported", "has a final report: eligible for peer review"),
    flag("is_reviewed", "has at least one peer review"),
    whole("submissions", "cases handed in to learn from"),
    whole("great_calls", "of these, great calls"),
    whole("incidents", "wrong exam, side or patient, falls, extravasations"),
    whole("wrong_exams", "of these, wrong exam, side or patient"),
    whole("falls", "of these, falls"),
    whole("extravasations", "of these, extravasations"),
    whole("other_incidents", "incidents of other types"),
    whole("images", "accepted images the archive holds; NULL without any"),
    whole("protocol_images", "images the site's standard asks for; NULL without a standard"),
    whole("extra_images", "images beyond that number; NULL where either is unknown"),
    text("protocol_name", "first protocol outside of the standard, else the first one", 128),
    flag("is_standard_protocol", "all protocols are in the site's standard; NULL without a standard or images"),
    at("qc_reject_at", "first refusal at quality control"),
    text("reason", "coded reason of that refusal", 128),
    at("redone_at", "when the same procedure was done again within 7 days of a refused exam"),
    comment="One row a performed exam, and one an incident or submission that names none.",
)

fact_reject = Table(
    "fact_reject",
    metadata,
    text("site_code", "site"),
    text("scanner_code", "room's scanner"),
    text("modality", "modality"),
    text("exposure_view", "view", 128),
    text("reason", "why rejected", 128),
    day("local_date", "site-local date"),
    key("rejected", "exposures rejected: never reached the reader"),
    key("accepted", "exposures accepted of this room and view, on one of the day's rows"),
    key("exposures", "rejected and accepted"),
    comment="One row a room, view, day and reason of rejected exposures.",
)

fact_reference = Table(
    "fact_reference",
    metadata,
    key("exam_key", "exam; 0 where the row names none or it is unmatched"),
    *exam_dimensions(),
    text("finding", "condition the reference tells of", 128),
    flag("is_called", "the report called it"),
    flag("is_present", "the reference found it"),
    at("known_from_at", "when the reference was established"),
    day("local_date", "site-local date of exam end, else of the reference"),
    whole("local_hour", "its hour"),
    comment="One row a reference result of an exam.",
)

fact_ai_result = Table(
    "fact_ai_result",
    metadata,
    key("exam_key", "exam"),
    *exam_dimensions(),
    text("algorithm", "algorithm", 128),
    text("ai_use", "in_use, before (it came into use), control (another site), unlisted (result without a listed use)"),
    text("hours", "work (shift day), off"),
    day("local_date", "site-local date of images available, else exam end, else result"),
    whole("local_hour", "its hour"),
    text("result", "positive, negative, failed; NULL without a result"),
    num("score", "score as sent"),
    at("postproc_begin_at", "postproc_begin"),
    at("postproc_end_at", "postproc_end: the result was there"),
    num("latency_min", "postproc_end - postproc_begin"),
    flag("is_before_read", "a usable result was there before the read began"),
    at("judged_at", "when the reader judged the result"),
    flag("is_agreed", "the reader agreed with the result; NULL while not judged"),
    text("reason", "why the reader did not agree", 128),
    flag("is_reported", "the report has the finding: the result, or its opposite where the reader disagreed"),
    flag("is_adjudicated", "a human looked again"),
    flag("is_present", "the finding is there: as adjudicated, else as reported"),
    at("images_available_at", "images_available: the wait begins"),
    at("read_opened_at", "read_opened, else the first report: the wait ends"),
    num("unread_wait_min", "wait from images available to the read"),
    whole("queue", "unread exams of the section, at all sites, when the images came"),
    num("flagged_difference_min", "flagged exams: wait minus the median of like exams the AI did not flag"),
    num("before_difference_min", "exams of an algorithm in use: wait minus the median of like exams before"),
    comment="One row an exam and algorithm: in use, before it was, at sites without it, or with a result.",
)
