"""Dose that an image header states where no report exists, for `inspect`.

Projection: (0018,115E) dose area product in dGy.cm2. Mammography: (0040,0316) organ dose in dGy, the glandular
dose, on the image's side. CT dose pictures of Philips: one item of (0040,030E) a scan, DLP in the private element
(00E1,xx21) of ELSCINT1. NM and PET: (0018,1074), in MBq by the NM module and in Bq by the PET module, told apart
by size. Sources: PS3.3 C.4.16, C.8.4.10, C.8.9.2, C.8.11.7; the private element as in the wild.
"""

from __future__ import annotations

from math import fsum
from typing import Any

from etl.sources.dicom_elements import Dataset, Plan
from etl.sources.dicom_text import number_of, texts_of
from etl.sources.dose_units import convert, plausible

DAP_DGY_CM2, ORGAN_DOSE_DGY, IMAGE_LATERALITY, EVENT_UID = 0x0018115E, 0x00400316, 0x00200062, 0x00083010
EXPOSURE_DOSES, CTDIVOL, ELSCINT_CREATOR, ELSCINT_DLP = 0x0040030E, 0x00189345, 0x00E10010, 0x00E11021
RADIOPHARMACEUTICALS, TOTAL_ACTIVITY = 0x00540016, 0x00181074
DOSE_VALUES = frozenset(
    {DAP_DGY_CM2, ORGAN_DOSE_DGY, IMAGE_LATERALITY, EVENT_UID, CTDIVOL, ELSCINT_CREATOR, ELSCINT_DLP, TOTAL_ACTIVITY}
)
DOSE_SEQUENCES = frozenset({EXPOSURE_DOSES, RADIOPHARMACEUTICALS})
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
