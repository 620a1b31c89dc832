"""The site's own codes change facts as they say, and a preview says beforehand what comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from etl.codes.changes import wished
from etl.codes.preview import preview
from etl.errors import RefusedError
from etl.records import EventType
from etl.settings import Feed, Scanner, Settings, Site
from etl.site_codes import Change, CodeKind, codes_path, history, next_change, save, undoing
from etl.warehouse.code_worklist import worklist
from etl.warehouse.derive import derive
from etl.warehouse.dump import DUMPED, canonical_lines
from etl.warehouse.parameters import load_parameters
from etl.warehouse.tables import data_version, fact_acquisition, fact_exam


@pytest.fixture
def site(tmp_path: Path) -> Settings:
    """One site whose feed says `t:<event type>`, mapped by the site itself."""
    settings = Settings(
        base=tmp_path,
        sites=(Site(code="NORTH", name="North", zone="America/New_York"),),
        scanners=(
            Scanner(code="NCT1", site="NORTH", modality="CT", name="CT 1"),
            Scanner(code="NCT2", site="NORTH", modality="CT", name="CT 2"),
        ),
        feeds=(Feed(key="north_hl7", kind="hl7v2", site="NORTH"),),
    )  # fmt: skip
    for kind in EventType:
        put(settings, CodeKind.STATUS, "north_hl7", f"t:{kind}", str(kind))
    return settings


def put(settings: Settings, kind: CodeKind, scope: str, code: str, new: str) -> Change:
    change = next_change(history(codes_path(settings)), kind, scope, code, new, by="ada", reason="test")
    save(codes_path(settings), change)
    return change


def wish(settings: Settings, kind: CodeKind, scope: str, code: str, new: str) -> Change:
    return wished(settings, kind, scope, code, new, by="ada", reason="test")


def fill(engine: Engine, ward: Any, settings: Settings) -> None:
    with engine.begin() as connection:
        ward.load(connection)
        derive(connection, load_parameters(settings))


def told(engine: Engine, column: Any) -> list[Any]:
    with engine.connect() as connection:
        return sorted(connection.execute(select(column)).scalars(), key=str)


def dump(engine: Engine) -> dict[str, list[str]]:
    with engine.connect() as connection:
        return {t.name: list(canonical_lines(connection, t)) for t in DUMPED if t is not data_version}


def department(ward: Any) -> None:
    for n in range(3):
        ward.exam(f"A{n}", n * 60, procedure_code="ZZ1", procedure_text="SKULL PLAIN", priority_code="R")
    for n in range(2):
        ward.exam(f"B{n}", n * 60 + 500, procedure_code="CTC", procedure_text="CT CHEST", priority_code="R")


def test_preview_counts_the_exams_that_move_and_touches_nothing(new_engine: Any, ward: Any, site: Settings) -> None:
    engine = new_engine()
    department(ward)
    fill(engine, ward, site)
    before = dump(engine)
    effect = preview(site, engine, wish(site, CodeKind.PROCEDURE, "CT", "zz1", "ct head"))
    lines = list(effect.lines())
    assert lines[0] == "moves 3 exams from CT other to CT head"
    assert "T16 report_tat" in effect.kpis  # cut by procedure group
    assert not [k for k in effect.kpis if k.startswith(("I03", "U14"))]  # which know nothing of procedures
    assert lines[1].startswith(f"changes {len(effect.kpis)} KPIs: ")
    assert dump(engine) == before
    assert len(history(codes_path(site))) == len(EventType)


def test_saved_change_does_what_the_preview_said_and_undo_takes_it_back(
    new_engine: Any, ward: Any, site: Settings
) -> None:
    engine = new_engine()
    department(ward)
    fill(engine, ward, site)
    before = dump(engine)
    save(codes_path(site), wish(site, CodeKind.PROCEDURE, "CT", "ZZ1", "CT head"))
    ward.rows.clear()
    fill(engine, ward, site)
    assert told(engine, fact_exam.c.procedure_group) == ["CT chest"] * 2 + ["CT head"] * 3
    back = undoing(history(codes_path(site)), None, by="ada", reason="wrong")
    assert next(preview(site, engine, back).lines()) == "moves 3 exams from CT head to CT other"
    save(codes_path(site), back)
    fill(engine, ward, site)
    assert dump(engine) == before


def test_status_mapped_by_the_site_wins_over_the_shipped_map(new_engine: Any, ward: Any, site: Settings) -> None:
    engine = new_engine()
    ward.exam("A1", 0)
    ward.event("patient_gone_home", 300, acc="A1")
    fill(engine, ward, site)
    with engine.connect() as connection:
        (item,) = worklist(connection, load_parameters(site), CodeKind.STATUS)
    assert (item.code, item.n, item.scope) == ("t:patient_gone_home", 1, "north_hl7")
    effect = preview(site, engine, wish(site, CodeKind.STATUS, "north_hl7", "t:exam_end", "none"))
    assert effect.moves == ()  # reported all the same
    assert any(name.startswith("T11 ") for name in effect.kpis)


def test_station_alias_moves_exams_to_their_scanner(new_engine: Any, ward: Any, site: Settings) -> None:
    engine = new_engine()
    for n in range(4):
        ward.exam(f"A{n}", n * 60, station_name="ROOM 7")
    ward.exam("B", 900, station_name="NCT2")
    fill(engine, ward, site)
    with engine.connect() as connection:
        (item,) = worklist(connection, load_parameters(site), CodeKind.STATION)
    assert (item.scope, item.code, item.n) == ("NORTH", "ROOM 7", 24)  # six events an exam
    change = wish(site, CodeKind.STATION, "NORTH", "room 7", "NCT1")
    assert next(preview(site, engine, change).lines()) == "moves 4 exams from nothing to NCT1"
    save(codes_path(site), change)
    ward.rows.clear()
    fill(engine, ward, site)
    assert told(engine, fact_exam.c.scanner_code) == ["NCT1"] * 4 + ["NCT2"]


def test_protocol_alias_renames_series_whatever_their_spelling(new_engine: Any, ward: Any, site: Settings) -> None:
    engine = new_engine()
    ward.exam("A1", 0)
    for n, name in enumerate(("HEAD_SEQ  a", "Head_Seq A", "Chest")):
        ward.series(f"s{n}", n, acc="A1", protocol_name=name)
    fill(engine, ward, site)
    change = wish(site, CodeKind.PROTOCOL, "CT", "head_seq a", "Head routine")
    effect = preview(site, engine, change)
    assert sum(m.n for m in effect.moves) == 2
    save(codes_path(site), change)
    ward.rows.clear()
    fill(engine, ward, site)
    assert told(engine, fact_acquisition.c.protocol_name) == ["Chest", "Head routine", "Head routine"]
    with engine.connect() as connection:
        left = worklist(connection, load_parameters(site), CodeKind.PROTOCOL)
    assert [item.code for item in left] == ["Chest"]


def test_worklist_puts_the_most_frequent_first(new_engine: Any, ward: Any, site: Settings) -> None:
    engine = new_engine()
    department(ward)
    ward.exam("C", 2000, procedure_code="Q1", procedure_text="UNHEARD OF", priority_code="WHENEVER")
    for n in range(9):
        ward.series(f"s{n}", 2000 + n, acc="C", protocol_name="Scout")
    fill(engine, ward, site)
    with engine.connect() as connection:
        items = worklist(connection, load_parameters(site))
    *items, last = items
    assert (last.kind, last.code, last.n) == (CodeKind.PROTOCOL, "Scout", 9)  # hides nothing that loses a fact
    assert [(i.kind, i.code, i.n, i.now) for i in items if i.kind == CodeKind.PROCEDURE] == [
        (CodeKind.PROCEDURE, "ZZ1", 3, "CT other"),
        (CodeKind.PROCEDURE, "Q1", 1, "CT other"),
    ]
    assert ("priority", "WHENEVER", 6) in [(i.kind, i.code, i.n) for i in items]
    assert [i.n for i in items] == sorted((i.n for i in items), reverse=True)


@pytest.mark.parametrize(
    ("kind", "scope", "value", "near"),
    [
        (CodeKind.PROCEDURE, "CT", "CT haed", "CT head"),
        (CodeKind.STATUS, "north_hl7", "exam_ended", "exam_end"),
        (CodeKind.STATUS, "north_hl8", "exam_end", "north_hl7"),
        (CodeKind.STATION, "NORTH", "NCT3", "NCT1"),
    ],
)
def test_slip_is_refused_with_what_is_near(site: Settings, kind: CodeKind, scope: str, value: str, near: str) -> None:
    with pytest.raises(RefusedError, match=near):
        wish(site, kind, scope, "X", value)
