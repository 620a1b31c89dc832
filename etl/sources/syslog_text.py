"""Syslog messages as text: the header of RFC 5424, and files of such messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from etl.errors import ItemRefused, Reason

BEGIN = re.compile(rb"<\d{1,3}>\d")
BEGIN_OF_LINE = re.compile(rb"(?:\A|(?<=[\n\0]))(?:\d{1,9} )?(?=<\d{1,3}>\d)")
HEADER = re.compile(
    rb"<(?P<pri>\d{1,3})>\d{1,2} (?P<time>\S{1,64}) (?P<host>\S{1,255}) (?P<app>\S{1,48}) (?P<proc>\S{1,128}) "
    rb"(?P<msgid>\S{1,32}) "
)
STRUCTURED = re.compile(rb'-|(?:\[[^\s\]"=]{1,32}(?: [^\s\]"=]{1,32}="(?:[^"\\\]]|\\.)*")*\])+')
NIL = "-"


class SyslogMessage(NamedTuple):
    """A message's header fields (empty for NILVALUE) and its MSG part without byte order mark."""

    timestamp: str
    hostname: str
    app_name: str
    message_id: str
    text: bytes


def messages(data: bytes) -> Iterator[bytes]:
    """Yield the messages of a file: one begins where a line does with ``<PRI>VERSION``; stray text is one too."""
    begins = list(BEGIN_OF_LINE.finditer(data))
    if lead := data[: begins[0].start() if begins else None].strip():
        yield lead
    ends = [*(match.start() for match in begins[1:]), len(data)]
    for match, end in zip(begins, ends, strict=False):
        yield data[match.end() : end].rstrip(b"\r\n\0")


def parse_syslog(data: bytes) -> SyslogMessage:
    """Return the parts of a message; raises ItemRefused NOT_THIS_FORMAT when it is not RFC 5424."""
    head = HEADER.match(data)
    structured = STRUCTURED.match(data, head.end()) if head else None
    if head is None or structured is None:
        raise ItemRefused(Reason.NOT_THIS_FORMAT, "not a syslog message of RFC 5424")
    text = data[structured.end() :].removeprefix(b" ").removeprefix(b"\xef\xbb\xbf")
    time, host, app, message_id = (_field(head.group(name)) for name in ("time", "host", "app", "msgid"))
    return SyslogMessage(time, host, app, message_id, text)


def _field(value: bytes) -> str:
    text = value.decode("ascii", "replace")
    return "" if text == NIL else text
