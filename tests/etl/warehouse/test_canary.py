"""Nothing that names a person or an order is in any file after a load, whatever class the item ended in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import Engine

from etl.errors import Reason
from etl.records import Attributes, DoseRecord, EventRecord, Identifiers, Read, Refused, SeriesRecord, SourceItem
from etl.settings import Feed, Settings
from etl.staging import Pseudonymiser, stage
from etl.warehouse.append import append
from etl.warehouse.engine import writer_engine
from etl.warehouse.load import load
from etl.warehouse.publish import publish
from etl.warehouse.tables import parameter_set

AT = datetime(2026, 9, 1, 12, tzinfo=UTC)
PLANTED = {
    "patient": "CANARYMRN77421",
    "issuer": "CANARYISSUER",
    "prior": "CANARYPRIOR3310",
    "accession": "CANARYACC55120",
    "placer": "CANARYPLC9001",
    "filler": "CANARYFIL9002",
    "study": "1.2.840.99999.424242.1",
    "series": "1.2.840.99999.424242.2",
    "instance": "1.2.840.99999.424242.3",
    "visit": "CANARYVISIT881",
    "appointment": "CANARYAPPT662",
    "birth": "19530217",
    "birth_iso": "1953-02-17",
    "orderer": "CANARYDOC^ORDER",
    "technologist": "CANARYTECH^T",
    "reader": "CANARYREAD^R",
    "trainee": "CANARYTRAIN^A",
    "control": "CANARYCTRL0001",
    "report": "1.2.840.99999.424242.4",
    "irradiation": "1.2.840.99999.424242.5",
    "name": "CANARYDOE^JANE",
}
P = PLANTED
IDS = Identifiers(
    P["patient"], P["issuer"], P["prior"], P["issuer"], P["accession"], P["placer"], P["filler"], P["study"],
    P["visit"], P["appointment"],
)  # fmt: skip
EVENT = EventRecord(
    IDS, "ORM^O01/SC/IP/", "20260901120000", AT, 0, AT, "RIS",
    attributes=Attributes(
        modality="CT", station_name="NCT1", birth_date=P["birth"], ordering_person=P["orderer"],
        technologist=P["technologist"], reader=P["reader"], assistant_reader=P["trainee"],
    ),
)  # fmt: skip
SERIES = SeriesRecord(
    IDS, P["series"], P["instance"], "CT", "NCT1", None, None, None, None, "20260901120000", AT, None, None,
    "AcquisitionDateTime", None, "NCT1", patient_birth_date=P["birth_iso"],
)  # fmt: skip
DOSE = DoseRecord(
    IDS, P["report"], P["irradiation"], "CT", "NCT1", None, None, None, None, None, "20260901120000", AT, None,
    None, None, "NCT1", dlp_mgy_cm=1.0,
)  # fmt: skip
RAW = "|".join(PLANTED.values()).encode()
ITEMS: list[SourceItem] = [
    Read("f.hl7#1", (EVENT,), P["control"]),
    Read("f.dcm#1", (SERIES, DOSE), P["instance"]),
    Refused("f.hl7#2", Reason.BAD_VALUE, f"PID-5 '{P['name']}' of {P['patient']}", raw=RAW),
    Read("f.hl7#3", (replace(EVENT, occurred_at=AT + timedelta(days=900)),), P["control"]),
]


@pytest.fixture
def engine(settings: Settings, feed: Feed, pseudonymiser: Pseudonymiser) -> Iterator[Engine]:
    """A warehouse with planted identifiers in every field, loaded and published."""
    engine = writer_engine(settings)
    with engine.begin() as connection:
        batch = stage(ITEMS, feed, settings, pseudonymiser)
        folder = settings.at(settings.quarantine_folder)
        counts = load(connection, feed, [batch], "r1", AT, quarantine_folder=folder)
        append(connection, parameter_set, pd.DataFrame({"parameter_hash": ["p"], "used_at": [AT]}))
    assert (counts.loaded, counts.quarantined) == (2, 2)
    publish(settings, engine)
    yield engine
    engine.dispose()


def _found(folder: Path) -> set[str]:
    contents = [p.read_bytes().upper() for p in folder.rglob("*") if p.is_file()]
    names = [str(p).upper().encode() for p in folder.rglob("*")]
    return {what for what, value in PLANTED.items() if any(value.upper().encode() in c for c in contents + names)}


def test_no_planted_identifier_is_in_any_file(settings: Settings, engine: Engine) -> None:
    assert _found(settings.base) == set()  # the write-ahead log as well
    engine.dispose()
    assert _found(settings.base) == set()


def test_the_search_would_find_them(tmp_path: Path) -> None:
    (tmp_path / "leak.bin").write_bytes(b"\0" + RAW + b"\0")
    assert _found(tmp_path) == set(PLANTED)


def test_no_planted_identifier_is_in_any_text_of_the_warehouse(engine: Engine) -> None:
    """Files may be compressed, so the values are looked at as well."""
    from sqlalchemy import select

    from etl.warehouse.append import read_arrow
    from etl.warehouse.tables import metadata

    with engine.connect() as connection:
        texts = [str(read_arrow(connection, select(t)).to_pylist()).upper() for t in metadata.tables.values()]
    assert [w for w, value in PLANTED.items() if any(value.upper() in text for text in texts)] == []
