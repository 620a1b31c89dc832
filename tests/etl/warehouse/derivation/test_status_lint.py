"""Status maps are checked by VistA's rule: an entry, an end, a cancel; nothing shadowed, unmapped or backwards."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine

from etl.settings import Feed, Settings, Site
from etl.warehouse.derive import derive
from etl.warehouse.parameters import FeedRule, Parameters, StatusRule, load_parameters
from etl.warehouse.status_lint import covers, lint_events, lint_rules

FEED = FeedRule("f", "hl7v2", "N")
LADDER = {  # VistA's numbers
    "1": "order_entered", "2": "in_room", "3": "exam_end", "4": "transcribed", "9": "final",
    "0": "order_cancelled",
}  # fmt: skip


def rules(codes: dict[str, str]) -> Parameters:
    table = tuple(StatusRule("hl7v2", "", code, event_type) for code, event_type in codes.items())
    return Parameters(feeds=(FEED,), status_rules=table)


def test_complete_ladder_has_no_findings() -> None:
    assert lint_rules(rules(LADDER), FEED) == []


@pytest.mark.parametrize(("left_out", "text"), [("1", "enters"), ("9", "final"), ("0", "cancels")])
def test_ladder_without_an_end_is_found(left_out: str, text: str) -> None:
    spare = {"x": "exam_begin", "y": "prelim"}  # so that five steps are told all the same
    codes = {code: kind for code, kind in (LADDER | spare).items() if code != left_out}
    (finding,) = lint_rules(rules(codes), FEED)
    assert finding.rule == "incomplete"
    assert text in finding.text


def test_part_of_a_workflow_need_not_be_complete() -> None:
    assert lint_rules(rules({"a": "crit_identified", "b": "crit_notified"}), FEED) == []


def test_row_behind_a_wider_one_is_never_reached() -> None:
    found = lint_rules(rules({**LADDER, "ORM*": "order_entered", "ORM^O01/CM/": "exam_end"}), FEED)
    assert [f.text for f in found] == ["ORM^O01/CM/ (exam_end) is never reached: ORM* comes before it"]


@pytest.mark.parametrize(
    ("pattern", "other", "holds"),
    [
        ("*", "anything", True), ("A*", "AB*", True), ("AB*", "A*", False), ("A?", "A*", False), ("A*", "A?", True),
        ("*/F", "ORU/*/F", True), ("csv:Cancel*", "csv:Cancel[*]", True), ("csv:A", "csv:B", False),
    ],
)  # fmt: skip
def test_one_pattern_covers_another(pattern: str, other: str, holds: bool) -> None:
    assert covers(pattern, other) is holds


def test_shipped_maps_are_complete_and_reachable() -> None:
    kinds = [("hl7v2", {}), ("hl7v2", {"preset": "epic"}), ("hl7v2", {"preset": "vista"})]
    kinds += [("ris_csv", {"mapping": name}) for name in ("epic_like", "cerner_like", "generic")]
    kinds += [("extract_csv", {"mapping": name}) for name in ("critical_results", "followups", "roster")]
    feeds = tuple(Feed(key=f"f{n}", kind=kind, site="N", options=o) for n, (kind, o) in enumerate(kinds))
    parameters = load_parameters(Settings(sites=(Site(code="N", name="N", zone="UTC"),), feeds=feeds))
    assert [f.text for feed in parameters.feeds for f in lint_rules(parameters, feed)] == []


def loaded(engine: Engine, ward: Any) -> list[tuple[str, int, str]]:
    with engine.begin() as connection:
        ward.load(connection)
        derive(connection, ward.parameters)
    with engine.connect() as connection:
        feeds = [f for f in ward.parameters.feeds if f.key == "north_hl7"]
        return [(f.rule, f.n, f.text) for f in lint_events(connection, ward.parameters, feeds)]


def test_unmapped_codes_come_by_volume(new_engine: Any, ward: Any) -> None:
    ward.exam("A1", 0)
    for n in range(3):
        ward.event("odd", n, acc="A1")
    for n in range(5):
        ward.event("odder", n, acc="A1")
    found = loaded(new_engine(), ward)
    assert found == [
        ("unmapped", 5, "t:odder: 5 events without a map"),
        ("unmapped", 3, "t:odd: 3 events without a map"),
    ]


def test_code_that_comes_before_an_earlier_step_maps_backwards(new_engine: Any, new_ward: Any) -> None:
    table = (StatusRule("hl7v2", "", "t:exam_begin", "exam_end"), StatusRule("hl7v2", "", "t:exam_end", "exam_begin"))
    ward = new_ward(status_rules=table)
    for n in range(12):
        ward.event("exam_begin", n * 60, acc=f"A{n}")
        ward.event("exam_end", n * 60 + 20, acc=f"A{n}")
    text = "t:exam_begin (exam_end) comes before t:exam_end (exam_begin) in 12 of 12 exams"
    assert loaded(new_engine(), ward) == [("backwards", 12, text)]


def test_few_exams_or_a_minority_prove_nothing(new_engine: Any, ward: Any) -> None:
    for n in range(30):
        ward.exam(f"A{n}", n * 200)
    for n in range(12):  # final before prelim in 12 of 30
        ward.event("final", n * 200 + 25, acc=f"A{n}")
    assert loaded(new_engine(), ward) == []
