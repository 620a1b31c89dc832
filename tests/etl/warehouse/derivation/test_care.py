"""Quality facts: reviews, rejects counted once, refusals done again, the site's standard, and results of algorithms."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, Table, select

from etl.errors import ConfigurationError
from etl.warehouse.care_rules import AiUse, StandardRule, ai_uses, standard_rules
from etl.warehouse.derive import derive
from etl.warehouse.tables import fact_ai_result, fact_peer_review, fact_quality, fact_reference, fact_reject

DAY = 1440


def derived(engine: Engine, ward: Any, table: Table, *order: str) -> list[dict[str, Any]]:
    with engine.begin() as connection:
        ward.load(connection)
        derive(connection, ward.parameters)
        found = connection.execute(select(table).order_by(*order))
        return [dict(row._mapping) for row in found]


def test_review_scores_are_read_off_the_scale_and_nothing_else(new_engine: Any, ward: Any) -> None:
    expected = {"1": (1, False), "2a": (2, False), "3B": (3, True), "2": (2, False), "4": (None, False)}
    ward.exam("A1", 0)
    for place, code in enumerate((*expected, "2c")):
        ward.entry("peer_review", 300 + place, acc="A1", code=code, person="r1", other="r2")
    found = derived(new_engine(), ward, fact_peer_review, "reviewed_at")
    told = [(row["score"], bool(row["is_significant"])) for row in found]
    assert told == [*expected.values(), (None, False)]
    assert {row["section"] for row in found} == {"BODY"}
    assert not {"person", "other_person", "reader"} & set(found[0])


def test_accepted_exposures_stated_on_every_reason_count_once(new_engine: Any, ward: Any) -> None:
    for reason, rejected, view in (("positioning", 3, "CHEST"), ("motion", 1, "CHEST"), (None, 0, "HAND")):
        ward.entry(
            "reject", 0, station_name="NCT1", code=view, outcome_code=reason, count=rejected,
            limit_value=20.0 if view == "CHEST" else 5.0, ordinal=1 if reason == "motion" else 0,
        )  # fmt: skip
    rows = derived(new_engine(), ward, fact_reject, "exposure_view", "rejected")
    assert sum(r["rejected"] for r in rows) == 4
    assert sum(r["accepted"] for r in rows) == 25
    assert sum(r["exposures"] for r in rows) == 29
    assert {r["scanner_code"] for r in rows} == {"NCT1"}


def test_reference_without_a_clear_call_or_result_tells_nothing(new_engine: Any, ward: Any) -> None:
    ward.exam("A1", 0)
    ward.entry("reference", DAY, acc="A1", code="X", outcome_code="positive", value=0.0)
    ward.entry("reference", DAY + 1, acc="A1", code="Y", outcome_code="maybe", value=1.0)
    ward.entry("reference", DAY + 2, acc="A1", code="Z", outcome_code="negative")
    rows = derived(new_engine(), ward, fact_reference, "finding")
    assert [(r["is_called"], r["is_present"]) for r in rows] == [(False, True), (True, None), (None, False)]


@pytest.mark.parametrize(("again", "expected"), [(60, 60), (6 * DAY, 6 * DAY), (8 * DAY, None), (None, None)], ids=str)
def test_refused_exam_is_done_again_when_the_same_procedure_begins_within_a_week(
    new_engine: Any, ward: Any, minutes: Any, again: int | None, expected: int | None
) -> None:
    given = {"patient": "p1", "procedure_code": "CTX"}
    ward.exam("A1", 0, **given)
    ward.event("qc_reject", 25, acc="A1", reason_code="motion", patient="p1")
    ward.exam("A2", 10, patient="p2", procedure_code="CTX")
    if again:
        ward.exam("A3", again, **given)
    rows = derived(new_engine(), ward, fact_quality, "exam_end_at")
    first = rows[0]
    assert first["reason"] == "motion"
    assert first["redone_at"] == (minutes(expected) if expected else None)
    assert all(row["redone_at"] is None for row in rows[1:])


def test_repeat_of_images_without_a_refusal_is_not_done_again(new_engine: Any, ward: Any) -> None:
    given = {"patient": "p1", "procedure_code": "CTX"}
    ward.exam("A1", 0, **given)
    ward.exam("A2", 60, **given)
    ward.entry("incident", 5, acc="A1", code="fall")
    assert [r["redone_at"] for r in derived(new_engine(), ward, fact_quality)] == [None, None]


def test_incidents_fall_into_their_groups_and_those_without_exam_count_beside(new_engine: Any, ward: Any) -> None:
    ward.exam("A1", 0)
    for place, code in enumerate(("wrong_side", "extravasation", "equipment", "near_miss")):
        ward.entry("incident", 5 + place, acc="A1", code=code)
    ward.entry("incident", 30, code="fall", station_name="NCT1")
    ward.entry("incident", 31, code="near_miss", station_name="NCT1")
    lost, named = derived(new_engine(), ward, fact_quality, "exams")
    assert (named["exams"], named["incidents"], named["wrong_exams"], named["extravasations"]) == (1, 2, 1, 1)
    assert named["other_incidents"] == 1
    assert (lost["exams"], lost["incidents"], lost["falls"], lost["exam_key"]) == (0, 1, 1, 0)


def test_without_lists_log_or_standard_no_quality_is_told(new_engine: Any, ward: Any) -> None:
    ward.exam("A1", 0)
    assert derived(new_engine(), ward, fact_quality) == []


STANDARD = (
    StandardRule("NORTH", "CTX", "ROUTINE *", 2),
    StandardRule("*", "CTX", "LOCALIZER", None),
    StandardRule("NORTH", "OTHER", "", 1),
)


@pytest.mark.parametrize(
    ("protocols", "standard", "extra", "shown"),
    [
        (("Localizer", "Routine 1"), True, 0, "Localizer"),
        (("Localizer", "Trial 1"), False, 0, "Trial 1"),
        (("Routine 1", "routine  2", "Routine 3"), True, 1, "Routine 1"),
        ((), None, None, None),
    ],
)
def test_protocols_and_images_are_held_against_the_sites_standard(
    new_engine: Any, new_ward: Any, protocols: tuple[str, ...], standard: bool | None, extra: int | None, shown: Any
) -> None:
    ward = new_ward(standards=STANDARD)
    ward.exam("A1", 0, procedure_code="CTX")
    for place, name in enumerate(protocols):
        ward.series(f"s{place}", 2 + place, acc="A1", protocol_name=name, station_name="NCT1", number_of_instances=1)
    (found,) = derived(new_engine(), ward, fact_quality)
    assert (found["is_standard_protocol"], found["extra_images"], found["protocol_name"]) == (standard, extra, shown)


def test_exams_are_before_in_use_or_control_by_the_sites_table(new_engine: Any, new_ward: Any, minutes: Any) -> None:
    first = minutes(0).date()
    use = AiUse("ICH", "NORTH", "CTX", first + timedelta(days=1), first + timedelta(days=3))
    ward = new_ward(ai_uses=(use,))
    for acc, day in (("A0", 0), ("A1", 1), ("A2", 2), ("A3", 3)):
        ward.exam(acc, day * DAY, procedure_code="CTX")
    ward.exam("S1", 2 * DAY, procedure_code="CTX", feed="south_hl7", station_name="SCT1")
    ward.exam("O1", DAY, procedure_code="OTHER")
    ward.entry("ai_result", DAY + 22, DAY + 25, acc="A1", code="ICH", outcome_code="Positive")
    ward.entry("ai_result", DAY + 22, DAY + 24, acc="O1", code="ICH", outcome_code="negative")
    rows = derived(new_engine(), ward, fact_ai_result, "local_date", "ai_use", "site_code")
    told = [(r["ai_use"], r["site_code"], r["result"]) for r in rows]
    assert told == [
        ("before", "NORTH", None), ("in_use", "NORTH", "positive"), ("unlisted", "NORTH", "negative"),
        ("control", "SOUTH", None), ("in_use", "NORTH", None),
    ]  # fmt: skip


def test_usable_result_counts_before_a_failure_and_only_when_there_before_the_read(
    new_engine: Any, new_ward: Any
) -> None:
    ward = new_ward(ai_uses=(AiUse("ICH", "*", "CTX", None, None),))
    for acc, opened in (("A1", 30), ("A2", 24)):
        ward.exam(acc, 0, procedure_code="CTX")
        ward.event("images_available", 22, acc=acc)
        ward.event("read_opened", opened, acc=acc)
        ward.entry("ai_result", 22, 23, acc=acc, code="ICH", outcome_code="failed")
        ward.entry("ai_result", 23, 25, acc=acc, code="ICH", outcome_code="negative")
    rows = derived(new_engine(), ward, fact_ai_result, "read_opened_at")
    assert [(r["result"], r["latency_min"], r["is_before_read"]) for r in rows] == [
        ("negative", 2.0, False), ("negative", 2.0, True),
    ]  # fmt: skip
    assert [r["unread_wait_min"] for r in rows] == [2.0, 8.0]


JUDGED = (  # result, verdict, adjudication; agreed, reported, present, reason
    ("positive", "agreed", None, True, True, True, None),
    ("positive", "artefact", None, False, False, False, "artefact"),
    ("positive", "artefact", "positive", False, False, True, "artefact"),
    ("negative", "missed_finding", None, False, True, True, "missed_finding"),
    ("negative", "agreed", "positive", True, False, True, None),
    ("negative", None, None, None, None, None, None),
    ("failed", "agreed", None, None, None, None, None),
)


def test_finding_is_there_as_adjudicated_else_as_reported(new_engine: Any, ward: Any) -> None:
    for place, (result, verdict, found, *_) in enumerate(JUDGED):
        acc, later = f"A{place}", 100 * place
        ward.exam(acc, later)
        ward.entry("ai_result", later + 22, later + 23, acc=acc, code="ICH", outcome_code=result)
        if verdict:
            ward.entry("ai_verdict", later + 50, acc=acc, code="ICH", outcome_code=verdict)
        if found:
            ward.entry("ai_adjudication", later + 500, acc=acc, code="ICH", outcome_code=found)
    rows = derived(new_engine(), ward, fact_ai_result, "postproc_end_at")
    names = ("is_agreed", "is_reported", "is_present", "reason")
    assert [tuple(row[name] for name in names) for row in rows] == [case[3:] for case in JUDGED]


def test_queue_is_what_waits_unread_in_the_section_when_the_images_come(new_engine: Any, new_ward: Any) -> None:
    ward = new_ward(ai_uses=(AiUse("ICH", "*", "CTX", None, None),))
    for place, (available, opened) in enumerate(((22, 40), (25, 30), (31, 50), (45, None))):
        ward.exam(f"A{place}", 0, procedure_code="CTX", patient=f"p{place}")
        ward.event("images_available", available, acc=f"A{place}")
        if opened:
            ward.event("read_opened", opened, acc=f"A{place}")
    ward.entry("ai_result", 22, 23, acc="A0", code="ICH", outcome_code="negative")
    rows = derived(new_engine(), ward, fact_ai_result, "images_available_at")
    assert [r["queue"] for r in rows] == [0, 1, 1, 1]


def test_bad_tables_are_refused_with_what_is_wrong(tmp_path: Path) -> None:
    bad = tmp_path / "standard_protocols.csv"
    bad.write_text("site,procedure,protocol,images\nNORTH,CTX,A,two\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="'two' is not a number of images"):
        standard_rules(bad)
    dated = tmp_path / "ai_use.csv"
    dated.write_text("algorithm,site,procedure,valid_from,valid_to\nICH,*,CTX,soon,\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="'soon' is not a date"):
        ai_uses(dated)
    assert standard_rules(tmp_path / "none.csv") == ()
