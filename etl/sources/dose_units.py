"""Dose quantities in one unit each, from the unit codes scanners really write.

Standard codes are UCUM (PS3.16 CID 82 and the templates' fixed units); found in the wild are `mGycm`, `Gym2`,
`dGy.cm2`, `cGy.cm2`, `uGym2`, `Bq`, `ms`, and values whose declared unit cannot be meant.
"""

from __future__ import annotations

from etl.sources.dicom_text import finite

_GRAY = {"nGy": 1e-9, "uGy": 1e-6, "mGy": 1e-3, "cGy": 1e-2, "dGy": 1e-1, "Gy": 1.0, "rad": 1e-2, "mrad": 1e-5}
_LENGTH = {"mm": 1e-3, "cm": 1e-2, "m": 1.0}
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0}
_BECQUEREL = {"Bq": 1.0, "kBq": 1e3, "MBq": 1e6, "GBq": 1e9, "uCi": 3.7e4, "mCi": 3.7e7, "Ci": 3.7e10}
_DIMENSIONS: dict[str, dict[str, float]] = {
    "mGy": {unit: size / _GRAY["mGy"] for unit, size in _GRAY.items()},
    "Gy": _GRAY,
    "mGy.cm": {d + x: _GRAY[d] * _LENGTH[x] / 1e-5 for d in _GRAY for x in _LENGTH},
    "Gy.m2": {f"{d}{x}2": _GRAY[d] * _LENGTH[x] ** 2 for d in _GRAY for x in _LENGTH},
    "MBq": {unit: size / _BECQUEREL["MBq"] for unit, size in _BECQUEREL.items()},
    "s": _SECONDS,
    "mm": {unit: size / _LENGTH["mm"] for unit, size in _LENGTH.items()},
    "1": {"1": 1.0},
    "{pulse}/s": {"{pulse}/s": 1.0, "pulse/s": 1.0, "/s": 1.0, "Hz": 1.0, "1/s": 1.0},
}
_UNWRITTEN = frozenset({"", "1", "{}", "no units", "nounits", "unitless"})
_MICRO = str.maketrans({"µ": "u", "μ": "u", "²": "2", ".": None, "-": None, "*": None, "·": None, "^": None, " ": None})

# The most one event can hold, far above any treatment or test; more is a slip, and no value is better than it.
LARGEST = {
    "ctdivol_mgy": 10_000.0,
    "dlp_mgy_cm": 200_000.0,
    "ssde_mgy": 20_000.0,
    "dap_gy_m2": 10.0,
    "dose_rp_gy": 100_000.0,  # see reference_dose_factor
    "agd_mgy": 1_000.0,
    "activity_mbq": 100_000.0,
    "thickness_mm": 300.0,
    "water_diameter_mm": 1_000.0,
    "effective_diameter_mm": 1_000.0,
    "irradiation_duration_s": 3_600.0,
    "fluoro_time_s": 36_000.0,
}
# What a value beyond its bound was meant in, as a factor: Bq, ms
_SLIPS = {"activity_mbq": 1e-6, "irradiation_duration_s": 1e-3, "fluoro_time_s": 1e-3}
SMALLEST_FIELD_M2 = 2e-5  # 0.2 cm2 at the reference point; collimators do not close further
LARGEST_FIELD_M2 = 0.25
LARGEST_REFERENCE_DOSE_GY = 100.0
SURELY_ROUNDED_GY = 0.02  # below, a rounded dose area product says nothing about the field


def convert(value: float, unit: str, into: str) -> float | None:
    """Return a value in unit `into`, or None for a unit of another kind.

    A missing unit is taken as `into`, the template's own. Letter case decides where it can (mGy, MGy).
    """
    if unit.strip().lower() in _UNWRITTEN:
        return value
    sizes = _DIMENSIONS[into]
    written = unit.strip() if unit.strip() in sizes else unit.translate(_MICRO)
    size = sizes.get(written)
    if size is None:
        same = {s for name, s in sizes.items() if name.lower() == written.lower()}
        size = same.pop() if len(same) == 1 else None
    if size is None or size == 1.0:
        return value if size else None
    return finite(float(f"{value * size:.12g}"))  # without the noise of binary fractions


def plausible(field: str, value: float) -> float | None:
    """Return a value within its bound, a value of a known slip of unit set right, or None.

    Zero stays zero: a report may state that nothing was given. Negative doses do not exist.
    """
    if value < 0:
        return None
    bound = LARGEST.get(field)
    if bound is None or value <= bound:
        return value
    righted = value * _SLIPS.get(field, 1.0)
    return righted if righted <= bound else None


def reference_dose_factor(dose_rp_gy: float, dap_gy_m2: float) -> float:
    """Return 0.001 where the reference point dose of a report was written in mGy under the unit Gy, else 1.

    The dose area product divided by the dose is the field's area at the reference point. Where that is smaller
    than a collimator can close, and possible for mGy, the number was in mGy; so is a dose no patient survives.
    """
    if dose_rp_gy > LARGEST_REFERENCE_DOSE_GY:
        return 1e-3
    if dap_gy_m2 <= 0 or dose_rp_gy <= SURELY_ROUNDED_GY:
        return 1.0
    area = dap_gy_m2 / dose_rp_gy
    return 1e-3 if area < SMALLEST_FIELD_M2 <= area * 1e3 <= LARGEST_FIELD_M2 else 1.0
