"""The columns that staging fills, in order; the warehouse's event tables have the same ones."""

from __future__ import annotations

import pyarrow as pa

TEXT, INT, LONG, NUMBER, FLAG, DAY = (
    pa.string(), pa.int32(), pa.int64(), pa.float64(), pa.bool_(), pa.date32(),
)  # fmt: skip
AT = pa.timestamp("us", "UTC")


def _fields(kind: pa.DataType, names: str) -> list[pa.Field]:
    return [pa.field(name, kind) for name in names.split()]


SOURCE = (
    _fields(TEXT, "event_id feed_key site_code local_code raw_time")
    + _fields(AT, "occurred_at")
    + _fields(INT, "utc_offset_min")
    + _fields(TEXT, "time_flag clock_key")
    + _fields(AT, "known_at")
    + _fields(TEXT, "content_hash")
    + _fields(INT, "key_epoch")
    + _fields(TEXT, "patient_token accession_token placer_token filler_token study_token")
    + _fields(TEXT, "visit_token appointment_token procedure_token")
)
EVENT = (
    _fields(TEXT, "prior_patient_token modality station_name procedure_code procedure_text")
    + _fields(TEXT, "priority_code patient_class_code")
    + _fields(INT, "birth_year")
    + _fields(TEXT, "sex ordering_token technologist_token reader_token assistant_token")
    + _fields(AT, "appointment_at")
    + _fields(NUMBER, "planned_duration_min")
    + _fields(TEXT, "reason_code result_code")
)
SERIES = (
    _fields(TEXT, "series_token instance_token modality station_name manufacturer model_name")
    + _fields(TEXT, "protocol_name body_part")
    + _fields(AT, "end_at")
    + _fields(TEXT, "time_source")
    + _fields(INT, "number_of_instances")
    + _fields(LONG, "size_bytes")
    + _fields(AT, "performed_begin_at performed_end_at stored_at")
    + _fields(INT, "birth_year")
    + _fields(TEXT, "sex")
)
DOSE = (
    _fields(TEXT, "report_token irradiation_token modality station_name manufacturer model_name")
    + _fields(TEXT, "protocol_name target_region acquisition_type")
    + _fields(AT, "ended_at")
    + _fields(NUMBER, "ctdivol_mgy")
    + _fields(INT, "phantom_cm")
    + _fields(NUMBER, "dlp_mgy_cm ssde_mgy dap_gy_m2 dose_rp_gy fluoro_time_s agd_mgy")
    + _fields(TEXT, "laterality")
    + _fields(NUMBER, "activity_mbq")
    + _fields(TEXT, "dose_check")
    + _fields(FLAG, "is_patient")
    + _fields(TEXT, "origin view_code")
    + _fields(NUMBER, "thickness_mm diameter_mm")
)
OPENING = (
    _fields(TEXT, "scanner_code kind")
    + _fields(AT, "end_at")
    + _fields(DAY, "local_date")
    + _fields(TEXT, "reason_code")
)
ENTRY = (
    _fields(TEXT, "kind")
    + _fields(INT, "ordinal")
    + _fields(AT, "end_at")
    + _fields(TEXT, "modality station_name person_token other_person_token code outcome_code")
    + _fields(NUMBER, "value")
    + _fields(TEXT, "unit")
    + _fields(LONG, "count")
    + _fields(NUMBER, "limit_value")
)
ITEM = _fields(INT, "item")
SCHEMAS = {
    "event": pa.schema(SOURCE + EVENT + ITEM),
    "event_series": pa.schema(SOURCE + SERIES + ITEM),
    "event_dose": pa.schema(SOURCE + DOSE + ITEM),
    "event_opening": pa.schema(SOURCE + OPENING + ITEM),
    "event_entry": pa.schema(SOURCE + ENTRY + ITEM),
}
ITEMS = pa.schema(
    ITEM
    + _fields(TEXT, "source_ref control_token outcome reason detail quarantine_id")
    + [pa.field("raw", pa.large_binary())]  # sealed (encrypted) copy of a refused item, where one is kept
)
