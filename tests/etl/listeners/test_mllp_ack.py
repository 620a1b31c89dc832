"""Acknowledgements: which letters, to whom, in whose delimiters, and nothing of the patient in them."""

from __future__ import annotations

from datetime import UTC, datetime

import hl7
import pytest

from etl.listeners.mllp_ack import NOT_KEPT, Answer, acknowledgement, code_of, header_of, judged

P = frozenset({"P"})
AT = datetime(2026, 9, 10, 12, 0, 0, tzinfo=UTC)
MSH = b"MSH|^~\\&|RIS|NORTH|RADPULSE|HUB|20260910120000||ORM^O01|77|P|2.5.1"
PID = b"\rPID|1||SECRET77^^^N||DOE^JANE\r"


def answered(message: bytes, complete: bool = True, ids: frozenset[str] = P) -> tuple[bytes | None, Answer]:
    header, answer = judged(message, complete, ids)
    return acknowledgement(header, answer, AT), answer


def msa(message: bytes, complete: bool = True) -> bytes:
    found = answered(message, complete)[0]
    assert found is not None
    return found.split(b"\r")[1].split(b"|")[1]


def test_sender_and_receiver_change_places_and_the_control_id_comes_back() -> None:
    found, answer = answered(MSH + PID)
    assert answer.keep
    assert found is not None
    parsed = hl7.parse(found.decode())
    assert [str(parsed["MSH"][0][n]) for n in (3, 4, 5, 6)] == ["RADPULSE", "HUB", "RIS", "NORTH"]
    assert str(parsed["MSH"][0][9]) == "ACK^O01^ACK"
    assert [str(parsed["MSH"][0][n]) for n in (11, 12)] == ["P", "2.5.1"]
    assert str(parsed["MSH"][0][7]) == "20260910120000+0000"
    assert [str(parsed["MSA"][0][n]) for n in (1, 2)] == ["AA", "77"]


def test_the_senders_delimiters_and_character_set_are_used() -> None:
    message = "MSH$%~\\&$Größe$N$$$2026$$ORU%R01$4%x$P$2.3$$$$$$8859/1\rPID$1".encode("latin-1")
    found, _ = answered(message)
    assert found is not None
    lines = found.split(b"\r")
    assert lines[0].startswith(b"MSH$%~\\&$")
    assert "Größe".encode("latin-1") in lines[0]
    assert lines[0].endswith(b"$8859/1")
    assert b"ACK%R01%ACK" in lines[0]
    assert lines[1] == b"MSA$AA$4%x"


CASES = {
    "no HL7": (b"hello", b"AR", True),
    "an empty MSH": (b"MSH", b"AE", True),
    "delimiters that cannot be": (b"MSH|||||RIS", b"AE", True),
    "an MSH that ends early": (b"MSH|^~\\&|RIS|N", b"AE", True),
    "no message type": (MSH.replace(b"ORM^O01", b"orm"), b"AE", True),
    "another version": (MSH.replace(b"2.5.1", b"3.0"), b"AR", False),
    "training": (MSH.replace(b"|P|", b"|T|"), b"AR", False),
    "no processing id": (MSH.replace(b"|P|", b"||"), b"AA", True),
    "a processing mode": (MSH.replace(b"|P|", b"|P^T|"), b"AA", True),
    "no version": (MSH.replace(b"2.5.1", b""), b"AA", True),
    "a version with its realm": (MSH.replace(b"2.5.1", b"2.5^DEU"), b"AA", True),
    "a batch": (b"FHS|^~\\&|RIS\r" + MSH, b"AR", False),
    "a byte order mark": (b"\xef\xbb\xbf" + MSH, b"AA", True),
    "a doubled escape": (MSH.replace(b"^~\\&", b"^~\\\\&"), b"AA", True),
    "truncation character of 2.7": (MSH.replace(b"^~\\&", b"^~\\&#"), b"AA", True),
}


@pytest.mark.parametrize("case", CASES)
def test_each_kind_of_message_gets_its_letters_and_is_kept_or_not(case: str) -> None:
    message, letters, keep = CASES[case]
    assert (msa(message + PID), answered(message + PID)[1].keep) == (letters, keep)


def test_a_message_without_end_block_is_an_error_and_kept() -> None:
    assert msa(MSH + PID, complete=False) == b"AE"
    assert answered(MSH, complete=False)[1].keep


def test_training_messages_are_taken_where_the_site_says_so() -> None:
    message = MSH.replace(b"|P|", b"|T|")
    assert answered(message, ids=frozenset({"P", "T"}))[1].keep


@pytest.mark.parametrize("case", [*CASES, "torn"])
def test_nothing_of_the_patient_is_in_any_answer(case: str) -> None:
    message = CASES[case][0] if case in CASES else MSH
    found = answered(message + PID, complete=case != "torn")[0]
    assert found is not None
    assert not [word for word in (b"SECRET", b"DOE", b"PID") if word in found]


def test_errors_are_told_in_an_err_segment_where_the_version_has_one() -> None:
    found, _ = answered(MSH.replace(b"ORM^O01", b"?"))
    assert found is not None
    assert str(hl7.parse(found.decode())["ERR"][0][3]).startswith("101^")
    old, _ = answered(MSH.replace(b"ORM^O01", b"?").replace(b"2.5.1", b"2.3"))
    assert old is not None
    assert b"ERR" not in old


@pytest.mark.parametrize(
    ("accept", "application", "expected"),
    [  # accepted, stored in vain: v2.5.1 2.9.3, HL7 table 0155
        ("", "", ("AA", "AR")),
        ("AL", "NE", ("CA", "CR")),
        ("AL", "AL", ("CA", "CR")),
        ("ER", "", (None, "CR")),
        ("SU", "NE", ("CA", None)),
        ("NE", "AL", ("AA", "AR")),
        ("", "AL", ("AA", "AR")),
        ("NE", "ER", (None, "AR")),
        ("NE", "NE", (None, None)),
        ("NE", "", (None, None)),
    ],
)
def test_enhanced_mode_answers_what_msh_15_and_16_ask_for(
    accept: str, application: str, expected: tuple[str | None, str | None]
) -> None:
    header = header_of(MSH + f"||||{accept}|{application}".encode()[1:])
    assert header is not None
    assert header[15].decode() == accept
    assert (code_of(header, answered(MSH)[1].verdict), code_of(header, NOT_KEPT.verdict)) == expected


def test_a_long_control_id_is_not_repeated_without_bound() -> None:
    found, _ = answered(MSH.replace(b"|77|", b"|" + b"7" * 3000 + b"|"))
    assert found is not None
    assert len(found) < 1000
