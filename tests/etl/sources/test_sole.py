"""IHE SOLE events: third-party samples, the codes that are verified, and XML that must not be trusted."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from etl.errors import FilterReason, Reason
from etl.records import EventRecord, EventType, Filtered, Read, Refused, SourceItem
from etl.settings import Feed, Settings
from etl.sources import SOURCES
from etl.sources.status_map import shipped_event_type

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus" / "sole"
corpus = pytest.mark.skipif(not CORPUS.exists(), reason="no corpus beside the project")
EXAM = (
    '<ParticipantObjectIdentification ParticipantObjectTypeCode="2" ParticipantObjectTypeCodeRole="3" '
    'ParticipantObjectID="{id}"><ParticipantObjectIDTypeCode csd-code="{code}" codeSystemName="{scheme}" '
    'originalText="{text}"/>{more}</ParticipantObjectIdentification>'
)


def subject(id_: str, code: str, text: str = "", more: str = "", scheme: str = "DCM") -> str:
    return EXAM.format(id=id_, code=code, scheme=scheme, text=text, more=more)


def audit(*objects: str, code: str = "RID45813", at: str = "2026-09-10T12:00:00-04:00", people: str = "") -> str:
    return (
        f"<AuditMessage><EventIdentification EventActionCode='E' EventDateTime='{at}' EventOutcomeIndicator='0'>"
        "<EventID csd-code='SOLE' codeSystemName='IHE-RAD' originalText='Imaging Operational Event'/>"
        f"<EventTypeCode csd-code='{code}' codeSystemName='RadLex' originalText='x'/></EventIdentification>{people}"
        f"<AuditSourceIdentification AuditSourceID='RIS1'/>{''.join(objects)}</AuditMessage>"
    )


def read(data: bytes | str, settings: Settings) -> list[SourceItem]:
    raw = data if isinstance(data, bytes) else data.encode()
    feed = Feed(key="s", kind="sole", site="NORTH")
    return list(SOURCES["sole"].read_bytes(raw, "x", feed, settings))  # type: ignore[attr-defined]  # it reads bytes


def one(data: bytes | str, settings: Settings) -> EventRecord:
    (item,) = read(data, settings)
    assert isinstance(item, Read), item
    (record,) = item.records
    assert isinstance(record, EventRecord)
    return record


def refused(data: bytes | str, settings: Settings) -> Reason:
    (item,) = read(data, settings)
    assert isinstance(item, Refused), item
    return item.reason


@corpus
def test_third_party_bulk_answer_is_two_other_programs_and_one_order_without_any_id(settings: Settings) -> None:
    items = read((CORPUS / "bulk-events1.json").read_bytes(), settings)
    assert [type(item) for item in items] == [Filtered, Filtered, Refused]
    assert isinstance(items[2], Refused)
    assert items[2].reason == Reason.MISSING_IDENTIFIER  # its ids stand in XML comments only


@corpus
def test_third_party_order_is_read_once_its_comments_are_attributes(settings: Settings) -> None:
    text = (CORPUS / "detailed-event.xml").read_text()
    assert refused(text, settings) == Reason.MISSING_IDENTIFIER
    text = text.replace(
        'ParticipantObjectTypeCodeRole="4">\n      <ParticipantObjectIDTypeCode csd-code="363679005121022"',
        'ParticipantObjectID="12345678901234" ParticipantObjectTypeCodeRole="4">\n'
        '      <ParticipantObjectIDTypeCode csd-code="363679005121022"',
    )
    record = one(text, settings)
    assert record.local_code == "sole:RID45813^RadLex"
    assert record.occurred_at == datetime(2016, 10, 17, 21, 12, 4, 287000, UTC)
    assert record.utc_offset_min == -360
    assert record.ids.accession_number == "12345678901234"  # its garbled code is known by its words
    assert record.attributes.ordering_person == "EmpID12345678"
    assert record.clock == "sole"  # the audit source is a person's address
    assert shipped_event_type("sole", record.local_code) == EventType.ORDER_ENTERED


def test_identifiers_persons_and_places_are_taken_from_the_participants(settings: Settings) -> None:
    people = (
        "<ActiveParticipant UserID='T7' UserIsRequestor='true'><RoleIDCode csd-code='121094' codeSystemName='DCM'/>"
        "</ActiveParticipant><ActiveParticipant UserID='R9' UserIsRequestor='false'><RoleIDCode csd-code='121098' "
        "codeSystemName='DCM'/></ActiveParticipant><ActiveParticipant UserID='9' AlternativeUserID='AETITLES=NCT1;X' "
        "UserIsRequestor='false'><RoleIDCode csd-code='110150' codeSystemName='DCM'/></ActiveParticipant>"
    )
    contains = (
        "<ParticipantObjectDescription><Accession Number='A7'/><ParticipantObjectContainsStudy>"
        "<StudyIDs UID='1.2.4'/></ParticipantObjectContainsStudy></ParticipantObjectDescription>"
    )
    record = one(
        audit(
            subject("P7^^^HOSP&amp;1.2.3&amp;ISO", "2", "Patient Number", scheme="RFC-3881"),
            subject("1.2.3", "110180", more=contains),
            subject("F7", "121021"),
            subject("PL7", "PLAC", scheme="HL70203"),
            subject("CTH", "363679005", more="<ParticipantObjectName>CT HEAD</ParticipantObjectName>"),
            code="RID28816",
            people=people,
        ),
        settings,
    )
    ids = record.ids
    assert (ids.patient_id, ids.patient_id_issuer) == ("P7", "HOSP")
    assert (ids.study_instance_uid, ids.accession_number) == ("1.2.3", "A7")
    assert (ids.filler_order_number, ids.placer_order_number) == ("F7", "PL7")
    a = record.attributes
    assert (a.procedure_code, a.procedure_text, a.station_name) == ("CTH", "CT HEAD", "NCT1")
    assert (a.technologist, a.reader) == ("T7", "R9")
    assert record.clock == "RIS1"


@pytest.mark.parametrize(
    ("code", "event_type"),
    [
        ("RID45813", EventType.ORDER_ENTERED),
        ("RID28816", EventType.QC_REJECT),
        ("SOLE105", EventType.QC_REPEAT_DONE),
        ("SOLE106", EventType.CRIT_CLOSED),
        ("SOLE107", EventType.CRIT_DELEGATED),
        ("SOLE112", EventType.PRIOR_REQUESTED),
        ("SOLE113", EventType.PRIOR_AVAILABLE),
        ("SOLE114", EventType.POSTPROC_BEGIN),
        ("SOLE115", EventType.POSTPROC_END),
        ("RID4585", None),  # a truncated example of somebody's documentation
        ("SOLE1", None),
    ],
)
def test_verified_codes_and_no_others_are_mapped(code: str, event_type: EventType | None, settings: Settings) -> None:
    record = one(audit(subject("A1", "121022"), code=code), settings)
    assert shipped_event_type("sole", record.local_code) == event_type


def test_syslog_files_give_an_item_a_message_and_the_header_says_when_it_was_known(settings: Settings) -> None:
    head = "<85>1 2026-09-10T16:00:05.25Z ris - - - - "
    sole = head.replace("ris - - -", "ris IHE+SOLE 7 RID45813")
    text = audit(subject("A1", "121022"))
    structured = sole[:-2] + r'[x@1 a="]\""] '
    items = read(f"{sole}\ufeff{text}\n{head}other\n{structured}{text}\nstray <85>1\n", settings)
    assert [type(item) for item in items] == [Read, Filtered, Refused]
    (first, other, stray) = items
    assert isinstance(first, Read)
    assert first.records[0].known_at == datetime(2026, 9, 10, 16, 0, 5, 250000, UTC)
    assert isinstance(other, Filtered)
    assert other.reason == FilterReason.NOT_IMAGING
    assert isinstance(stray, Refused)


def test_a_repositorys_time_without_seconds_is_no_knowledge_time(settings: Settings) -> None:
    event = {"App-name": "IHE+SOLE", "Timestamp": "2026-09-10T16:00", "Msg": audit(subject("A1", "121022"))}
    assert one(json.dumps({"Events": [event]}), settings).known_at is None
    event["Timestamp"] = "2026-09-10T16:00:09Z"
    assert one(json.dumps([event]), settings).known_at == datetime(2026, 9, 10, 16, 0, 9, tzinfo=UTC)


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]>'
    "<AuditMessage><x>&d;</x></AuditMessage>"
)
FILE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><AuditMessage><x>&x;</x></AuditMessage>'
WRONG = {
    "growing entities": (BOMB, Reason.BAD_STRUCTURE),
    "entities from files": (FILE, Reason.BAD_STRUCTURE),
    "growing entities in UTF-16": (BOMB.encode("utf-16"), Reason.BAD_STRUCTURE),
    "broken XML": ("<AuditMessage><x></AuditMessage>", Reason.BAD_STRUCTURE),
    "other XML": ("<html/>", Reason.NOT_THIS_FORMAT),
    "no XML": ("hello", Reason.NOT_THIS_FORMAT),
    "nothing": ("", Reason.TRUNCATED),
    "JSON without events": ("{}", Reason.NOT_THIS_FORMAT),
    "broken JSON": ("[{", Reason.BAD_STRUCTURE),
    "a number as event": ("[1]", Reason.BAD_STRUCTURE),
    "no event time": (audit(subject("A", "121022"), at=""), Reason.MISSING_TIME),
    "a day as event time": (audit(subject("A", "121022"), at="2026-09-10"), Reason.BAD_VALUE),
    "no such time": (audit(subject("A", "121022"), at="2026-09-10T99:00:00Z"), Reason.BAD_VALUE),
    "no event type": (audit(subject("A", "121022"), code=""), Reason.BAD_STRUCTURE),
    "no identifier": (audit(), Reason.MISSING_IDENTIFIER),
    "bytes of no character set": (b"<AuditMessage x='\xff\xfe'/>", Reason.BAD_CHARSET),
    "half a surrogate": ('[{"App-name": "IHE+SOLE", "Msg": "<a>\\ud800</a>"}]', Reason.BAD_CHARSET),
    "more than a message": ("<AuditMessage>" + " " * 5_000_000 + "</AuditMessage>", Reason.OVERSIZED),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_event_is_refused_with_its_reason_in_no_time(case: str, settings: Settings) -> None:
    data, reason = WRONG[case]
    began = time.monotonic()
    assert refused(data, settings) == reason
    assert time.monotonic() - began < 1


def test_deep_nesting_is_no_harm(settings: Settings) -> None:
    deep = "<a>" * 200_000 + "</a>" * 200_000
    record = one(audit(subject("A1", "121022")).replace("</AuditMessage>", deep + "</AuditMessage>"), settings)
    assert record.ids.accession_number == "A1"


def test_latin_1_is_read_where_it_is_declared(settings: Settings) -> None:
    text = '<?xml version="1.0" encoding="ISO-8859-1"?>' + audit(subject("Ä1", "121022"))
    assert one(text.encode("latin-1"), settings).ids.accession_number == "Ä1"


def test_an_audit_message_of_another_kind_is_filtered(settings: Settings) -> None:
    (item,) = read(audit(subject("A1", "121022")).replace("csd-code='SOLE'", "csd-code='110112'"), settings)
    assert isinstance(item, Filtered)
