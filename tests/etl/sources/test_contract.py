"""What every source promises, tried on all of them: only records, nothing raised, each item in one class."""

from __future__ import annotations

import json
import pickle
import random
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

from etl.errors import FeedStoppedError, ItemRefused, Reason
from etl.records import Filtered, Read, Record, Refused, SourceItem
from etl.settings import Feed, Settings, Site
from etl.sources import SOURCES, inspect_file

OBR = "OBR|1|P123456|F123456|CTH^CT Head" + "|" * 14 + "ACC123456" + "|" * 4 + "20260115110000|||F"
HL7 = "\r".join(
    [
        "FHS|^~\\&|RIS",
        "BHS|^~\\&|RIS",
        "MSH|^~\\&|RIS|S|||20260115103000||ORM^O01|1|P|2.5.1",
        "PID|1||PAT123456^^^N^MR",
        "ORC|NW|P123456|||||||20260115100000",
        "MSH|^~\\&|RIS|S|||20260115103000||ORU^R01|2|P|2.5.1",
        "PID|1||PAT123456^^^N^MR",
        OBR,
        "BTS|2",
        "FTS|1",
    ]
)
# A well-formed sample for each kind whose format is text. A kind without one is tried on damaged bytes only;
# its own tests hold its samples.
SAMPLES = {
    "hl7v2": ("a.hl7", HL7.encode()),
    "ris_csv": (
        "a.csv",
        b"accession_number,patient_id,exam_begin,exam_end\n"
        b"ACC123456,PAT123456,2026-01-15 10:00:00,2026-01-15 10:20:00\n"
        b"ACC123457,PAT123457,2026-01-15 11:00:00,\n",
    ),
    "fhir": (
        "b.json",
        b"""{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "DiagnosticReport", "id": "r",
        "status": "final", "issued": "2026-01-15T10:20:00Z", "subject": {"reference": "Patient/PAT123456"},
        "identifier": [{"type": {"coding": [{"code": "ACSN"}]}, "value": "ACC123456"}]}}, {"resource": {"id": "o",
        "resourceType": "ServiceRequest", "status": "active", "authoredOn": "2026-01-15T10:00:00Z",
        "identifier": [{"type": {"coding": [{"code": "PLAC"}]}, "value": "P123456"}]}}]}""",
    ),
    "mpps": (
        "m.json",
        b"""[{"00400252": {"vr": "CS", "Value": ["IN PROGRESS"]}, "00100020": {"vr": "LO", "Value": ["PAT123456"]},
        "00400244": {"vr": "DA", "Value": ["20260115"]}, "00400245": {"vr": "TM", "Value": ["100000"]},
        "00400270": {"vr": "SQ", "Value": [{"00080050": {"vr": "SH", "Value": ["ACC123456"]}}]}},
        {"data_set": {"00400252": {"vr": "CS", "Value": ["COMPLETED"]},
        "00400250": {"vr": "DA", "Value": ["20260115"]}, "00400251": {"vr": "TM", "Value": ["102000"]}},
        "created": {"00100020": {"vr": "LO", "Value": ["PAT123456"]},
        "00400244": {"vr": "DA", "Value": ["20260115"]}, "00400245": {"vr": "TM", "Value": ["100000"]}}}]""",
    ),
    "worklist": (
        "w.json",
        b"""{"queried_at": "2026-01-14T10:00:00+00:00", "answers": [{"00080050": {"vr": "SH", "Value": ["ACC123456"]},
        "00400100": {"vr": "SQ", "Value": [{"00400002": {"vr": "DA", "Value": ["20260115"]},
        "00400003": {"vr": "TM", "Value": ["100000"]}}]}}, {"00100020": {"vr": "LO", "Value": ["PAT123456"]},
        "00402016": {"vr": "LO", "Value": ["P123456"]}, "00400100": {"vr": "SQ", "Value": [{
        "00400002": {"vr": "DA", "Value": ["20260115"]}, "00400003": {"vr": "TM", "Value": ["1100"]}}]}}]}""",
    ),
    "openings_csv": (
        "o.csv",
        b"scanner_code,kind,date,begin,end,reason\nNCT1,open,2026-01-15,07:00,19:00,\n"
        b"NCT1,slot,2026-01-15,07:00,07:30,\n",
    ),
    "sole": (
        "s.log",
        b"".join(
            b"<85>1 2026-01-15T15:00:01Z ris IHE+SOLE 7 RID45813 - <AuditMessage><EventIdentification "
            b"EventDateTime='2026-01-15T10:00:00-05:00'><EventID csd-code='SOLE'/><EventTypeCode csd-code='RID45813' "
            b"codeSystemName='RadLex'/></EventIdentification><ParticipantObjectIdentification "
            b"ParticipantObjectID='ACC12345%d'><ParticipantObjectIDTypeCode csd-code='121022'/>"
            b"</ParticipantObjectIdentification></AuditMessage>\n" % n
            for n in (6, 7)
        ),
    ),
}
KINDS = sorted(SOURCES)
N_MUTATIONS = 60


def settings(folder: Path) -> Settings:
    return Settings(base=folder, sites=(Site(code="S", name="S", zone="America/New_York"),))


def read(kind: str, folder: Path, name: str, data: bytes) -> list[SourceItem]:
    path = folder / "in" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    feed = Feed(key="f", kind=kind, site="S", path=Path("in"))
    try:
        return list(SOURCES[kind].read(path, feed, settings(folder)))
    except FeedStoppedError:
        return []


def instants(value: Any) -> Iterator[datetime]:
    if isinstance(value, datetime):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from instants(getattr(value, field.name))


def check(items: list[SourceItem], name: str) -> None:
    refs = [item.source_ref for item in items]
    assert len(refs) == len(set(refs))
    for item in items:
        assert isinstance(item, (Read, Refused, Filtered))
        assert item.source_ref.startswith(name)
        if isinstance(item, Refused):
            assert item.reason in set(Reason)
            assert "\n" not in item.detail
        if isinstance(item, Read):
            assert item.records
            for record in item.records:
                assert isinstance(record, get_args(Record))
                assert all(at.utcoffset() == timedelta() for at in instants(record))
    assert pickle.loads(pickle.dumps(items)) == items  # noqa: S301 - our own bytes


def mutated(data: bytes, chance: random.Random) -> bytes:
    found = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(found) + 1)
        match chance.randrange(4):
            case 0:
                del found[at : at + chance.randint(1, 40)]
            case 1:
                found[at:at] = chance.randbytes(chance.randint(1, 8))
            case 2:
                found[at : at + 1] = chance.choice([b"|", b"^", b"\\", b"\r", b"\n", b'"', b",", b"\0", b"9"])
            case _:
                found[at:at] = found[: chance.randint(1, 200)]
    return bytes(found)


@pytest.mark.parametrize("kind", KINDS)
def test_registry_key_is_the_sources_own_kind(kind: str) -> None:
    assert SOURCES[kind].kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_source_itself_is_picklable_for_worker_processes(kind: str) -> None:
    again = pickle.loads(pickle.dumps(SOURCES[kind]))  # noqa: S301 - our own bytes
    assert again.kind == kind


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_sample_is_read_whole(kind: str, tmp_path: Path) -> None:
    name, data = SAMPLES[kind]
    items = read(kind, tmp_path, name, data)
    check(items, name)
    assert sum(isinstance(item, Read) for item in items) == 2
    assert not any(isinstance(item, Refused) for item in items)


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_reading_twice_gives_the_same_items(kind: str, tmp_path: Path) -> None:
    name, data = SAMPLES[kind]
    assert read(kind, tmp_path, name, data) == read(kind, tmp_path, name, data)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_raised_on_random_bytes(kind: str, tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - a test's own dice
    for size in (0, 1, 3, 4, 100, 132, 5000):
        check(read(kind, tmp_path, "x", chance.randbytes(size)), "x")


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_raised_on_damaged_samples(kind: str, tmp_path: Path) -> None:
    chance = random.Random(11)  # noqa: S311 - a test's own dice
    name, data = SAMPLES.get(kind, ("x", HL7.encode()))
    for _ in range(N_MUTATIONS):
        check(read(kind, tmp_path, name, mutated(data, chance)), name)
    for length in range(0, len(data), 7):
        check(read(kind, tmp_path, name, data[:length]), name)


@pytest.mark.parametrize("kind", KINDS)
def test_unreadable_file_is_refused(kind: str, tmp_path: Path) -> None:
    feed = Feed(key="f", kind=kind, site="S")
    items = list(SOURCES[kind].read(tmp_path / "gone", feed, settings(tmp_path)))
    assert [item.reason for item in items if isinstance(item, Refused)] == [Reason.READ_ERROR]


def listed(kind: str, folder: Path, *names: str) -> list[str]:
    root = folder / "in"
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    feed = Feed(key="f", kind=kind, site="S", path=Path("in"))
    return [path.relative_to(root).as_posix() for path in SOURCES[kind].files(feed, settings(folder))]


@pytest.mark.parametrize("kind", KINDS)
def test_files_are_sorted_by_relative_path(kind: str, tmp_path: Path) -> None:
    assert listed(kind, tmp_path, "b", "sub/c", "a") == ["a", "b", "sub/c"]


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_files_still_being_written_are_left_alone(kind: str, tmp_path: Path) -> None:
    assert listed(kind, tmp_path, "b", ".hidden", "d.tmp", "e.part") == ["b"]


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_inspect_finds_the_kind_without_settings_and_masks_identifiers(kind: str, tmp_path: Path) -> None:
    name, data = SAMPLES[kind]
    path = tmp_path / name
    path.write_bytes(data)
    text = json.dumps(inspect_file(path), ensure_ascii=False)
    assert json.loads(text)["kind"] == kind
    assert not [raw for raw in ("ACC123456", "PAT123456", "P123456", "F123456") if raw in text]


@pytest.mark.parametrize("kind", KINDS)
def test_inspect_refuses_with_one_line_and_nothing_else(kind: str, tmp_path: Path) -> None:
    chance = random.Random(13)  # noqa: S311 - a test's own dice
    name, data = SAMPLES.get(kind, ("x", b"\0" * 200))
    path = tmp_path / name
    for _ in range(N_MUTATIONS):
        path.write_bytes(mutated(data, chance))
        try:
            json.dumps(SOURCES[kind].inspect(path))
        except ItemRefused as refused:
            assert "\n" not in str(refused)  # noqa: PT017 - the refusal itself is what is checked


def test_unknown_and_missing_files_are_refused_by_inspect(tmp_path: Path) -> None:
    path = tmp_path / "photo"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(ItemRefused) as refused:
        inspect_file(path)
    assert refused.value.reason == Reason.NOT_THIS_FORMAT
    with pytest.raises(ItemRefused) as refused:
        inspect_file(tmp_path / "gone")
    assert refused.value.reason == Reason.READ_ERROR
