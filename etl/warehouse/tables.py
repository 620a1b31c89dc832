"""The warehouse schema: event tables (the source of truth), facts derived from them, and bookkeeping.

Times are naive UTC in both engines and aware UTC in Python (`UtcDateTime`). Keys are 64-bit hashes of natural
keys with the site in front. Facts carry their low-cardinality dimensions inline (site, scanner, modality, ...),
so a KPI is one SELECT without joins; `dim_` tables hold labels.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Double,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
)

metadata = MetaData()


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime in Python, a naive UTC timestamp in the database."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive datetimes, store the UTC wall clock."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value.isoformat()}; warehouse times are aware UTC")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the stored wall clock as aware UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


def _text(name: str, comment: str, length: int = 64, **kw: Any) -> Column[str]:
    return Column(name, String(length), comment=comment, **kw)


def _at(name: str, comment: str, **kw: Any) -> Column[datetime]:
    return Column(name, UtcDateTime, comment=comment, **kw)


def _num(name: str, comment: str) -> Column[float]:
    return Column(name, Double, comment=comment)


def _int(name: str, comment: str) -> Column[int]:
    return Column(name, Integer, comment=comment)


def _key(name: str, comment: str, **kw: Any) -> Column[int]:
    return Column(name, BigInteger, comment=comment, **kw)


def _flag(name: str, comment: str) -> Column[bool]:
    return Column(name, Boolean, comment=comment)


def _day(name: str, comment: str) -> Column[Any]:
    return Column(name, Date, comment=comment)


def _source_columns() -> list[Column[Any]]:
    """Columns every event table begins with (decision 1 and 3)."""
    return [
        _text(
            "event_id",
            "hash(feed, tokens as sent, local code, raw time, ordinal); never arrival or control id",
            32,
        ),
        _text("feed_key", "feed that sent it"),
        _text("site_code", "site of the feed"),
        _text("local_code", "status as sent; derivation maps it", 200),
        _text("raw_time", "time text as sent"),
        _at("occurred_at", "that text as UTC, uncorrected"),
        _int("utc_offset_min", "offset of the text or of the feed's zone at that instant"),
        _text("time_flag", "'ambiguous' for a repeated DST hour without offset"),
        _text("clock_key", "which clock wrote it", 128),
        _at("known_at", "sender's message time; NULL where the feed has none"),
        _text(
            "content_hash",
            "hash of the rest; the lowest (known_at, content_hash) is kept",
            32,
        ),
        _int("key_epoch", "epoch of the pseudonym key behind the tokens"),
        _text("patient_token", "HMAC of issuer|patient id as sent", 32),
        _text("accession_token", "HMAC of site|accession number", 32),
        _text("placer_token", "HMAC of site|placer order number", 32),
        _text("filler_token", "HMAC of site|filler order number", 32),
        _text("study_token", "HMAC of Study Instance UID", 32),
        _text("visit_token", "HMAC of site|visit number", 32),
        _text("appointment_token", "HMAC of site|appointment id", 32),
        _text("procedure_token", "HMAC of site|requested procedure id", 32),
    ]


event = Table(
    "event",
    metadata,
    *_source_columns(),
    _text("prior_patient_token", "HMAC of the id merged away (A40)", 32),
    _text("modality", "as sent"),
    _text("station_name", "room, station or AE title as sent", 128),
    _text("procedure_code", "local procedure code", 128),
    _text("procedure_text", "local procedure name", 200),
    _text("priority_code", "as sent"),
    _text("patient_class_code", "as sent"),
    _int("birth_year", "year only"),
    _text("sex", "M, F, O or U"),
    _text("ordering_token", "pseudonym of the ordering person", 32),
    _text("technologist_token", "pseudonym of the technologist", 32),
    _text("reader_token", "pseudonym of the principal reader", 32),
    _text("assistant_token", "pseudonym of the assistant reader (trainee)", 32),
    _at("appointment_at", "booked start the message states"),
    _num("planned_duration_min", "booked length the message states"),
    _text("reason_code", "coded reason (cancellation, discontinuation)", 128),
    _text("result_code", "coded result (critical class, AI triage, follow-up)", 128),
    comment="Workflow events as sent: the source of truth, append-only, de-duplicated.",
)

event_series = Table(
    "event_series",
    metadata,
    *_source_columns(),
    _text("series_token", "HMAC of Series Instance UID", 32),
    _text("instance_token", "HMAC of SOP Instance UID; NULL for series-level queries", 32),
    _text("modality", "(0008,0060)"),
    _text("station_name", "(0008,1010)", 128),
    _text("manufacturer", "(0008,0070)", 128),
    _text("model_name", "(0008,1090)", 128),
    _text("protocol_name", "(0018,1030)", 128),
    _text("body_part", "(0018,0015)"),
    _at("end_at", "end of acquisition where the header tells it"),
    _text("time_source", "keyword that gave occurred_at"),
    _int("number_of_instances", "(0020,1209), 1 for a file"),
    _key("size_bytes", "bytes of the file or series"),
    _at("performed_begin_at", "(0040,0244)+(0040,0245)"),
    _at("performed_end_at", "(0040,0250)+(0040,0251)"),
    _at("stored_at", "archive's arrival time, where known"),
    _int("birth_year", "year only"),
    _text("sex", "M, F, O or U"),
    comment="DICOM series and instance headers as found.",
)

event_dose = Table(
    "event_dose",
    metadata,
    *_source_columns(),
    _text("report_token", "HMAC of the report's SOP Instance UID", 32),
    _text("irradiation_token", "HMAC of the irradiation event UID; repeated reports count once", 32),
    _text("modality", "modality of the irradiation"),
    _text("station_name", "(0008,1010)", 128),
    _text("manufacturer", "(0008,0070)", 128),
    _text("model_name", "(0008,1090)", 128),
    _text("protocol_name", "DCM 125203", 128),
    _text("target_region", "DCM 123014 code value"),
    _text("acquisition_type", "DCM 113820 code value"),
    _at("ended_at", "end of irradiation"),
    _num("ctdivol_mgy", "DCM 113830"),
    _int("phantom_cm", "DCM 113835: 16 or 32"),
    _num("dlp_mgy_cm", "DCM 113838"),
    _num("ssde_mgy", "DCM 113930"),
    _num("dap_gy_m2", "DCM 122130"),
    _num("dose_rp_gy", "DCM 113738"),
    _num("fluoro_time_s", "DCM 113730"),
    _num("agd_mgy", "DCM 111631"),
    _text("laterality", "L or R"),
    _num("activity_mbq", "DCM 113507"),
    _text("dose_check", "'alert' (113900) or 'notification' (113908)"),
    _flag("is_patient", "false for QA phantoms"),
    _text("origin", "NULL: a dose report; image: an image header, which counts only where no report does"),
    comment="Irradiation events of dose reports as found.",
)

event_opening = Table(
    "event_opening",
    metadata,
    *_source_columns(),
    _text("scanner_code", "scanner"),
    _text("kind", "open, closure, downtime_planned, downtime_unplanned, slot"),
    _at("end_at", "end of the stretch; occurred_at is its begin"),
    _day("local_date", "site-local date it belongs to"),
    _text("reason_code", "why closed or down", 128),
    comment="Operating calendar as stated.",
)

event_entry = Table(
    "event_entry",
    metadata,
    *_source_columns(),
    _text("kind", "shift, ai_result, peer_review, incident, reject, storage, cost"),
    _int("ordinal", "number of the row among those of its file that name the same thing"),
    _at("end_at", "end of a shift or validity; occurred_at is its begin"),
    _text("modality", "as sent"),
    _text("station_name", "room, station or AE title as sent", 128),
    _text("person_token", "pseudonym of who works, reads or is reviewed", 32),
    _text("other_person_token", "pseudonym of the reviewer", 32),
    _text("code", "role, finding, score, type, volume or procedure code", 128),
    _text("outcome_code", "second code: verdict, reason", 128),
    _num("value", "bytes, RVU, money, hours, probability"),
    _text("unit", "unit of value"),
    _key("count", "exposures, weight"),
    _num("limit_value", "capacity of a volume, accepted exposures"),
    comment="Rows of the department's own lists as sent: rosters, AI results, reviews, incidents and more.",
)

EVENT_TABLES = (event, event_series, event_dose, event_opening, event_entry)

receipt = Table(
    "receipt",
    metadata,
    _text("event_id", "event received", 32),
    _text("run_key", "run that received it"),
    _at("recorded_at", "when we recorded it"),
    _text("source_ref", "file and position", 300),
    _text("control_token", "HMAC of MSH-10 or SOP Instance UID", 32),
    comment="Every arrival of every event.",
)

link = Table(
    "link",
    metadata,
    _text("event_id", "event", 32),
    _key("exam_key", "exam it belongs to; 0: none found"),
    _text(
        "reason",
        "accession, filler, placer, study, procedure, appointment, visit, scored, ambiguous, unmatched; "
        "_reused, _replaced: a number of several orders",
    ),
    _num("score", "points of a scored match over the most possible, 0 to 1; NULL for identifiers"),
    comment="Derived: which exam an event belongs to, and why (decision 1).",
)

match_node = Table(
    "match_node",
    metadata,
    _key("node_key", "the exam's key, or hash of the images' token"),
    _text("side", "exam (has no images) or images (no identifier leads to an exam)"),
    _text("site_code", "site"),
    _text("scanner_code", "scanner"),
    _text("modality", "modality"),
    _key("patient_key", "patient after merges"),
    _int("birth_year", "year only"),
    _text("sex", "M, F, O, U"),
    _at("begin_at", "begin of the exam or first acquisition"),
    _at("end_at", "end of the exam or last acquisition"),
    _at("appointment_at", "booked start"),
    _text("station_name", "station as sent", 128),
    _text("kind", "which token stands for the images: accession, study, series or irradiation"),
    _text("token", "that token", 32),
    _key("exam_key", "exam these events make by identifiers; 0: none"),
    _key("matched_key", "images: exam found by score; 0: none"),
    _text("reason", "scored, ambiguous, unmatched"),
    _num("score", "score of the match or of the best candidate"),
    comment="Derived: what scored matching compares, independent of its results, and what it decided.",
)

quarantine = Table(
    "quarantine",
    metadata,
    _text("quarantine_id", "hash(feed, source_ref, raw)", 32),
    _text("run_key", "run that refused it"),
    _text("feed_key", "feed"),
    _text("source_ref", "file and position", 300),
    _text("reason", "one of etl.errors.Reason"),
    _text("detail", "redacted explanation", 400),
    _text("raw_file", "encrypted raw copy, where kept", 300),
    _at("refused_at", "when"),
    _at("replayed_at", "when a replay succeeded; NULL while refused"),
    comment="Refused items: nothing is lost.",
)

run = Table(
    "run",
    metadata,
    _text("run_key", "run"),
    _text("feed_key", "feed"),
    _at("started_at", "wall clock"),
    _at("finished_at", "wall clock"),
    _text("outcome", "ok, stopped (e.g. column drift), failed"),
    _text("message", "why it stopped", 1000),
    _int("files", "files read"),
    _int("offered", "items offered"),
    _int("loaded", "items with at least one new or better event"),
    _int("unchanged", "items whose events were all known"),
    _int("quarantined", "items refused"),
    _int("filtered", "items left out under a listed reason"),
    _int("events", "new events"),
    comment="One row a feed and run; offered = loaded + unchanged + quarantined + filtered.",
)

watermark = Table(
    "watermark",
    metadata,
    _text("feed_key", "feed"),
    _text("source", "relative path", 300),
    _key("size_bytes", "size when read"),
    _key("mtime_ns", "modification time when read"),
    _text("run_key", "run that read it"),
    comment="What has been read, committed with the rows themselves.",
)

touched = Table(
    "touched",
    metadata,
    _text("event_table", "event, event_series, event_dose or event_opening"),
    _text("event_id", "event that is new or was replaced since the last derivation", 32),
    comment="What the next derivation has to look at; emptied by it in its own transaction.",
)

parameter_set = Table(
    "parameter_set",
    metadata,
    _text("parameter_hash", "hash of maps, rules, corrections, targets, calendar", 32),
    _at("used_at", "first use"),
    comment="Parameter sets that derivation used (decision 2).",
)

data_version = Table(
    "data_version",
    metadata,
    _text("data_version", "hash of event set and parameter set", 32),
    _text("parameter_hash", "parameter set", 32),
    _at("data_at", "latest known_at of any event: the 'now' of every KPI (decision 4)"),
    _at("published_at", "wall clock"),
    _key("events", "events behind it"),
    _text("content_hash", "hash of version, forecasts, runs and quarantine: a new copy is published on change", 32),
    comment="Published versions; the last row is current.",
)


def _exam_dimensions() -> list[Column[Any]]:
    """Dimensions shared by exam-grain facts; all may be filtered and grouped by."""
    return [
        _text("site_code", "site"),
        _text("scanner_code", "performing scanner, else the booked one"),
        _text("modality", "canonical modality"),
        _text("procedure_code", "local procedure code", 128),
        _text("procedure_group", "standard procedure group"),
        _text("priority", "STAT, URGENT, ROUTINE"),
        _text("patient_class", "E, I, O"),
        _text("section", "reading section"),
        _text("shift", "day, evening, night, weekend: of exam end, else begin, else order (site-local)"),
        _text("reader_mode", "single, trainee (K0.10); NULL while unread"),
    ]


fact_exam = Table(
    "fact_exam",
    metadata,
    _key("exam_key", "hash(site, accession or best order number)", primary_key=True, autoincrement=False),
    _text("accession_token", "pseudonym to find the exam in the RIS with", 32),
    _key("visit_key", "room visit; NULL until begun"),
    _key("patient_key", "patient after merges"),
    _int("birth_year", "year only"),
    _text("sex", "M, F, O, U"),
    *_exam_dimensions(),
    _text("booked_scanner_code", "scanner of the last booking"),
    _text("status", "ordered scheduled arrived in_progress ended preliminary final cancelled aborted no_show"),
    _text("ordering_person", "pseudonym", 32),
    _text("technologist", "pseudonym", 32),
    _text("reader", "pseudonym of the first final's reader", 32),
    _text("assistant_reader", "pseudonym", 32),
    # milestones: first of its kind unless named last
    _at("order_entered_at", "order_entered"),
    _at("order_accepted_at", "order_accepted, else order_entered"),
    _at("scheduled_at", "when the last booking was made"),
    _at("appointment_at", "start of the last valid booking"),
    _num("planned_duration_min", "length of that booking"),
    _at("arrived_at", "patient_arrived"),
    _at("in_room_at", "in_room"),
    _at("exam_begin_at", "chosen begin (decision 8)"),
    _text("exam_begin_source", "ris, mpps, dicom"),
    _num("exam_begin_difference_min", "chosen minus runner-up"),
    _at("exam_end_at", "chosen end"),
    _text("exam_end_source", "ris, mpps, dicom"),
    _num("exam_end_difference_min", "chosen minus runner-up"),
    _at("first_acquisition_at", "min series begin"),
    _at("last_acquisition_at", "max series end"),
    _at("qc_complete_at", "qc_complete"),
    _at("images_available_at", "images_available (RIS/PACS)"),
    _at("read_opened_at", "read_opened"),
    _at("dictated_at", "dictated"),
    _at("first_prelim_at", "first preliminary"),
    _at("last_prelim_at", "last preliminary"),
    _at("first_final_at", "first final signature"),
    _at("last_final_at", "last final or correction"),
    _at("first_communication_at", "first of preliminary, final, critical notification"),
    _at("first_addendum_at", "first correction after final"),
    _at("cancelled_at", "cancellation in force (a later reinstatement clears it)"),
    _at("aborted_at", "discontinued or cancelled after begin"),
    _at("no_show_at", "no_show in force"),
    # site-local calendar of the bases a KPI may bucket by (decision 9)
    _day("order_local_date", "of order_entered_at"),
    _int("order_local_hour", "of order_entered_at"),
    _day("appointment_local_date", "of appointment_at"),
    _int("appointment_local_hour", "of appointment_at"),
    _day("begin_local_date", "of exam_begin_at"),
    _int("begin_local_hour", "of exam_begin_at"),
    _day("end_local_date", "of exam_end_at"),
    _int("end_local_hour", "of exam_end_at"),
    _day("final_local_date", "of first_final_at"),
    _int("final_local_hour", "of first_final_at"),
    # durations, minutes, computed once
    _num("order_to_arrive_min", "T05"),
    _num("patient_wait_min", "T06: max(0, begin - max(arrived, appointment))"),
    _num("arrival_to_begin_min", "T06 second variant: begin - arrived"),
    _num("punctuality_min", "T07: arrived - appointment, negative = early"),
    _num("start_delay_min", "T08: begin - appointment"),
    _num("prep_min", "T10: begin - in_room"),
    _num("exam_duration_min", "T11"),
    _num("dicom_duration_min", "T12"),
    _num("ris_dicom_difference_min", "T13: T11 - T12"),
    _num("begin_offset_min", "T13: RIS begin - first acquisition"),
    _num("end_offset_min", "T13: RIS end - last acquisition"),
    _num("images_delay_min", "T14: images available - exam end"),
    _num("report_tat_min", "T16: first final - exam end"),
    _num("first_communication_min", "T17: first communication - exam end"),
    _num("total_tat_min", "T18: first communication - order entered"),
    _num("unread_wait_min", "T19: read opened - images available"),
    _num("read_time_min", "T20"),
    _num("prelim_to_final_min", "T21"),
    _num("end_to_end_min", "T26: first final - order entered"),
    _num("report_target_min", "target of T16 valid at exam end for its class, NULL without target"),
    _num("overrun_min", "U10: exam duration - planned"),
    _flag("is_performed", "begun and ended, not aborted: the population of most flow KPIs"),
    _flag("is_addon", "not on the schedule at 00:00 of its day"),
    _flag("has_images", "any series found"),
    _flag("has_dose_report", "any dose record found"),
    _flag(
        "has_order_violation", "a duration that must not be negative is (decision 11), or a report contradicts a stop"
    ),
    # dose totals: union over irradiation events
    _num("dlp_total_mgy_cm", "sum of DLP"),
    _num("ctdivol_max_mgy", "largest CTDIvol"),
    _num("dap_total_gy_m2", "sum of DAP"),
    _num("dose_rp_total_gy", "sum of dose at reference point"),
    _num("agd_left_mgy", "sum of AGD left"),
    _num("agd_right_mgy", "sum of AGD right"),
    _num("activity_mbq", "sum of administered activity"),
    comment="One row an exam (accession): accumulating snapshot.",
)

fact_visit = Table(
    "fact_visit",
    metadata,
    _key("visit_key", "hash(scanner, first exam)", primary_key=True, autoincrement=False),
    _text("site_code", "site"),
    _text("scanner_code", "scanner"),
    _text("modality", "modality"),
    _text("procedure_group", "of the longest exam"),
    _text("priority", "most urgent of its exams"),
    _text("patient_class", "of its first exam"),
    _text("shift", "of the begin"),
    _key("patient_key", "patient"),
    _int("part", "0, 1, .. where a pause splits the visit (K0.5)"),
    _int("exams", "accessions in the visit"),
    _at("begin_at", "begin of this part"),
    _at("end_at", "end of this part"),
    _day("local_date", "of begin"),
    _int("local_hour", "of begin"),
    _num("duration_min", "end - begin"),
    _num("gap_before_min", "begin - previous end on the same scanner-day; NULL for the first"),
    _text("gap_kind", "turnover (below cap), idle, NULL"),
    _num("idle_in_hours_min", "part of an idle gap inside operating time"),
    comment="One row a room visit part: linked accessions merged, pauses split.",
)

fact_scanner_hour = Table(
    "fact_scanner_hour",
    metadata,
    _text("site_code", "site"),
    _text("scanner_code", "scanner"),
    _text("modality", "modality"),
    _at("hour_at", "start of the hour, UTC (a repeated local hour has two rows)"),
    _day("local_date", "site-local"),
    _int("local_hour", "site-local, 0-23"),
    _text("shift", "day, evening, night, weekend"),
    _num("operating_min", "open minus closures and downtime"),
    _num("scheduled_open_min", "open minus closures, downtime not subtracted"),
    _num("down_min", "declared downtime inside open minutes"),
    _num("unplanned_down_min", "of these unplanned"),
    _num("table_min", "U01: union of exam intervals inside operating time"),
    _num("room_min", "U02: the same with buffers"),
    _num("booked_min", "U04: union of booked appointments inside operating time"),
    _num("after_hours_min", "U11: exam minutes outside operating time"),
    _num("idle_min", "operating minus table minutes"),
    _int("begun_visits", "visits begun in the hour: the demand forecast's target"),
    _int("begun_exams", "exams begun in the hour"),
    _int("booked_exams", "appointments starting in the hour, not cancelled"),
    comment="One row a scanner and hour with operating time or activity.",
)

fact_opening = Table(
    "fact_opening",
    metadata,
    _text("site_code", "site"),
    _text("scanner_code", "scanner"),
    _text("modality", "modality"),
    _text("kind", "OpeningKind"),
    _at("begin_at", "begin"),
    _at("end_at", "end"),
    _day("local_date", "site-local date"),
    _text("reason_code", "reason", 128),
    comment="The operating calendar.",
)

fact_slot = Table(
    "fact_slot",
    metadata,
    _key("slot_key", "hash(appointment or exam, valid_from)"),
    _key("exam_key", "exam"),
    *_exam_dimensions(),
    _at("appointment_at", "booked start"),
    _num("planned_duration_min", "booked length"),
    _text("state", "booked, rescheduled, cancelled, no_show, arrived"),
    _at("valid_from_at", "known from (decision 3)"),
    _at("valid_to_at", "until the next state; NULL: still"),
    _flag("is_last", "the appointment's last state"),
    _num("lead_time_min", "U23: appointment - booking"),
    _num("cancel_lead_min", "appointment - cancellation, cancelled states only"),
    _text("reason_code", "cancelled by whom/why as coded", 128),
    _day("local_date", "of the appointment"),
    _int("local_hour", "of the appointment"),
    comment="One row a booking state, with the time it was known: bookings as of any origin.",
)

fact_acquisition = Table(
    "fact_acquisition",
    metadata,
    _key("series_key", "hash(series)"),
    _key("exam_key", "exam; 0 where unmatched"),
    _text("site_code", "site"),
    _text("scanner_code", "scanner"),
    _text("modality", "modality"),
    _text("protocol_name", "protocol", 128),
    _at("begin_at", "first acquisition"),
    _at("end_at", "last acquisition end"),
    _int("instances", "instances"),
    _key("size_bytes", "bytes"),
    _day("local_date", "of begin"),
    comment="One row a DICOM series.",
)

fact_dose_event = Table(
    "fact_dose_event",
    metadata,
    _text("irradiation_token", "irradiation event", 32),
    _key("exam_key", "exam; 0 where unmatched"),
    _text("site_code", "site"),
    _text("scanner_code", "scanner"),
    _text("modality", "modality"),
    _text("procedure_group", "of the exam"),
    _text("protocol_name", "protocol", 128),
    _text("acquisition_type", "code"),
    _at("occurred_at", "start of irradiation"),
    _day("local_date", "site-local"),
    _num("ctdivol_mgy", "CTDIvol"),
    _int("phantom_cm", "16 or 32"),
    _num("dlp_mgy_cm", "DLP"),
    _num("ssde_mgy", "SSDE"),
    _num("dap_gy_m2", "DAP"),
    _num("dose_rp_gy", "dose at reference point"),
    _num("agd_mgy", "average glandular dose"),
    _text("laterality", "L, R"),
    _num("activity_mbq", "administered activity"),
    _text("dose_check", "alert, notification"),
    _text("origin", "NULL: a dose report; image: an image header of an exam without report"),
    comment="One row an irradiation event, patients only.",
)

fact_report_version = Table(
    "fact_report_version",
    metadata,
    _key("exam_key", "exam"),
    _text("site_code", "site"),
    _text("modality", "modality"),
    _text("version", "prelim, final, addendum"),
    _at("signed_at", "when"),
    _text("reader", "pseudonym", 32),
    _day("local_date", "of signing"),
    comment="One row a report version.",
)

fact_unmatched = Table(
    "fact_unmatched",
    metadata,
    _text("side", "images (without exam) or exam (without images)"),
    _text("cause", "likely cause, one of etl.warehouse.unmatched.CAUSES"),
    _text("site_code", "site"),
    _text("scanner_code", "scanner; NULL where the station is not known"),
    _text("modality", "modality"),
    _key("exam_key", "the exam, or the one that images without an order make; 0: none"),
    _at("begin_at", "first acquisition, or begin of the exam"),
    _day("local_date", "site-local date of begin"),
    _num("score", "score of the best candidate; NULL: there was none"),
    comment="Images without exam and performed exams without images, with the likely cause.",
)

fact_entry = Table(
    "fact_entry",
    metadata,
    _text("event_id", "the row's event", 32),
    _text("kind", "shift, ai_result, peer_review, incident, reject, storage, cost"),
    _key("exam_key", "exam; 0 where the row names none or it is unmatched"),
    _text("site_code", "site"),
    _text("scanner_code", "scanner, where the row names one"),
    _text("modality", "modality: the scanner's, else the row's, else the exam's"),
    _at("begin_at", "begin, or the instant"),
    _at("end_at", "end"),
    _day("local_date", "site-local date of begin"),
    _int("local_hour", "site-local hour of begin"),
    _num("duration_min", "minutes from begin to end"),
    _text("person", "pseudonym", 32),
    _text("other_person", "pseudonym", 32),
    _text("code", "role, finding, score, type, volume or procedure code", 128),
    _text("outcome_code", "second code: verdict, reason", 128),
    _num("value", "value"),
    _text("unit", "its unit"),
    _key("count", "exposures, weight"),
    _num("limit_value", "capacity of a volume, accepted exposures"),
    comment="One row an entry of the department's own lists.",
)

fact_feed = Table(
    "fact_feed",
    metadata,
    _text("feed_key", "feed"),
    _text("site_code", "site"),
    _text("kind", "source kind"),
    _at("data_until_at", "latest plausible event time: freshness is judged by it"),
    _at("loaded_at", "last load"),
    _int("expected_every_min", "configured rhythm"),
    _at("expected_by_at", "by when more is due, judged from data_until_at alone"),
    _at("stale_at", "by when what is due after that is due as well"),
    _num("expected_within_min", "minutes from data_until_at to expected_by_at"),
    _text("profile_source", "learned (fact_feed_profile) or configured"),
    _key("events", "events held"),
    _key("quarantined", "items in quarantine now"),
    _key("unmapped", "events whose local code has no map"),
    _key("unlinked", "events without an exam"),
    _key("unclosed", "performed procedure steps in progress for longer than an exam may last"),
    comment="One row a feed: its state in this version.",
)

fact_feed_profile = Table(
    "fact_feed_profile",
    metadata,
    _text("feed_key", "feed"),
    _text("site_code", "site"),
    _int("local_weekday", "0 is Monday, of the site's wall clock"),
    _int("local_hour", "hour of the site's wall clock"),
    _int("weeks", "weeks in which this hour was seen"),
    _num("delivered_share", "share of them with data within this hour"),
    _num("wait_min", "median minutes from the full hour to the next data"),
    _num("limit_min", "longest wait that is still normal: longest seen, their spread and a margin"),
    comment="One row a feed, weekday and hour: when its data comes, learned from its last weeks by data time.",
)

fact_quarantine = Table(
    "fact_quarantine",
    metadata,
    _text("feed_key", "feed"),
    _text("site_code", "site"),
    _text("reason", "reason code"),
    _key("items", "items"),
    _at("last_refused_at", "last"),
    comment="Quarantine counted by feed and reason; no detail leaves the writer's file.",
)

fact_run = Table(
    "fact_run",
    metadata,
    *[Column(c.name, c.type, comment=c.comment) for c in run.columns],
    _text("site_code", "site"),
    comment="Copy of the last runs.",
)

fact_clock = Table(
    "fact_clock",
    metadata,
    _text("site_code", "site"),
    _text("scanner_code", "scanner"),
    _int("n", "exams with both clocks"),
    _num("offset_min", "device minus RIS, median over the recent window"),
    _num("drift_min_per_day", "slope of the daily medians (Theil-Sen)"),
    _num("offset_mad_min", "median absolute deviation"),
    _text("verdict", "ok, skewed, drifting, unknown"),
    _text("clock_keys", "names this clock has in events, separated by blanks", 400),
    _text("evidence", "steps (performed steps), peers (alike scanners), steps off, images off; NULL: nothing"),
    _num("error_min", "standard error of offset_min"),
    comment="Clock skew found per scanner.",
)

fact_completeness = Table(
    "fact_completeness",
    metadata,
    _text("site_code", "site"),
    _text("modality", "modality"),
    _day("local_date", "of exam end (begin where there is no end)"),
    _text("milestone", "column of fact_exam"),
    _key("expected", "performed exams"),
    _key("present", "of these with the milestone"),
    comment="Which milestones are missing, by day.",
)

fact_forecast = Table(
    "fact_forecast",
    metadata,
    _text("target", "forecast key, e.g. scanner_demand"),
    _text("kpi", "KPI key it forecasts"),
    _text("site_code", "site"),
    _text("scanner_code", "scanner"),
    _text("modality", "modality"),
    _key("exam_key", "open exam (report forecasts); NULL otherwise"),
    _at("issued_at", "origin"),
    _at("hour_at", "hour forecast; NULL for exam forecasts"),
    _day("local_date", "site-local"),
    _int("local_hour", "site-local"),
    _num("value", "point forecast (mean or median)"),
    _num("low_80", "10 % quantile"),
    _num("high_80", "90 % quantile"),
    _num("low_95", "2.5 % quantile"),
    _num("high_95", "97.5 % quantile"),
    _num("probability", "probability to exceed the target (report forecasts)"),
    _at("expected_at", "expected report time (report forecasts)"),
    _text("served", "model or the baseline that took over"),
    _text("model_hash", "SHA-256 of the model file", 64),
    comment="Forecasts as served.",
)

fact_backtest = Table(
    "fact_backtest",
    metadata,
    _text("target", "forecast key"),
    _text("model", "model or baseline"),
    _text("site_code", "'' for all"),
    _text("scanner_code", "'' for all"),
    _text("metric", "mase, pinball, coverage_80, coverage_95, mae, brier, auc ..."),
    _num("value", "value"),
    _num("low", "bootstrap interval, where computed"),
    _num("high", "bootstrap interval, where computed"),
    _int("origins", "rolling origins"),
    _key("n", "cases"),
    _flag("is_served", "whether this one is served"),
    comment="Rolling-origin backtests beside their baselines.",
)

dim_site = Table(
    "dim_site",
    metadata,
    _text("site_code", "site"),
    _text("name", "name", 128),
    _text("zone", "IANA zone"),
    comment="Sites.",
)
dim_scanner = Table(
    "dim_scanner",
    metadata,
    _text("scanner_code", "scanner"),
    _text("site_code", "site"),
    _text("modality", "modality"),
    _text("name", "name", 128),
    comment="Scanners.",
)
dim_patient = Table(
    "dim_patient",
    metadata,
    _text("patient_token", "token as sent", 32),
    _key("patient_key", "patient after merges"),
    comment="Patient tokens and the patient they belong to now.",
)

PUBLISHED_TABLES = tuple(
    t for name, t in metadata.tables.items() if name.startswith(("fact_", "dim_")) or name == "data_version"
)
