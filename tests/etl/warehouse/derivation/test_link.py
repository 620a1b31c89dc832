"""Which exam an event belongs to: identifiers of every kind, alone and together."""

from __future__ import annotations

import random
from typing import Any

import pandas as pd
import pytest

from etl.warehouse.link import link_events


def _links(ward: Any) -> pd.DataFrame:
    """Links as (what, exam, reason); `what` is the reason_code a test gave the event."""
    events = ward.events()
    links = link_events(events, ward.parameters)
    rows = links.rows.merge(links.exams, on="exam_key", how="left")
    label = pd.concat([events.workflow[["event_id", "reason_code"]], events.series[["event_id", "protocol_name"]]])
    rows = rows.merge(label, on="event_id")
    what = rows["reason_code"].where(rows["reason_code"].notna(), rows["protocol_name"])
    exam = rows["anchor"].astype(object) + ":" + rows["token"].astype(object)
    return pd.DataFrame({"what": what, "exam": exam, "reason": rows["reason"]})


def _of(ward: Any, what: str) -> set[tuple[str | None, str]]:
    links = _links(ward)
    chosen = links[links["what"] == what]
    return {(e if isinstance(e, str) else None, r) for e, r in zip(chosen["exam"], chosen["reason"], strict=True)}


def test_an_accession_names_its_exam(ward: Any) -> None:
    ward.event("exam_begin", 0, acc="A", filler="F", reason_code="x")
    assert _of(ward, "x") == {("accession:A", "accession")}


def test_a_filler_leads_to_the_accession_seen_with_it(ward: Any) -> None:
    ward.event("order_accepted", 0, filler="F", reason_code="x")
    ward.event("exam_begin", 10, acc="A", filler="F")
    assert _of(ward, "x") == {("accession:A", "filler")}


def test_a_placer_leads_through_its_filler_to_the_accession(ward: Any) -> None:
    ward.event("order_entered", 0, placer="P", reason_code="x")
    ward.event("order_accepted", 5, placer="P", filler="F", reason_code="y")
    ward.event("exam_begin", 10, acc="A", filler="F")
    assert _of(ward, "x") == {("accession:A", "placer")}
    assert _of(ward, "y") == {("accession:A", "filler")}


def test_a_filler_leads_through_its_only_placer_to_the_accession(ward: Any) -> None:
    ward.event("order_accepted", 5, placer="P", filler="F")
    ward.event("exam_end", 6, filler="F", reason_code="x")
    ward.event("exam_begin", 10, acc="A", placer="P")
    assert _of(ward, "x") == {("accession:A", "filler")}


def test_an_order_of_two_exams_belongs_to_both(ward: Any) -> None:
    ward.event("order_entered", 0, placer="P", reason_code="x")
    ward.event("order_accepted", 1, placer="P", filler="F1", acc="A1")
    ward.event("order_accepted", 1, placer="P", filler="F2", acc="A2")
    assert _of(ward, "x") == {("accession:A1", "placer"), ("accession:A2", "placer")}


def test_the_second_filler_of_an_order_without_accession_stays_its_own_exam(ward: Any) -> None:
    ward.event("order_accepted", 1, placer="P", filler="F1", acc="A1")
    ward.event("order_accepted", 1, placer="P", filler="F2", reason_code="x")
    assert _of(ward, "x") == {("filler:F2", "filler")}


def test_an_order_without_accession_is_an_exam_by_its_best_number(ward: Any) -> None:
    ward.event("order_entered", 0, placer="P", reason_code="x")
    ward.event("order_entered", 0, placer="Q", reason_code="y")
    ward.event("order_accepted", 1, placer="Q", filler="F")
    assert _of(ward, "x") == {("placer:P", "placer")}
    assert _of(ward, "y") == {("filler:F", "placer")}


def test_a_study_leads_to_its_accession_only_when_it_has_one(ward: Any) -> None:
    ward.event("exam_begin", 0, acc="A", study="S")
    ward.event("exam_begin", 0, acc="B1", study="T")
    ward.event("exam_begin", 0, acc="B2", study="T")
    ward.series("s1", 1, study="S", protocol_name="x")
    ward.series("s2", 1, study="T", protocol_name="y")
    assert _of(ward, "x") == {("accession:A", "study")}
    assert _of(ward, "y") == {(None, "unmatched")}


def test_a_filler_without_accession_takes_its_studys(ward: Any) -> None:
    ward.event("order_accepted", 0, filler="F", study="S", reason_code="x")
    ward.event("exam_begin", 1, acc="A", study="S")
    assert _of(ward, "x") == {("accession:A", "filler")}


def test_an_appointment_leads_to_the_orders_seen_with_it(ward: Any) -> None:
    ward.event("exam_scheduled", 0, appt="AP", filler="F")
    ward.event("exam_begin", 9, acc="A", filler="F")
    ward.event("no_show", 5, appt="AP", reason_code="x")
    assert _of(ward, "x") == {("accession:A", "appointment")}


def test_an_arrival_belongs_to_the_visits_exams_of_the_nearest_day(ward: Any) -> None:
    for acc, begin in (("A", 0), ("B", 60), ("C", 3 * 1440)):
        ward.event("exam_begin", begin, acc=acc, visit="V")
    ward.event("patient_arrived", -30, adt=True, visit="V", reason_code="x")
    ward.event("patient_arrived", 3 * 1440 - 700, adt=True, visit="V", reason_code="y")
    assert _of(ward, "x") == {("accession:A", "visit"), ("accession:B", "visit")}
    assert _of(ward, "y") == {("accession:C", "visit")}


def test_only_adt_events_are_linked_by_visit(ward: Any) -> None:
    ward.event("exam_begin", 0, acc="A", visit="V")
    ward.event("patient_arrived", -30, visit="V", reason_code="x")
    assert _of(ward, "x") == {(None, "unmatched")}


def test_a_merge_belongs_to_no_exam_and_moves_none(ward: Any) -> None:
    ward.event("exam_begin", 0, acc="A", patient="old", visit="V")
    ward.event("patient_merged", 5, adt=True, patient="new", prior="old", visit="V", reason_code="x")
    assert _of(ward, "x") == {(None, "unmatched")}
    assert len(ward.facts().exams) == 1


def test_what_has_no_known_identifier_is_unmatched(ward: Any) -> None:
    ward.event("patient_arrived", 0, adt=True, patient="p", reason_code="x")
    assert _of(ward, "x") == {(None, "unmatched")}


def test_a_requested_procedure_leads_to_its_exam_where_no_better_number_does(ward: Any) -> None:
    ward.event("exam_begin", 0, acc="A", study="S", procedure="RP1")
    ward.series("s1", 1, study="other", procedure="RP1", protocol_name="x")
    assert _of(ward, "x") == {("accession:A", "procedure")}


def test_a_requested_procedure_of_two_exams_or_of_another_site_leads_nowhere(ward: Any) -> None:
    ward.event("exam_begin", 0, acc="A", procedure="RP1")
    ward.event("exam_begin", 0, acc="B", procedure="RP1")
    ward.series("s1", 1, study="other", procedure="RP1", protocol_name="x")
    ward.series("s2", 1, study="third", procedure="RP1 of another site", protocol_name="y")
    assert _of(ward, "x") == {(None, "unmatched")}
    assert _of(ward, "y") == {(None, "unmatched")}


@pytest.mark.parametrize(("shared", "reason"), [({"study": "S"}, "study"), ({"procedure": "RP"}, "procedure")])
def test_an_accession_mistyped_at_the_scanner_leads_to_the_ordered_exam(
    ward: Any, shared: dict[str, str], reason: str
) -> None:
    ward.event("exam_begin", 0, acc="A", **shared)
    ward.series("s1", 1, acc="A with a typo", protocol_name="x", **shared)
    assert _of(ward, "x") == {("accession:A", reason)}
    assert list(ward.facts().exams["accession_token"]) == ["A"]


def test_a_mistyped_accession_of_a_study_that_two_ordered_exams_share_stays_alone(ward: Any) -> None:
    for acc in ("A", "B"):
        ward.event("exam_begin", 0, acc=acc, study="S")
    ward.series("s1", 1, acc="X", study="S", protocol_name="x")
    assert _of(ward, "x") == {("accession:X", "accession")}


def test_accessions_that_only_scanners_tell_of_stay_exams_where_nothing_was_ordered(ward: Any) -> None:
    ward.series("s1", 1, acc="X", study="S", protocol_name="x")
    ward.series("s2", 1, acc="Y", study="S", protocol_name="y")
    assert _of(ward, "x") == {("accession:X", "accession")}
    assert _of(ward, "y") == {("accession:Y", "accession")}


def test_linked_accessions_stay_separate_exams(ward: Any) -> None:
    ward.exam("A1", 0, study="S", patient="p")
    ward.exam("A2", 5, study="S", patient="p")
    assert sorted(ward.facts().exams["accession_token"]) == ["A1", "A2"]


@pytest.mark.parametrize("seed", range(2))
def test_links_do_not_depend_on_the_order_of_events(busy_ward: Any, seed: int) -> None:
    ward = busy_ward(seed)
    found = []
    for order in range(4):
        random.Random(order).shuffle(ward.rows)  # noqa: S311 - an order, not a secret
        rows = link_events(ward.events(), ward.parameters).rows
        found.append(sorted(rows.itertuples(index=False, name=None)))
    assert all(f == found[0] for f in found)
