"""What the simulated hospitals send, read by the `hl7` library or by hand, held against the truth."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import hl7
import pandas as pd
import pytest

SOURCES_OF = {"NORTH": "north_hl7", "SOUTH": "south_hl7"}


def fields(message: str, segment: str) -> list[str]:
    """The fields of the first segment of this name, its name at 0."""
    for line in message.split("\r"):
        if line.startswith(segment + "|"):
            return line.split("|")
    return []


def field(message: str, segment: str, number: int) -> str:
    found = fields(message, segment)
    return found[number] if len(found) > number else ""


def kind(message: str) -> str:
    return "^".join(fields(message, "MSH")[8].split("^")[:2])


def instant(text: str, zone: str) -> pd.Timestamp:
    if len(text) > 14:
        return pd.to_datetime(text, format="%Y%m%d%H%M%S%z").tz_convert("UTC")
    return pd.to_datetime(text, format="%Y%m%d%H%M%S").tz_localize(zone, ambiguous=True).tz_convert("UTC")


@pytest.fixture(scope="module")
def told(made: Any) -> dict[str, list[str]]:
    return {site: made.messages(feed) for site, feed in SOURCES_OF.items()}


def by_accession(messages: list[str], control: str, status: str) -> dict[str, str]:
    found = (m for m in messages if (field(m, "ORC", 1), field(m, "ORC", 5)) == (control, status))
    return {field(m, "OBR", 18): m for m in found}


def test_every_message_parses_with_the_hl7_library(told: dict[str, list[str]]) -> None:
    for messages in told.values():
        for text in messages[:: max(len(messages) // 150, 1)]:
            message = hl7.parse(text)
            assert str(message.segment("MSH")[12]) == "2.5.1"
            assert str(message["MSH.F9.R1.C2"])


def test_all_kinds_are_sent(told: dict[str, list[str]]) -> None:
    north, south = (Counter(kind(m) for m in told[site]) for site in ("NORTH", "SOUTH"))
    shared = {"ORM^O01", "ORU^R01", "SIU^S12", "SIU^S13", "SIU^S15", "ADT^A04"}
    assert shared <= set(north)
    assert shared | {"OMI^O23"} <= set(south)
    assert "OMI^O23" not in north
    results = Counter(field(m, "OBR", 25) for m in told["NORTH"] if kind(m) == "ORU^R01")
    assert {"P", "F", "R", "A"} <= set(results)


def test_batch_trailers_count_their_messages(made: Any) -> None:
    for feed, separator in (("north_hl7", "\r"), ("south_hl7", "\r\n")):
        for path in (made.folder / "feeds" / feed).glob("*.hl7"):
            lines = path.read_bytes().decode().split(separator)
            assert [line[:3] for line in (lines[0], lines[1], lines[-3], lines[-2])] == ["FHS", "BHS", "BTS", "FTS"]
            assert lines[-3] == f"BTS|{sum(line.startswith('MSH|') for line in lines)}"


def test_south_learns_the_accession_number_on_acceptance(told: dict[str, list[str]]) -> None:
    orders = [m for m in told["SOUTH"] if field(m, "ORC", 1) == "NW"]
    assert orders
    assert all(field(m, "OBR", 2) and not field(m, "OBR", 3) and not field(m, "OBR", 18) for m in orders)
    accepted = [m for m in told["SOUTH"] if field(m, "ORC", 1) == "OK"]
    assert accepted
    assert all(field(m, "ORC", 2) and field(m, "ORC", 3) and field(m, "OBR", 18) for m in accepted)


def test_north_sends_offsets_and_south_naive_times(told: dict[str, list[str]]) -> None:
    for site, offset in (("NORTH", True), ("SOUTH", False)):
        times = [field(m, "OBR", 22) for m in told[site] if field(m, "OBR", 22)]
        assert times
        assert all((len(t) == 19) is offset for t in times)
        assert all(len(field(m, "MSH", 6)) == 19 for m in told[site])


@pytest.mark.parametrize(("control", "status", "milestone"), [("SC", "IP", "begin_at"), ("SC", "CM", "end_at")])
@pytest.mark.parametrize(("site", "zone"), [("NORTH", "America/New_York"), ("SOUTH", "America/Chicago")])
def test_status_times_are_the_true_times(
    made: Any, told: dict[str, list[str]], site: str, zone: str, control: str, status: str, milestone: str
) -> None:
    truth = made.exams[(made.exams["site"] == site) & made.exams[milestone].notna()].set_index("accession")
    repeated = {a for entry in made.planted["dst_night"] for a in entry["accessions"]}
    sent = by_accession(told[site], control, status)
    compared = 0
    for accession, message in sent.items():
        if accession not in repeated:
            assert instant(field(message, "OBR", 22), zone) == truth.loc[accession, milestone]
            compared += 1
    assert compared > 50


def test_first_final_signature_is_the_true_one(made: Any, told: dict[str, list[str]]) -> None:
    truth = made.exams[made.exams["final_at"].notna()].set_index("accession")
    finals = [m for m in told["NORTH"] if kind(m) == "ORU^R01" and field(m, "OBR", 25) == "F"]
    for message in finals:
        accession = field(message, "OBR", 18)
        assert instant(field(message, "OBR", 22), "America/New_York") == truth.loc[accession, "final_at"]
        assert field(message, "OBR", 32).split("&")[0] == truth.loc[accession, "reader"]


def test_bookings_name_order_appointment_room_and_length(told: dict[str, list[str]]) -> None:
    for message in (m for m in told["NORTH"] if kind(m) == "SIU^S12"):
        start, end = field(message, "SCH", 11).split("^")[3:5]
        minutes = (instant(end, "UTC") - instant(start, "UTC")).total_seconds() / 60
        assert float(field(message, "SCH", 9)) == minutes
        assert field(message, "SCH", 26).startswith("SIMNP")
        assert field(message, "SCH", 27).startswith("SIMNA")
        assert field(message, "AIL", 3).startswith("SIMN")
        assert field(message, "AIS", 4) == start


def test_moved_appointments_keep_their_number(told: dict[str, list[str]]) -> None:
    first = {field(m, "SCH", 2) for m in told["NORTH"] if kind(m) == "SIU^S12"}
    moved = {field(m, "SCH", 2) for m in told["NORTH"] if kind(m) == "SIU^S13"}
    assert moved
    assert moved <= first


def test_people_are_visibly_invented(told: dict[str, list[str]]) -> None:
    for site, messages in told.items():
        for message in messages:
            pid = fields(message, "PID")
            assert pid[3].startswith(f"SIM{site[0]}")
            assert pid[5].startswith("SIM")


def test_message_faults_do_what_the_manifest_says(made: Any, told: dict[str, list[str]]) -> None:
    control_ids = Counter(field(m, "MSH", 9) for messages in told.values() for m in messages)
    twice = {control for control, n in control_ids.items() if n == 2}
    assert max(control_ids.values()) <= 2
    duplicated = made.planted["duplicated"][0]
    assert 0 < len(twice) <= duplicated["n"]
    for fault, sent in (("lost", 0), ("resent", 2)):
        entry = made.planted[fault][0]
        for accession, message_kind in zip(entry["accessions"], entry["messages"], strict=True):
            if message_kind in ("IP", "CM"):
                messages = told["NORTH" if accession[3] == "N" else "SOUTH"]
                found = [m for m in messages if field(m, "OBR", 18) == accession and field(m, "ORC", 5) == message_kind]
                assert len(found) == sent


def test_late_messages_lie_in_a_later_file(made: Any) -> None:
    late: dict[str, int] = defaultdict(int)
    for path in sorted((made.folder / "feeds" / "north_hl7").glob("*.hl7")):
        text = path.read_bytes().decode()
        for part in text.split("\rMSH|")[1:]:
            sent = part.split("|")[5][:8]
            late[path.name] += sent < path.name[:10].replace("-", "")
    assert sum(late.values()) >= sum(m != "S12" for m in made.planted["late"][0]["messages"]) // 4


def test_merge_names_both_numbers_and_later_messages_use_the_kept_one(made: Any, told: dict[str, list[str]]) -> None:
    sent = [entry for entry in made.planted["patient_merged"] if entry["is_sent"]]
    assert sent
    for entry in sent:
        merge = [m for m in told[entry["site"]] if kind(m) == "ADT^A40" and field(m, "MRG", 1).startswith(entry["old"])]
        assert len(merge) == 1
        assert field(merge[0], "PID", 3).startswith(entry["kept"])
        position = told[entry["site"]].index(merge[0])
        rest = [field(m, "PID", 3).split("^")[0] for m in told[entry["site"]][position + 1 :]]
        assert entry["old"] not in rest
