"""`radpulse map` finds out what the columns of a file are, says so without identifiers, and what it writes is read."""

from __future__ import annotations

import csv
import io
import random
import tomllib
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from etl.cli import app
from etl.records import Read
from etl.sources.column_shapes import columns_of
from etl.sources.map_proposal import EVENT_LISTS, Proposal, propose
from etl.sources.map_report import propose_file
from etl.sources.mapping import EXAM, PARTS, Mapping, parsed, presets
from etl.sources.ris_csv import items

UTC = ZoneInfo("UTC")
ROWS = 30
NUMBERS = {"value": "7.5", "count": "3", "limit_value": "57", "every_min": "20", "planned_duration_min": "30"}
CODES = {"kind": "slot", "modality": "CT", "code": "ABC", "unit": "EUR", "sex": "F"}
# a status alone is a site's own word, and generic's headers are the roles themselves
TEMPLATED = presets().keys() - {"generic", "status_history"}


def value(mapping: Mapping, part: str, role: str, n: int) -> str:
    """A plausible cell of a role, in the mapping's own time format."""
    moment = f"2026-01-{n % 28 + 1:02d}"
    if (
        part == "milestones"
        or role in ("known_at", "appointment_at")
        or (role in ("begin", "end") and not daily(mapping))
    ):
        if mapping.time_format and "%m/%d" in mapping.time_format:
            return f"01/{n % 28 + 1:02d}/2026 10:{n:02d}:00"
        if mapping.time_format == "%Y-%m-%d":
            return moment if role != "end" else f"2027{moment[4:]}"
        seconds = "" if mapping.time_format == "%Y-%m-%d %H:%M" else ":00"
        return f"{moment} {'11' if role == 'end' else '10'}:{n:02d}{seconds}"
    if role in ("date", "birth_date"):
        return moment
    if role in ("begin", "end"):
        return f"{8 if role == 'begin' else 17:02d}:{n:02d}"
    if role == "study_instance_uid":
        return f"1.2.840.{n + 1}.{n}"
    if part == "identifiers":
        return f"ID{n:06d}"
    return NUMBERS.get(role) or CODES.get(role) or f"W{n % 7}"


def daily(mapping: Mapping) -> bool:
    return "date" in mapping.fields


def table(
    mapping: Mapping, rename: dict[str, str] | None = None, seed: int | None = None
) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a file as a mapping wants them, columns renamed or shuffled."""
    roles = [(h, part, role) for part in PARTS for role, h in getattr(mapping, part).items()]
    roles += [(h, "attributes", "status") for h in mapping.qualified_by.values()]
    roles += [(mapping.known_at, "known_at", "known_at")] if mapping.known_at else []
    cells = {header: (part, role) for header, part, role in reversed(roles)}
    headers = list(cells)
    if seed is not None:
        random.Random(seed).shuffle(headers)  # noqa: S311 - an order, not a secret
    rows = [[value(mapping, *cells[h], n) for h in headers] for n in range(ROWS)]
    return [(rename or {}).get(h, h) for h in headers], rows


def proposed(header: list[str], rows: list[list[str]], kind: str | None = None) -> Proposal:
    return propose(columns_of(header, rows), kind)


def kind_of(name: str) -> str:
    return name if name in EVENT_LISTS else presets()[name].target


def text(header: list[str], rows: list[list[str]], delimiter: str = ",") -> str:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows([header, *rows])
    return file.getvalue()


def parts(mapping: Mapping) -> dict[str, object]:
    return {part: getattr(mapping, part) for part in (*PARTS, "qualified_by", "known_at", "target")}


@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.parametrize("name", sorted(TEMPLATED))
def test_headers_of_a_preset_are_all_found_whatever_their_order(name: str, seed: int | None) -> None:
    mapping = presets()[name]
    found = parts(proposed(*table(mapping, seed=seed)).mapping)
    wanted = parts(mapping)
    if name == "report_log":  # one time column that means what the action beside it says: only a person can know
        assert wanted.pop("qualified_by") == {"Logged": "Action"}
        assert found.pop("qualified_by") == {}
    assert found == wanted


@pytest.mark.parametrize("name", sorted(presets()))
def test_written_mapping_reads_its_file_whole(name: str, tmp_path: Path) -> None:
    data = text(*table(presets()[name], seed=5), delimiter=";")
    path = tmp_path / "x.csv"
    path.write_text(data)
    found = propose_file(path, kind_of(name), "mine")
    mapping = parsed("mine", tomllib.loads(found.text)["mine"])
    assert mapping.version == 1
    assert mapping.columns == tuple(found.sheet.header)
    read = list(items(data.encode(), "x.csv", UTC, mapping, "mine"))
    assert [type(item) for item in read] == [Read] * ROWS, read[0]


RENAMED = {
    "Accession #": "ACC NO.", "Patient MRN": "MedicalRecordNumber", "Begin Exam Date": "Exam_Begin",
    "Arrived": "Arrival Time", "End Exam Date": "EXAM END", "Final Date": "Report signed",
    "Quality Priority": "Priority",
    "Ordering Date": "Order Time",
}  # fmt: skip


def test_renamed_headers_are_recognised() -> None:
    found = proposed(*table(presets()["epic_like"], RENAMED)).mapping
    assert found.identifiers["accession_number"] == "ACC NO."
    assert found.identifiers["patient_id"] == "MedicalRecordNumber"
    steps = ("order_entered", "patient_arrived", "exam_begin", "exam_end", "final")
    assert {step: found.milestones[step] for step in steps} == {
        "order_entered": "Order Time", "patient_arrived": "Arrival Time", "exam_begin": "Exam_Begin",
        "exam_end": "EXAM END", "final": "Report signed",
    }  # fmt: skip


OTHER_LANGUAGES = {
    "German": "Akzessionsnummer,Patientennummer,Gerät,Untersuchung,Angefordert am,"
    "Ankunft,Untersuchungsbeginn,Untersuchungsende,Freigabe",
    "French": "Numéro d'accession,Identifiant patient,Salle,Examen,Date de demande,"
    "Arrivée,Début examen,Fin examen,Validation",
    "Spanish": "Número de acceso,Número de paciente,Sala,Exploración,Fecha solicitud,"
    "Llegada,Inicio examen,Fin examen,Validado",
    "Italian": "Numero di accesso,ID paziente,Apparecchio,Esame,Data richiesta,"
    "Arrivo,Inizio esame,Fine esame,Referto firmato",
    "Dutch": "Onderzoeksnummer,Patiëntnummer,Kamer,Onderzoek,Aanvraagdatum,"
    "Aankomst,Start onderzoek,Einde onderzoek,Geautoriseerd",
}  # fmt: skip
EXPECTED = [
    "accession_number", "patient_id", "station_name", "procedure_text", "order_entered", "patient_arrived",
    "exam_begin", "exam_end", "final",
]  # fmt: skip


@pytest.mark.parametrize("language", sorted(OTHER_LANGUAGES))
def test_headers_in_other_languages_are_recognised(language: str) -> None:
    header = OTHER_LANGUAGES[language].split(",")
    rows = [
        [f"A{n:06d}", f"P{n:06d}", f"CT {n % 2}", "CT HEAD", *[f"{d}.01.2026 10:{n:02d}" for d in range(13, 18)]]
        for n in range(ROWS)
    ]  # fmt: skip
    found = proposed(header, rows)
    assert found.mapping.target == EXAM
    assert found.mapping.time_format == "%d.%m.%Y %H:%M"
    assert [found.roles[h][0].name if found.roles[h] else None for h in header] == EXPECTED


def test_german_roster_is_told_from_an_exam_list() -> None:
    rows = [[f"M{n:04d}", "Spätdienst", "15.01.2026", "14:00", "22:30"] for n in range(ROWS)]
    found = proposed(["Personalnummer", "Dienst", "Datum", "Beginn", "Ende"], rows).mapping
    assert (found.target, found.date_format) == ("shift", "%d.%m.%Y")
    assert found.fields == {
        "person": "Personalnummer",
        "code": "Dienst",
        "date": "Datum",
        "begin": "Beginn",
        "end": "Ende",
    }


def test_times_decide_what_headers_alone_cannot() -> None:
    header = ["Accession", "Final", "Exam Begin"]
    found = proposed(header, [[f"A{n}", "yes", f"2026-01-15 10:{n:02d}"] for n in range(ROWS)])
    assert found.mapping.milestones == {"exam_begin": "Exam Begin"}
    assert found.roles["Final"] == []


def test_day_and_month_that_cannot_be_told_apart_are_said_to_be_assumed() -> None:
    sure = [[f"A{n}", f"{n % 27 + 1:02d}/01/2026 10:00"] for n in range(ROWS)]
    found = proposed(["Accession", "Exam Begin"], sure)
    assert (found.mapping.time_format, found.notes) == ("%d/%m/%Y %H:%M", [])
    unsure = proposed(["Accession", "Exam Begin"], [[f"A{n}", "02/01/2026 10:00"] for n in range(ROWS)])
    assert unsure.mapping.time_format == "%m/%d/%Y %H:%M"
    assert any("cannot be told apart" in note for note in unsure.notes)


def test_report_never_shows_an_identifier_a_person_or_an_unmapped_value(tmp_path: Path) -> None:
    names = [f"SECRETNAME{n:03d}" for n in range(ROWS)]
    header = ["Accession", "MRN", "Radiologist ID", "Exam Begin", "Remark"]
    rows = [[f"ACC{n:07d}", f"PAT{n:07d}", f"DOC{n:05d}", "2026-01-15 10:00:00", names[n]] for n in range(ROWS)]
    path, output = tmp_path / "list.csv", tmp_path / "own.toml"
    path.write_text(text(header, rows))
    result = CliRunner().invoke(app, ["map", str(path), "-o", str(output)])
    assert result.exit_code == 0, result.output
    shown = result.output + output.read_text()
    assert not [cell for row in rows for cell in row if cell in shown and not cell.startswith("2026")]
    assert "AC…(10)" in shown
    assert "…(13)" in shown
    assert 'options = { mapping = "own.toml" }' in shown
    assert f"whole file: {ROWS} rows read, none refused" in shown


def test_file_without_headers_is_refused_before_its_values_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("ACC0000001,PAT0000001,2026-01-15 10:00:00\n")
    result = CliRunner().invoke(app, ["map", str(path)])
    assert result.exit_code != 0
    assert "ACC0000001" not in result.output + str(result.exception)


def test_existing_mapping_is_never_overwritten(tmp_path: Path) -> None:
    path, output = tmp_path / "x.csv", tmp_path / "own.toml"
    path.write_text(text(*table(presets()["roster"])))
    output.write_text("mine")
    assert CliRunner().invoke(app, ["map", str(path), "-o", str(output)]).exit_code != 0
    assert output.read_text() == "mine"


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "\x00\x01"])
def test_file_nothing_can_be_made_of_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(content)
    assert CliRunner().invoke(app, ["map", str(path)]).exit_code != 0
