"""Dose facts: an exam's quantities, the reference of its group, levels from their date on, sums of patients."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from etl.dose.bands import ANY_BAND, Band
from etl.dose.ct_measure import CtCategory
from etl.dose.references import DoseReference
from etl.warehouse.derive import derive
from etl.warehouse.derive_dose_usual import LEAST_VALUES
from etl.warehouse.derive_dose_value import with_references
from etl.warehouse.dose_rules import DoseRules, LevelRule
from etl.warehouse.engine import read_frame
from etl.warehouse.tables import fact_dose_patient, fact_dose_protocol

DAY = 1440.0
LOCALIZER = "113805"
MODALITIES = {"CT": "CT", "XA": "XA"}


def reference(**changed: Any) -> DoseReference:
    """Return a reference of 10 mGy for everyone, but for what differs."""
    values = {
        "source": "s", "region": "", "modality": "CT", "procedure_group": "CT chest", "age": ANY_BAND, "size": ANY_BAND,
        "quantity": "CTDIvol", "phantom": "32 cm", "drl": 10.0, "achievable": None, "valid_from": date(2020, 1, 1),
        "band": "", "version": "v", "row": 1,
    }  # fmt: skip
    return DoseReference(**(values | changed))


def valued(**changed: Any) -> pd.DataFrame:
    """Return one value of 12 mGy, of a patient of 50 years and 30 cm, but for what differs."""
    values = {
        "modality": "CT", "procedure_group": "CT chest", "quantity": "CTDIvol", "phantom": "32 cm", "value": 12.0,
        "age_years": 50, "diameter_mm": 300.0, "local_date": date(2026, 9, 1),
    }  # fmt: skip
    return pd.DataFrame([values | changed])


def test_an_exams_quantities_leave_out_the_localizer_and_keep_the_phantom(ward: Any) -> None:
    ward.exam("A", 0)
    ward.dose("i0", 1, acc="A", ctdivol_mgy=0.1, phantom_cm=32, dlp_mgy_cm=5.0, acquisition_type=LOCALIZER,
              protocol_name="Scout")  # fmt: skip
    ward.dose("i1", 2, acc="A", ctdivol_mgy=50.0, phantom_cm=16, dlp_mgy_cm=800.0, protocol_name="Head", ssde_mgy=44.0)
    ward.dose("i2", 3, acc="A", ctdivol_mgy=40.0, phantom_cm=16, dlp_mgy_cm=100.0, protocol_name="Neck",
              dose_check="notification", diameter_mm=180.0)  # fmt: skip
    exam = ward.facts().families["fact_dose_exam"].iloc[0]
    assert (exam["ctdivol_mgy"], exam["dlp_mgy_cm"], exam["ssde_mgy"], exam["phantom"]) == (50.0, 905.0, 44.0, "16 cm")
    assert (exam["protocol_name"], exam["has_notification"], exam["has_alert"]) == ("Head", True, False)
    assert (exam["has_dose_report"], exam["diameter_mm"]) == (True, 180.0)


def test_doses_to_both_phantoms_are_compared_with_nothing(new_ward: Any) -> None:
    ward = new_ward(dose=DoseRules(references=(reference(), reference(phantom="16 cm"))))
    ward.exam("A", 0)
    ward.dose("i1", 2, acc="A", ctdivol_mgy=9.0, phantom_cm=16)
    ward.dose("i2", 3, acc="A", ctdivol_mgy=9.0, phantom_cm=32)
    values = ward.facts().families["fact_dose_value"]
    assert values[["phantom", "value"]].to_numpy().tolist() == [["mixed", 9.0]]
    assert values["reference_value"].isna().all()


def test_an_exam_without_a_report_has_no_quantity_and_is_not_of_zero_dose(ward: Any) -> None:
    ward.exam("A", 0)
    facts = ward.facts()
    exam = facts.families["fact_dose_exam"].iloc[0]
    assert not exam["has_dose_report"]
    assert pd.isna(exam["dlp_mgy_cm"])
    assert facts.families["fact_dose_value"].empty


def test_units_are_those_people_read(new_ward: Any) -> None:
    ward = new_ward(modalities=MODALITIES)
    ward.exam("A", 0, modality="XA", station_name="NXA1")
    ward.dose("i1", 2, acc="A", modality="XA", dap_gy_m2=0.0012, dose_rp_gy=0.5, fluoro_time_s=90.0)
    exam = ward.facts().families["fact_dose_exam"].iloc[0]
    told = exam[["dap_gy_cm2", "dose_rp_mgy", "fluoro_time_min"]].tolist()
    assert told == pytest.approx([12.0, 500.0, 1.5], rel=1e-12)


@pytest.mark.parametrize(
    ("changed", "rows", "wanted"),
    [
        ({}, [reference()], 10.0),
        ({}, [reference(), reference(drl=9.0, age=Band(18.0))], 9.0),  # the narrower one
        ({"age_years": None}, [reference(), reference(drl=9.0, age=Band(18.0))], 10.0),  # unknown age fits no band
        ({"age_years": 17}, [reference(drl=9.0, age=Band(18.0))], None),
        ({}, [reference(drl=8.0, size=Band(30.0, 33.0)), reference(drl=7.0, size=Band(27.0, 30.0))], 8.0),
        ({"diameter_mm": None}, [reference(drl=8.0, size=Band(30.0, 33.0))], None),
        ({"phantom": "16 cm"}, [reference()], None),
        ({"quantity": "DLP"}, [reference()], None),
        ({"local_date": date(2019, 12, 31)}, [reference()], None),
        ({}, [reference(), reference(drl=5.0, valid_from=date(2026, 9, 1))], 5.0),
        ({}, [reference(), reference(drl=5.0, valid_from=date(2026, 9, 2))], 10.0),  # past days keep theirs
    ],
)
def test_a_value_is_beside_the_reference_of_its_group_and_day(
    changed: dict[str, Any], rows: list[DoseReference], wanted: float | None
) -> None:
    found = with_references(valued(**changed), tuple(rows)).iloc[0]
    if wanted is None:
        assert pd.isna(found["reference_value"])
        assert pd.isna(found["relative_value"])
    else:
        assert (found["reference_value"], found["relative_value"]) == (wanted, 12.0 / wanted)


def test_fluoroscopy_levels_hold_from_their_date_on_and_a_sites_own_wins(new_ward: Any) -> None:
    rules = (
        LevelRule("fluoroscopy", "DAP", "*", date(2026, 1, 1), 10.0),
        LevelRule("fluoroscopy", "DAP", "*", date(2027, 1, 1), 1.0),
        LevelRule("fluoroscopy", "DAP", "NORTH", date(2026, 1, 1), 100.0),
    )
    for levels, over in ((rules, False), (rules[:2], True), (rules[1:2], None), ((), None)):
        ward = new_ward(dose=DoseRules(levels=levels), modalities=MODALITIES)
        ward.exam("A", 0, modality="XA", station_name="NXA1")
        ward.dose("i1", 2, acc="A", modality="XA", dap_gy_m2=0.0012)
        exam = ward.facts().families["fact_dose_exam"].iloc[0]
        for name in ("over_dap", "over_level"):
            assert (None if pd.isna(exam[name]) else bool(exam[name])) == over, (levels, name)


def test_the_ct_preview_adjusts_to_size_as_the_loaded_file_says(new_ward: Any) -> None:
    ward = new_ward(dose=DoseRules(ct_categories=(CtCategory("other", "X", 100.0, 30.0, 0.05),)))
    for name, diameter in (("A", 320.0), ("B", None)):
        ward.exam(name, 0, procedure_text="CT SOMETHING", birth_year=1970)
        ward.dose(f"i{name}", 2, acc=name, dlp_mgy_cm=200.0, diameter_mm=diameter)
    exams = ward.facts().families["fact_dose_exam"]
    first, second = (exams[exams["accession_token"] == name].iloc[0] for name in ("A", "B"))
    assert first["ct_adjusted_mgy_cm"] == pytest.approx(200.0 / np.exp(0.1))
    assert first["ct_limit_mgy_cm"] == 100.0
    assert pd.isna(second["ct_adjusted_mgy_cm"])


def test_sums_of_a_patient_look_back_over_the_window_alone(new_ward: Any, new_engine: Any) -> None:
    level = LevelRule("cumulative", "DLP", "*", date(2020, 1, 1), 250.0)
    ward = new_ward(dose=DoseRules(levels=(level,), window_days=2))
    for n, (start, dlp) in enumerate(((0.0, 100.0), (DAY, 200.0), (2 * DAY + 60, 10.0), (3 * DAY, 5.0))):
        ward.exam(f"A{n}", start, patient="p")
        ward.dose(f"i{n}", start + 2, acc=f"A{n}", dlp_mgy_cm=dlp)
    ward.exam("B", 0, patient="other")
    ward.dose("ib", 2, acc="B", dlp_mgy_cm=999.0)
    with new_engine().begin() as connection:
        ward.load(connection)
        derive(connection, ward.parameters)
        rows = read_frame(connection, fact_dose_patient.select().order_by(fact_dose_patient.c.exam_end_at))
    mine = rows[rows["value"] != 999.0]
    assert mine["rolling_value"].tolist() == [100.0, 300.0, 210.0, 215.0]
    assert mine["rolling_exams"].tolist() == [1, 2, 2, 3]
    assert mine["is_over"].tolist() == [False, True, False, False]
    assert mine["is_crossing"].tolist() == [False, True, False, False]
    assert mine["is_last"].tolist() == [False, False, False, True]
    other = rows[rows["value"] == 999.0].iloc[0]
    assert (other["rolling_value"], other["is_crossing"], other["is_last"]) == (999.0, True, True)


def test_few_or_equal_values_of_a_protocol_judge_nobody(new_ward: Any, new_engine: Any) -> None:
    ward = new_ward()
    values = {
        "usual": [10.0 * 1.1**n for n in range(LEAST_VALUES)], "few": [5.0, 6.0, 50.0], "equal": [7.0] * LEAST_VALUES,
    }  # fmt: skip
    for protocol, given in values.items():
        for n, value in enumerate(given):
            name = f"{protocol}{n}"
            ward.exam(name, 30.0 * n)
            ward.dose(f"i{name}", 30.0 * n + 2, acc=name, protocol_name=protocol, dlp_mgy_cm=value)
    with new_engine().begin() as connection:
        ward.load(connection)
        derive(connection, ward.parameters)
        rows = read_frame(connection, fact_dose_protocol.select()).set_index("protocol_name")
    logs = np.log(values["usual"])
    assert rows.loc["usual", "log_median"] == pytest.approx(np.median(logs))
    assert rows.loc["usual", "log_mad"] == pytest.approx(np.median(np.abs(logs - np.median(logs))))
    assert rows.loc["usual", "median_value"] == pytest.approx(np.median(values["usual"]))
    assert rows.loc[["few", "equal"], "log_mad"].isna().all()
    assert rows["n"].to_dict() == {"usual": LEAST_VALUES, "few": 3, "equal": LEAST_VALUES}
