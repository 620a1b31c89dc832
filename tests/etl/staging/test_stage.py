"""Staging: what comes out is pseudonymous, valid, bounded, and says what became of every item."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from etl.errors import FilterReason, Reason
from etl.records import (
    Attributes,
    DoseRecord,
    EventRecord,
    Filtered,
    Identifiers,
    OpeningKind,
    OpeningRecord,
    Read,
    Record,
    Refused,
    SeriesRecord,
)
from etl.settings import Feed, Settings
from etl.staging import Batch, Pseudonymiser, stage, unpack
from etl.staging.columns import SCHEMAS
from etl.warehouse.append import arrow_schema
from etl.warehouse.tables import EVENT_TABLES

NOW = datetime(2026, 9, 10, 12, tzinfo=UTC)
AT = NOW - timedelta(days=1)
IDS = Identifiers(
    patient_id="MRN0012345", patient_id_issuer="NORTH", accession_number="ACC987654", visit_number="V5550001"
)
EVENT = EventRecord(
    ids=IDS, local_code="ORM^O01/SC/IP/", raw_time="20260909120000", occurred_at=AT, utc_offset_min=-240,
    known_at=AT, clock="RIS",
    attributes=Attributes(
        modality="CT", station_name="NCT1", birth_date="19530217", sex="f", ordering_person="DRDOOM",
        technologist="TECHNA", reader="READERX", assistant_reader="TRAINEEY", planned_duration_min=20,
    ),
)  # fmt: skip
SERIES = SeriesRecord(
    ids=Identifiers(study_instance_uid="1.2.3"), series_instance_uid="1.2.3.4", sop_instance_uid="1.2.3.4.5",
    modality="CT", station_name="NCT1", manufacturer="ACME", model_name="X", protocol_name="Head",
    body_part="HEAD", raw_time="20260909120000", begin_at=AT, end_at=None, utc_offset_min=None,
    time_source="AcquisitionDateTime", known_at=None, clock="NCT1",
)  # fmt: skip
DOSE = DoseRecord(
    ids=IDS, report_uid="1.9", irradiation_event_uid="1.9.1", modality="CT", station_name="NCT1",
    manufacturer="ACME", model_name="X", protocol_name="Head", target_region=None, acquisition_type=None,
    raw_time="20260909120000", occurred_at=AT, ended_at=None, utc_offset_min=None, known_at=None, clock="NCT1",
    dlp_mgy_cm=812.5,
)  # fmt: skip
OPENING = OpeningRecord(
    scanner_code="NCT1", kind=OpeningKind.OPEN, raw_time="2026-09-09", begin_at=AT,
    end_at=AT + timedelta(hours=8), local_date=AT.date(), known_at=None, clock="calendar",
)  # fmt: skip


@pytest.fixture
def staged(settings: Settings, feed: Feed, pseudonymiser: Pseudonymiser) -> Any:
    """A function that stages records, one an item."""

    def run(*records: Record, **kw: Any) -> Batch:
        items = [Read(f"f#{n}", (record,), f"C{n}") for n, record in enumerate(records)]
        return stage(items, feed, settings, pseudonymiser, now_at=NOW, **kw)

    return run


def _reasons(batch: Batch) -> list[str]:
    return list(batch.items["reason"].to_pylist())


def test_staged_columns_are_those_of_the_tables() -> None:
    for table in EVENT_TABLES:
        expected = arrow_schema(table, pa.field("item", pa.int32()))
        got = SCHEMAS[table.name]
        assert got.names == expected.names
        stored = [pa.timestamp("us") if pa.types.is_timestamp(f.type) else f.type for f in got]
        assert stored == [f.type for f in expected]


def test_no_raw_identifier_leaves_staging(staged: Any) -> None:
    batch = staged(EVENT, SERIES, DOSE, OPENING)
    everything = pickle.dumps(batch)
    raw = ("MRN0012345", "ACC987654", "V5550001", "19530217", "DRDOOM", "TECHNA", "READERX", "TRAINEEY", "1.2.3.4")
    assert [r for r in raw if r.encode() in everything] == []
    assert batch.tables["event"]["birth_year"].to_pylist() == [1953]
    assert batch.tables["event"]["sex"].to_pylist() == ["F"]


def test_identity_ignores_arrival_and_content_but_nothing_that_was_sent(staged: Any) -> None:
    later = replace(EVENT, known_at=AT + timedelta(hours=3))
    other_content = replace(EVENT, attributes=replace(EVENT.attributes, station_name="NCT2"))
    table = staged(EVENT, later, other_content).tables["event"]
    assert len(set(table["event_id"].to_pylist())) == 1
    first, second, third = table["content_hash"].to_pylist()
    assert first == second != third
    different = (
        replace(EVENT, local_code="ORM^O01/SC/CM/"),
        replace(EVENT, raw_time="20260909120001"),
        replace(EVENT, ordinal=1),
        replace(EVENT, ids=replace(IDS, accession_number="ACC987655")),
        replace(EVENT, ids=replace(IDS, prior_patient_id="MRN1")),
    )
    assert len(set(staged(EVENT, *different).tables["event"]["event_id"].to_pylist())) == 6


def test_every_state_of_a_growing_series_is_an_event_and_a_file_is_always_the_same_one(staged: Any) -> None:
    answer = replace(SERIES, sop_instance_uid=None, number_of_instances=12)
    grown = replace(answer, number_of_instances=40)
    assert len(set(staged(answer, grown, answer, grown).tables["event_series"]["event_id"].to_pylist())) == 2
    files = staged(SERIES, replace(SERIES, number_of_instances=2))
    assert len(set(files.tables["event_series"]["event_id"].to_pylist())) == 1


def test_series_doses_and_openings_have_identities_of_their_own(staged: Any) -> None:
    batch = staged(
        SERIES, replace(SERIES, sop_instance_uid="1.2.3.4.6"), replace(SERIES, series_instance_uid="1.2.3.5"),
        DOSE, replace(DOSE, irradiation_event_uid="1.9.2"), replace(DOSE, report_uid="1.8"),
        OPENING, replace(OPENING, scanner_code="NMR1"), replace(OPENING, kind=OpeningKind.CLOSURE),
        replace(OPENING, end_at=AT + timedelta(hours=9)),
    )  # fmt: skip
    counts = {name: len(set(t["event_id"].to_pylist())) for name, t in batch.tables.items()}
    assert counts == {"event_series": 3, "event_dose": 3, "event_opening": 4}
    assert set(batch.tables["event_series"]["local_code"].to_pylist()) == {"dicom:series"}
    assert set(batch.tables["event_dose"]["local_code"].to_pylist()) == {"dicom:dose"}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (replace(EVENT, ids=Identifiers()), Reason.MISSING_IDENTIFIER),
        (replace(EVENT, ids=Identifiers(accession_number="  ")), Reason.MISSING_IDENTIFIER),
        (replace(EVENT, occurred_at=datetime(1970, 1, 1, tzinfo=UTC)), Reason.IMPOSSIBLE_TIME),
        (replace(EVENT, occurred_at=AT + timedelta(days=2)), Reason.IMPOSSIBLE_TIME),
        (replace(EVENT, occurred_at=datetime(2036, 1, 1, tzinfo=UTC), known_at=None), Reason.IMPOSSIBLE_TIME),
        (
            replace(
                EVENT,
                occurred_at=datetime(2036, 1, 1, tzinfo=UTC),
                known_at=datetime(2036, 1, 1, tzinfo=UTC),
            ),
            Reason.IMPOSSIBLE_TIME,
        ),
        (
            replace(EVENT, attributes=Attributes(appointment_at=datetime(2209, 1, 1, tzinfo=UTC))),
            Reason.IMPOSSIBLE_TIME,
        ),
        (replace(EVENT, utc_offset_min=9999), Reason.BAD_VALUE),
        (replace(SERIES, series_instance_uid=" "), Reason.MISSING_IDENTIFIER),
        (replace(SERIES, number_of_instances=-1), Reason.BAD_VALUE),
        (replace(SERIES, size_bytes=2**70), Reason.BAD_VALUE),
        (replace(DOSE, irradiation_event_uid=""), Reason.MISSING_IDENTIFIER),
        (replace(DOSE, phantom_cm=-3), Reason.BAD_VALUE),
        (replace(OPENING, scanner_code="ELSEWHERE"), Reason.UNKNOWN_SCANNER),
        (replace(OPENING, end_at=AT), Reason.BAD_VALUE),
        (replace(OPENING, end_at=NOW + timedelta(days=500)), Reason.IMPOSSIBLE_TIME),
    ],
)
def test_what_cannot_be_true_is_refused_with_its_reason(staged: Any, record: Record, reason: Reason) -> None:
    batch = staged(EVENT, record)
    assert _reasons(batch) == [None, reason]
    assert batch.events == 1


@pytest.mark.parametrize("minutes", [-10, 10, -60, 60])
def test_a_clock_that_is_minutes_off_passes(staged: Any, minutes: int) -> None:
    off = timedelta(minutes=minutes)
    batch = staged(replace(EVENT, occurred_at=AT + off), replace(SERIES, begin_at=NOW + off))
    assert _reasons(batch) == [None, None]


def test_an_item_is_loaded_whole_or_not_at_all(settings: Settings, feed: Feed, pseudonymiser: Pseudonymiser) -> None:
    bad = replace(EVENT, occurred_at=datetime(1975, 1, 1, tzinfo=UTC))
    batch = stage([Read("f#1", (EVENT, bad))], feed, settings, pseudonymiser, now_at=NOW)
    assert (batch.events, _reasons(batch)) == (0, [Reason.IMPOSSIBLE_TIME])


def test_a_refused_item_keeps_a_sealed_copy_that_restages(
    settings: Settings, feed: Feed, pseudonymiser: Pseudonymiser
) -> None:
    item = Read("f#1", (replace(EVENT, ids=replace(IDS, accession_number="ÄÖ\ud800")), SERIES, DOSE, OPENING))
    bad = replace(item, records=(*item.records, replace(OPENING, scanner_code="LATER")))
    batch = stage([bad], feed, settings, pseudonymiser, now_at=NOW)
    row = batch.items.to_pylist()[0]
    kind, content = pseudonymiser.sealer().open(row["quarantine_id"], row["raw"])
    assert kind == "records"
    assert unpack(content) == bad


def test_a_source_refusal_keeps_its_raw_bytes_sealed_and_a_stable_id(
    settings: Settings, feed: Feed, pseudonymiser: Pseudonymiser
) -> None:
    refused = Refused("f#1", Reason.TRUNCATED, "PID-5 'DOE^JANE' cut", raw=b"MSH|DOE^JANE")
    first, second = (stage([refused], feed, settings, pseudonymiser, now_at=NOW).items.to_pylist()[0] for _ in range(2))
    assert first["quarantine_id"] == second["quarantine_id"]
    assert "DOE" not in first["detail"]
    assert b"DOE" not in first["raw"]
    assert pseudonymiser.sealer().open(first["quarantine_id"], first["raw"]) == ("raw", b"MSH|DOE^JANE")


def test_every_item_ends_in_exactly_one_class(settings: Settings, feed: Feed, pseudonymiser: Pseudonymiser) -> None:
    items = [
        Read("a", (EVENT,)),
        Read("b", ()),
        Refused("c", Reason.BAD_CHARSET, "x"),
        Filtered("d", FilterReason.NOT_IMAGING),
    ]
    batch = stage(iter(items), feed, settings, pseudonymiser, now_at=NOW)
    assert batch.items["outcome"].to_pylist() == ["read", "refused", "refused", "filtered"]
    assert batch.offered == 4


def test_texts_are_bounded_and_clean(staged: Any) -> None:
    long = replace(
        EVENT, clock="c" * 500, attributes=Attributes(station_name="NCT\x001" + "x" * 400, procedure_text="p" * 999)
    )
    row = staged(long).tables["event"].to_pylist()[0]
    assert (len(row["clock_key"]), len(row["station_name"]), len(row["procedure_text"])) == (128, 128, 200)
    assert "\x00" not in row["station_name"]


def test_numbers_that_are_none_become_null(staged: Any) -> None:
    row = staged(replace(DOSE, dlp_mgy_cm=float("nan"), ctdivol_mgy=float("inf"))).tables["event_dose"]
    assert row["dlp_mgy_cm"].to_pylist() == [None]
    assert row["ctdivol_mgy"].to_pylist() == [None]


def test_an_empty_feed_gives_an_empty_batch(staged: Any) -> None:
    batch = staged()
    assert (batch.offered, batch.events, batch.tables) == (0, 0, {})


def test_large_batches_keep_every_row_in_place(staged: Any) -> None:
    many = [replace(EVENT, ordinal=n) for n in range(1203)]
    table = staged(*many).tables["event"]
    assert table["item"].to_pylist() == list(range(1203))
