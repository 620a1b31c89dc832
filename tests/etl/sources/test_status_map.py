"""The shipped reference tables are whole: known types, every preset column mapped, every row with its source."""

from __future__ import annotations

import csv

import pytest

from etl.records import EventType
from etl.settings import REFERENCE
from etl.sources.hl7_rules import shipped_rules
from etl.sources.mapping import presets
from etl.sources.status_map import shipped_event_type


def rows() -> list[dict[str, str]]:
    with (REFERENCE / "status_maps.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_names_a_known_type_and_a_source() -> None:
    for row in rows():
        assert row["event_type"] in {"", *EventType}, row  # empty: nothing, on purpose
        assert row["source"], row
        assert None not in row, row


def test_no_pattern_is_listed_twice() -> None:
    keys = [(row["kind"], row["preset"], row["pattern"]) for row in rows()]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("name", sorted(presets().keys() - {"status_history"}))  # there the status alone decides
def test_every_milestone_of_a_preset_maps_to_its_type(name: str) -> None:
    mapping = presets()[name]
    for event_type, header in mapping.milestones.items():
        word = "Report Viewed" if name == "report_log" else "Canceled"
        code = f"csv:{header}/{word}" if header in mapping.qualified_by else f"csv:{header}"
        assert (shipped_event_type("ris_csv", code, name) or mapping.event_type(code)) == event_type


def test_discontinued_is_told_from_cancelled() -> None:
    assert shipped_event_type("ris_csv", "csv:Cancel Date/Discontinued", "epic_like") == "exam_discontinued"
    assert shipped_event_type("ris_csv", "csv:Cancel Timestamp/Canceled", "cerner_like") == "order_cancelled"


@pytest.mark.parametrize(
    ("code", "event_type"),
    [
        ("ORM^O01/NW//", "order_entered"),
        ("OMI^O23/NW/SC/", "order_entered"),
        ("OMI^O23/OK/SC/", "order_accepted"),
        ("ORM^O01/SC/SC/", "exam_scheduled"),
        ("ORM^O01/SC/IP/", "exam_begin"),
        ("OMG^O19/SC/CM/", "exam_end"),
        ("ORM^O01/XO/CM/", "exam_end"),
        ("ORM^O01/XO//", "order_changed"),
        ("ORM^O01/CA/CA/", "order_cancelled"),
        ("ORM^O01/DC/DC/", "exam_discontinued"),
        ("ORM^O01/DC//", "order_discontinued"),
        ("ORU^R01/RE//P", "prelim"),
        ("ORU^R01/RE/CM/F", "final"),
        ("ORU^R01///C", "addendum"),
        ("ORU^R01///R", "dictated"),
        ("ORU^R01///F#CRIT", "crit_identified"),
        ("ORU^R01///F#CRITNOTIF", "crit_notified"),
        ("ORU^R01///F#CRITACK", "crit_ack"),
        ("ORU^R01///F#FOLLOWUP", "followup_recommended"),
        ("ORU^R01///A#AITRIAGE", "postproc_end"),
        ("ORU^R01///A#OBR-7", "postproc_begin"),
        ("ORU^R01///A", None),
        ("SIU^S12///", "exam_scheduled"),
        ("SIU^S26///", "no_show"),
        ("ADT^A04///", "patient_arrived"),
        ("ADT^A40///", "patient_merged"),
        ("ORM^O01/SC/ZZ/", None),
    ],
)
def test_generic_hl7_codes(code: str, event_type: str | None) -> None:
    assert shipped_event_type("hl7v2", code) == event_type


def test_vista_reference_ladder_has_its_three_fixed_rungs() -> None:
    ladder = {step: shipped_event_type("hl7v2", f"ORM^O01/SC/{step}/", "vista") for step in "123490"}
    assert (ladder["1"], ladder["9"], ladder["0"]) == ("patient_arrived", "final", "order_cancelled")
    assert None not in ladder.values()
    assert shipped_event_type("hl7v2", "ORM^O01/SC/1/") is None  # a preset speaks only where it is chosen


def test_preset_rows_come_before_generic_ones_so_that_they_win() -> None:
    assert shipped_event_type("hl7v2", "ORM^O01/SC/Exam Ended/", "epic") == "exam_end"
    assert shipped_event_type("hl7v2", "ORU^R01///Final", "epic") == "final"


def test_shipped_field_rules_have_a_position_each() -> None:
    assert all(shipped_rules().values())
