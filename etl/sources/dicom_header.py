"""What one DICOM header says: class of object, identifiers, station, times, as a SeriesRecord or a masked dict.

Files and DICOM JSON both arrive here as first values by tag.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from etl.errors import FilterReason, ItemRefused, Reason
from etl.records import Identifiers, SeriesRecord
from etl.sources.base import masked
from etl.sources.dicom_text import clean, identifier, number
from etl.sources.dicom_times import (
    STEP_END_DATE,
    STEP_END_TIME,
    STEP_START_DATE,
    STEP_START_TIME,
    TIME_TAGS,
    known_at,
    moment,
    span_of,
)

SOP_CLASS_UID, SOP_INSTANCE_UID = 0x00080016, 0x00080018
ACCESSION_NUMBER, MODALITY, MANUFACTURER = 0x00080050, 0x00080060, 0x00080070
STATION_NAME, MODEL_NAME = 0x00081010, 0x00081090
PATIENT_ID, PATIENT_ID_ISSUER = 0x00100020, 0x00100021
PATIENT_BIRTH_DATE, PATIENT_SEX = 0x00100030, 0x00100040
BODY_PART, PROTOCOL_NAME = 0x00180015, 0x00181030
STUDY_UID, SERIES_UID = 0x0020000D, 0x0020000E
INSTANCES = 0x00201209
REQUEST_ATTRIBUTES = 0x00400275
REQUESTED_PROCEDURE_ID = 0x00401001
REQUEST_TAGS = (ACCESSION_NUMBER, STUDY_UID, REQUESTED_PROCEDURE_ID)  # what a request tells of the exam it asked for
TITLE = 0x0040A043  # Concept Name Code Sequence; at the top of a report its title
CODE_VALUE = 0x00080100


def _words(text: str) -> list[str]:
    return text.split()


def _tags(hexadecimal: str) -> frozenset[int]:
    return frozenset(int(tag, 16) for tag in hexadecimal.split())


_SHOWN_TAGS = _tags(
    """00081030 0008103E 00081040 00101010 00101030 00180050 00180060 00181000 00181020 00181110 00181150 00181151
    00181152 0018115E 00181160 00181242 00187050 00189345 00200010 00200011 00200013 00280008 00400241 00400242
    00400253 00400301 00400302 00400303 00400312 00400314 00400316 00408302 00540081"""
)
_NUMBERS = _tags(
    """00180050 00180060 00181110 00181150 00181151 00181152 0018115E 00181242 00189073 00189345 00101030 00200011
    00200013 00201209 00280008 00400301 00400302 00400303 00400312 00400314 00400316 00408302 00540081"""
)
HEADER_TAGS = (
    frozenset(
        {SOP_CLASS_UID, SOP_INSTANCE_UID, ACCESSION_NUMBER, MODALITY, MANUFACTURER, STATION_NAME, MODEL_NAME}
        | {PATIENT_ID, PATIENT_ID_ISSUER, PATIENT_BIRTH_DATE, PATIENT_SEX, BODY_PART, PROTOCOL_NAME, STUDY_UID}
        | {SERIES_UID, INSTANCES, REQUESTED_PROCEDURE_ID}
    )
    | TIME_TAGS
)
SHOWN_TAGS = HEADER_TAGS | _SHOWN_TAGS
_MASKED_TAGS = frozenset(
    {SOP_INSTANCE_UID, ACCESSION_NUMBER, PATIENT_ID, PATIENT_ID_ISSUER, PATIENT_BIRTH_DATE, STUDY_UID, SERIES_UID}
    | {REQUESTED_PROCEDURE_ID, 0x00200010, 0x00400253, 0x00101010, 0x00181000}
)

STORAGE = "1.2.840.10008.5.1.4.1.1."
MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
STRUCTURED_REPORT = STORAGE + "88."
DOSE_TITLES = frozenset({"113701", "113500"})  # X-ray and radiopharmaceutical radiation dose report
# Objects that carry no acquired image: waveforms, presentation states, stored settings, raw data, registrations,
# segmentations and maps (computed later, elsewhere), reports, documents, all of radiotherapy and its dose grids.
_NO_IMAGES = (
    *(STORAGE + branch for branch in _words("8. 9. 10 104. 11. 131 200. 30 481. 66 67 88. 90.")),
    *(f"1.2.840.10008.5.1.4.{branch}." for branch in _words("34 38 39 43 44 45")),
)
_IMAGES_AMONG_THEM = (STORAGE + "481.1",)  # RT Image: a radiograph, though made by a therapy machine
_NO_IMAGE_MODALITIES = frozenset(
    _words(
        """ANN ASMT AU DOC ECG EPS FID HC HD KO M3D PLAN PR REG RESP RTDOSE RTPLAN RTRECORD RTSTRUCT RWV SEG SMR SR
        STAIN TEXTUREMAP"""
    )
)
_SNAKE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_ODD_KEYWORDS = {"CTDIvol": "ctdivol", "EntranceDoseInmGy": "entrance_dose_in_mgy", "KVP": "kvp"}


def classify(texts: Mapping[int, str], title: str | None) -> FilterReason | None:
    """Return why an object is left out of an image feed, or None for an image.

    The SOP class decides; the modality does where no class is given.
    """
    sop_class, modality = texts.get(SOP_CLASS_UID, ""), texts.get(MODALITY, "").upper()
    if sop_class == MEDIA_DIRECTORY:
        return FilterReason.MEDIA_DIRECTORY
    if title in DOSE_TITLES and (modality in ("SR", "") or sop_class.startswith(STRUCTURED_REPORT)):
        return FilterReason.OTHER_FEED
    if sop_class.startswith(_NO_IMAGES) and sop_class not in _IMAGES_AMONG_THEM:
        return FilterReason.NOT_AN_IMAGE
    if not sop_class and modality in _NO_IMAGE_MODALITIES:
        return FilterReason.NOT_AN_IMAGE
    return None


def identifiers(texts: Mapping[int, str], request: Mapping[int, str]) -> Identifiers:
    """Return the identifiers of a header; its request attributes fill in what the header leaves out."""
    return Identifiers(
        patient_id=identifier(texts.get(PATIENT_ID, "")),
        patient_id_issuer=identifier(texts.get(PATIENT_ID_ISSUER, "")),
        accession_number=identifier(texts.get(ACCESSION_NUMBER) or request.get(ACCESSION_NUMBER, "")),
        study_instance_uid=uid(texts.get(STUDY_UID) or request.get(STUDY_UID, "")),
        requested_procedure_id=identifier(request.get(REQUESTED_PROCEDURE_ID) or texts.get(REQUESTED_PROCEDURE_ID, "")),
    )


def uid(text: str) -> str | None:
    """Return a UID, or None for an empty one or one without any digit or letter."""
    found = identifier(text)
    return found if found and any(c.isalnum() for c in found) else None


def short(texts: Mapping[int, str], tag: int) -> str | None:
    """Return a clean text of at most 64 characters, or None."""
    return clean(texts[tag]) or None if tag in texts else None


def clock_of(texts: Mapping[int, str]) -> str:
    """Return the name of the clock that stamped a header: its station, else its make and model."""
    made_by = " ".join(filter(None, (short(texts, MANUFACTURER), short(texts, MODEL_NAME))))
    return short(texts, STATION_NAME) or clean(made_by) or "unknown device"


def series_record(
    texts: Mapping[int, str],
    request: Mapping[int, str],
    zone: ZoneInfo,
    *,
    number_of_instances: int = 1,
    size_bytes: int | None = None,
    stored_at: datetime | None = None,
) -> SeriesRecord:
    """Return the record of a header.

    Raises ItemRefused: MISSING_IDENTIFIER without a series UID or without any of study UID, accession number and
    patient id; the reasons of `span_of` for its times.
    """
    ids = identifiers(texts, request)
    series_uid = uid(texts.get(SERIES_UID, ""))
    if series_uid is None:
        raise ItemRefused(Reason.MISSING_IDENTIFIER, "no SeriesInstanceUID")
    if not (ids.study_instance_uid or ids.accession_number or ids.patient_id):
        raise ItemRefused(Reason.MISSING_IDENTIFIER, "neither StudyInstanceUID nor AccessionNumber nor PatientID")
    modality = (short(texts, MODALITY) or "OT").upper()
    span = span_of(texts, zone, modality, texts.get(MANUFACTURER))
    begin = span.begin
    return SeriesRecord(
        ids=ids,
        series_instance_uid=series_uid,
        sop_instance_uid=uid(texts.get(SOP_INSTANCE_UID, "")),
        modality=modality,
        station_name=short(texts, STATION_NAME),
        manufacturer=short(texts, MANUFACTURER),
        model_name=short(texts, MODEL_NAME),
        protocol_name=short(texts, PROTOCOL_NAME),
        body_part=short(texts, BODY_PART),
        raw_time=begin.raw,
        begin_at=begin.instant.at,
        end_at=span.end_at,
        utc_offset_min=begin.instant.utc_offset_min,
        time_source=begin.source,
        known_at=known_at(texts, zone, begin.instant.at),
        clock=clock_of(texts),
        number_of_instances=number_of_instances,
        size_bytes=size_bytes,
        performed_begin_at=moment(texts, STEP_START_DATE, STEP_START_TIME, zone),
        performed_end_at=moment(texts, STEP_END_DATE, STEP_END_TIME, zone),
        stored_at=stored_at,
        patient_birth_date=short(texts, PATIENT_BIRTH_DATE),
        patient_sex=short(texts, PATIENT_SEX),
        time_flag=begin.instant.flag,
    )


def shown(texts: Mapping[int, str]) -> dict[str, Any]:
    """Return a header for display: snake_case keyword to value, identifiers masked, numbers as numbers."""
    from pydicom.datadict import keyword_for_tag  # half a second to import, for display only

    found: dict[str, Any] = {}
    for tag in sorted(texts):
        keyword = keyword_for_tag(tag)
        if not keyword:
            continue
        name = _ODD_KEYWORDS.get(keyword) or _SNAKE.sub("_", keyword).lower()
        found[name] = masked(clean(texts[tag])) if tag in _MASKED_TAGS else _value(tag, clean(texts[tag]))
    return found


def _value(tag: int, text: str) -> str | float:
    value = number(text) if tag in _NUMBERS else None
    if value is None:
        return text
    return int(value) if value.is_integer() and text.lstrip("+-").isdecimal() else value
