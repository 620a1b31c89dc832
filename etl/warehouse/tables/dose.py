"""Facts of dose: what each exam gave, each quantity beside its reference, usual values, rolling sums of patients."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Table

from etl.warehouse.tables.columns import at, day, exam_dimensions, flag, key, metadata, num, text, whole


def _dosed_exam() -> list[Column[Any]]:
    """Columns of every row that belongs to an exam with a dose."""
    return [
        key("exam_key", "exam"),
        text("accession_token", "pseudonym to find the exam in the RIS with", 32),
        key("patient_key", "patient after merges"),
        *exam_dimensions(),
        text("protocol_name", "protocol of the irradiation that gave most", 128),
        text("phantom", "16 cm or 32 cm behind the CTDIvol; mixed where scans differ; NULL beside CT"),
        whole("age_years", "year of the exam less year of birth: known to a year"),
        num("diameter_mm", "patient's diameter as reports tell it, median over the scans"),
        at("exam_end_at", "end of the exam"),
        day("local_date", "site-local date of the end"),
        whole("local_hour", "site-local hour of the end"),
        text("plan", "within plan, over plan (a quarter longer than planned, or more); NULL: not planned"),
    ]


fact_dose_exam = Table(
    "fact_dose_exam",
    metadata,
    *_dosed_exam(),
    flag("has_dose_report", "a dose report tells of it (an image header is none)"),
    num("ctdivol_mgy", "largest CTDIvol of its scans"),
    num("ssde_mgy", "largest SSDE of its scans"),
    num("dlp_mgy_cm", "sum of DLP"),
    num("dap_gy_cm2", "sum of dose area product"),
    num("dose_rp_mgy", "sum of dose at the reference point"),
    num("fluoro_time_min", "sum of fluoroscopy time"),
    num("activity_mbq", "sum of administered activity"),
    flag("has_alert", "a dose alert came up (DCM 113900)"),
    flag("has_notification", "a dose notification came up (DCM 113908)"),
    flag("over_dap", "dose area product above the site's level; NULL: no level or no value"),
    flag("over_dose_rp", "dose at the reference point above the site's level"),
    flag("over_fluoro_time", "fluoroscopy time above the site's level"),
    flag("over_level", "any of the three above its level; NULL: none can be judged"),
    text("ct_category", "category of the loaded CT measure reference; NULL: none"),
    num("ct_adjusted_mgy_cm", "DLP adjusted to the patient's size as the loaded reference says"),
    num("ct_limit_mgy_cm", "limit of that category in the loaded reference"),
    comment="One row a performed exam of a modality that irradiates.",
)

fact_dose_value = Table(
    "fact_dose_value",
    metadata,
    *_dosed_exam(),
    text("quantity", "CTDIvol, DLP, SSDE, DAP, dose RP, fluoro time, AGD, activity"),
    text("laterality", "L, R: the breast of an AGD"),
    num("value", "mGy, mGy.cm, Gy.cm2, min or MBq, by quantity"),
    num("reference_value", "diagnostic reference level of its group that held on the day; NULL: none loaded"),
    num("achievable_value", "achievable value beside it"),
    num("relative_value", "value / reference_value"),
    text("reference_band", "its bands of age and size as loaded; empty: all", 64),
    text("reference_source", "source of the reference", 128),
    text("reference_version", "version of the loaded table"),
    comment="One row an exam, quantity, phantom and breast, with the reference its group is compared with.",
)

fact_dose_protocol = Table(
    "fact_dose_protocol",
    metadata,
    text("site_code", "site"),
    text("modality", "modality"),
    text("protocol_name", "protocol", 128),
    text("phantom", "16 cm, 32 cm, mixed"),
    text("quantity", "as in fact_dose_value"),
    key("n", "values"),
    num("median_value", "median"),
    num("log_median", "median of the natural logarithms"),
    num("log_mad", "median absolute deviation of the logarithms; NULL: too few values, or none differ"),
    comment="What a protocol usually gives, against which outliers are judged.",
)

fact_dose_patient = Table(
    "fact_dose_patient",
    metadata,
    *_dosed_exam(),
    text("quantity", "DLP or DAP"),
    num("value", "this exam's"),
    num("rolling_value", "sum of the patient's exams in the window that ends with this one"),
    key("rolling_exams", "exams in that sum"),
    day("window_from", "first date of the window"),
    num("level_value", "site's level for the sum on the day; NULL: none set"),
    flag("is_over", "the sum lies above the level; NULL: no level"),
    flag("is_crossing", "this exam brought it above"),
    flag("is_last", "the patient's latest exam with this quantity"),
    comment="One row an exam with its patient's rolling sum up to it: a register for review, never a risk.",
)
