"""Dose events and series: each counted once, however often it was told."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest


def test_repeated_and_cumulative_reports_count_once(ward: Any) -> None:
    ward.exam("A", 0)
    ward.dose("i1", 2, acc="A", dlp_mgy_cm=100.0, ctdivol_mgy=8.0, report="r1")
    ward.dose("i2", 4, acc="A", dlp_mgy_cm=50.0, ctdivol_mgy=11.0, report="r2")
    ward.dose("i1", 2, acc="A", dlp_mgy_cm=100.0, ctdivol_mgy=8.0, report="r2")
    exam = ward.one()
    assert (exam["dlp_total_mgy_cm"], exam["ctdivol_max_mgy"]) == (150, 11)
    assert exam["has_dose_report"]
    assert len(ward.facts().dose_events) == 2


def test_the_fuller_record_of_an_irradiation_is_kept(ward: Any) -> None:
    ward.exam("A", 0)
    ward.dose("i1", 2, acc="A", dlp_mgy_cm=100.0, report="r1")
    ward.dose("i1", 2, acc="A", dlp_mgy_cm=100.0, ctdivol_mgy=8.0, report="r2")
    ward.dose("i1", 2, dlp_mgy_cm=1.0, ctdivol_mgy=1.0, ssde_mgy=1.0, report="r3")  # not linked
    event = ward.facts().dose_events.iloc[0]
    assert (event["dlp_mgy_cm"], event["ctdivol_mgy"]) == (100, 8)


def test_phantoms_are_no_patients(ward: Any) -> None:
    ward.exam("A", 0)
    ward.dose("i1", 2, acc="A", dlp_mgy_cm=100.0, is_patient=False)
    exam = ward.one()
    assert not exam["has_dose_report"]
    assert pd.isna(exam["dlp_total_mgy_cm"])


def test_totals_without_a_value_are_missing_not_zero(ward: Any) -> None:
    ward.exam("A", 0)
    ward.dose("i1", 2, acc="A", agd_mgy=1.5, laterality="L", modality="MG")
    ward.dose("i2", 3, acc="A", agd_mgy=1.25, laterality="L", modality="MG")
    exam = ward.one()
    assert exam["agd_left_mgy"] == 2.75
    assert pd.isna(exam["agd_right_mgy"])
    assert pd.isna(exam["dlp_total_mgy_cm"])


def test_dose_reports_give_acquisition_times_where_images_are_missing(ward: Any, minutes: Any) -> None:
    ward.exam("A", 0)
    ward.dose("i1", 2, acc="A", ended_at=minutes(3))
    ward.dose("i2", 9, acc="A", ended_at=minutes(10))
    exam = ward.one()
    assert (exam["first_acquisition_at"], exam["last_acquisition_at"]) == (minutes(2), minutes(10))
    assert not exam["has_images"]
    ward.series("s", 1, 8, acc="A")
    assert ward.one()["last_acquisition_at"] == minutes(8)


def test_instances_of_a_series_count_once_across_feeds(ward: Any, minutes: Any) -> None:
    ward.exam("A", 0)
    for instance, when in (("i1", 2), ("i2", 3), ("i2", 3)):
        ward.series(
            "s", when, acc="A", instance=instance, number_of_instances=1, size_bytes=100, protocol_name=f"{when}"
        )
    ward.series("s", 2, acc="A", instance="i2", number_of_instances=1, size_bytes=100, clock_key="again")
    series = ward.facts().acquisitions
    assert series[["instances", "size_bytes"]].to_numpy().tolist() == [[2, 200]]
    ward.series("s", 1, acc="A", number_of_instances=40, size_bytes=9000, clock_key="archive")
    row = ward.facts().acquisitions.iloc[0]
    assert (row["instances"], row["size_bytes"]) == (40, 9000)
    assert (row["begin_at"], row["end_at"]) == (minutes(1), minutes(3))


def test_dose_sheets_and_captures_are_no_acquisitions(ward: Any, minutes: Any) -> None:
    ward.exam("A", 0)
    ward.series("s1", 2, acc="A")
    ward.series("s2", 55, acc="A", modality="SR")
    assert ward.one()["last_acquisition_at"] == minutes(2)
    assert len(ward.facts().acquisitions) == 2


def test_an_image_s_dose_counts_where_no_report_tells_and_is_no_report(ward: Any) -> None:
    ward.exam("A", 0)
    ward.dose("i1", 2, acc="A", dap_gy_m2=1e-5, modality="DX", origin="image")
    ward.dose("i2", 3, acc="A", dap_gy_m2=2e-5, modality="DX", origin="image")
    exam = ward.one()
    assert exam["dap_total_gy_m2"] == pytest.approx(3e-5)
    assert not exam["has_dose_report"]
    assert list(ward.facts().dose_events["origin"]) == ["image", "image"]


def test_an_image_s_dose_never_counts_beside_a_report_of_the_exam(ward: Any) -> None:
    ward.exam("A", 0)
    ward.dose("i1", 2, acc="A", dap_gy_m2=1e-5, modality="DX", origin="image")
    ward.dose("other", 3, acc="A", dap_gy_m2=4e-5, modality="DX", report="r1")
    exam = ward.one()
    assert exam["dap_total_gy_m2"] == 4e-5
    assert exam["has_dose_report"]
    assert list(ward.facts().dose_events["irradiation_token"]) == ["other"]


def test_of_one_irradiation_the_report_counts_however_little_it_tells(ward: Any) -> None:
    ward.exam("A", 0)
    ward.dose("i1", 2, acc="A", dap_gy_m2=1e-5, ctdivol_mgy=1.0, dlp_mgy_cm=1.0, origin="image")
    ward.dose("i1", 2, acc="A", dap_gy_m2=4e-5, report="r1")
    assert ward.one()["dap_total_gy_m2"] == 4e-5


def test_a_report_outdoes_images_of_its_study_that_no_exam_was_found_for(ward: Any) -> None:
    ward.dose("i1", 2, study="1.2", dap_gy_m2=1e-5, origin="image")
    ward.dose("i2", 2, study="1.2", dap_gy_m2=4e-5, report="r1")
    ward.dose("i3", 2, study="9.9", dap_gy_m2=7e-5, origin="image")
    facts = ward.facts().dose_events
    assert sorted(facts["irradiation_token"]) == ["i2", "i3"]
