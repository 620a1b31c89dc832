"""What scanners tell: headers of image series and irradiation events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from etl.records.workflow import Identifiers


@dataclass(frozen=True, slots=True)
class SeriesRecord:
    """The header of one DICOM series (QIDO-RS) or of one instance of it (file); pixels are never read.

    Durations follow (0018,9073) where present; else `end_at` is None and derivation uses the last begin.
    """

    ids: Identifiers
    series_instance_uid: str
    sop_instance_uid: str | None
    modality: str
    station_name: str | None
    manufacturer: str | None
    model_name: str | None
    protocol_name: str | None
    body_part: str | None
    raw_time: str
    begin_at: datetime
    end_at: datetime | None
    utc_offset_min: int | None
    time_source: str  # DICOM keyword that gave begin_at
    known_at: datetime | None
    clock: str
    number_of_instances: int = 1
    size_bytes: int | None = None
    performed_begin_at: datetime | None = None  # (0040,0244)+(0040,0245)
    performed_end_at: datetime | None = None  # (0040,0250)+(0040,0251)
    stored_at: datetime | None = None  # when the archive had it, where known
    patient_birth_date: str | None = None
    patient_sex: str | None = None
    time_flag: str | None = None


@dataclass(frozen=True, slots=True)
class DoseRecord:
    """One irradiation (or administration) event of a dose report, units normalised; the study total is their
    union over `irradiation_event_uid` (TID 10003, 10013, 10022)."""

    ids: Identifiers
    report_uid: str
    irradiation_event_uid: str  # made from report and position where a sender leaves it out
    modality: str
    station_name: str | None
    manufacturer: str | None
    model_name: str | None
    protocol_name: str | None  # 125203
    target_region: str | None  # 123014, code value
    acquisition_type: str | None  # 113820, code value
    raw_time: str
    occurred_at: datetime  # 111526 or 113809; else the report's content time
    ended_at: datetime | None
    utc_offset_min: int | None
    known_at: datetime | None
    clock: str
    ctdivol_mgy: float | None = None  # 113830
    phantom_cm: int | None = None  # 113835: 16 or 32
    dlp_mgy_cm: float | None = None  # 113838
    ssde_mgy: float | None = None  # 113930
    dap_gy_m2: float | None = None  # 122130
    dose_rp_gy: float | None = None  # 113738
    fluoro_time_s: float | None = None
    agd_mgy: float | None = None  # 111631
    laterality: str | None = None  # "L" or "R"
    activity_mbq: float | None = None  # 113507
    dose_check: str | None = None  # "alert" (113900), "notification" (113908)
    is_patient: bool = True  # False for QA phantoms
    time_flag: str | None = None
    origin: str | None = None  # None for a dose report; "image" for an image's header, which a report outdoes
    view_code: str | None = None  # 111031, code value
    thickness_mm: float | None = None  # 111633, compressed breast
    diameter_mm: float | None = None  # 113980 water equivalent, else 113933 effective: the size behind SSDE
