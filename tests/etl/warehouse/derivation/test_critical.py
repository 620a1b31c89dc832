"""One row a critical finding: its class, its times from the feed believed first, its limit, what is documented."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Engine, select

from etl.warehouse.derive import derive
from etl.warehouse.parameters import FeedRule, StatusRule, TargetRule
from etl.warehouse.tables import fact_critical_result


def derived(engine: Engine, ward: Any) -> list[dict[str, Any]]:
    with engine.begin() as connection:
        ward.load(connection)
        derive(connection, ward.parameters)
        f = fact_critical_result
        found = connection.execute(select(f).order_by(f.c.identified_at, f.c.critical_class))
        return [dict(row._mapping) for row in found]


def test_a_finding_is_told_by_the_first_of_its_communications(new_engine: Any, ward: Any, minutes: Any) -> None:
    ward.exam("A1", 0)
    for kind, when in (("crit_identified", 40), ("crit_ack", 70), ("crit_notified", 55), ("crit_closed", 90)):
        ward.event(kind, when, acc="A1", result_code="1", reader_token="r7")  # noqa: S106 - a pseudonym
    (found,) = derived(new_engine(), ward)
    assert (found["identified_at"], found["communicated_at"]) == (minutes(40), minutes(55))
    assert (found["communicate_min"], found["close_min"]) == (15.0, 50.0)
    assert (found["critical_class"], found["owner"], found["modality"]) == ("1", "r7", "CT")


def test_handing_on_is_not_telling(new_engine: Any, ward: Any, minutes: Any) -> None:
    ward.exam("A1", 0)
    ward.event("crit_identified", 40, acc="A1", result_code="3")
    ward.event("crit_delegated", 50, acc="A1", result_code="3")
    (found,) = derived(new_engine(), ward)
    assert found["delegated_at"] == minutes(50)
    assert found["communicated_at"] is None
    assert found["has_when"] is False


def test_two_classes_of_one_exam_are_two_findings_and_what_names_none_is_of_the_more_urgent(
    new_engine: Any, ward: Any, minutes: Any
) -> None:
    ward.exam("A1", 0)
    ward.event("crit_identified", 40, acc="A1", result_code="2")
    ward.event("crit_identified", 45, acc="A1", result_code="1")
    ward.event("crit_notified", 60, acc="A1")
    second, first = derived(new_engine(), ward)
    assert (second["critical_class"], second["communicated_at"]) == ("2", None)
    assert (first["critical_class"], first["communicated_at"]) == ("1", minutes(60))


def test_the_sole_code_says_the_class(new_engine: Any, new_ward: Any) -> None:
    rule = StatusRule("sole", "", "sole:SOLE106^*", "crit_closed")
    base = new_ward().parameters
    ward = new_ward(
        feeds=(*base.feeds, FeedRule("north_sole", "sole", "NORTH")), status_rules=(*base.status_rules, rule)
    )
    ward.exam("A1", 0)
    ward.event("crit_identified", 40, acc="A1", result_code="1")
    ward.event("x", 90, "north_sole", acc="A1", local_code="sole:SOLE106^urn:ihe:rad")
    assert [(f["critical_class"], f["close_min"]) for f in derived(new_engine(), ward)] == [("1", None), ("2", None)]


def test_of_two_kinds_of_feeds_the_one_believed_first_tells_when(new_engine: Any, ward: Any, minutes: Any) -> None:
    ward.exam("A1", 0)
    ward.event("crit_identified", 39, "north_ris", acc="A1", result_code="1")  # rounded down in the extract
    ward.event("crit_identified", 40, acc="A1", result_code="1")
    (found,) = derived(new_engine(), ward)
    assert found["identified_at"] == minutes(40)


def test_the_limit_is_the_target_of_the_class_on_the_day_of_the_finding(new_engine: Any, new_ward: Any) -> None:
    anyone = ("*", "*", "*", "*")
    turn = date(2026, 9, 3)
    ward = new_ward(
        targets=(
            TargetRule(None, turn, *anyone, "critical_1", 45.0),
            TargetRule(turn, None, *anyone, "critical_1", 30.0),
            TargetRule(None, None, *anyone, "report", 99.0),
        )
    )
    for name, day in (("A1", 0), ("A2", 5)):
        ward.exam(name, day * 1440)
        ward.event("crit_identified", day * 1440 + 40, acc=name, result_code="1")
    ward.event("crit_identified", 50, acc="A1", result_code="2")
    found = derived(new_engine(), ward)
    days = {(f["critical_class"], f["local_date"] < turn): f["limit_min"] for f in found}
    assert days == {("1", True): 45.0, ("2", True): None, ("1", False): 30.0}


def test_documentation_is_what_any_noted_communication_holds(new_engine: Any, ward: Any) -> None:
    ward.exam("A1", 0)
    ward.event("crit_identified", 40, acc="A1", result_code="1")
    ward.event("crit_notified", 50, acc="A1", result_code="1")
    ward.entry("communication", 50, acc="A1", person="r1", code="phone")
    ward.entry("communication", 55, acc="A1", other="d1", outcome_code="no_read_back")
    (found,) = derived(new_engine(), ward)
    told = [found[f"has_{name}"] for name in ("who", "whom", "when", "how", "read_back")]
    assert told == [True, True, True, True, False]
