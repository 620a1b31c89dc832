"""One row a recommended follow-up: when due, what a feed says became of it, and which later exam answers it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from etl.warehouse.derive import derive
from etl.warehouse.modality_families import modality_families
from etl.warehouse.parameters import ProcedureRule, StatusRule
from etl.warehouse.tables import fact_followup

DAY = 1440


@pytest.fixture
def clinic(new_ward: Any) -> Any:
    """A department whose groups name body regions and whose feed also sends what was read from texts."""
    base = new_ward().parameters
    rules = (
        StatusRule("hl7v2", "", "t:final#FOLLOWUPTEXT", "followup_recommended"),
        StatusRule("hl7v2", "", "t:followup_recommended", "followup_recommended"),
        StatusRule("dashboard", "", "t:followup_dismissed", "followup_dismissed"),
        StatusRule("dashboard", "", "t:followup_reopened", "followup_reopened"),
    )
    groups = (ProcedureRule("*", "* HEAD *", "CT head", "NEURO"), ProcedureRule("*", "*", "CT chest", "CHEST"))
    told = {"regions": {"CT head": "head", "CT chest": "chest"}, "modality_families": modality_families()}
    ward = new_ward(status_rules=(*rules, *base.status_rules), procedure_rules=groups, **told)
    ward.exam("A1", 0, patient="p1")
    return ward


def derived(engine: Engine, ward: Any) -> list[dict[str, Any]]:
    with engine.begin() as connection:
        ward.load(connection)
        derive(connection, ward.parameters)
        found = connection.execute(select(fact_followup).order_by(fact_followup.c.recommended_at))
        return [dict(row._mapping) for row in found]


def recommend(ward: Any, code: str = "CT10D") -> None:
    ward.event("followup_recommended", 80, acc="A1", result_code=code)


def test_due_is_the_interval_later_and_overdue_the_grace_after_that(new_engine: Any, clinic: Any, minutes: Any) -> None:
    clinic.parameters = replace(clinic.parameters, rules=replace(clinic.parameters.rules, followup_grace_days=7.0))
    recommend(clinic)
    (found,) = derived(new_engine(), clinic)
    assert found["due_at"] == minutes(80) + timedelta(days=10)
    assert found["deadline_at"] == minutes(80) + timedelta(days=17)
    assert (found["told_by"], found["wanted_modality"], found["interval_days"]) == ("feed", "CT", 10.0)


def test_months_go_by_the_calendar(new_engine: Any, clinic: Any, minutes: Any) -> None:
    recommend(clinic, "CT1M")
    (found,) = derived(new_engine(), clinic)
    assert (found["due_at"].month, found["due_at"].day) == (minutes(80).month + 1, minutes(80).day)


def test_without_an_interval_it_is_never_due(new_engine: Any, clinic: Any) -> None:
    recommend(clinic, "CT")
    clinic.exam("A2", 10 * DAY, patient="p1")
    (found,) = derived(new_engine(), clinic)
    assert (found["due_at"], found["deadline_at"], found["completed_at"]) == (None, None, None)


def test_what_a_feed_tells_coded_outdoes_what_was_read_from_the_text(new_engine: Any, clinic: Any) -> None:
    clinic.event("final", 80, acc="A1", local_code="t:final#FOLLOWUPTEXT", result_code="CT.6M.", reason_code="FU-X")
    (read,) = derived(new_engine(), clinic)
    assert (read["told_by"], read["rule_id"], read["wanted_modality"]) == ("rule", "FU-X", "CT")
    recommend(clinic, "MR3M")
    (coded,) = derived(new_engine(), clinic)
    assert (coded["told_by"], coded["rule_id"], coded["wanted_modality"]) == ("feed", None, "MR")


@pytest.mark.parametrize(
    ("begin_days", "changes", "is_done"),
    [
        (10, {}, True),
        (4, {}, False),  # before half of the interval
        (6, {}, True),
        (374, {}, True),
        (380, {}, False),  # more than a year after the due date
        (10, {"modality": "MR", "station_name": "NMR1"}, False),
        (10, {"procedure_text": "CT HEAD WITHOUT"}, False),
        (10, {"patient": "p2"}, False),
    ],
)
def test_the_first_fitting_exam_of_the_patient_answers_it(
    new_engine: Any, clinic: Any, minutes: Any, begin_days: int, changes: dict[str, str], is_done: bool
) -> None:
    recommend(clinic)
    clinic.exam("A2", begin_days * DAY, **{"patient": "p1", **changes})
    (found,) = derived(new_engine(), clinic)
    assert found["completed_by"] == ("exam" if is_done else None)
    assert found["completed_at"] == (minutes(begin_days * DAY) if is_done else None)


@pytest.mark.parametrize(("region", "is_done"), [("chest", True), ("head", False), ("kidney", True)])
def test_a_region_told_narrows_it_and_one_the_table_does_not_know_is_as_good_as_none(
    new_engine: Any, clinic: Any, region: str, is_done: bool
) -> None:
    recommend(clinic, f"CT.10D.{region}")
    clinic.exam("A2", 10 * DAY, patient="p1")
    (found,) = derived(new_engine(), clinic)
    assert found["completed_by"] == ("exam" if is_done else None)


def test_a_modality_of_the_same_family_answers_it(new_engine: Any, clinic: Any) -> None:
    recommend(clinic, "DX10D")
    clinic.parameters = replace(clinic.parameters, modalities={**clinic.parameters.modalities, "CR": "CR"})
    clinic.exam("A2", 10 * DAY, patient="p1", modality="CR", station_name="")
    (found,) = derived(new_engine(), clinic)
    assert found["completed_by"] == "exam"


def test_a_merged_patient_is_the_same_patient(new_engine: Any, clinic: Any) -> None:
    recommend(clinic)
    clinic.exam("A2", 10 * DAY, patient="p9")
    clinic.event("patient_merged", 11 * DAY, adt=True, patient="p1", prior="p9")
    (found,) = derived(new_engine(), clinic)
    assert found["completed_by"] == "exam"


def test_without_a_modality_any_exam_of_the_region_answers_it(new_engine: Any, clinic: Any) -> None:
    recommend(clinic, "10D")
    clinic.exam("A2", 10 * DAY, patient="p1", modality="MR", station_name="NMR1")
    (found,) = derived(new_engine(), clinic)
    assert found["completed_by"] == "exam"


def test_a_feeds_word_outdoes_an_exam_that_fits(new_engine: Any, clinic: Any, minutes: Any) -> None:
    recommend(clinic)
    clinic.exam("A2", 10 * DAY, patient="p1")
    clinic.event("followup_completed", 12 * DAY, acc="A1")
    (found,) = derived(new_engine(), clinic)
    assert (found["completed_by"], found["completed_at"]) == ("feed", minutes(12 * DAY))
    assert found["completed_exam_key"] is None


@pytest.mark.parametrize(
    ("reason", "when", "is_excluded"),
    [("death", 20, True), ("not_indicated", 20, False), ("death", 60, False), (None, 20, False)],
)
def test_only_death_transfer_and_newer_ones_before_the_deadline_leave_it_out(
    new_engine: Any, clinic: Any, reason: str | None, when: int, is_excluded: bool
) -> None:
    recommend(clinic)
    clinic.event("followup_dismissed", when * DAY, acc="A1", reason_code=reason)
    (found,) = derived(new_engine(), clinic)
    assert (found["dismiss_reason"], found["is_excluded"]) == (reason, is_excluded)


def in_dashboard(ward: Any, step: str, day: float) -> None:
    ward.event(f"followup_{step}", day * DAY, feed="dashboard", acc="A1", result_code="CT10D", reason_code="declined")


def test_each_tells_of_its_own_dismissal_and_takes_back_only_that(new_engine: Any, clinic: Any, minutes: Any) -> None:
    recommend(clinic)
    recommend(clinic, "MR10D")  # another recommendation of the exam, which nobody dismisses
    clinic.event("followup_dismissed", 20 * DAY, acc="A1", result_code="CT10D", reason_code="death")
    in_dashboard(clinic, "dismissed", 15)
    dismissed, other = sorted(derived(new_engine(), clinic), key=lambda row: row["wanted_modality"])
    assert (dismissed["dismissed_at"], dismissed["dismissed_by"]) == (minutes(15 * DAY), "dashboard")
    assert (other["dismissed_at"], other["dismissed_by"], other["dismiss_reason"]) == (None, None, None)
    in_dashboard(clinic, "reopened", 16)
    dismissed, _ = sorted(derived(new_engine(), clinic), key=lambda row: row["wanted_modality"])
    assert (dismissed["dismissed_at"], dismissed["dismiss_reason"]) == (minutes(20 * DAY), "death")
    assert dismissed["dismissed_by"] == "feed"


def test_dismissed_again_counts_from_then_and_never_after_the_datas_now(
    new_engine: Any, clinic: Any, minutes: Any
) -> None:
    recommend(clinic)
    for step, day in (("dismissed", 1), ("reopened", 2), ("dismissed", 3), ("dismissed", 4)):
        in_dashboard(clinic, step, day)
    clinic.event("order_entered", 3.5 * DAY, acc="A9", patient="p9")
    (found,) = derived(new_engine(), clinic)
    assert found["dismissed_at"] == minutes(3 * DAY)
    in_dashboard(clinic, "reopened", 5)
    in_dashboard(clinic, "dismissed", 6)
    (found,) = derived(new_engine(), clinic)
    assert found["dismissed_at"] == minutes(3.5 * DAY)  # the feeds reach no further
