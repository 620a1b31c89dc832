"""DICOM JSON files: every level, odd types of values, and answers that are none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from etl.errors import FilterReason, ItemRefused, Reason
from etl.records import Filtered, Read, Refused, SeriesRecord
from etl.settings import Feed, Settings, Site
from etl.sources.dicom_json import load_objects
from etl.sources.dicomweb import DicomWeb, read_object

ZONE = ZoneInfo("America/New_York")
SERIES: dict[str, Any] = {
    "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
    "0020000E": {"vr": "UI", "Value": ["1.2.3.4"]},
    "00080050": {"vr": "SH", "Value": ["ACC1"]},
    "00080060": {"vr": "CS", "Value": ["CT"]},
    "00080021": {"vr": "DA", "Value": ["20260701"]},
    "00080031": {"vr": "TM", "Value": ["100000.5"]},
    "00081010": {"vr": "SH", "Value": ["NCT1"]},
    "00201209": {"vr": "IS", "Value": [120]},
    "00400244": {"vr": "DA", "Value": ["20260701"]},
    "00400245": {"vr": "TM", "Value": ["095500"]},
}


def record(**changes: Any) -> SeriesRecord:
    item = read_object(SERIES | changes, "f#1", ZONE)
    assert isinstance(item, Read), item
    (found,) = item.records
    assert isinstance(found, SeriesRecord)
    return found


def test_a_series_becomes_one_record() -> None:
    found = record()
    assert (found.ids.accession_number, found.ids.study_instance_uid, found.series_instance_uid) == (
        "ACC1",
        "1.2.3",
        "1.2.3.4",
    )
    assert found.begin_at == datetime(2026, 7, 1, 14, 0, 0, 500000, tzinfo=UTC)
    assert found.performed_begin_at == datetime(2026, 7, 1, 13, 55, tzinfo=UTC)
    assert (found.number_of_instances, found.sop_instance_uid, found.time_source) == (120, None, "SeriesTime")
    assert (found.station_name, found.clock, found.size_bytes) == ("NCT1", "NCT1", None)


@pytest.mark.parametrize("count", [120, "120", 120.0, "120 "])
def test_counts_come_as_numbers_or_strings(count: Any) -> None:
    assert record(**{"00201209": {"vr": "IS", "Value": [count]}}).number_of_instances == 120


@pytest.mark.parametrize("count", [None, -1, "many", 0, 1e300, True, "9" * 70])
def test_a_senseless_count_is_one(count: Any) -> None:
    assert record(**{"00201209": {"vr": "IS", "Value": [count]}}).number_of_instances == 1


@pytest.mark.parametrize(
    "element", [{}, {"vr": "SH"}, {"vr": "SH", "Value": []}, {"vr": "SH", "Value": [None]}, "text"]
)
def test_empty_values_in_any_form_are_missing(element: Any) -> None:
    assert record(**{"00081010": element}).station_name is None


def test_tags_in_lower_case_are_read() -> None:
    item = read_object({key.lower(): value for key, value in SERIES.items()}, "f#1", ZONE)
    assert isinstance(item, Read)


def test_the_request_fills_in_the_accession_number() -> None:
    request = {"vr": "SQ", "Value": [{"00080050": {"vr": "SH", "Value": ["ACC2"]}}]}
    assert record(**{"00080050": {"vr": "SH"}, "00400275": request}).ids.accession_number == "ACC2"


def test_the_requested_procedure_comes_from_the_request_or_the_header() -> None:
    request = {"vr": "SQ", "Value": [{"00401001": {"vr": "SH", "Value": ["RP2"]}}]}
    assert record(**{"00400275": request}).ids.requested_procedure_id == "RP2"
    assert record(**{"00401001": {"vr": "SH", "Value": ["RP3"]}}).ids.requested_procedure_id == "RP3"


def test_an_instance_counts_as_one_of_its_series() -> None:
    found = record(**{"00080018": {"vr": "UI", "Value": ["1.2.3.4.5"]}})
    assert (found.sop_instance_uid, found.number_of_instances) == ("1.2.3.4.5", 1)


def test_a_study_level_answer_is_filtered() -> None:
    study = {key: value for key, value in SERIES.items() if key != "0020000E"}
    assert read_object(study, "f#1", ZONE) == Filtered("f#1", FilterReason.NOT_AN_IMAGE)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({}, Reason.MISSING_IDENTIFIER),
        ([], Reason.BAD_STRUCTURE),
        (None, Reason.BAD_STRUCTURE),
        (SERIES | {"00080031": {"vr": "TM"}, "00400245": {"vr": "TM"}}, Reason.MISSING_TIME),
    ],
)
def test_an_object_without_identifier_or_time_is_refused(found: Any, reason: Reason) -> None:
    item = read_object(found, "f#1", ZONE)
    assert isinstance(item, Refused)
    assert item.reason is reason
    assert json.loads(item.raw or b"") == found


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", Reason.NOT_THIS_FORMAT),
        (b"no json", Reason.NOT_THIS_FORMAT),
        (b"42", Reason.NOT_THIS_FORMAT),
        (b'[{"0020000D": {"vr": "UI", "Val', Reason.TRUNCATED),
        (b'[{"0020000D": {"vr": "UI", "Value": ["1"]}', Reason.TRUNCATED),
        (b"\xff\xfe[\0", Reason.BAD_CHARSET),
        (b"[" * 200_000, Reason.BAD_STRUCTURE),
        (b"[" + b"9" * 10_000 + b"]", Reason.BAD_STRUCTURE),
    ],
)
def test_a_file_that_is_no_dicom_json_is_one_refused_item(content: bytes, reason: Reason, tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_bytes(content)
    with pytest.raises(ItemRefused) as refusal:
        load_objects(path)
    assert refusal.value.reason is reason


def test_each_object_is_an_item_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "day.json").write_text(json.dumps([SERIES, {}, SERIES]), encoding="utf-8")
    settings = Settings(base=tmp_path, sites=(Site(code="N", name="North", zone="America/New_York"),))
    feed = Feed(key="q", kind="dicomweb", site="N")
    items = list(DicomWeb().read(tmp_path / "day.json", feed, settings))
    assert [(type(item).__name__, item.source_ref) for item in items] == [
        ("Read", "day.json#1"),
        ("Refused", "day.json#2"),
        ("Read", "day.json#3"),
    ]


def test_an_empty_answer_offers_nothing(tmp_path: Path) -> None:
    (tmp_path / "day.json").write_text("[]", encoding="utf-8")
    assert load_objects(tmp_path / "day.json") == []
