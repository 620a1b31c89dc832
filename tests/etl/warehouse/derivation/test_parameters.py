"""The parameter set: complete in its hash, read from shipped and own tables, refusing bad ones."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from etl.errors import ConfigurationError
from etl.records import EventType
from etl.settings import REFERENCE, Feed, Scanner, Settings, Site
from etl.warehouse.care_rules import AiUse, StandardRule
from etl.warehouse.clock_rules import ClockRule
from etl.warehouse.dose_rules import DoseRules
from etl.warehouse.event_set import TYPE_CODE, UNMAPPED, type_code
from etl.warehouse.parameters import (
    FeedRule,
    Parameters,
    PrecedenceRule,
    ProcedureRule,
    ReasonRule,
    Rules,
    StatusRule,
    TargetRule,
    load_parameters,
)
from etl.warehouse.reference_match import procedure_groups

TARGETS = "valid_from,valid_to,site,modality,priority,patient_class,phase,target_min\n"
OTHER: dict[str, Any] = {
    "sites": (Site(code="N", name="N", zone="Europe/London"),),
    "scanners": (Scanner(code="N1", site="N", modality="CT", name="x"),),
    "feeds": (FeedRule("f", "hl7v2", "N"),),
    "clock_corrections": {"c": 1.0},
    "status_rules": (StatusRule("hl7v2", "", "*", "final"),),
    "procedure_rules": (ProcedureRule("CT", "*", "g", "s"),),
    "priorities": {"S": "STAT"},
    "patient_classes": {"E": "E"},
    "modalities": {"CT": "CT"},
    "protocols": {"CT|HEAD": "Head"},
    "targets": (TargetRule(None, None, "*", "*", "*", "*", "report", 60.0),),
    "clock_rules": (ClockRule("no_show", "*", "notice", "local"),),
    "precedence": (PrecedenceRule("begin", "*", None, ("mpps",)),),
    "standards": (StandardRule("*", "CTX", "HEAD *", 2),),
    "ai_uses": (AiUse("ICH", "N", "CT head", None, None),),
    "rules": Rules(pause_min=31),
    "individual_readers": True,
    "regions": {"CT head": ("head",)},
    "modality_families": {"CT": "CT"},
    "order_ratings": {"AUC1": "appropriate"},
    "repeat_reasons": {"R1": "redundant"},
    "cancellation_reasons": (ReasonRule("PATIENT*", "patient"),),
    "dose": DoseRules(window_days=30),
}


@pytest.mark.parametrize("name", [f.name for f in fields(Parameters)])
def test_the_hash_covers_every_field(name: str) -> None:
    assert replace(Parameters(), **{name: OTHER[name]}).hash != Parameters().hash


def test_the_hash_is_stable_and_a_text_of_32_digits() -> None:
    assert Parameters(**OTHER).hash == Parameters(**OTHER).hash
    assert len(Parameters().hash) == 32


def test_shipped_tables_and_settings_make_a_parameter_set(tmp_path: Path) -> None:
    (tmp_path / "targets.csv").write_text(TARGETS + "2026-01-01,,N,CT,STAT,,report,45\n")
    feed = Feed(key="ris", kind="ris_csv", site="N", options={"preset": "epic_like"})
    found = load_parameters(Settings(base=tmp_path, feeds=(feed,), clock_corrections={"CT1": -420.0}))
    assert found.feeds == (FeedRule("ris", "ris_csv", "N", "epic_like"),)
    assert found.targets == (TargetRule(date(2026, 1, 1), None, "N", "CT", "STAT", "*", "report", 45.0),)
    assert found.priorities["S"] == "STAT"
    assert found.clock_corrections == {"CT1": -420.0}
    assert {r.milestone for r in found.precedence} == {"begin", "end", "available"}


def test_no_targets_file_means_no_targets(tmp_path: Path) -> None:
    assert load_parameters(Settings(base=tmp_path)).targets == ()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("valid_from,site\n", "valid_to"),
        (TARGETS + "yesterday,,N,CT,STAT,,report,45\n", "yesterday"),
        (TARGETS + ",,N,CT,STAT,,report,soon\n", "soon"),
        (TARGETS + ",,N,CT,STAT,,report,0\n", "above zero"),
    ],
)
def test_a_bad_table_is_refused_with_what_is_wrong(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "targets.csv").write_text(text)
    with pytest.raises(ConfigurationError, match=word):
        load_parameters(Settings(base=tmp_path))


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="missing"):
        load_parameters(Settings(base=tmp_path), reference=tmp_path)


@pytest.mark.parametrize(
    ("kind", "preset", "code", "expected"),
    [
        ("hl7v2", "", "ORM^O01/SC/IP/", EventType.EXAM_BEGIN),
        ("hl7v2", "", "ORU^R01///F", EventType.FINAL),
        ("hl7v2", "", "SIU^S26///", EventType.NO_SHOW),
        ("ris_csv", "epic_like", "csv:In Room", EventType.IN_ROOM),
        ("ris_csv", "cerner_like", "csv:In Room", None),
        ("hl7v2", "", "ADT^A08///", EventType.PATIENT_UPDATED),
        ("hl7v2", "", "ADT^A01///", None),
        ("hl7v2", "", "ORM^O01/XO/CA/", EventType.ORDER_CANCELLED),
        ("hl7v2", "", "ORM^O01/SC/IP/X", EventType.ORDER_CANCELLED),
        ("hl7v2", "", "ORM^O01/UC/CA/", EventType.ORDER_REINSTATED),
        ("hl7v2", "", "ORR^O02/CR//", EventType.ORDER_CANCELLED),
        ("hl7v2", "", "ORM^O01/DR/DC/", EventType.EXAM_DISCONTINUED),
        ("hl7v2", "", "ORM^O01/RU//", EventType.ORDER_REPLACED),
        ("hl7v2", "", "ORM^O01/RO/IP/", EventType.ORDER_ENTERED),
        ("hl7v2", "", "ORU^R01/RE/CA/", EventType.ORDER_CANCELLED),
        ("hl7v2", "", "ADT^A37///", EventType.PATIENT_UNMERGED),
    ],
)
def test_shipped_status_maps_know_common_codes(kind: str, preset: str, code: str, expected: EventType | None) -> None:
    rules = load_parameters(Settings()).status_rules
    found = type_code(rules, kind, preset, code)
    assert found == (UNMAPPED if expected is None else TYPE_CODE[expected])


def test_every_shipped_status_rule_names_an_event_or_nothing() -> None:
    for rule in load_parameters(Settings()).status_rules:
        assert rule.event_type == "" or rule.event_type in set(EventType)


@pytest.mark.parametrize(
    ("modality", "text", "group", "section"),
    [
        ("CT", "CT HEAD WITHOUT CONTRAST", "CT head", "NEURO"),
        ("CT", "CT Angiography Chest, Pulmonary Embolism", "CT angiography chest", "CHEST"),
        ("CT", "CT chest/abdomen/pelvis", "CT chest abdomen pelvis", "BODY"),
        ("MR", "MR KNEE W/O", "MR knee", "MSK"),
        ("DX", "XR CHEST 2 VIEWS", "XR chest", "CHEST"),
        ("MG", "MG SCREENING MAMMOGRAM BILATERAL", "MG screening", "BREAST"),
        ("CT", "something new", "CT other", "BODY"),
        ("ZZ", "CT HEAD", None, None),
    ],
)
def test_procedures_are_grouped_by_name(modality: str, text: str, group: str | None, section: str | None) -> None:
    exams = pd.DataFrame({"modality": [modality], "procedure_code": [None], "procedure_text": [text]})
    found = procedure_groups(exams, load_parameters(Settings()).procedure_rules)
    assert (found[0][0], found[1][0]) == (group, section)


@pytest.mark.parametrize(
    "name", ["procedure_groups", "priority_map", "patient_class_map", "modality_map", "clock_precedence"]
)
def test_every_row_of_a_reference_table_names_its_source(name: str) -> None:
    table = pd.read_csv(REFERENCE / f"{name}.csv", keep_default_na=False)
    assert (table["source"].str.len() > 10).all()
    assert not table.drop(columns="source").duplicated().any()
