"""Dose records of a walked report: one an irradiation event, and the rest its declared sums hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from etl.errors import ItemRefused, Reason
from etl.records import DoseRecord, Identifiers
from etl.sources.dicom_header import MANUFACTURER, MODEL_NAME, PATIENT_ID, STATION_NAME, clock_of, short
from etl.sources.dicom_text import clean, identifier
from etl.sources.dicom_times import CONTENT_DATE, CONTENT_TIME, Moment, date_time, known_at, span_of
from etl.sources.dose_content import Block, Content, side_of
from etl.sources.dose_totals import DECLARED, UNITEMISED, declared, missing_from
from etl.sources.dose_units import reference_dose_factor

PATIENT_NAME = 0x00100010
FLUOROSCOPY = frozenset({"P5-06000", "44491008"})  # SRT, SNOMED CT
CT_PROCEDURE = frozenset({"P5-08000", "77477000"})
MAMMOGRAPHY = frozenset({"P5-40010", "71651007"})
PHANTOM_CM = {"113690": 16, "113691": 32}  # IEC head and body dosimetry phantom (PS3.16 CID 4052)
QUALITY_CONTROL_INTENT = "113680"
DEVICE_SUBJECT = "121192"
PLANE_B = "113621"
MS_AS_S = (500.0, 2000.0)  # by how much a duration in ms under the unit s exceeds what pulses and rate give
RP_SUM = ("dose_rp_gy", None)
# names that testers give: phantoms by kind and make, and the words for the work itself
_PHANTOM_WORDS = re.compile(
    r"(?<![A-Z])(PHANTOM|QA|QC|PHYSICS|ACR|CATPHAN|CDMA[MN]|CIRS|GAMMEX|TEST OBJECT|WATER)(?![A-Z])"
)


@dataclass(frozen=True, slots=True)
class Around:
    """What all records of a report share."""

    texts: Mapping[int, str]
    ids: Identifiers
    report_uid: str
    zone: ZoneInfo
    is_patient: bool
    modality: str
    content: Content


def is_patient(texts: Mapping[int, str], report: Block, patterns: tuple[str, ...] = ()) -> bool:
    """Return whether a report is of a patient rather than of a phantom.

    A device as subject and a quality-control intent say so by code; else the name or id holds a tester's word,
    or fits one of the site's `patterns` (fnmatch, upper case).
    """
    if report.texts.get("intent") == QUALITY_CONTROL_INTENT or report.texts.get("subject_class") == DEVICE_SUBJECT:
        return False
    names = [
        clean(texts.get(tag, "")).upper().replace("^", " ").replace("_", " ") for tag in (PATIENT_ID, PATIENT_NAME)
    ]
    if any(fnmatchcase(name, pattern.upper()) for name in names for pattern in patterns):
        return False
    return not any(_PHANTOM_WORDS.search(name) for name in names)


def modality_of(content: Content) -> str:
    """Return CT, MG, NM, PT, XA, RF or DX; the header of a report says SR only.

    Procedure and containers tell most; among projection rooms a C-arm has angles (XA), other fluoroscopy has
    none (RF), the rest is radiography (DX).
    """
    kinds = {block.kind for block in (*content.events, *content.totals)}
    procedure = content.report.texts.get("procedure", "")
    if "administration" in kinds:
        return "PT" if "PET" in content.report.meanings.get("procedure", "").upper().split() else "NM"
    if "ct" in kinds or (procedure in CT_PROCEDURE and "projection" not in kinds):
        return "CT"
    if procedure in MAMMOGRAPHY or any("agd_mgy" in event.values for event in content.events):
        return "MG"
    if any("angle" in event.texts for event in content.events):
        return "XA"
    moving = any(event.texts.get("acquisition_type") in FLUOROSCOPY for event in content.events)
    return "RF" if moving or any(block.values.get("fluoro_time_s") for block in content.totals) else "DX"


def dose_records(around: Around) -> list[DoseRecord]:
    """Return the records of a report; raises ItemRefused (MISSING_TIME and the like) when none can be placed."""
    events: dict[str, DoseRecord] = {}
    for number, block in enumerate(around.content.events, start=1):
        record = _event(around, block, number)
        same = events.get(record.irradiation_event_uid)
        if same is not None and block.texts.get("plane") == PLANE_B:  # both planes may carry one UID
            record = replace(record, irradiation_event_uid=f"{record.irradiation_event_uid}#B")
        events.setdefault(record.irradiation_event_uid, record)
    itemised = _in_gray(list(events.values()))
    return itemised + list(_rest(around, itemised))


def _in_gray(records: list[DoseRecord]) -> list[DoseRecord]:
    """Return the events with reference point doses in Gy, judged over the whole report."""
    both = [(r.dose_rp_gy, r.dap_gy_m2) for r in records if r.dose_rp_gy is not None and r.dap_gy_m2 is not None]
    factor = reference_dose_factor(sum(rp for rp, _ in both), sum(dap for _, dap in both))
    largest = max((r.dose_rp_gy for r in records if r.dose_rp_gy is not None), default=0.0)
    factor = min(factor, reference_dose_factor(largest, 0.0))
    if factor == 1.0:
        return records
    return [r if r.dose_rp_gy is None else replace(r, dose_rp_gy=r.dose_rp_gy * factor) for r in records]


def _event(around: Around, block: Block, number: int) -> DoseRecord:
    begin, ended_at = _when(around, block)
    values = block.values
    texts = block.texts
    side = texts.get("own_side") or side_of(texts.get("laterality", "")) or side_of(texts.get("region", ""))
    return replace(
        _blank(around, begin),
        irradiation_event_uid=identifier(block.texts.get("event_uid", "")) or f"{around.report_uid}#{number}",
        protocol_name=block.texts.get("protocol") or None,
        target_region=block.texts.get("region") or None,
        acquisition_type=block.texts.get("acquisition_type") or None,
        ended_at=ended_at,
        ctdivol_mgy=values.get("ctdivol_mgy"),
        phantom_cm=PHANTOM_CM.get(block.texts.get("phantom", "")),
        dlp_mgy_cm=values.get("dlp_mgy_cm"),
        ssde_mgy=values.get("ssde_mgy"),
        dap_gy_m2=values.get("dap_gy_m2"),
        dose_rp_gy=values.get("dose_rp_gy"),
        fluoro_time_s=_fluoro_time(block),
        agd_mgy=values.get("agd_mgy"),
        laterality=side if "agd_mgy" in values else None,
        activity_mbq=_activity(values),
        dose_check=dose_check(block),
        view_code=texts.get("view_code") or None,
        thickness_mm=values.get("thickness_mm"),
        diameter_mm=values.get("water_diameter_mm", values.get("effective_diameter_mm")),
    )


def _rest(around: Around, itemised: list[DoseRecord]) -> Iterator[DoseRecord]:
    """Yield what the declared sums hold beyond the events, one record a side."""
    sums = declared(around.content.totals)
    if (RP_SUM in sums) and all(event.dose_rp_gy is None for event in itemised):
        sums[RP_SUM] *= reference_dose_factor(sums[RP_SUM], sums.get(("dap_gy_m2", None), 0.0))
    rest = missing_from(itemised, sums)
    if not rest:
        return
    begin, ended_at = _when(around, around.content.report)
    name = itemised[0].irradiation_event_uid + UNITEMISED if itemised else _scope(around) + DECLARED
    for side in sorted({side or "" for _, side in rest}):
        fields = {name: value for (name, its), value in rest.items() if (its or "") == side}
        record = replace(
            _blank(around, begin),
            irradiation_event_uid=f"{name}-{side}" if side else name,
            ended_at=ended_at,
            acquisition_type=UNITEMISED.strip("#"),
            laterality=side or None,
        )
        yield replace(record, **fields)  # type: ignore[arg-type]  # float fields by name


def _scope(around: Around) -> str:
    """Return what the sums of a report without events run over; repeated reports repeat it."""
    texts = around.content.report.texts
    return identifier(texts.get("study_uid") or texts.get("step_uid", "")) or around.report_uid


def _blank(around: Around, begin: Moment) -> DoseRecord:
    report, texts = around.content.report.texts, around.texts
    return DoseRecord(
        ids=around.ids,
        report_uid=around.report_uid,
        irradiation_event_uid="",
        modality=around.modality,
        station_name=short(texts, STATION_NAME) or report.get("device_name") or None,
        manufacturer=short(texts, MANUFACTURER) or report.get("device_manufacturer") or None,
        model_name=short(texts, MODEL_NAME) or report.get("device_model") or None,
        protocol_name=None,
        target_region=None,
        acquisition_type=None,
        raw_time=begin.raw,
        occurred_at=begin.instant.at,
        ended_at=None,
        utc_offset_min=begin.instant.utc_offset_min,
        known_at=known_at({t: v for t, v in texts.items() if t in _MADE}, around.zone, begin.instant.at),
        clock=clock_of(texts) if STATION_NAME in texts else report.get("device_name") or clock_of(texts),
        is_patient=around.is_patient,
        time_flag=begin.instant.flag,
    )


_MADE = frozenset({0x00080012, 0x00080013, 0x00080201, CONTENT_DATE, CONTENT_TIME})


def _when(around: Around, block: Block) -> tuple[Moment, datetime | None]:
    """Return when an event began and ended: its own times, else the report's irradiation, else its content."""
    for texts in (block.texts, around.content.report.texts):
        begin = _moment(texts.get("started", ""), around)
        if begin is None:
            continue
        ended = _moment(texts.get("stopped", ""), around)
        if ended is not None:
            return begin, max(ended.instant.at, begin.instant.at)
        lasted = _lasted(block.values)
        return begin, begin.instant.at + timedelta(seconds=lasted) if lasted else None
    return span_of(around.texts, around.zone, "SR", None).begin, None


def _moment(text: str, around: Around) -> Moment | None:
    try:
        return Moment(text, date_time(text, around.texts, around.zone), "report") if text else None
    except ItemRefused as refusal:
        if refusal.reason is Reason.NONEXISTENT_LOCAL_TIME:
            raise
        return None


def _fluoro_time(block: Block) -> float | None:
    """Return how long fluoroscopy lasted in an event: as stated, else pulses by their rate (Siemens)."""
    if block.texts.get("acquisition_type") not in FLUOROSCOPY:
        return None
    lasted = _lasted(block.values)
    return _pulsed(block.values) if lasted is None else lasted


def _lasted(values: Mapping[str, float]) -> float | None:
    """Return how long an event lasted as stated; in seconds where pulses and their rate tell that ms were written."""
    stated, pulsed = values.get("irradiation_duration_s"), _pulsed(values)
    if stated is None or not pulsed:
        return stated
    return stated / 1000 if MS_AS_S[0] < stated / pulsed < MS_AS_S[1] else stated


def _pulsed(values: Mapping[str, float]) -> float | None:
    rate = values.get("pulse_rate")
    return values["pulses"] / rate if rate and "pulses" in values else None


def _activity(values: Mapping[str, float]) -> float | None:
    """Return the activity given; else what was in the syringe before less what stayed in it."""
    if "activity_mbq" in values or "activity_before_mbq" not in values:
        return values.get("activity_mbq")
    given = values["activity_before_mbq"] - values.get("activity_left_mbq", 0.0)
    return given if given >= 0 else None


def dose_check(block: Block) -> str | None:
    """Return "alert" or "notification" where one came up, not where it was merely configured.

    TID 10015 blocks stand in every report of many scanners with the configured limits; an estimate (or a reason
    to proceed) is written only when a limit would be exceeded.
    """
    values = block.values
    if "alert_reason" in block.texts or _exceeds(values, "alert"):
        return "alert"
    return "notification" if _exceeds(values, "notification") else None


def _exceeds(values: Mapping[str, float], kind: str) -> bool:
    for name in (f"dlp_{kind}{{}}_mgy_cm", f"ctdivol_{kind}{{}}_mgy"):
        estimate = values.get(name.format("_estimate"))
        if estimate is not None and estimate > values.get(name.format(""), 0.0):
            return True
    return False
