"""Exam facts of tiny departments, computed by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest

from etl.warehouse.parameters import PrecedenceRule, TargetRule


def _full_exam(ward: Any) -> None:
    """08:00 in New York: begin at minute 0, booked for minute 5, arrived 12 min before it."""
    ids = {"acc": "A", "patient": "p", "priority_code": "s", "patient_class_code": "E", "modality": "CT"}
    ward.event("order_entered", -100, **ids, procedure_code="CTH", procedure_text="CT HEAD W/O")
    ward.event("exam_scheduled", -90, **ids, appointment_at=5, planned_duration_min=15, station_name="NCT2")
    ward.event("patient_arrived", -12, **ids)
    ward.event("in_room", -4, **ids)
    ward.event("exam_begin", 0, **ids, station_name="CT01", technologist="t1")
    ward.event("exam_end", 20, **ids, station_name="CT01")
    ward.event("images_available", 23, **ids)
    ward.event("read_opened", 33, **ids)
    ward.event("dictated", 40, **ids)
    ward.event("prelim", 45, **ids, reader="trainee")
    ward.event("prelim", 47, **ids, reader="trainee")
    ward.event("final", 80, **ids, reader="attending")
    ward.event("addendum", 500, **ids, reader="attending")
    ward.series("s1", 2, 5, acc="A", station_name="OLDCT")
    ward.series("s2", 10, 16, acc="A", station_name="OLDCT")


def test_every_duration_of_a_whole_exam(ward: Any) -> None:
    _full_exam(ward)
    exam = ward.one()
    expected = {
        "order_to_arrive_min": 88.0,
        "patient_wait_min": 0.0,  # begun before the appointment
        "arrival_to_begin_min": 12.0,
        "punctuality_min": -17.0,
        "start_delay_min": -5.0,
        "prep_min": 4.0,
        "exam_duration_min": 20.0,
        "dicom_duration_min": 14.0,
        "ris_dicom_difference_min": 6.0,
        "begin_offset_min": -2.0,
        "end_offset_min": 4.0,
        "images_delay_min": 3.0,
        "report_tat_min": 60.0,
        "first_communication_min": 25.0,
        "total_tat_min": 145.0,
        "unread_wait_min": 10.0,
        "read_time_min": 7.0,
        "prelim_to_final_min": 35.0,
        "end_to_end_min": 180.0,
        "overrun_min": 5.0,
    }
    assert {name: exam[name] for name in expected} == expected


def test_every_milestone_and_description_of_a_whole_exam(ward: Any, minutes: Any) -> None:
    _full_exam(ward)
    exam = ward.one()
    times = {
        "first_prelim_at": 45, "last_prelim_at": 47, "first_final_at": 80, "last_final_at": 500,
        "first_addendum_at": 500, "first_communication_at": 45, "appointment_at": 5, "scheduled_at": -90,
        "first_acquisition_at": 2, "last_acquisition_at": 16, "order_accepted_at": -100,
    }  # fmt: skip
    assert {name: exam[name] for name in times} == {name: minutes(m) for name, m in times.items()}
    said = {
        "site_code": "NORTH", "scanner_code": "NCT1", "booked_scanner_code": "NCT2", "modality": "CT",
        "procedure_group": "CT head", "section": "NEURO", "priority": "STAT", "patient_class": "E",
        "shift": "day", "reader": "attending", "reader_mode": "trainee", "technologist": "t1", "status": "final",
        "exam_begin_source": "ris", "exam_begin_difference_min": -2.0, "exam_end_difference_min": 4.0,
        "begin_local_hour": 8, "order_local_hour": 6, "is_performed": True, "has_images": True,
        "has_dose_report": False, "has_order_violation": False,
    }  # fmt: skip
    assert {name: exam[name] for name in said} == said
    assert exam["end_local_date"] == pd.Timestamp("2026-09-01")


def test_a_negative_duration_is_an_error_and_no_value(ward: Any) -> None:
    ward.exam("A", 0)
    ward.event("images_available", 12, acc="A")  # before the end at 20
    exam = ward.one()
    assert exam["has_order_violation"]
    assert pd.isna(exam["images_delay_min"])
    assert exam["report_tat_min"] == 60


def test_a_code_without_a_map_becomes_unknown(ward: Any) -> None:
    ward.exam("A", 0, priority_code="Z9", patient_class_code="Q")
    exam = ward.one()
    assert (exam["priority"], exam["patient_class"]) == ("UNKNOWN", "UNKNOWN")


def test_the_last_word_on_priority_and_procedure_counts(ward: Any) -> None:
    ward.exam("A", 0, priority_code="R", procedure_code="OLD")
    ward.event("order_changed", 1000, acc="A", priority_code="S", procedure_code="NEW")
    exam = ward.one()
    assert (exam["priority"], exam["procedure_code"]) == ("STAT", "NEW")


def test_device_times_stand_in_for_lost_messages(ward: Any, minutes: Any) -> None:
    ward.event("order_entered", -50, acc="A", modality="CT")
    ward.series("s", 3, 9, acc="A", performed_begin_at=1, performed_end_at=12, station_name="NCT1")
    ward.event("final", 60, acc="A")
    exam = ward.one()
    assert (exam["exam_begin_at"], exam["exam_begin_source"]) == (minutes(1), "mpps")
    assert (exam["exam_end_at"], exam["exam_end_source"]) == (minutes(12), "mpps")
    assert exam["exam_begin_difference_min"] == -2
    assert pd.isna(exam["begin_offset_min"])
    assert pd.isna(exam["ris_dicom_difference_min"])


def test_precedence_is_per_site_and_dated(new_ward: Any) -> None:
    rules = (
        PrecedenceRule("begin", "*", None, ("ris", "mpps", "dicom")),
        PrecedenceRule("begin", "NORTH", date(2026, 9, 2), ("dicom", "ris")),
    )
    ward = new_ward(precedence=rules)
    for n, begin in enumerate((0, 1440)):
        ward.exam(f"A{n}", begin)
        ward.series(f"s{n}", begin + 4, acc=f"A{n}")
    ward.exam("S", 1440, feed="south_hl7", station_name="SCT1")
    ward.series("s9", 1444, acc="S", site_code="SOUTH")
    sources = ward.facts().exams.set_index("accession_token")["exam_begin_source"].to_dict()
    assert sources == {"A0": "ris", "A1": "dicom", "S": "ris"}


def test_messages_are_believed_before_the_extract(ward: Any, minutes: Any) -> None:
    ward.exam("A", 0.4)
    ward.event("exam_begin", 0, feed="north_ris", acc="A")
    ward.event("in_room", -3, feed="north_ris", acc="A")
    exam = ward.one()
    assert exam["exam_begin_at"] == minutes(0.4)
    assert exam["in_room_at"] == minutes(-3)  # only the extract knows it


def test_images_still_coming_are_no_end(ward: Any, minutes: Any) -> None:
    ward.event("exam_begin", 0, acc="A", station_name="NCT1")
    ward.series("s", 5, acc="A", station_name="NCT1")
    assert ward.one(data_at=minutes(30))["status"] == "in_progress"
    late = ward.one(data_at=minutes(300))
    assert (late["status"], late["exam_end_source"]) == ("ended", "dicom")


def test_linked_accessions_share_the_images_of_their_study(ward: Any) -> None:
    for acc in ("A1", "A2"):
        ward.exam(acc, 0, study="S", patient="p")
    ward.series("s", 3, 11, acc="A1", study="S")
    ward.dose("d", 4, acc="A1", study="S", dlp_mgy_cm=100.0)
    exams = ward.facts().exams.set_index("accession_token")
    assert exams["has_images"].tolist() == [True, True]
    assert exams["has_dose_report"].tolist() == [True, True]
    assert exams["dicom_duration_min"].tolist() == [8, 8]
    assert exams["dlp_total_mgy_cm"].fillna(0).tolist() == [100, 0]  # the dose was given once


def test_results_going_backwards_do_not_overwrite(ward: Any) -> None:
    ward.exam("A", 0)
    ward.event("prelim", 200, acc="A")
    ward.event("exam_end", 300, acc="A")
    exam = ward.one()
    assert (exam["status"], exam["exam_duration_min"], exam["report_tat_min"]) == ("final", 20, 60)


def test_a_correction_proves_a_lost_final(ward: Any, minutes: Any) -> None:
    ward.event("exam_begin", 0, acc="A")
    ward.event("exam_end", 20, acc="A")
    ward.event("addendum", 90, acc="A")
    exam = ward.one()
    assert (exam["status"], exam["first_final_at"], exam["report_tat_min"]) == ("final", minutes(90), 70)


@pytest.mark.parametrize(
    ("end", "priority", "target"),
    [(0, "S", 60.0), (0, "R", 240.0), (40 * 1440, "S", 45.0), (0, "A", 240.0)],
)
def test_the_target_of_the_time_and_class_holds(new_ward: Any, end: int, priority: str, target: float) -> None:
    rules = (
        TargetRule(None, date(2026, 10, 1), "*", "CT", "STAT", "*", "report", 60.0),
        TargetRule(date(2026, 10, 1), None, "*", "CT", "STAT", "*", "report", 45.0),
        TargetRule(None, None, "NORTH", "*", "*", "*", "report", 240.0),
        TargetRule(None, None, "*", "CT", "STAT", "E", "wait", 5.0),
    )
    ward = new_ward(targets=rules)
    ward.exam("A", end - 20, priority_code=priority)
    assert ward.one()["report_target_min"] == target


def test_an_open_exam_has_no_target_yet(new_ward: Any) -> None:
    ward = new_ward(targets=(TargetRule(None, None, "*", "*", "*", "*", "report", 60.0),))
    ward.event("exam_begin", 0, acc="A")
    assert pd.isna(ward.one()["report_target_min"])


def test_clock_corrections_move_what_that_clock_wrote(new_ward: Any, minutes: Any) -> None:
    ward = new_ward(clock_corrections={"CT-console": -420.0})
    ward.exam("A", 0)
    ward.series("s", 9, 19, acc="A", clock_key="CT-console")
    exam = ward.one()
    assert (exam["first_acquisition_at"], exam["last_acquisition_at"]) == (minutes(2), minutes(12))
    assert exam["exam_begin_at"] == minutes(0)


def test_durations_over_the_dst_night_are_true_ones(ward: Any) -> None:
    begin = datetime(2026, 11, 1, 5, 50, tzinfo=UTC)  # 01:50 daylight time, ten minutes before the hour repeats
    end = datetime(2026, 11, 1, 6, 10, tzinfo=UTC)  # 01:10 standard time
    ward.event("exam_begin", begin, acc="A", station_name="NCT1")
    ward.event("exam_end", end, acc="A", station_name="NCT1")
    exam = ward.one()
    assert exam["exam_duration_min"] == 20
    assert (exam["begin_local_hour"], exam["end_local_hour"]) == (1, 1)
    assert not exam["has_order_violation"]


def test_merged_patients_are_one_whatever_the_order(ward: Any) -> None:
    for n, patient in enumerate("abcd"):
        ward.exam(f"A{n}", n * 100, patient=patient)
    ward.event("patient_merged", 900, patient="b", prior="a")
    ward.event("patient_merged", 800, patient="c", prior="b")
    ward.event("patient_merged", 950, patient="c", prior="b")
    exams = ward.facts().exams.set_index("accession_token")["patient_key"]
    assert exams["A0"] == exams["A1"] == exams["A2"] != exams["A3"]


@pytest.mark.parametrize(
    ("station", "modality", "scanner"),
    [
        ("nct2", "CT", "NCT2"),
        ("OLDCT", "CT", "NCT1"),
        ("elsewhere", "MR", "NMR1"),
        ("elsewhere", "CT", None),
        (None, "MRI", "NMR1"),
    ],
)
def test_stations_are_found_by_alias_code_or_only_scanner(ward: Any, station: Any, modality: str, scanner: Any) -> None:
    ward.event("exam_begin", 0, acc="A", station_name=station, modality=modality)
    assert ward.one()["scanner_code"] == scanner


def test_a_station_of_another_site_is_not_taken(ward: Any) -> None:
    ward.event("exam_begin", 0, acc="A", station_name="SCT1", modality="CT")
    assert ward.one()["scanner_code"] is None
