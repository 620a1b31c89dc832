"""RIS extracts become one event a filled milestone; drifted columns stop the feed."""

from __future__ import annotations

import csv
import io
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from etl.errors import FeedStoppedError, ItemRefused, Reason
from etl.records import EventRecord, Read, Refused, SourceItem
from etl.settings import Feed, Settings, Site
from etl.sources.mapping import load_mapping, parsed, presets
from etl.sources.ris_csv import RisCsv, items

NEW_YORK = ZoneInfo("America/New_York")
ROW = {
    "Accession #": "A1",
    "Order ID": "P1",
    "Patient MRN": "42",
    "Study Status": "Exam Ended",
    "Appointment Time": "01/15/2026 11:00:00",
    "Appointment Length": "30",
    "Resource": "NCT1",
    "Begin Exam Date": "01/15/2026 10:00:00",
    "End Exam Date": "01/15/2026 10:20:00",
    "Last Update": "01/15/2026 10:30:00",
}


def sheet(*rows: dict[str, str], preset: str = "epic_like", delimiter: str = ",", without: str = "") -> str:
    headers = [h for h in presets()[preset].headers() if h != without]
    text = io.StringIO()
    writer = csv.DictWriter(text, headers, delimiter=delimiter, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def read(data: bytes | str, preset: str = "epic_like") -> list[SourceItem]:
    raw = data.encode() if isinstance(data, str) else data
    return list(items(raw, "x.csv", NEW_YORK, presets()[preset], "ris"))


def events(item: SourceItem) -> list[EventRecord]:
    assert isinstance(item, Read), item
    return [record for record in item.records if isinstance(record, EventRecord)]


def test_each_filled_milestone_is_an_event() -> None:
    (item,) = read(sheet(ROW))
    begin, end = events(item)
    assert (begin.local_code, end.local_code) == ("csv:Begin Exam Date", "csv:End Exam Date")
    assert begin.raw_time == "01/15/2026 10:00:00"
    assert begin.occurred_at == datetime(2026, 1, 15, 15, 0, tzinfo=UTC)
    assert begin.known_at == datetime(2026, 1, 15, 15, 30, tzinfo=UTC)
    assert (begin.ids.accession_number, begin.ids.placer_order_number, begin.ids.patient_id) == ("A1", "P1", "42")
    assert begin.attributes.station_name == "NCT1"
    assert begin.attributes.appointment_at == datetime(2026, 1, 15, 16, 0, tzinfo=UTC)
    assert begin.attributes.planned_duration_min == pytest.approx(30)


@pytest.mark.parametrize("status", ["Canceled", "Discontinued"])
def test_cancel_column_takes_its_meaning_from_the_status_beside_it(status: str) -> None:
    row = {**ROW, "Study Status": status, "Cancel Date": "01/15/2026 10:10:00"}
    assert events(read(sheet(row))[0])[-1].local_code == f"csv:Cancel Date/{status}"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_delimiter_and_character_set_are_found_out(delimiter: str, codec: str) -> None:
    text = sheet({**ROW, "Technologist": "Müller"}, delimiter=delimiter)
    assert events(read(text.encode(codec))[0])[0].attributes.technologist == "Müller"


def test_quoted_cells_may_hold_delimiters_and_line_ends() -> None:
    text = sheet({**ROW, "Procedure": 'CT, "head"\nwithout'}, ROW)
    found = read(text)
    assert events(found[0])[0].attributes.procedure_text == 'CT, "head"\nwithout'
    assert [item.source_ref for item in found] == ["x.csv#1", "x.csv#2"]


def test_spreadsheet_quoting_of_leading_zeros_is_undone() -> None:
    assert events(read(sheet({**ROW, "Accession #": '="0012"'}))[0])[0].ids.accession_number == "0012"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Accession #": "", "Order ID": "", "Patient MRN": " "}, Reason.MISSING_IDENTIFIER),
        ({"Begin Exam Date": "", "End Exam Date": ""}, Reason.MISSING_TIME),
        ({"End Exam Date": "15.01.2026"}, Reason.BAD_VALUE),
        ({"End Exam Date": "02/30/2026 10:00:00"}, Reason.IMPOSSIBLE_TIME),
        ({"End Exam Date": "03/08/2026 02:30:00"}, Reason.NONEXISTENT_LOCAL_TIME),
    ],
)
def test_bad_row_is_refused_and_its_neighbours_are_read(change: dict[str, str], reason: Reason) -> None:
    found = read(sheet(ROW, {**ROW, **change}, ROW))
    assert [type(item) for item in found] == [Read, Refused, Read]
    assert isinstance(found[1], Refused)
    assert found[1].reason == reason
    assert found[1].raw


def test_row_of_another_width_is_refused() -> None:
    (item,) = read(sheet() + "A1,P1\n")
    assert isinstance(item, Refused)
    assert item.reason == Reason.BAD_STRUCTURE


def test_unpadded_times_are_read_too() -> None:
    assert events(read(sheet({**ROW, "End Exam Date": "1/5/2026 9:05:00"}))[0])[1].occurred_at == datetime(
        2026, 1, 5, 14, 5, tzinfo=UTC
    )


def test_missing_and_renamed_columns_stop_the_feed_with_the_difference() -> None:
    with pytest.raises(FeedStoppedError, match="- Resource"):
        read(sheet(ROW, without="Resource"))
    with pytest.raises(FeedStoppedError, match=r"End Exam Date.*renamed to 'Exam End Date'"):
        read(sheet(ROW).replace("End Exam Date", "Exam End Date"))


def test_repeated_column_stops_the_feed() -> None:
    text = sheet(ROW)
    header, rest = text.split("\n", 1)
    with pytest.raises(FeedStoppedError, match="more than once"):
        read(f"{header},Resource\n{rest}")


def test_new_columns_stop_a_saved_mapping_but_not_a_preset() -> None:
    extra = "\n".join(f"{line},x" for line in sheet(ROW).splitlines())
    assert isinstance(read(extra)[0], Read)
    saved = parsed("mine", toml(presets()["epic_like"].saved("mine", presets()["epic_like"].headers()))["mine"])
    assert saved.version == 2
    with pytest.raises(FeedStoppedError, match=r"\+ x"):
        list(items(extra.encode(), "x.csv", NEW_YORK, saved, "ris"))
    pinned = list(items(sheet(ROW).encode(), "x.csv", NEW_YORK, saved, "ris"))
    assert pinned == read(sheet(ROW))


def toml(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


def test_generic_preset_takes_what_columns_there_are_in_any_letter_case() -> None:
    (item,) = read("Accession_Number,EXAM_END\nA1,2026-01-15T10:00:00-05:00\n", "generic")
    (event,) = events(item)
    assert (event.local_code, event.known_at) == ("csv:exam_end", None)
    assert event.occurred_at == datetime(2026, 1, 15, 15, 0, tzinfo=UTC)


def test_knowledge_time_may_come_from_the_file_name() -> None:
    table = {
        "version": 1,
        "identifiers": {"accession_number": "a"},
        "milestones": {"exam_end": "e"},
        "known_at_in_name": r"_(\d{8,14})\.csv",
    }
    data = b"a,e\nA1,2026-01-15 10:00:00\n"
    (item,) = items(data, "ris_202601152300.csv", NEW_YORK, parsed("m", table), "ris")
    assert events(item)[0].known_at == datetime(2026, 1, 16, 4, 0, tzinfo=UTC)
    (item,) = items(data, "ris_20260115.csv", NEW_YORK, parsed("m", table), "ris")
    assert events(item)[0].known_at is None  # the day's midnight lies before the exam


def test_mapping_is_read_from_a_sites_own_file(tmp_path: Path) -> None:
    text = presets()["cerner_like"].saved("south", presets()["cerner_like"].headers())
    (tmp_path / "south.toml").write_text(text, encoding="utf-8")
    settings = Settings(base=tmp_path, sites=(Site(code="S", name="S", zone="America/Chicago"),))
    mapping = load_mapping({"mapping": "south.toml"}, settings)
    assert (mapping.name, mapping.version) == ("south", 2)
    assert mapping.milestones == presets()["cerner_like"].milestones
    feed = Feed(key="f", kind="ris_csv", site="S", options={"mapping": "nowhere.toml"})
    with pytest.raises(FeedStoppedError, match="no preset"):
        list(RisCsv().read(tmp_path / "x.csv", feed, settings))


@pytest.mark.parametrize(
    "table",
    [
        {"version": 1, "identifiers": {"accession": "a"}, "milestones": {"final": "f"}},
        {"version": 1, "identifiers": {"accession_number": "a"}, "milestones": {"finished": "f"}},
        {"version": 1, "identifiers": {"accession_number": "a"}, "milestones": {}},
        {"identifiers": {"accession_number": "a"}, "milestones": {"final": "f"}},
        {"version": 1, "identifiers": {"accession_number": "a"}, "milestones": {"final": "f"}, "colums": []},
        {"version": 1, "identifiers": {"accession_number": "a"}, "milestones": {"final": "f"}, "known_at_in_name": "("},
    ],
)
def test_wrong_mapping_stops_the_feed(table: dict[str, Any]) -> None:
    with pytest.raises(FeedStoppedError):
        parsed("m", table)


def test_inspect_picks_the_fitting_preset_and_masks_identifiers(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(sheet({**ROW, "Accession #": "ACC123456789"}))
    shown = RisCsv().inspect(path)
    assert shown["mapping"] == "epic_like"
    assert shown["rows"][0]["ids"]["accession_number"] == "AC…(12)"
    assert [e["event_type"] for e in shown["rows"][0]["events"]] == ["exam_begin", "exam_end"]
    path.write_text(sheet(ROW, without="Resource"))
    with pytest.raises(ItemRefused) as refused:
        RisCsv().inspect(path)
    assert refused.value.reason == Reason.COLUMN_DRIFT
