"""Units as scanners write them, and values whose unit cannot be meant."""

from __future__ import annotations

import pytest

from etl.sources.dose_units import convert, plausible, reference_dose_factor


@pytest.mark.parametrize(
    ("value", "unit", "into", "expected"),
    [
        (541.1, "mGy.cm", "mGy.cm", 541.1),
        (541.1, "mGycm", "mGy.cm", 541.1),
        (541.1, "mGy*cm", "mGy.cm", 541.1),
        (0.5411, "Gy.cm", "mGy.cm", 541.1),
        (5.411, "mGy.m", "mGy.cm", 541.1),
        (1.6e-5, "Gy.m2", "Gy.m2", 1.6e-5),
        (1.6e-5, "Gym2", "Gy.m2", 1.6e-5),
        (0.41, "dGy.cm2", "Gy.m2", 4.1e-6),
        (0.41, "dGycm2", "Gy.m2", 4.1e-6),
        (16, "uGy.m2", "Gy.m2", 1.6e-5),
        (16, "µGym²", "Gy.m2", 1.6e-5),
        (16, "μGy·m2", "Gy.m2", 1.6e-5),
        (16, "cGy.cm2", "Gy.m2", 1.6e-5),
        (0.16, "Gy.cm2", "Gy.m2", 1.6e-5),
        (160, "mGy.cm2", "Gy.m2", 1.6e-5),
        (160, "mGy.cm^2", "Gy.m2", 1.6e-5),
        (2.52, "mGy", "Gy", 0.00252),
        (0.00252, "Gy", "Gy", 0.00252),
        (252, "cGy", "Gy", 2.52),
        (1.4, "MGY", "mGy", 1.4),
        (0.0014, "Gy", "mGy", 1.4),
        (394, "MBq", "MBq", 394),
        (3.94e8, "Bq", "MBq", 394),
        (394000, "kBq", "MBq", 394),
        (0.394, "GBq", "MBq", 394),
        (10, "mCi", "MBq", 370),
        (1333, "ms", "s", 1.333),
        (0.5, "min", "s", 30),
        (23.7, "", "mGy", 23.7),
        (23.7, "1", "mGy", 23.7),
        (23.7, "no units", "mGy", 23.7),
    ],
)
def test_each_unit_is_converted(value: float, unit: str, into: str, expected: float) -> None:
    assert convert(value, unit, into) == pytest.approx(expected)


@pytest.mark.parametrize(("unit", "into"), [("mm", "mGy"), ("Gy.m2", "mGy.cm"), ("mSv", "mGy"), ("furlong", "Gy")])
def test_a_unit_of_another_kind_gives_no_value(unit: str, into: str) -> None:
    assert convert(1.0, unit, into) is None


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("dlp_mgy_cm", 541.1, 541.1),
        ("dlp_mgy_cm", -1, None),
        ("dlp_mgy_cm", 1e9, None),
        ("activity_mbq", 3.94e8, 394),  # Bq written as MBq
        ("irradiation_duration_s", 11912, 11.912),  # ms written as s
        ("ctdivol_mgy", 0.0, 0.0),
        ("another", 1e12, 1e12),
    ],
)
def test_impossible_values_are_set_right_or_dropped(field: str, value: float, expected: float | None) -> None:
    assert plausible(field, value) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("dose_rp_gy", "dap_gy_m2", "factor"),
    [
        (2.52, 1.6e-5, 1e-3),  # a field of 0.06 cm2: mGy was meant
        (0.14, 1e-6, 1e-3),
        (0.00252, 1.6e-5, 1),
        (3.0, 0.03, 1),  # a long intervention over 100 cm2
        (3.0, 3e-4, 1),  # the same, collimated to 1 cm2
        (3.0, 0.0, 1),
        (2520.0, 0.0, 1e-3),  # nobody gets 2520 Gy
    ],
)
def test_a_reference_dose_written_in_mgy_is_found_by_the_field_it_implies(
    dose_rp_gy: float, dap_gy_m2: float, factor: float
) -> None:
    assert reference_dose_factor(dose_rp_gy, dap_gy_m2) == factor
