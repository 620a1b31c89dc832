"""Every HL7 file of the shared corpus ends in the class the table says, and its fields agree with python-hl7."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import hl7
import pytest

from etl.records import EventRecord, Filtered, Read, Refused, SourceItem
from etl.sources.hl7_charset import decode
from etl.sources.hl7_message import segments
from etl.sources.hl7_rules import Position, field_rules, value
from etl.sources.hl7v2 import items

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus" / "hl7"
pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="the shared corpus is not beside the repository"),
]
ZONE = ZoneInfo("America/New_York")

# file -> its items in order: read:<number of events>, filtered:<reason>, refused:<reason>
EXPECTED = """
dcm4che-ADT_A31-UpdatePersonInfo-Veterinary.hl7 read:1
dcm4che-ADT_A31-UpdatePersonInfo.hl7 read:1
dcm4che-ADT_A40-PatientMerge.hl7 read:1
dcm4che-ADT_A47-ChangePatientID.hl7 read:1
dcm4che-OMG_O19-GeneralClinicalOrder-Eyecare.hl7 read:1
dcm4che-OMI_O23-ImagingOrder.hl7 read:1
dcm4che-ORM_O01-GeneralOrder.hl7 read:1
dcm4che-ORU_R01-CDA.hl7 read:1
dcm4che-ORU_R01-PDF.hl7 read:1
dcm4che-ORU_R01-SR.hl7 read:3
dcm4che-SIU_S12-NewAppointmentBooking.hl7 read:1
lfh-ORU-multiline-short-mixed.hl7 read:1
lfh-ORU-multiline-short.hl7 read:1
lfh-sample_unix.hl7 filtered:not_imaging
lfh-sample_win.hl7 filtered:not_imaging
malformed/nhapi-aoor1 refused:truncated
malformed/nhapi-hang1 refused:bad_structure
malformed/nhapi-ioor1 refused:bad_structure
malformed/nhapi-nullref1 refused:not_this_format
malformed/nhapi-regex1 refused:bad_structure
malformed/nhapi-stackoverflow1 refused:bad_structure
malformed/nhapi-stackoverflow2 refused:bad_structure
malformed/nhapi-sys1 refused:bad_structure
malformed/nhapi-sys2 refused:bad_structure
mirth-01.hl7 read:1
mirth-02.hl7 read:1
mirth-03.hl7 read:1
mirth-05.hl7 read:1
mirth-06.hl7 read:1
mirth-07.hl7 read:1
mirth-08.hl7 read:1
mirth-batch01.hl7 read:1 read:1 read:1
mirth-batch02.hl7 filtered:not_imaging
mirth-batch03.hl7 read:1 read:1
mirth-large.hl7 read:12
mirth-small.hl7 read:1
mirth-test-hl7-batch-input.txt filtered:batch_envelope filtered:batch_envelope read:1
mirth-test-hl7-input.txt read:1
mirth-test-hl7-missing-components-output.txt refused:bad_structure
mirth-test-hl7-missing-fields-output.txt refused:bad_structure
mirth-test-hl7-missing-subcomponents-output.txt refused:bad_structure
mirth-test-hl7-repetitions-input.txt refused:bad_structure
mirth-test-hl7-whitespace-input.txt refused:bad_structure
msfc-ADT-A01-01.hl7 filtered:not_imaging
msfc-ADT-A02-01.hl7 filtered:not_imaging
msfc-ADT-A03-01.hl7 read:1
msfc-ADT-A04-01.hl7 read:1
msfc-ADT-A05-01.hl7 filtered:not_imaging
msfc-ADT-A06-01.hl7 filtered:not_imaging
msfc-ADT-A07-01.hl7 filtered:not_imaging
msfc-ADT-A08-01.hl7 read:1
msfc-ADT-A11-01.hl7 filtered:not_imaging
msfc-ADT-A13-01.hl7 filtered:not_imaging
msfc-ADT-A28-01.hl7 filtered:not_imaging
msfc-ADT-A31-01.hl7 read:1
msfc-ADT-A40-01.hl7 read:1
msfc-ADT-A45-01.hl7 filtered:not_imaging
msfc-ADT-A47-01.hl7 read:1
msfc-ADT01-23.hl7 filtered:not_imaging
msfc-ADT04-251.hl7 read:1
msfc-MDM-T02-01.hl7 filtered:not_imaging
msfc-OMG-O19-01.hl7 read:1
msfc-ORM-O01-01.hl7 read:1
msfc-ORM-O01-03.hl7 read:2
msfc-ORM-O01-05.hl7 filtered:not_imaging
msfc-ORU-R01-01.hl7 filtered:not_imaging
msfc-ORU-R01-RMGEAD.hl7 read:1
msfc-SIU-S12-01.hl7 read:1
msfc-SIU-S12_1.hl7 read:1
msfc-SIU-S13-01.hl7 read:1
msfc-SIU-S14-01.hl7 read:1
msfc-SIU-S15-01.hl7 read:1
msfc-SIU-S16-01.hl7 read:1
msfc-SIU-S17-01.hl7 read:1
msfc-SIU-S26-01.hl7 read:1
msfc-SIU_12.hl7 filtered:not_imaging
"""
TABLE = {name: classes for name, *classes in map(str.split, EXPECTED.split("\n")[1:-1])}


def read(name: str) -> list[SourceItem]:
    return list(items((CORPUS / name).read_bytes(), name, ZONE, field_rules({})))


def event(name: str, item: int = 0, record: int = 0) -> EventRecord:
    found = read(name)[item]
    assert isinstance(found, Read)
    chosen = found.records[record]
    assert isinstance(chosen, EventRecord)
    return chosen


def outcome(item: SourceItem) -> str:
    if isinstance(item, Read):
        return f"read:{len(item.records)}"
    kind = "refused" if isinstance(item, Refused) else "filtered"
    return f"{kind}:{item.reason}"


def test_table_names_every_file() -> None:
    present = {path.relative_to(CORPUS).as_posix() for path in CORPUS.rglob("*") if path.is_file()}
    assert set(TABLE) == present


@pytest.mark.parametrize("name", TABLE)
def test_file_ends_in_its_expected_class(name: str) -> None:
    assert [outcome(item) for item in read(name)] == TABLE[name]


def test_every_malformed_file_is_refused_and_says_why() -> None:
    for path in (CORPUS / "malformed").iterdir():
        for item in read(f"malformed/{path.name}"):
            assert isinstance(item, Refused)
            assert item.detail


def test_counts_by_class() -> None:
    counts = Counter(type(item) for name in TABLE for item in read(name))
    assert counts == {Read: 48, Filtered: 19, Refused: 14}


def test_omi_takes_accession_study_station_and_modality_from_ipc() -> None:
    found = event("dcm4che-OMI_O23-ImagingOrder.hl7")
    assert found.local_code == "OMI^O23/NW/SC/"
    assert found.ids.accession_number == "AccessionNumber"
    assert found.ids.study_instance_uid == "1.2.392.200036.9125.0.198811291108.7"
    assert (found.attributes.modality, found.attributes.station_name) == ("CT", "ScheduledStationAET1")
    assert found.attributes.appointment_at is not None
    assert found.attributes.appointment_at.isoformat() == "2000-08-16T19:10:00+00:00"  # TQ1-7 in New York


def test_order_without_ipc_takes_them_from_obr_and_zds() -> None:
    found = event("dcm4che-ORM_O01-GeneralOrder.hl7")
    assert found.ids.accession_number == "AccessionNumber"
    assert found.ids.study_instance_uid == "1.2.392.200036.9125.0.198811291108.7"
    assert found.attributes.modality == "CT"


def test_booking_without_sch_takes_time_and_duration_from_ais() -> None:
    found = event("dcm4che-SIU_S12-NewAppointmentBooking.hl7")
    assert found.attributes.appointment_at is not None
    assert found.attributes.appointment_at.isoformat() == "2020-10-23T12:30:00+00:00"
    assert found.attributes.planned_duration_min == pytest.approx(60)  # 3600.000 s
    assert found.attributes.procedure_text == "SEPTOPLASTIA (OPERAÇÃO ISOLADA)"  # \XC7\\XC3\


def test_appointment_time_of_sch_wins_over_its_resources() -> None:
    found = event("mirth-batch01.hl7")
    assert found.ids.appointment_id == "2196178"
    assert found.attributes.appointment_at is not None
    assert found.attributes.appointment_at.isoformat() == "2011-06-17T12:45:00+00:00"


def test_report_with_actionable_findings_yields_one_flag_a_category() -> None:
    item = read("dcm4che-ORU_R01-SR.hl7")[0]
    assert isinstance(item, Read)
    shown = [(e.local_code, e.attributes.result_code) for e in item.records if isinstance(e, EventRecord)]
    assert shown == [
        ("ORU^R01///F", None),
        ("ORU^R01///F#CRIT", "3"),
        ("ORU^R01///F#CRIT", "2"),
    ]
    assert len({e.ordinal for e in item.records if isinstance(e, EventRecord)}) == 2
    assert event("dcm4che-ORU_R01-SR.hl7").ids.study_instance_uid == "1.2.392.200036.9125.0.198811291108.7"


def test_two_studies_in_one_report_leave_the_study_open() -> None:
    assert event("dcm4che-ORU_R01-CDA.hl7").ids.study_instance_uid is None


def test_merge_carries_both_identifiers() -> None:
    found = event("mirth-07.hl7")
    assert (found.ids.patient_id, found.ids.prior_patient_id) == ("1765431", "1765475")
    assert found.raw_time == "20110613122406637"


def test_caret_in_the_accession_field_is_part_of_it() -> None:
    assert event("mirth-test-hl7-input.txt").ids.accession_number == "MR^20061213-0007"


def test_priors_listed_after_an_order_are_not_its_events() -> None:
    found = read("msfc-OMG-O19-01.hl7")[0]
    assert isinstance(found, Read)
    assert len(found.records) == 1


def test_no_name_or_report_text_reaches_a_record() -> None:
    banned = ("Lucy", "kidney", "ZAPHOD", "BEEBLEBROX", "MICKEY", "Huckleberry", "McTavish", "Follow-up with")
    for name in TABLE:
        for item in read(name):
            if isinstance(item, Read):
                assert not [word for word in banned if word in repr(item)]


def python_hl7_name(name: str) -> bool:
    return not name.startswith("malformed/") and "missing" not in name


@pytest.mark.parametrize("name", [n for n in TABLE if python_hl7_name(n) and "CDA" not in n and "PDF" not in n])
def test_field_values_equal_python_hl7(name: str) -> None:
    text, _ = decode((CORPUS / name).read_bytes())
    starts = [n for n in range(len(text)) if text.startswith("MSH|", n) and (n == 0 or text[n - 1] in "\r\n")]
    compared = 0
    for begin, end in zip(starts, [*starts[1:], len(text)], strict=True):
        body = text[begin:end].strip().replace("\r\n", "\r").replace("\n", "\r")
        d, mine = segments(body)
        whole = [line for line in body.split("\r") if line]
        if "\\\\" in body[:12] or len(whole) != len(mine):  # doubled escape; lines python-hl7 would not join
            continue
        theirs = hl7.parse(body)
        for line, segment in zip(mine, theirs, strict=True):
            fields = line.split(d.field)
            if fields[0] == "MSH":
                continue
            for number in range(1, len(fields)):
                first = str(segment[number][0])  # the first repetition
                expected = theirs.unescape(first).strip() if "\\" in first else first.strip()
                if d.repetition in fields[number] or first.count("\\") % 2 or expected == '""':
                    continue
                found = value({fields[0]: fields}, (Position(fields[0], number),), d)
                assert (found or "") == expected, f"{fields[0]}-{number}"
                compared += 1
    assert compared > 1 or name.startswith("lfh")
