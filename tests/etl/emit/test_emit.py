"""Emission: what leaves is what the warehouse holds, under pseudonyms that say they are, and can be read again."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.auditevent import AuditEvent
from fhir.resources.R4B.bundle import Bundle
from sqlalchemy import Engine, select
from typer.testing import CliRunner

from etl import pipeline
from etl.cli import app
from etl.emit import Shape, Span, emit_file, emit_syslog
from etl.emit.syslog_peer import SyslogPeer
from etl.errors import PeerError, RefusedError
from etl.records import EventRecord, EventType, Read
from etl.settings import Feed, Settings
from etl.sources import SOURCES
from etl.sources.landed import read_segment
from etl.state import AuditLog
from etl.warehouse.event_set import TYPES, type_code
from etl.warehouse.parameters import load_parameters
from etl.warehouse.tables import event
from tests.etl.listeners.conftest import Certificates, Start, free_port

SPAN = Span(datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC))
PHI = ("PAT", "ACC7", "DOE", "PL7", "F7", "19530217", "RAD9")


def story(n: int) -> str:
    """An order, a begun and an ended exam and a final report of one patient."""
    head = f"MSH|^~\\&|RIS|NORTH|||202609{n + 1:02}1300{{s:02}}-0400||{{kind}}|{n}{{s}}|P|2.5.1"
    pid = f'PID|1||PAT{n}^^^NORTH^MR||DOE^JANE<&"||19530217|F'
    obr = f"OBR|1|PL7{n}|F7{n}|CTH^CT HEAD & NECK <3||||||||||||O7^ORDER^ER||ACC7{n}||||||CT|{{status}}||||||RAD9"
    steps = [("ORM^O01", "NW", ""), ("ORM^O01", "SC", "IP"), ("ORM^O01", "SC", "CM"), ("ORU^R01", "RE", "")]
    messages = []
    for s, (kind, control, status) in enumerate(steps):
        at = f"202609{n + 1:02}12{10 * s:02}05.25-0400"
        result = obr.format(status="F" if kind == "ORU^R01" else "")
        fields = result.split("|")
        fields[22:23] = [at]
        orc = f"ORC|{control}|PL7{n}|F7{n}||{status}||||{at}"
        messages.append("\r".join([head.format(kind=kind, s=s), pid, orc, "|".join(fields)]))
    return "\r".join(messages) + "\r"


@pytest.fixture
def filled(settings: Settings) -> Settings:
    """An installation whose HL7 feed holds twenty such stories, ingested."""
    folder = settings.base / "hl7"
    folder.mkdir()
    (folder / "a.hl7").write_text("".join(story(n) for n in range(20)))
    feeds = (Feed(key="north_hl7", kind="hl7v2", site="NORTH", path=Path("hl7")),)
    made = settings.model_copy(update={"feeds": feeds})
    with pipeline.exclusive(made), pipeline.writer(made) as engine:
        (run,) = pipeline.ingest(made, engine)
        assert run.counts.quarantined == 0
    return made


def held(settings: Settings, engine: Engine) -> list[tuple[EventType, datetime]]:
    """What the warehouse holds: type and instant of every mapped event."""
    rules = load_parameters(settings).status_rules
    with engine.connect() as connection:
        rows = connection.execute(select(event.c.local_code, event.c.occurred_at)).all()
    codes = [(type_code(rules, "hl7v2", "", code, "north_hl7"), at) for code, at in rows]
    return sorted((TYPES[code], at) for code, at in codes if code >= 0)


def emitted(settings: Settings, shape: Shape, output: Path) -> list[tuple[EventType, datetime]]:
    """Emit all to `output` and return what the warehouse held."""
    with pipeline.writer(settings) as engine:
        expected = held(settings, engine)
        with engine.connect() as connection:
            assert emit_file(connection, settings, SPAN, shape, output) == len(expected)
    assert len(expected) >= 80
    return expected


def read_again(settings: Settings, records: list[EventRecord]) -> list[tuple[EventType, datetime]]:
    rules = load_parameters(settings).status_rules
    return sorted((TYPES[type_code(rules, "sole", "", r.local_code)], r.occurred_at) for r in records)


def records_of(settings: Settings, path: Path) -> list[EventRecord]:
    items = list(SOURCES["sole"].read(path, Feed(key="s", kind="sole", site="NORTH"), settings))
    assert all(isinstance(item, Read) for item in items)
    return [r for item in items if isinstance(item, Read) for r in item.records if isinstance(r, EventRecord)]


def test_sole_read_back_by_our_own_source_gives_the_same_events_at_the_same_instants(filled: Settings) -> None:
    output = filled.base / "out.log"
    expected = emitted(filled, Shape.SOLE, output)
    records = records_of(filled, output)
    assert read_again(filled, records) == expected
    by_exam: dict[str | None, int] = {}
    for record in records:
        by_exam[record.ids.accession_number] = by_exam.get(record.ids.accession_number, 0) + 1
    assert len(by_exam) == 20  # pseudonyms still tell exams apart and hold them together
    assert {r.utc_offset_min for r in records} == {-240}
    assert {r.attributes.procedure_text for r in records} == {"CT HEAD & NECK <3"}


def test_nothing_that_names_a_person_leaves_and_every_id_says_that_it_is_a_pseudonym(filled: Settings) -> None:
    for shape, name in ((Shape.SOLE, "a.log"), (Shape.AUDIT_EVENT, "a.ndjson"), (Shape.AUDIT_EVENT, "a.json")):
        emitted(filled, shape, filled.base / name)
        text = (filled.base / name).read_text()
        assert [word for word in PHI if word in text] == []
        assert "urn:radpulse:pseudonym:1:patient" in text
    ids = re.findall(r'ParticipantObjectID="([^"]*)"[^>]*Sensitivity="pseudonym"', (filled.base / "a.log").read_text())
    assert len(ids) >= 80
    assert all(re.fullmatch(r"urn:radpulse:pseudonym:1:\w+:[0-9a-f]{32}", i) for i in ids)


def test_audit_events_are_valid_fhir_r4_and_hold_the_same_events(filled: Settings) -> None:
    expected = emitted(filled, Shape.AUDIT_EVENT, filled.base / "a.ndjson")
    resources = [json.loads(line) for line in (filled.base / "a.ndjson").read_text().splitlines()]
    assert [AuditEvent.model_validate(resource).get_resource_type() for resource in resources].count(
        "AuditEvent"
    ) == len(resources)
    assert sorted(_event(resource) for resource in resources) == expected
    assert len({resource["id"] for resource in resources}) == len(resources)
    labels = [label["code"] for resource in resources for label in resource["meta"]["security"]]
    assert labels == ["PSEUDED"] * len(resources)


def _event(resource: dict[str, Any]) -> tuple[EventType, datetime]:
    (subtype,) = resource["subtype"]
    known = {"RID45813": EventType.ORDER_ENTERED}
    code = subtype["code"]
    return known.get(code) or EventType(code), datetime.fromisoformat(resource["period"]["start"]).astimezone(UTC)


def test_a_bundle_is_one_valid_resource(filled: Settings) -> None:
    expected = emitted(filled, Shape.AUDIT_EVENT, filled.base / "a.json")
    bundle = Bundle.model_validate_json((filled.base / "a.json").read_bytes())
    assert len(bundle.entry) == len(expected)


def test_an_empty_span_is_an_empty_file_and_a_valid_bundle(filled: Settings) -> None:
    nothing = Span(SPAN.to_at, SPAN.to_at + timedelta(days=1))
    with pipeline.writer(filled) as engine, engine.connect() as connection:
        assert emit_file(connection, filled, nothing, Shape.AUDIT_EVENT, filled.base / "a.json") == 0
        assert emit_file(connection, filled, nothing, Shape.SOLE, filled.base / "a.log") == 0
    assert Bundle.model_validate_json((filled.base / "a.json").read_bytes()).entry == []
    assert (filled.base / "a.log").read_bytes() == b""


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
def test_our_own_listener_takes_what_we_emit(
    filled: Settings,
    listening: Start,
    certificates: Certificates,
    tls: bool,
) -> None:
    files = {"tls_cert": "server.pem", "tls_key": "server.key", "tls_ca": "ca.pem"} if tls else {}
    options = "".join(f', {k} = "{certificates.path(v)}"' for k, v in files.items())
    server = listening(f'{{ kind = "syslog", port = PORT{options} }}', "sole", folder=filled.base / "receiver")
    paths = [Path(certificates.path(name)) for name in ("ca.pem", "client.pem", "client.key")] if tls else []
    peer = SyslogPeer("localhost", server.port, *paths)
    with pipeline.writer(filled) as engine:
        expected = held(filled, engine)
        with engine.connect() as connection:
            assert emit_syslog(connection, filled, SPAN, peer) == len(expected)
    assert server.stop() == 0
    segments = sorted((server.folder / "landing").glob("*.seg"))
    items = [i for s in segments for i in read_segment(SOURCES["sole"], s, server.feed, server.settings)]
    records = [r for item in items if isinstance(item, Read) for r in item.records if isinstance(r, EventRecord)]
    assert read_again(filled, records) == expected


def test_a_peer_that_is_not_there_is_said_in_one_line(filled: Settings) -> None:
    peer = SyslogPeer("127.0.0.1", free_port())
    with pipeline.writer(filled) as engine, engine.connect() as connection, pytest.raises(PeerError, match="syslog"):
        emit_syslog(connection, filled, SPAN, peer)


def test_identified_emission_is_refused_and_the_audit_log_knows_every_other(filled: Settings) -> None:
    from etl.emit import refuse_identified

    with pytest.raises(RefusedError, match="identity vault"):
        refuse_identified(filled)
    emitted(filled, Shape.SOLE, filled.base / "a.log")
    (record,) = AuditLog(filled.at(filled.state_file)).records()
    assert (record["action"], record["rows"] >= 80) == ("EMIT", True)


TOML = """\
[[sites]]
code = "NORTH"
name = "North"
zone = "America/New_York"

[[feeds]]
key = "north_hl7"
kind = "hl7v2"
site = "NORTH"
path = "hl7"
"""


def test_the_command_emits_and_refuses_with_one_line(filled: Settings) -> None:
    config = filled.base / "radpulse.toml"
    config.write_text(TOML)
    run = CliRunner().invoke
    span = ["--from", "2026-09-01", "--to", "2026-10-01T00:00", "--config", str(config)]
    output = filled.base / "x.ndjson"
    result = run(app, ["emit", "--as", "auditevent", *span, "-o", str(output)])
    assert result.exit_code == 0, result.output
    assert f"{len(output.read_text().splitlines())} events, pseudonymous" in result.output
    for wrong in (
        ["--as", "sole", "--identified", "-o", "x"],
        ["--as", "dicom", "-o", "x"],
        ["--as", "sole"],
        ["--as", "auditevent", "--to-syslog", "localhost:1"],
        ["--as", "sole", "-o", "x", "--to-syslog", "localhost:1"],
    ):
        result = run(app, ["emit", *span, *wrong])
        assert isinstance(result.exception, RefusedError), wrong
