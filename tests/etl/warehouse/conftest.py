"""Staged batches of a small department, for loading tests."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

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
    Refused,
    SeriesRecord,
    SourceItem,
)
from etl.settings import Settings
from etl.staging import Batch, Pseudonymiser, stage

START_AT = datetime(2026, 9, 1, 12, tzinfo=UTC)
CODES = ("ORM^O01/NW//", "ORM^O01/SC/IP/", "ORM^O01/SC/CM/", "ORU^R01///F")


def _event(exam: int, step: int, delay_min: float = 0, station: str = "NCT1") -> EventRecord:
    at = START_AT + timedelta(minutes=17 * exam + 20 * step)
    return EventRecord(
        ids=Identifiers(
            patient_id=f"MRN{exam // 2:05d}", accession_number=f"ACC{exam:06d}", filler_order_number=f"F{exam}"
        ),
        local_code=CODES[step],
        raw_time=at.strftime("%Y%m%d%H%M%S"),
        occurred_at=at,
        utc_offset_min=-240,
        known_at=at + timedelta(minutes=delay_min),
        clock="RIS",
        attributes=Attributes(modality="CT", station_name=station, birth_date="19530217", sex="F"),
    )


def _series(exam: int) -> SeriesRecord:
    at = START_AT + timedelta(minutes=17 * exam + 22)
    ids = Identifiers(accession_number=f"ACC{exam:06d}", study_instance_uid=f"1.2.3.{exam}")
    return SeriesRecord(
        ids=ids, series_instance_uid=f"1.2.3.{exam}.1", sop_instance_uid=None, modality="CT", station_name="NCT1",
        manufacturer="ACME", model_name="Scan", protocol_name="Head", body_part="HEAD", raw_time=str(at),
        begin_at=at, end_at=None, utc_offset_min=None, time_source="AcquisitionDateTime", known_at=None,
        clock="NCT1", number_of_instances=40, size_bytes=21_000_000,
    )  # fmt: skip


def _dose(exam: int) -> DoseRecord:
    at = START_AT + timedelta(minutes=17 * exam + 23)
    return DoseRecord(
        ids=Identifiers(accession_number=f"ACC{exam:06d}"), report_uid=f"1.9.{exam}",
        irradiation_event_uid=f"1.9.{exam}.1", modality="CT", station_name="NCT1", manufacturer="ACME",
        model_name="Scan", protocol_name="Head", target_region=None, acquisition_type=None, raw_time=str(at),
        occurred_at=at, ended_at=None, utc_offset_min=None, known_at=None, clock="NCT1", dlp_mgy_cm=812.5,
    )  # fmt: skip


def _opening(day: int) -> OpeningRecord:
    begin = START_AT + timedelta(days=day)
    end = begin + timedelta(hours=10)
    raw = begin.isoformat()
    return OpeningRecord("NCT1", OpeningKind.OPEN, raw, begin, end, begin.date(), None, "calendar")


@pytest.fixture
def items() -> list[SourceItem]:
    """Items of all kinds: 24 exams with events, series and doses, repeats, corrections, refusals, exclusions."""
    read: list[SourceItem] = []
    for exam in range(24):
        read += [Read(f"a.hl7#{exam}.{s}", (_event(exam, s),), f"MSG{exam}.{s}") for s in range(len(CODES))]
        read.append(Read(f"s.json#{exam}", (_series(exam),)))
        read.append(Read(f"d.dcm#{exam}", (_dose(exam),), f"1.9.{exam}"))
    read += [Read(f"b.hl7#{e}", (_event(e, 1),), f"AGAIN{e}") for e in range(6)]
    read += [Read(f"c.hl7#{e}", (_event(e, 1, delay_min=90, station="NCT9"),)) for e in range(3, 9)]
    read += [Read(f"e.hl7#{e}", (_event(e, 2, delay_min=0, station="NMR1"),)) for e in range(2, 7)]
    read += [Read(f"o.csv#{d}", (_opening(d),)) for d in range(5)]
    read += [Refused(f"x.hl7#{n}", Reason.TRUNCATED, "no OBR segment", raw=b"MSH|broken%d" % n) for n in range(4)]
    read += [Filtered(f"f.hl7#{n}", FilterReason.NOT_IMAGING) for n in range(3)]
    return read


@pytest.fixture
def batches(settings_in_use: Settings, pseudonymiser_in_use: Pseudonymiser) -> Callable[..., list[Batch]]:
    """A function that stages items, shuffled by a seed, in pieces of `size`."""
    feed = settings_in_use.feeds[0]

    def staged(items: Sequence[SourceItem], seed: int | None = None, size: int = 1000) -> list[Batch]:
        given = list(items)
        if seed is not None:
            random.Random(seed).shuffle(given)  # noqa: S311 - an order, not a secret
        pieces = [given[i : i + size] for i in range(0, len(given), size)]
        return [stage(piece, feed, settings_in_use, pseudonymiser_in_use) for piece in pieces]

    return staged


@pytest.fixture
def settings_in_use(request: pytest.FixtureRequest) -> Settings:
    """The settings of the warehouse under test, whichever engine it is on."""
    if "warehouse" in request.fixturenames:
        found: Settings = request.getfixturevalue("warehouse").settings
        return found
    plain: Settings = request.getfixturevalue("settings")
    return plain


@pytest.fixture
def pseudonymiser_in_use(settings_in_use: Settings) -> Pseudonymiser:
    """One key for all installations of the tests, so that their tokens may be compared."""
    return Pseudonymiser(bytes(range(32)), settings_in_use.identity.key_epoch)
