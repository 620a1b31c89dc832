"""Lists of the department's own become entries and calendar stretches by a mapping, every kind by one mechanism."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from etl.errors import FeedStoppedError, Reason
from etl.records import EntryKind, EntryRecord, EventRecord, OpeningKind, OpeningRecord, Read, Refused, SourceItem
from etl.sources import SOURCES, inspect_file
from etl.sources.mapping import EXAM, OPENING, TARGETS, Mapping, parsed, presets
from etl.sources.ris_csv import items

NEW_YORK = ZoneInfo("America/New_York")
# one file a shipped preset, as a site would export it: header and one row
SAMPLES = {
    "roster": "Staff ID,Role,Room,Date,Start,End,Published\n"
    "E77,Resident,CT Desk,2026-01-15,22:00,07:00,2026-01-01 08:00\n",
    "openings": "scanner_code;kind;date;begin;end;reason\nNCT1;open;2026-01-15;07:00;24:00;\n",
    "slot_templates": "Scanner,Session Date,From,Until,Slot Minutes,Made\n"
    "NMR1,2026-01-15,07:00,08:30,40,2025-12-01 12:00\n",
    "downtime": "Equipment,Type,Down From,Up Again,Cause,Logged\n"
    "NCT1,Breakdown,2026-01-15 09:00,2026-01-15 11:30,TUBE,2026-01-15 12:00\n",
    "ai_results": "Accession,Study UID,Started,Finished,Algorithm,Result,Score,Modality,Sent\n"
    "A1,1.2.840.1,2026-01-15 09:00:00,2026-01-15 09:02:30,ICH,Positive,0.93,CT,2026-01-15 09:02:31\n",
    "peer_review": "Accession,Review Date,Score,Reader ID,Reviewer ID,Modality,Arbitration\n"
    "A1,2026-01-16 10:00,\"Minor, significant\",R1,R2,CT,Upheld\n",
    "incidents": "Accession,Occurred,Event Type,Harm,Location,Modality,Reported\n"
    "A1,2026-01-15 09:00,Extravasation,Mild,NCT1,CT,2026-01-15 10:00\n",
    "critical_results": "Accession,MRN,Category,Radiologist ID,"
    "Identified,Notified,Acknowledged,Handed Over,Closed,Last Change\n"
    "A1,42,Red,R1,2026-01-15 09:00,2026-01-15 09:10,2026-01-15 09:15,,,2026-01-15 09:15\n",
    "communications": "Accession,Told,Told By,Told To,How,Read Back,Last Change\n"
    "A1,2026-01-15 09:10,R1,D1,Phone,Yes,2026-01-15 09:12\n",
    "followups": "Accession,MRN,Recommendation,Dismiss Reason,Recommended,Scheduled,Completed,Dismissed,Last Change\n"
    "A1,42,CT 6M,,2026-01-15,2026-02-01,,,2026-02-01\n",
    "rejects": "Date\tRoom\tModality\tView\tReason\tRejected\tAccepted\tTechnologist ID\tExported\n"
    "2026-01-15\tNDX1\tDX\tCHEST PA\tAnatomy cut off\t3\t57\tT9\t2026-01-16 01:00\n",
    "storage": "Measured,Volume,Modality,Bytes Used,Capacity Bytes,Studies\n"
    "2026-01-15 00:00,VOL1,CT,7.5e12,20000000000000,912\n",
    "transfers": "First Stored,Last Stored,Accession,Study UID,Modality,Source,Direction,Bytes,Images\n"
    "2026-01-15 09:10:00,2026-01-15 09:10:30,A1,1.2.840.1,CT,NCT1,Store,260000000,520\n",
    "appropriateness": "Order,Consulted,Rating,Score,Modality,Mechanism,Sent\n"
    "P1,2026-01-15 08:00,Rarely Appropriate,2,MR,CDSM,2026-01-15 08:00\n",
    "costs": "Procedure Code,Modality,Cost,Currency,Valid From,Valid To,Approved\n"
    "CTHEADWO,CT,61.50,EUR,2026-01-01,2027-01-01,2025-12-01\n",
    "rvu": "Procedure Code,Modality,Work RVU,Valid From,Valid To,Approved\n"
    "CTHEADWO,CT,0.85,2026-01-01,2027-01-01,2025-12-01\n",
    "peer_learning": "Accession,Submitted,Category,Modality\nA1,2026-01-16 10:00,Great call,CT\n",
    "qc_log": "Accession,Rejected,Reason,Repeated,Last Change\n"
    "A1,2026-01-15 09:30,Motion,2026-01-15 10:10,2026-01-15 10:10\n",
    "ai_verdicts": "Accession,Algorithm,Judged,Verdict,Sent\n"
    "A1,ICH,2026-01-15 09:40,Calcification,2026-01-15 09:41\n",
    "ai_adjudications": "Accession,Algorithm,Adjudicated,Finding,Sent\n"
    "A1,ICH,2026-01-18 12:00,Absent,2026-01-18 12:00\n",
    "reference": "Accession,Established,Condition,Reference Result,Report Called,Modality\n"
    "A1,2026-02-15 12:00,BREAST CANCER,Malignant,1,MG\n",
}  # fmt: skip


def read(data: str, mapping: Mapping) -> list[SourceItem]:
    return list(items(data.encode(), "x.csv", NEW_YORK, mapping, "list"))


def entry(data: str, mapping: Mapping | str) -> EntryRecord:
    (item,) = read(data, presets()[mapping] if isinstance(mapping, str) else mapping)
    assert isinstance(item, Read), item
    (record,) = item.records
    assert isinstance(record, EntryRecord)
    return record


def made(**table: Any) -> Mapping:
    return parsed("mine", {"version": 1, **table})


def test_every_list_preset_has_a_source_and_a_sample() -> None:
    path = Path(__file__).parents[3] / "data" / "reference" / "extract_presets.toml"
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    assert set(tables) == set(SAMPLES)
    assert all(table["source"] for table in tables.values())


def test_every_kind_of_entry_and_the_calendar_have_a_preset() -> None:
    told = {mapping.target for mapping in presets().values()}
    assert told == {EXAM, OPENING, *map(str, EntryKind)} == set(TARGETS)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_sample_of_each_preset_is_read_whole_and_inspected(name: str, tmp_path: Path) -> None:
    found = read(SAMPLES[name], presets()[name])
    assert [type(item) for item in found] == [Read], found
    path = tmp_path / "x.csv"
    path.write_text(SAMPLES[name])
    if name != "openings":  # its own older kind answers first
        assert inspect_file(path)["mapping"] == name


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_saved_preset_reads_what_the_preset_reads(name: str) -> None:
    header = [*read_header(SAMPLES[name])]
    saved = parsed("mine", tomllib.loads(presets()[name].saved("mine", header))["mine"])
    assert saved.version == presets()[name].version + 1
    assert read(SAMPLES[name], saved) == read(SAMPLES[name], presets()[name])


def read_header(text: str) -> list[str]:
    line = text.splitlines()[0]
    return line.split(next(d for d in ";\t," if d in line))


def test_night_shift_ends_on_the_next_day_and_words_become_codes() -> None:
    shift = entry(SAMPLES["roster"], "roster")
    assert (shift.kind, shift.person, shift.code, shift.station_name) == (EntryKind.SHIFT, "E77", "trainee", "CT Desk")
    assert shift.begin_at == datetime(2026, 1, 16, 3, 0, tzinfo=UTC)  # 22:00 in New York
    assert shift.end_at == datetime(2026, 1, 16, 12, 0, tzinfo=UTC)
    assert shift.known_at == datetime(2026, 1, 1, 13, 0, tzinfo=UTC)


def test_ai_result_keeps_times_score_and_verdict() -> None:
    found = entry(SAMPLES["ai_results"], "ai_results")
    assert (found.ids.accession_number, found.ids.study_instance_uid) == ("A1", "1.2.840.1")
    assert (found.code, found.outcome_code, found.value) == ("ICH", "positive", 0.93)
    assert found.end_at is not None
    assert (found.end_at - found.begin_at).total_seconds() == 150


def test_review_incident_reject_storage_and_cost_rows() -> None:
    review = entry(SAMPLES["peer_review"], "peer_review")
    assert (review.code, review.person, review.other_person) == ("2b", "R1", "R2")
    incident = entry(SAMPLES["incidents"], "incidents")
    assert (incident.code, incident.outcome_code, incident.station_name) == ("extravasation", "mild", "NCT1")
    reject = entry(SAMPLES["rejects"], "rejects")
    assert (reject.code, reject.outcome_code, reject.count, reject.limit_value) == (
        "CHEST PA",
        "anatomy_cut_off",
        3,
        57,
    )
    storage = entry(SAMPLES["storage"], "storage")
    assert (storage.code, storage.value, storage.unit, storage.limit_value) == ("VOL1", 7.5e12, "By", 2e13)
    cost = entry(SAMPLES["costs"], "costs")
    assert (cost.code, cost.value, cost.unit) == ("CTHEADWO", 61.5, "EUR")
    assert entry(SAMPLES["rvu"], "rvu").unit == "wRVU"


def test_critical_result_log_becomes_workflow_events() -> None:
    (item,) = read(SAMPLES["critical_results"], presets()["critical_results"])
    assert isinstance(item, Read)
    events = [r for r in item.records if isinstance(r, EventRecord)]
    assert [e.local_code for e in events] == ["csv:Identified", "csv:Notified", "csv:Acknowledged"]
    assert {e.attributes.result_code for e in events} == {"1"}
    types = [presets()["critical_results"].event_type(e.local_code) for e in events]
    assert types == ["crit_identified", "crit_notified", "crit_ack"]


def test_communication_keeps_who_told_whom_how_and_whether_it_was_read_back() -> None:
    told = entry(SAMPLES["communications"], "communications")
    assert (told.kind, told.person, told.other_person) == (EntryKind.COMMUNICATION, "R1", "D1")
    assert (told.code, told.outcome_code) == ("phone", "read_back")


def test_downtime_is_a_stretch_of_the_calendar() -> None:
    (item,) = read(SAMPLES["downtime"], presets()["downtime"])
    assert isinstance(item, Read)
    (record,) = item.records
    assert isinstance(record, OpeningRecord)
    assert (record.scanner_code, record.kind, record.reason_code) == ("NCT1", OpeningKind.DOWNTIME_UNPLANNED, "TUBE")
    assert (record.end_at - record.begin_at).total_seconds() == 9000
    assert record.local_date == date(2026, 1, 15)


def test_slot_template_is_cut_into_whole_slots() -> None:
    (item,) = read(SAMPLES["slot_templates"], presets()["slot_templates"])
    assert isinstance(item, Read)
    slots = [r for r in item.records if isinstance(r, OpeningRecord)]
    begins = [datetime(2026, 1, 15, 12, 0, tzinfo=UTC), datetime(2026, 1, 15, 12, 40, tzinfo=UTC)]
    assert [s.begin_at for s in slots] == begins  # 07:00 and 07:40; the last ten minutes are no slot
    assert {s.kind for s in slots} == {OpeningKind.SLOT}


def test_decimal_commas_factors_and_date_formats_are_read_as_the_mapping_says() -> None:
    mapping = made(
        target="storage", decimal=",", date_format="%d.%m.%Y", factors={"value": 1e9},
        fields={"date": "Datum", "code": "Speicher", "value": "Belegt GB"},
    )  # fmt: skip
    found = entry("Datum;Speicher;Belegt GB\n15.01.2026;NAS;1.234,5\n", mapping)
    assert found.value == pytest.approx(1234.5e9)
    assert found.begin_at == datetime(2026, 1, 15, 5, 0, tzinfo=UTC)


def test_times_with_am_and_pm_are_read() -> None:
    mapping = made(target="shift", fields={"person": "p", "date": "d", "begin": "b", "end": "e"})
    found = entry("p,d,b,e\nX1,2026-01-15,12:30 AM,1:15 PM\n", mapping)
    assert found.begin_at == datetime(2026, 1, 15, 5, 30, tzinfo=UTC)
    assert found.end_at == datetime(2026, 1, 15, 18, 15, tzinfo=UTC)


def test_length_stands_in_for_an_end() -> None:
    mapping = made(target="shift", fields={"person": "p", "begin": "b", "duration_min": "m"})
    found = entry("p,b,m\nX1,2026-01-15 08:00,480\n", mapping)
    assert found.end_at == datetime(2026, 1, 15, 21, 0, tzinfo=UTC)


def test_rows_alike_in_one_file_are_told_apart_by_their_number() -> None:
    mapping = made(target="reject", fields={"date": "d", "station_name": "r", "code": "c"})
    found = [r for i in read("d,r,c\n2026-01-15,X,PA\n2026-01-15,X,PA\n2026-01-15,X,AP\n", mapping) for r in i.records]  # type: ignore[union-attr]  # all read
    assert [r.ordinal for r in found if isinstance(r, EntryRecord)] == [0, 1, 0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("0.93", "high"), Reason.BAD_VALUE),
        (
            ("Positive", "Positive: seen and told to the ward by a sentence much too long for a code"),
            Reason.BAD_VALUE,
        ),
        (("2026-01-15 09:00:00", ""), Reason.MISSING_TIME),
        (("2026-01-15 09:00:00", "2026-03-08 02:30:00"), Reason.NONEXISTENT_LOCAL_TIME),
    ],
)  # fmt: skip
def test_row_that_cannot_be_read_is_refused_with_its_reason(change: tuple[str, str], reason: Reason) -> None:
    (item,) = read(SAMPLES["ai_results"].replace(*change, 1), presets()["ai_results"])
    assert isinstance(item, Refused)
    assert item.reason == reason


def test_downtime_without_an_end_waits_in_quarantine() -> None:
    (item,) = read(SAMPLES["downtime"].replace("2026-01-15 11:30", ""), presets()["downtime"])
    assert isinstance(item, Refused)
    assert item.reason == Reason.MISSING_TIME


@pytest.mark.parametrize(
    "table",
    [
        {"target": "rota", "fields": {"date": "d"}},
        {"target": "shift", "fields": {"person": "p"}},
        {"target": "shift", "fields": {"date": "d", "scanner_code": "s"}},
        {"target": "opening", "fields": {"scanner_code": "s", "begin": "b"}},
        {"target": "storage", "fields": {"date": "d"}, "values": {"nothing": {"a": "b"}}},
    ],
)
def test_wrong_list_mapping_stops_the_feed(table: dict[str, Any]) -> None:
    with pytest.raises(FeedStoppedError):
        made(**table)


def test_both_kinds_are_one_source() -> None:
    assert type(SOURCES["extract_csv"]) is type(SOURCES["ris_csv"])
