"""HL7 v2 messages become the right events: codes, times, identifiers, flags, batches and site rules."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from etl.errors import FeedStoppedError, FilterReason, Reason
from etl.records import EventRecord, Filtered, Read, Refused, SourceItem
from etl.settings import Feed, Settings, Site
from etl.sources.hl7_rules import field_rules
from etl.sources.hl7v2 import Hl7v2, items

CHICAGO = ZoneInfo("America/Chicago")
PID = "PID|1||OTHER^^^X^PI~42^^^NORTH&1.2.3&ISO^MR||DOE^JANE||19610203|F"
PV1 = "PV1|1|O|||||||||||||||||V7"


def msh(kind: str, at: str = "20260115103000-0600") -> str:
    return f"MSH|^~\\&|RIS^x|SITE|RAD|SITE|{at}||{kind}|C1|P|2.5.1"


def obr(**at: str) -> str:
    fields = ["OBR", *[""] * 36]
    for number, text in {"f2": "P1", "f3": "F1", "f4": "CTH^CT Head^L", "f18": "A1", **at}.items():
        fields[int(number[1:])] = text
    return "|".join(fields)


def read(*lines: str, **options: Any) -> list[SourceItem]:
    return list(items("\r".join(lines).encode(), "x.hl7", CHICAGO, field_rules(options)))


def events(*lines: str, **options: Any) -> list[EventRecord]:
    (item,) = read(*lines, **options)
    assert isinstance(item, Read), item
    return [record for record in item.records if isinstance(record, EventRecord)]


def reason(*lines: str) -> Reason:
    (item,) = read(*lines)
    assert isinstance(item, Refused)
    assert item.raw is not None
    return item.reason


def order(control: str, status: str, orc9: str = "20260115100000", **at: str) -> list[str]:
    return [msh("ORM^O01^ORM_O01"), PID, PV1, f"ORC|{control}|P1|F1||{status}||||{orc9}", obr(**at)]


@pytest.mark.parametrize(
    ("control", "status", "expected"),
    [
        ("NW", "", "20260115100000"),  # the order's own time, never a status time
        ("XO", "", "20260115100000"),
        ("CA", "CA", "20260115100000"),
        ("SC", "IP", "20260115101500"),
        ("SC", "CM", "20260115101500"),
        ("DC", "DC", "20260115101500"),
    ],
)
def test_orders_are_dated_by_orc9_and_statuses_by_obr22(control: str, status: str, expected: str) -> None:
    (event,) = events(*order(control, status, f7="20260115100700", f22="20260115101500"))
    assert event.raw_time == expected
    assert event.local_code == f"ORM^O01/{control}/{status}/"


def test_message_time_is_the_last_resort_and_keeps_its_offset() -> None:
    (event,) = events(*order("SC", "CM", orc9=""))
    assert event.raw_time == "20260115103000-0600"
    assert (event.occurred_at, event.utc_offset_min) == (datetime(2026, 1, 15, 16, 30, tzinfo=UTC), -360)


def test_event_carries_identifiers_attributes_clock_and_knowledge_time() -> None:
    (event,) = events(
        *order("SC", "IP", f16="55^ORDER^ER", f21="CT1", f24="CT", f27="^^^^^S", f34="T9&TECH&T", f36="20260115110000")
    )
    assert event.ids.patient_id == "42"  # the repetition of type MR
    assert event.ids.patient_id_issuer == "NORTH"
    assert (event.ids.accession_number, event.ids.visit_number) == ("A1", "V7")
    assert (event.ids.placer_order_number, event.ids.filler_order_number) == ("P1", "F1")
    a = event.attributes
    assert (a.modality, a.station_name, a.procedure_code, a.procedure_text) == ("CT", "CT1", "CTH", "CT Head")
    assert (a.priority_code, a.patient_class_code, a.sex, a.birth_date) == ("S", "O", "F", "19610203")
    assert (a.ordering_person, a.technologist) == ("55", "T9")
    assert a.appointment_at == datetime(2026, 1, 15, 17, 0, tzinfo=UTC)
    assert event.known_at == datetime(2026, 1, 15, 16, 30, tzinfo=UTC)
    assert event.clock == "RIS|SITE"


def test_names_never_reach_a_record() -> None:
    (event,) = events(*order("NW", "", f16="55^ORDER^ER", f34="T9&TECH&T"))
    assert not [name for name in ("DOE", "JANE", "ORDER", "TECH") if name in repr(event)]


def test_each_order_of_a_message_is_an_event_with_its_ordinal() -> None:
    first, second = order("NW", ""), order("NW", "", f18="A2")
    found = events(*first, *second[3:])
    assert [(e.ids.accession_number, e.ordinal) for e in found] == [("A1", 0), ("A2", 1)]


def test_second_obr_shares_the_orc_before_it() -> None:
    found = events(*order("SC", "CM"), obr(f18="A2", f3="F2"))
    assert [(e.local_code, e.ids.accession_number) for e in found] == [
        ("ORM^O01/SC/CM/", "A1"),
        ("ORM^O01/SC/CM/", "A2"),
    ]


def test_nonexistent_local_time_refuses_the_message() -> None:
    assert reason(*order("NW", "", orc9="20260308023000")) == Reason.NONEXISTENT_LOCAL_TIME


def test_unreadable_first_choice_is_refused_and_never_replaced_by_the_next() -> None:
    assert reason(*order("SC", "CM", f22="yesterday")) == Reason.BAD_VALUE


def test_ambiguous_time_is_flagged() -> None:
    assert events(*order("NW", "", orc9="20261101013000"))[0].time_flag == "ambiguous"


@pytest.mark.parametrize("status", ["P", "F", "C", "R"])
def test_result_is_dated_by_obr22_and_coded_by_obr25(status: str) -> None:
    result = obr(f22="20260115110000", f25=status, f32="77&READ&R", f33="88&TRAIN&T")
    (event,) = events(msh("ORU^R01"), PID, result, "OBX|1|TX|GDT^Text||No fracture.||||||F")
    assert (event.local_code, event.raw_time) == (f"ORU^R01///{status}", "20260115110000")
    assert (event.attributes.reader, event.attributes.assistant_reader) == ("77", "88")
    assert "fracture" not in repr(event)


def test_coded_flags_become_events_with_their_own_time() -> None:
    found = events(
        msh("ORU^R01"), PID, "ORC|RE|P1|F1", obr(f22="20260115110000", f25="F"),
        "OBX|1|CE|CRIT^Critical result class^L||1^Class 1||||||F|||20260115105000",
        "OBX|2|CE|CRITNOTIF^Communicated^L||1||||||F|||20260115105500",
        "OBX|3|CE|FOLLOWUP^Follow-up^L||CT6M||||||F",
        "OBX|4|TX|GDT||See CRIT above||||||F",
    )  # fmt: skip
    assert [(e.local_code, e.raw_time, e.attributes.result_code) for e in found] == [
        ("ORU^R01/RE//F", "20260115110000", None),
        ("ORU^R01/RE//F#CRIT", "20260115105000", "1"),
        ("ORU^R01/RE//F#CRITNOTIF", "20260115105500", "1"),
        ("ORU^R01/RE//F#FOLLOWUP", "20260115110000", "CT6M"),
    ]


def test_free_text_in_a_coded_flag_is_dropped() -> None:
    found = events(msh("ORU^R01"), PID, obr(f25="F"), "OBX|1|ST|CRIT||Call Dr. Doe at once||||||F")
    assert [e.attributes.result_code for e in found] == [None, None]


def test_algorithm_result_is_processing_and_no_report_whatever_its_status() -> None:
    found = events(
        msh("ORU^R01"), PID, obr(f7="20260115104000", f22="20260115104100", f25="F"),
        "OBX|1|CE|AITRIAGE^Triage^L||POS^Positive||||||F",
    )  # fmt: skip
    assert [(e.local_code, e.raw_time, e.attributes.result_code) for e in found] == [
        ("ORU^R01///F#OBR-7", "20260115104000", None),
        ("ORU^R01///F#AITRIAGE", "20260115104100", "POS"),
    ]


def test_two_patients_in_one_result_message_are_kept_apart() -> None:
    other = "PID|1||43^^^NORTH^MR||ROE^RICHARD"
    found = events(msh("ORU^R01"), PID, obr(f25="F"), other, obr(f25="F", f18="A2"))
    assert [(e.ids.patient_id, e.ids.accession_number) for e in found] == [("42", "A1"), ("43", "A2")]


def test_the_requested_procedure_is_neither_the_accession_nor_the_step() -> None:
    (event,) = events(*order("SC", "IP", f18="A1", f19="RP1", f20="SPS1"))
    assert (event.ids.accession_number, event.ids.requested_procedure_id) == ("A1", "RP1")
    (event,) = events(*order("SC", "IP", f18="", f19="RP1"), "IPC|A2|RP2|1.2.3|SPS2|CT")
    assert (event.ids.accession_number, event.ids.requested_procedure_id) == ("A2", "RP2")


def siu(trigger: str, placers: str = "P1", fillers: str = "F1") -> list[str]:
    sch = ["SCH", "PA", "AP7", *[""] * 6, "45", "m", "^^^20260120090000^20260120094500"]
    sch = [*sch[:12], *[""] * 14, placers, fillers]
    return [msh(f"SIU^{trigger}"), "|".join(sch), PID, "RGS|1", "AIS|1|A|CTH^CT Head", "AIL|1|A|CT1^^^SITE"]


@pytest.mark.parametrize("trigger", ["S12", "S13", "S14", "S15", "S16", "S17", "S26"])
def test_booking_is_dated_by_its_message_and_carries_the_appointment(trigger: str) -> None:
    (event,) = events(*siu(trigger))
    assert (event.local_code, event.raw_time) == (f"SIU^{trigger}///", "20260115103000-0600")
    assert (event.ids.appointment_id, event.ids.filler_order_number) == ("AP7", "F1")
    assert event.attributes.appointment_at == datetime(2026, 1, 20, 15, 0, tzinfo=UTC)
    assert event.attributes.planned_duration_min == pytest.approx(45)
    assert (event.attributes.station_name, event.attributes.procedure_code) == ("CT1", "CTH")


def test_booking_of_two_orders_is_two_events() -> None:
    found = events(*siu("S12", "P1~P2", "F1~F2"))
    assert [(e.ids.placer_order_number, e.ids.filler_order_number, e.ordinal) for e in found] == [
        ("P1", "F1", 0),
        ("P2", "F2", 1),
    ]


def test_unreadable_appointment_refuses_a_booking_but_not_an_order() -> None:
    assert reason(*[line.replace("20260120090000^", "soon^") for line in siu("S12")]) == Reason.BAD_VALUE
    assert events(*order("NW", "", f36="soon"))[0].attributes.appointment_at is None


@pytest.mark.parametrize("trigger", ["A03", "A04", "A09", "A10"])
def test_visit_is_dated_by_when_it_occurred(trigger: str) -> None:
    evn = f"EVN|{trigger}|20260115102500||||20260115102000"
    (event,) = events(msh(f"ADT^{trigger}"), evn, PID, PV1)
    assert (event.local_code, event.raw_time) == (f"ADT^{trigger}///", "20260115102000")


@pytest.mark.parametrize("trigger", ["A18", "A30", "A34", "A35", "A36", "A40", "A47"])
def test_merge_names_the_prior_patient(trigger: str) -> None:
    (event,) = events(msh(f"ADT^{trigger}"), "EVN||20260115102500", PID, "MRG|41^^^NORTH^MR")
    assert (event.ids.patient_id, event.ids.prior_patient_id) == ("42", "41")


def test_merge_of_several_pairs() -> None:
    found = events(msh("ADT^A40"), "PID|||42", "MRG|41", "PID|||52", "MRG|51")
    assert [(e.ids.patient_id, e.ids.prior_patient_id) for e in found] == [("42", "41"), ("52", "51")]


def test_each_number_of_one_kind_in_a_merge_is_merged() -> None:
    mrg = "MRG|99^^^STATE^SS~41^^^NORTH^MR~43^^^NORTH^MR~44^^^SOUTH^MR"
    found = events(msh("ADT^A40"), "EVN||20260115102500", PID, mrg)
    assert [(e.ids.prior_patient_id, e.ordinal) for e in found] == [("41", 0), ("43", 1)]


def test_numbers_of_two_authorities_are_two_numbers() -> None:
    (event,) = events(msh("ADT^A40"), "EVN||20260115102500", PID, "MRG|42^^^SOUTH^MR")
    assert (event.ids.patient_id_issuer, event.ids.prior_patient_id_issuer) == ("NORTH", "SOUTH")


@pytest.mark.parametrize("trigger", ["A24", "A37"])
def test_link_and_unlink_name_both_patients(trigger: str) -> None:
    lines = [msh(f"ADT^{trigger}"), "EVN||20260115102500", PID, "PD1", "PV1|1|O", "PID|2||41^^^NORTH^MR", "PV1|1|O"]
    (event,) = events(*lines)
    assert (event.ids.patient_id, event.ids.prior_patient_id) == ("42", "41")
    assert event.local_code == f"ADT^{trigger}///"
    assert reason(*lines[:4]) == Reason.BAD_STRUCTURE


@pytest.mark.parametrize("trigger", ["A08", "A31"])
def test_update_carries_what_is_now_known(trigger: str) -> None:
    (event,) = events(msh(f"ADT^{trigger}"), "EVN||20260115102500", PID, PV1)
    a = event.attributes
    assert (event.ids.patient_id, event.ids.visit_number) == ("42", "V7")
    assert (a.birth_date, a.sex, a.patient_class_code) == ("19610203", "F", "O")
    assert reason(msh("ADT^A08"), "EVN||20260115102500", PV1) == Reason.MISSING_IDENTIFIER


def test_merge_without_prior_number_is_refused() -> None:
    assert reason(msh("ADT^A40"), PID, "MRG|") == Reason.MISSING_IDENTIFIER
    assert reason(msh("ADT^A40"), PID) == Reason.BAD_STRUCTURE


@pytest.mark.parametrize("kind", ["ORR^O02", "ORI^O24", "ORG^O20"])
def test_a_reply_is_read_where_it_says_whose_order_it_answers(kind: str) -> None:
    (event,) = events(msh(kind), "MSA|AA|7", PID, "ORC|CR|P1|F1||||||20260115100000", obr())
    assert (event.local_code, event.ids.accession_number) == (f"{kind}/CR//", "A1")
    assert event.raw_time == "20260115100000"
    alone = read(msh(kind), "MSA|AA|7", PID, "ORC|CR|P1|F1||||||20260115100000")
    assert alone == read(msh(kind), "MSA|AE|7") == [Filtered("x.hl7#1", FilterReason.NOT_IMAGING)]


@pytest.mark.parametrize(
    "lines",
    [
        [msh("ADT^A08"), "PID|||42"],  # says nothing new
        [msh("ADT^A01"), PID],
        [msh("ACK^O01"), "MSA|AA|1"],
        [msh("MDM^T02"), PID],
        [msh("SIU^S23"), PID],
        [msh("ADT^A35"), PID, "MRG|42"],  # accounts of one patient
        [msh("ORM^O01"), PID, "ORC|NW|P1", "RXO|1"],
        [msh("ORU^R01"), PID, obr(f24="LAB", f25="F")],
    ],
)
def test_messages_about_nothing_measured_are_filtered(lines: list[str]) -> None:
    assert read(*lines) == [Filtered("x.hl7#1", FilterReason.NOT_IMAGING)]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([msh("ORM^O01"), PID], Reason.BAD_STRUCTURE),
        ([msh("ORU^R01"), PID], Reason.BAD_STRUCTURE),
        ([msh("SIU^S12"), PID], Reason.BAD_STRUCTURE),
        ([msh("orm"), PID], Reason.BAD_STRUCTURE),
        (["MSH|^~\\&|RIS|SITE"], Reason.TRUNCATED),
        ([msh("ORM^O01", at=""), PID, "ORC|NW|P1"], Reason.MISSING_TIME),
        ([msh("ADT^A04"), "EVN||20260115102500", 'PID|||""'], Reason.MISSING_IDENTIFIER),
        (["nothing of the kind"], Reason.NOT_THIS_FORMAT),
    ],
)
def test_broken_messages_are_refused_under_their_reason(lines: list[str], expected: Reason) -> None:
    assert reason(*lines) == expected


def batch(bts: str, fts: str) -> list[SourceItem]:
    return read("FHS|^~\\&|R", "BHS|^~\\&|R", *order("NW", ""), *order("SC", "IP"), f"BTS|{bts}", f"FTS|{fts}")


def test_batch_with_right_counts_is_read_and_its_envelope_filtered() -> None:
    kinds = [type(item) for item in batch("2", "1")]
    assert kinds == [Filtered, Filtered, Read, Read, Filtered, Filtered]
    assert batch("", "")[4:] == batch("2", "1")[4:]  # counts are optional
    assert batch("002", "1")[4:] == batch("2", "1")[4:]


def test_wrong_trailer_is_quarantined_and_the_messages_are_kept() -> None:
    found = batch("3", "1")
    assert [type(item) for item in found] == [Filtered, Filtered, Read, Read, Refused, Filtered]
    assert isinstance(found[4], Refused)
    assert found[4].reason == Reason.TRAILER_MISMATCH
    last = batch("2", "2")[5]
    assert isinstance(last, Refused)
    assert last.reason == Reason.TRAILER_MISMATCH


def test_site_rules_replace_the_shipped_ones() -> None:
    lines = order("SC", "IP", f7="20260115100700", f18="", f22="20260115101500")
    (event,) = events(*lines, accession=["OBR-18", "IPC-1", "OBR-3"], begin_time="OBR-7")
    assert (event.ids.accession_number, event.raw_time) == ("F1", "20260115100700")
    (event,) = events(*lines, "ZXA|ROOM 5", station_name="ZXA-1")
    assert event.attributes.station_name == "ROOM 5"


def test_site_names_its_own_result_codes() -> None:
    lines = [msh("ORU^R01"), PID, obr(f25="F"), "OBX|1|CE|55113-5^x^LN||2||||||F"]
    assert events(*lines, result_flags={"55113-5": "CRIT"})[1].local_code == "ORU^R01///F#CRIT"


@pytest.mark.parametrize("options", [{"accesion": "OBR-18"}, {"accession": "OBR18"}, {"begin_time": 7}])
def test_typing_slip_in_the_rules_stops_the_feed(options: dict[str, Any]) -> None:
    with pytest.raises(FeedStoppedError):
        field_rules(options)


def test_feed_lists_finished_files_and_reads_them_by_relative_name(tmp_path: Path) -> None:
    (tmp_path / "in" / "b").mkdir(parents=True)
    for name in ("b/2.hl7", "1", ".hidden", "3.tmp"):
        (tmp_path / "in" / name).write_text("\r".join(order("NW", "")))
    settings = Settings(base=tmp_path, sites=(Site(code="S", name="S", zone="America/Chicago"),))
    feed = Feed(key="f", kind="hl7v2", site="S", path=Path("in"))
    source = Hl7v2()
    files = source.files(feed, settings)
    assert [path.name for path in files] == ["1", "2.hl7"]
    assert [item.source_ref for path in files for item in source.read(path, feed, settings)] == ["1#1", "b/2.hl7#1"]


def test_vanished_file_is_refused_as_read_error(tmp_path: Path) -> None:
    settings = Settings(base=tmp_path, sites=(Site(code="S", name="S", zone="America/Chicago"),))
    feed = Feed(key="f", kind="hl7v2", site="S")
    (item,) = Hl7v2().read(tmp_path / "gone.hl7", feed, settings)
    assert isinstance(item, Refused)
    assert item.reason == Reason.READ_ERROR


def test_inspect_names_the_field_of_each_value_and_masks_identifiers(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("\r".join(order("SC", "CM", f18="ACC123456789", f22="20260115101500-0600")))
    (message,) = Hl7v2().inspect(path)["messages"]
    (event,) = message["events"]
    assert message["type"] == "ORM^O01"
    assert message["fields"]["accession_number"] == {"value": "AC…(12)", "field": "OBR-18"}
    assert message["fields"]["patient_id"]["field"] == "PID-3"
    assert (event["event_type"], event["time_field"]) == ("exam_end", "OBR-22")
    assert event["occurred_at"] == "2026-01-15T16:15:00+00:00"
    assert event["ids"]["accession_number"] == "AC…(12)"
