"""Dose that an image header states where no report exists.

Projection: (0018,115E) dose area product in dGy.cm2. Mammography: (0040,0316) organ dose in dGy, the glandular
dose, on the image's side. CT: dose pictures of Philips, one item of (0040,030E) a scan, DLP in the private element
(00E1,xx21) of ELSCINT1; else (0018,9345) of a series' first image. NM and PET: (0018,1074), in MBq by the NM module
and in Bq by the PET module, told apart by size. Fluoroscopy is left out: its headers state the procedure's running
total as often as the dose of the run. Sources: PS3.3 C.4.16, C.8.4.10, C.8.9.2, C.8.11.7, C.8.2.1; the private
element as in the wild.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import fsum
from typing import Any
from zoneinfo import ZoneInfo

from etl.errors import ItemRefused
from etl.records import DoseRecord, SeriesRecord
from etl.sources.dicom_elements import Dataset, Plan
from etl.sources.dicom_text import clean, identifier, number_of, texts_of
from etl.sources.dicom_times import STUDY_DATE, Moment, date_time
from etl.sources.dose_units import convert, plausible

DAP_DGY_CM2, ORGAN_DOSE_DGY, IMAGE_LATERALITY, EVENT_UID = 0x0018115E, 0x00400316, 0x00200062, 0x00083010
EXPOSURE_DOSES, CTDIVOL, ELSCINT_CREATOR, ELSCINT_DLP = 0x0040030E, 0x00189345, 0x00E10010, 0x00E11021
RADIOPHARMACEUTICALS, TOTAL_ACTIVITY = 0x00540016, 0x00181074
ADMINISTRATION_UID, GIVEN_DATETIME, GIVEN_TIME = 0x00083012, 0x00181078, 0x00181072
INSTANCE_NUMBER, ACQUISITION_NUMBER = 0x00200013, 0x00200012
RADIOGRAPHY = frozenset({"CR", "DX", "IO", "MG", "PX", "RG"})
DOSE_VALUES = frozenset(
    {DAP_DGY_CM2, ORGAN_DOSE_DGY, IMAGE_LATERALITY, EVENT_UID, CTDIVOL, ELSCINT_CREATOR, ELSCINT_DLP, TOTAL_ACTIVITY}
    | {ADMINISTRATION_UID, GIVEN_DATETIME, GIVEN_TIME, INSTANCE_NUMBER, ACQUISITION_NUMBER}
)
DOSE_SEQUENCES = frozenset({EXPOSURE_DOSES, RADIOPHARMACEUTICALS})
FROM_IMAGE = "image"
_TOTALS = {"ctdivol_mgy": "ctdivol_max_mgy"}


def with_doses(plan: Plan) -> Plan:
    """Return a plan that reads the dose elements too."""
    return Plan(plan.values | DOSE_VALUES, plan.sequences | DOSE_SEQUENCES)


def image_doses(dataset: Dataset) -> dict[str, Any]:
    """Return `events` and `totals` of an image header as a dose report has them, or nothing."""
    events = [event for event in (_exposure(dataset), *_scans(dataset), *_administrations(dataset)) if event]
    if not events:
        return {}
    uid = texts_of(dataset, (EVENT_UID,)).get(EVENT_UID)
    by_key: dict[str, list[float]] = {}
    for event in events:
        for name, value in event.items():
            by_key.setdefault(_TOTALS.get(name, name), []).append(value)
    totals = {
        key: max(values) if key == "ctdivol_max_mgy" else float(f"{fsum(values):.12g}")
        for key, values in by_key.items()
    }
    return {"events": [{"irradiation_event_uid": uid, **event} for event in events], "totals": totals}


def image_records(
    dataset: Dataset, texts: Mapping[int, str], image: SeriesRecord, zone: ZoneInfo, is_patient: bool
) -> list[DoseRecord]:
    """Return the dose records of an image header, `origin` "image".

    Irradiations that several images tell of have one name in all of them.
    """
    return [
        replace(record, is_patient=is_patient)
        for record in (
            *_of_exposure(dataset, image),
            *_of_scans(dataset, image),
            *_of_administrations(dataset, texts, image, zone),
        )
    ]


def _record(image: SeriesRecord, object_uid: str, event_uid: str, **values: Any) -> DoseRecord:
    blank = DoseRecord(
        ids=image.ids,
        report_uid=object_uid,
        irradiation_event_uid=event_uid,
        modality=image.modality,
        station_name=image.station_name,
        manufacturer=image.manufacturer,
        model_name=image.model_name,
        protocol_name=image.protocol_name,
        target_region=None,
        acquisition_type=None,
        raw_time=image.raw_time,
        occurred_at=image.begin_at,
        ended_at=None,
        utc_offset_min=image.utc_offset_min,
        known_at=image.known_at,
        clock=image.clock,
        time_flag=image.time_flag,
        origin=FROM_IMAGE,
    )
    return replace(blank, **values)


def _of_exposure(dataset: Dataset, image: SeriesRecord) -> Iterator[DoseRecord]:
    """Yield what a radiograph tells; a copy for presentation tells of the same exposure as the one for processing."""
    found = _exposure(dataset) if image.modality in RADIOGRAPHY else {}
    if not found:
        return
    own = image.sop_instance_uid or image.series_instance_uid
    moment = f"{_study(image)}#{image.raw_time}" if image.time_source.startswith("Acquisition") else own
    side = next((name[4].upper() for name in found if name.startswith("agd_")), None)
    agd = next((value for name, value in found.items() if name.startswith("agd_")), None)
    uid = _irradiation(dataset) or moment
    yield _record(image, own, uid, dap_gy_m2=found.get("dap_gy_m2"), agd_mgy=agd, laterality=side)


def _of_scans(dataset: Dataset, image: SeriesRecord) -> Iterator[DoseRecord]:
    """Yield the scans of a dose picture, else the CTDIvol of a CT series by its first image."""
    own = image.sop_instance_uid or image.series_instance_uid
    scans = [scan for scan in _scans(dataset) if scan]
    for number, scan in enumerate(scans, start=1):
        yield _record(image, own, f"{own}#{number}", **scan)
    if scans or image.modality != "CT":
        return
    ctdivol = _value(dataset, CTDIVOL, "mGy", "mGy", "ctdivol_mgy")
    if ctdivol and number_of(dataset, INSTANCE_NUMBER) == 1:
        scan_number = number_of(dataset, ACQUISITION_NUMBER)
        name = image.series_instance_uid if scan_number is None else f"{_study(image)}#scan-{scan_number:g}"
        yield _record(image, own, _irradiation(dataset) or name, ctdivol_mgy=ctdivol)


def _of_administrations(
    dataset: Dataset, texts: Mapping[int, str], image: SeriesRecord, zone: ZoneInfo
) -> Iterator[DoseRecord]:
    """Yield what was given; every image of a study repeats it, under one name and time."""
    if image.modality not in ("NM", "PT"):
        return
    for number, item in enumerate(dataset.sequences.get(RADIOPHARMACEUTICALS, ()), start=1):
        activity = _value(item, TOTAL_ACTIVITY, "MBq", "MBq", "activity_mbq")
        if activity:
            told = texts_of(item, (ADMINISTRATION_UID, GIVEN_DATETIME, GIVEN_TIME))
            uid = identifier(told.get(ADMINISTRATION_UID, "")) or f"{_study(image)}#administration-{number}"
            given = _given(told, texts, zone)
            record = _record(image, _study(image), uid, activity_mbq=activity, protocol_name=None)
            yield record if given is None else replace(
                record, raw_time=given.raw, occurred_at=given.instant.at, utc_offset_min=given.instant.utc_offset_min,
                time_flag=given.instant.flag,
            )  # fmt: skip


def _given(told: Mapping[int, str], texts: Mapping[int, str], zone: ZoneInfo) -> Moment | None:
    """Return when activity was given: the full time, else the time of day on the study's date."""
    raw = told.get(GIVEN_DATETIME) or (texts.get(STUDY_DATE, "") + told[GIVEN_TIME] if GIVEN_TIME in told else "")
    try:
        return Moment(clean(raw), date_time(raw, texts, zone), "image") if raw else None
    except ItemRefused:
        return None


def _study(image: SeriesRecord) -> str:
    return image.ids.study_instance_uid or image.series_instance_uid


def _irradiation(dataset: Dataset) -> str | None:
    return identifier(texts_of(dataset, (EVENT_UID,)).get(EVENT_UID, ""))


def _exposure(dataset: Dataset) -> dict[str, float]:
    side = texts_of(dataset, (IMAGE_LATERALITY,)).get(IMAGE_LATERALITY)
    organ_dose = {"L": "agd_left_mgy", "R": "agd_right_mgy"}.get(side or "")
    found = {"dap_gy_m2": _value(dataset, DAP_DGY_CM2, "dGy.cm2", "Gy.m2", "dap_gy_m2")}
    if organ_dose:
        found[organ_dose] = _value(dataset, ORGAN_DOSE_DGY, "dGy", "mGy", "agd_mgy")
    return {name: value for name, value in found.items() if value}


def _scans(dataset: Dataset) -> list[dict[str, float]]:
    scans = []
    for item in dataset.sequences.get(EXPOSURE_DOSES, ()):
        found = {"ctdivol_mgy": _value(item, CTDIVOL, "mGy", "mGy", "ctdivol_mgy")}
        if item.values.get(ELSCINT_CREATOR, b"").strip(b" \0") == b"ELSCINT1":
            found["dlp_mgy_cm"] = _value(item, ELSCINT_DLP, "mGy.cm", "mGy.cm", "dlp_mgy_cm")
        scans.append({name: value for name, value in found.items() if value is not None})
    return scans


def _administrations(dataset: Dataset) -> list[dict[str, float]]:
    values = (
        _value(item, TOTAL_ACTIVITY, "MBq", "MBq", "activity_mbq")
        for item in dataset.sequences.get(RADIOPHARMACEUTICALS, ())
    )
    return [{"activity_mbq": value} for value in values if value]


def _value(dataset: Dataset, tag: int, unit: str, into: str, field: str) -> float | None:
    value = number_of(dataset, tag)
    converted = None if value is None else convert(value, unit, into)
    return None if converted is None else plausible(field, converted)
