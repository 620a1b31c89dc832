"""Event tables: the source of truth, append-only and de-duplicated."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Table

from etl.warehouse.tables.columns import at, day, flag, key, metadata, num, text, whole


def _source_columns() -> list[Column[Any]]:
    """Columns every event table begins with (decision 1 and 3)."""
    return [
        text(
            "event_id",
            "hash(feed, tokens as sent, local code, raw time, ordinal); never arrival or control id",
            32,
        ),
        text("feed_key", "feed that sent it"),
        text("site_code", "site of the feed"),
        text("local_code", "status as sent; derivation maps it", 200),
        text("raw_time", "time text as sent"),
        at("occurred_at", "that text as UTC, uncorrected"),
        whole("utc_offset_min", "offset of the text or of the feed's zone at that instant"),
        text("time_flag", "'ambiguous' for a repeated DST hour without offset"),
        text("clock_key", "which clock wrote it", 128),
        at("known_at", "sender's message time; NULL where the feed has none"),
        text(
            "content_hash",
            "hash of the rest; the lowest (known_at, content_hash) is kept",
            32,
        ),
        whole("key_epoch", "epoch of the pseudonym key behind the tokens"),
        text("patient_token", "HMAC of issuer|patient id as sent", 32),
        text("accession_token", "HMAC of site|accession number", 32),
        text("placer_token", "HMAC of site|placer order number", 32),
        text("filler_token", "HMAC of site|filler order number", 32),
        text("study_token", "HMAC of Study Instance UID", 32),
        text("visit_token", "HMAC of site|visit number", 32),
        text("appointment_token", "HMAC of site|appointment id", 32),
        text("procedure_token", "HMAC of site|requested procedure id", 32),
    ]


event = Table(
    "event",
    metadata,
    *_source_columns(),
    text("prior_patient_token", "HMAC of the id merged away (A40)", 32),
    text("modality", "as sent"),
    text("station_name", "room, station or AE title as sent", 128),
    text("procedure_code", "local procedure code", 128),
    text("procedure_text", "local procedure name", 200),
    text("priority_code", "as sent"),
    text("patient_class_code", "as sent"),
    whole("birth_year", "year only"),
    text("sex", "M, F, O or U"),
    text("ordering_token", "pseudonym of the ordering person", 32),
    text("technologist_token", "pseudonym of the technologist", 32),
    text("reader_token", "pseudonym of the principal reader", 32),
    text("assistant_token", "pseudonym of the assistant reader (trainee)", 32),
    at("appointment_at", "booked start the message states"),
    num("planned_duration_min", "booked length the message states"),
    text("reason_code", "coded reason (cancellation, discontinuation)", 128),
    text("result_code", "coded result (critical class, AI triage, follow-up)", 128),
    comment="Workflow events as sent: the source of truth, append-only, de-duplicated.",
)

event_series = Table(
    "event_series",
    metadata,
    *_source_columns(),
    text("series_token", "HMAC of Series Instance UID", 32),
    text("instance_token", "HMAC of SOP Instance UID; NULL for series-level queries", 32),
    text("modality", "(0008,0060)"),
    text("station_name", "(0008,1010)", 128),
    text("manufacturer", "(0008,0070)", 128),
    text("model_name", "(0008,1090)", 128),
    text("protocol_name", "(0018,1030)", 128),
    text("body_part", "(0018,0015)"),
    at("end_at", "end of acquisition where the header tells it"),
    text("time_source", "keyword that gave occurred_at"),
    whole("number_of_instances", "(0020,1209), 1 for a file"),
    key("size_bytes", "bytes of the file or series"),
    at("performed_begin_at", "(0040,0244)+(0040,0245)"),
    at("performed_end_at", "(0040,0250)+(0040,0251)"),
    at("stored_at", "archive's arrival time, where known"),
    whole("birth_year", "year only"),
    text("sex", "M, F, O or U"),
    comment="DICOM series and instance headers as found.",
)

event_dose = Table(
    "event_dose",
    metadata,
    *_source_columns(),
    text("report_token", "HMAC of the report's SOP Instance UID", 32),
    text("irradiation_token", "HMAC of the irradiation event UID; repeated reports count once", 32),
    text("modality", "modality of the irradiation"),
    text("station_name", "(0008,1010)", 128),
    text("manufacturer", "(0008,0070)", 128),
    text("model_name", "(0008,1090)", 128),
    text("protocol_name", "DCM 125203", 128),
    text("target_region", "DCM 123014 code value"),
    text("acquisition_type", "DCM 113820 code value"),
    at("ended_at", "end of irradiation"),
    num("ctdivol_mgy", "DCM 113830"),
    whole("phantom_cm", "DCM 113835: 16 or 32"),
    num("dlp_mgy_cm", "DCM 113838"),
    num("ssde_mgy", "DCM 113930"),
    num("dap_gy_m2", "DCM 122130"),
    num("dose_rp_gy", "DCM 113738"),
    num("fluoro_time_s", "DCM 113730"),
    num("agd_mgy", "DCM 111631"),
    text("laterality", "L or R"),
    num("activity_mbq", "DCM 113507"),
    text("dose_check", "'alert' (113900) or 'notification' (113908)"),
    flag("is_patient", "false for QA phantoms"),
    text("origin", "NULL: a dose report; image: an image header, which counts only where no report does"),
    text("view_code", "DCM 111031 code value"),
    num("thickness_mm", "DCM 111633: compressed breast"),
    num("diameter_mm", "DCM 113980 water equivalent diameter, else DCM 113933 effective diameter"),
    comment="Irradiation events of dose reports as found.",
)

event_opening = Table(
    "event_opening",
    metadata,
    *_source_columns(),
    text("scanner_code", "scanner"),
    text("kind", "open, closure, downtime_planned, downtime_unplanned, slot"),
    at("end_at", "end of the stretch; occurred_at is its begin"),
    day("local_date", "site-local date it belongs to"),
    text("reason_code", "why closed or down", 128),
    comment="Operating calendar as stated.",
)

event_entry = Table(
    "event_entry",
    metadata,
    *_source_columns(),
    text("kind", "EntryKind"),
    whole("ordinal", "number of the row among those of its file that name the same thing"),
    at("end_at", "end of a shift or validity; occurred_at is its begin"),
    text("modality", "as sent"),
    text("station_name", "room, station or AE title as sent", 128),
    text("person_token", "pseudonym of who works, reads or is reviewed", 32),
    text("other_person_token", "pseudonym of the reviewer", 32),
    text("code", "role, finding, score, type, volume or procedure code", 128),
    text("outcome_code", "second code: verdict, reason", 128),
    num("value", "bytes, RVU, money, hours, probability"),
    text("unit", "unit of value"),
    key("count", "exposures, weight"),
    num("limit_value", "capacity of a volume, accepted exposures"),
    comment="Rows of the department's own lists as sent: rosters, AI results, reviews, incidents and more.",
)

EVENT_TABLES = (event, event_series, event_dose, event_opening, event_entry)
