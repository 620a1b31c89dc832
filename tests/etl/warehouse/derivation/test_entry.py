"""Rows of the department's own lists find their exam, scanner and local hour; the last known of a row counts."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine, select

from etl.warehouse.derive import derive
from etl.warehouse.dump import DUMPED
from etl.warehouse.parameters import FeedRule
from etl.warehouse.tables import PUBLISHED_TABLES, fact_entry, fact_exam, fact_feed

LIST = FeedRule("north_list", "extract_csv", "NORTH")


def derived(engine: Engine, ward: Any) -> list[dict[str, Any]]:
    with engine.begin() as connection:
        ward.load(connection)
        derive(connection, ward.parameters)
    return rows(engine)


def rows(engine: Engine) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        found = connection.execute(select(fact_entry).order_by(fact_entry.c.begin_at, fact_entry.c.event_id))
        return [dict(row._mapping) for row in found]


def exam_key(engine: Engine, acc: str) -> int:
    with engine.connect() as connection:
        query = select(fact_exam.c.exam_key).where(fact_exam.c.accession_token == acc)
        return int(connection.execute(query).scalar_one())


@pytest.mark.parametrize("name", [{"acc": "A1"}, {"filler": "F1"}, {"placer": "P1"}, {"study": "S1"}])
def test_entry_finds_its_exam_by_whatever_names_it(new_engine: Any, ward: Any, name: dict[str, str]) -> None:
    ward.exam("A1", 0, filler="F1", placer="P1", study="S1")
    ward.exam("A2", 60)
    ward.entry("ai_result", 25, 27, code="ICH", value=0.9, **name)
    engine = new_engine()
    (found,) = derived(engine, ward)
    assert found["exam_key"] == exam_key(engine, "A1")
    assert found["modality"] == "CT"  # the exam's, for the row names none
    assert (found["duration_min"], found["value"], found["code"]) == (2.0, 0.9, "ICH")


def test_better_identifier_wins_and_one_that_leads_to_several_exams_leads_to_none(new_engine: Any, ward: Any) -> None:
    ward.exam("A1", 0, placer="P1")
    ward.exam("A2", 60, placer="P1")
    ward.entry("peer_review", 200, acc="A2", placer="P1", code="1", person="r1", other="r2")
    ward.entry("peer_review", 300, placer="P1", code="1")
    engine = new_engine()
    first, second = derived(engine, ward)
    assert first["exam_key"] == exam_key(engine, "A2")
    assert (first["person"], first["other_person"]) == ("r1", "r2")
    assert second["exam_key"] == 0


def test_entry_that_comes_before_its_exam_is_joined_later(new_engine: Any, ward: Any) -> None:
    engine = new_engine()
    ward.entry("incident", 30, acc="A1", code="fall")
    ward.exam("A9", 0)
    assert derived(engine, ward)[0]["exam_key"] == 0
    ward.rows.clear()
    ward.exam("A1", 10)
    assert derived(engine, ward)[0]["exam_key"] == exam_key(engine, "A1")


def test_scanner_and_local_time_come_from_the_sites_own_tables(new_engine: Any, ward: Any) -> None:
    ward.exam("A1", 0)
    ward.entry("reject", 16 * 60, station_name="ct01 ", code="AP", count=3, limit_value=57.0, modality="MRI")
    (found,) = derived(new_engine(), ward)
    assert (found["scanner_code"], found["modality"]) == ("NCT1", "CT")  # by station name; the scanner's modality
    assert (found["local_date"], found["local_hour"]) == (date(2026, 9, 2), 0)  # 04:00 UTC in New York
    assert (found["count"], found["limit_value"]) == (3, 57.0)


def test_row_corrected_later_counts_once_with_its_last_words(new_engine: Any, ward: Any) -> None:
    ward.exam("A1", 0)
    ward.entry("shift", 0, 480, person="p1", code="reader", known_at=-600)
    ward.entry("shift", 0, 540, person="p1", code="reader", known_at=-60)
    ward.entry("shift", 0, 480, person="p2", code="reader", known_at=-600)
    ward.entry("storage", 5, code="VOL", value=1.0, ordinal=0)
    ward.entry("storage", 5, code="VOL", value=2.0, ordinal=1)
    found = derived(new_engine(), ward)
    shifts = sorted((r["person"], r["duration_min"]) for r in found if r["kind"] == "shift")
    assert shifts == [("p1", 540.0), ("p2", 480.0)]
    assert sorted(r["value"] for r in found if r["kind"] == "storage") == [1.0, 2.0]


def test_order_of_arrival_changes_nothing(new_engine: Any, busy_ward: Any) -> None:
    seed = 5
    one, other = busy_ward(seed), busy_ward(seed)
    random.Random(seed).shuffle(other.rows)  # noqa: S311 - an order, not a secret
    found = derived(new_engine(), one)
    assert len(found) == 53
    assert any(row["exam_key"] for row in found)
    assert derived(new_engine(), other) == found


def test_entries_are_counted_published_and_dumped(new_engine: Any, new_ward: Any) -> None:
    ward = new_ward(feeds=(FeedRule("north_hl7", "hl7v2", "NORTH"), LIST))
    ward.exam("A1", 0)
    ward.entry("ai_result", 5, acc="A1", code="ICH")
    ward.entry("ai_result", 6, acc="GONE", code="ICH")
    ward.entry("shift", 7, person="p1")  # names no exam: nothing to be unlinked
    engine = new_engine()
    derived(engine, ward)
    with engine.connect() as connection:
        query = select(fact_feed.c.events, fact_feed.c.unlinked).where(fact_feed.c.feed_key == "north_list")
        assert tuple(connection.execute(query).one()) == (3, 1)
    assert fact_entry in PUBLISHED_TABLES
    assert fact_entry in DUMPED
