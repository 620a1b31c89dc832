"""Syslog framing: octet counting, trailers and XML over many lines, in packets of any size."""

from __future__ import annotations

import time

import pytest

from etl.listeners.syslog_frames import SyslogFrames

A, B = b"<85>1 2026-09-10T12:00:00Z h IHE+SOLE - m - one", b"<85>1 - - - - - - two"
XML = b"<85>1 - - IHE+SOLE - m - <?xml version='1.0'?>\n<AuditMessage>\n <x/>\n</AuditMessage>"
CASES = {
    "octet counting": (b"%d %s%d %s" % (len(A), A, len(B), B), [A, B]),
    "octet counting with line ends inside": (b"%d %s%d %s" % (len(XML), XML, len(B), B), [XML, B]),
    "line ends": (A + b"\n" + B + b"\n", [A, B]),
    "NUL trailers": (A + b"\0" + B + b"\0", [A, B]),
    "CR LF and blank lines": (A + b"\r\n\r\n" + B + b"\r\n", [A, B]),
    "both framings on one connection": (A + b"\n%d %s" % (len(B), B), [A, B]),
    "XML over many lines": (XML + b"\n" + A + b"\n", [XML, A]),
    "a line break after an octet-counted message": (b"%d %s\n%d %s\n" % (len(A), A, len(B), B), [A, B]),
    "XML that is no audit message": (
        b"<85>1 - - x - - - <?xml?><a>\n</a>\n" + A + b"\n",
        [b"<85>1 - - x - - - <?xml?><a>\n</a>", A],
    ),
    "the last line without end": (A + b"\n" + B, [A, B]),
    "no syslog": (b"hello\nworld\n", [b"hello", b"world"]),
}


@pytest.mark.parametrize("step", [1, 2, 5, 10_000])
@pytest.mark.parametrize("case", CASES)
def test_messages_come_out_whole_however_they_are_cut_into_packets(case: str, step: int) -> None:
    data, expected = CASES[case]
    cut = SyslogFrames(1 << 16)
    found = [m for at in range(0, len(data), step) for m in cut.feed(data[at : at + step])]
    assert [*found, *filter(None, [cut.rest()])] == expected
    assert not cut.broken


@pytest.mark.parametrize("data", [b"99999999 <", b"12x", b"1" * 12, b"<" + b"x" * 70_000, XML[:-5] + b"\n" * 70_000])
def test_a_stream_without_next_message_is_given_up_and_what_came_before_is_kept(data: bytes) -> None:
    cut = SyslogFrames(1 << 16)
    assert list(cut.feed(A + b"\n" + data)) == [A]
    assert cut.broken
    assert list(cut.feed(B + b"\n")) == []


def test_a_million_line_ends_inside_xml_take_no_time() -> None:
    cut = SyslogFrames(1 << 20)
    began = time.monotonic()
    for _ in range(16):
        list(cut.feed(b"<85>1 - - - - - - <AuditMessage>" if not cut.pending else b"\n" * (1 << 16)))
    assert time.monotonic() - began < 1
