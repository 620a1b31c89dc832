"""Files split into messages whatever their framing, line ends, character set and delimiters."""

from __future__ import annotations

import pytest

from etl.errors import ItemRefused, Reason
from etl.sources.hl7_charset import decode, decode_chunk
from etl.sources.hl7_message import Delimiters, chunks, delimiters, segments, unescaped

MSH = "MSH|^~\\&|RIS|SITE|RAD|SITE|20260115103000||ORM^O01|1|P|2.5.1"
BODY = f"{MSH}\rPID|1||42\rORC|NW|P1\r"


def bodies(data: bytes) -> list[str]:
    text, raw = decode(data)
    return [decode_chunk(chunk.text, raw) for chunk in chunks(text)]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("gap", ["", "\r", "\n\n", "  \r\n"])
def test_messages_are_found_with_any_line_end_and_gap(end: str, gap: str) -> None:
    text = BODY.replace("\r", end)
    found = bodies((text + gap + text).encode())
    assert len(found) == 2
    assert [segments(body)[1] for body in found] == [[MSH, "PID|1||42", "ORC|NW|P1"]] * 2


def test_mixed_line_ends_within_one_message() -> None:
    _, lines = segments(f"{MSH}\r\nPID|1||42\nORC|NW|P1\rOBR|1")
    assert lines == [MSH, "PID|1||42", "ORC|NW|P1", "OBR|1"]


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_marks_and_utf16_are_recognised(codec: str) -> None:
    assert bodies(BODY.replace("42", "Åse").encode(codec)) == [BODY.replace("42", "Åse").rstrip()]


def test_broken_utf16_is_refused_as_charset() -> None:
    with pytest.raises(ItemRefused) as refused:
        decode(b"\xff\xfeM\x00S\x00H")
    assert refused.value.reason == Reason.BAD_CHARSET


@pytest.mark.parametrize(
    ("declared", "codec", "word"),
    [
        ("8859/1", "latin-1", "Müller"),
        ("8859/2", "iso8859_2", "Łódź"),
        ("8859/1", "utf-8", "Müller"),  # declared Latin-1, sent UTF-8 (dcm4che)
        ("UNICODE UTF-8", "cp1252", "Müller “x”"),  # declared UTF-8, sent Windows-1252
        ("", "cp1252", "Müller"),
        ("ISO IR87", "iso2022_jp", "山田"),
        ("~ISO IR87", "iso2022_jp", "山田"),
        ("GB 18030-2000", "gb18030", "王"),
        ("KS X 1001", "euc_kr", "김"),
    ],
)
def test_bytes_are_read_as_what_they_are(declared: str, codec: str, word: str) -> None:
    text = f"{MSH}||||||{declared}|\rPID|1||{word}\r"
    data = text.encode(codec)
    assert segments(bodies(data)[0])[1][1] == f"PID|1||{word}"


def test_undecodable_bytes_are_refused() -> None:
    text, raw = decode(BODY.encode().replace(b"42", b"\x81\x8d"))
    with pytest.raises(ItemRefused) as refused:
        decode_chunk(text, raw)
    assert refused.value.reason == Reason.BAD_CHARSET


def test_other_delimiters_than_the_usual() -> None:
    d, lines = segments("MSH#*@!%#RIS\rPID#1##42*7%8")
    assert d == Delimiters("#", "*", "@", "!", "%")
    assert lines[1] == "PID#1##42*7%8"


@pytest.mark.parametrize("head", ["MSH|^", "MSH|", "MSH|^^^^", "MSH|^~|&", "MSH|abcd", "MSH|^~\\ ", "MSH|^~\x01&"])
def test_impossible_delimiters_are_refused(head: str) -> None:
    with pytest.raises(ItemRefused) as refused:
        delimiters(head)
    assert refused.value.reason == Reason.BAD_STRUCTURE


def test_doubled_escape_character_counts_once() -> None:
    assert delimiters("MSH|^~\\\\&") == Delimiters()


def test_lines_without_segment_name_continue_the_segment_before() -> None:
    _, lines = segments(f"{MSH}\rOBX|1|TX|||first\rsecond line\r\rthird. PID of 3|||F\rOBX|2")
    assert lines == [MSH, "OBX|1|TX|||first\rsecond line\r\rthird. PID of 3|||F", "OBX|2"]


def test_mllp_frames_are_stripped_and_open_ones_marked() -> None:
    found = list(chunks(f"\x0b{BODY}\x1c\r\x0b{BODY}\x1c\r\x0b{BODY}"))
    assert [chunk.complete for chunk in found] == [True, True, False]
    assert {chunk.text for chunk in found} == {BODY.rstrip()}


def test_stray_text_is_offered_not_dropped() -> None:
    names = [(chunk.name, chunk.text) for chunk in chunks(f"rubbish\r{BODY}\x1c\rmore\r")]
    assert names == [("", "rubbish"), ("MSH", BODY.rstrip()), ("", "more")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"a\F\b\S\c\T\d\R\e\E\f", "a|b^c&d~e\\f"),
        (r"\X41\\XC7\\XC3\O", "AÇÃO"),
        (r"\XC3A7\a", "ça"),
        (r"one\.br\two", "one\ntwo"),
        (r"\H\bold\N\ \Zxx\\XQQ\.", "bold ."),
        ("lone \\ stays", "lone \\ stays"),
        ("none", "none"),
    ],
)
def test_escape_sequences(text: str, expected: str) -> None:
    assert unescaped(text, Delimiters()) == expected


def test_oversized_message_is_refused_before_it_is_split() -> None:
    with pytest.raises(ItemRefused) as refused:
        segments(MSH + "\rOBX|1|TX|||" + "x" * 16_000_001)
    assert refused.value.reason == Reason.OVERSIZED
