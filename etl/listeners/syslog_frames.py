"""Syslog messages cut out of a TCP or TLS stream: RFC 6587 (octet counting, trailers) and RFC 5425.

Each message tells its own framing: a digit begins an octet count, ``<`` a message that ends with its line. Audit
messages are XML that some senders print over many lines; a line's end inside one is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

COUNT = re.compile(rb"([1-9]\d{0,8}) ")
LONGEST_COUNT = 10
MARK = re.compile(rb"[\n\0]|<\?xml|<AuditMessage")  # a trailer, or XML inside which line ends are text ...
XML_END = re.compile(rb"</AuditMessage>|[\n\0](?=<\d{1,3}>\d)")  # ... until it ends or the next message begins
LONGEST_MARK = 16
BETWEEN = b"\r\n\0 "


class UnframedError(Exception):
    """A message is too long without an end, or counted wrongly: there is no way to find the next."""


class SyslogFrames:
    """Cuts what one connection sends; holds at most `max_bytes` and the last read of it.

    `broken` is set once the next message cannot be found; nothing comes out after that.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held = bytearray()
        self._searched = 0
        self._in_xml = False
        self.broken = False

    @property
    def pending(self) -> int:
        """Bytes of the message that has begun and not ended."""
        return len(self._held)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the messages that end in `data`."""
        self._held += data
        while not self.broken and (found := self._next()) is not None:
            begin, stop = found
            message = bytes(self._held[begin:stop]).rstrip(BETWEEN)
            del self._held[:stop]
            self._searched, self._in_xml = 0, False
            if message:
                yield message

    def rest(self) -> bytes:
        """Return what is left when no more will come, empty when that is nothing, and forget it."""
        rest = bytes(self._held).strip(BETWEEN)
        self._held.clear()
        return rest

    def _next(self) -> tuple[int, int] | None:
        try:
            return self._end()
        except UnframedError:
            self.broken = True
            return None

    def _end(self) -> tuple[int, int] | None:
        """Return where the first message held begins and ends, None while it does not."""
        if not self._searched:
            del self._held[: len(self._held) - len(self._held.lstrip(BETWEEN))]
        if self._held[:1].isdigit():
            return self._counted()
        found = self._line()
        if (found or len(self._held)) > self._max_bytes:
            raise UnframedError
        return None if found is None else (0, found)

    def _counted(self) -> tuple[int, int] | None:
        count = COUNT.match(self._held)
        if count is None:
            if len(self._held) > LONGEST_COUNT or not self._held.isdigit():
                raise UnframedError
            return None
        end = count.end() + int(count.group(1))
        if end - count.end() > self._max_bytes:
            raise UnframedError
        return (count.end(), end) if end <= len(self._held) else None

    def _line(self) -> int | None:
        while found := (XML_END if self._in_xml else MARK).search(self._held, self._searched):
            if found.group() in (b"\n", b"\0"):
                return found.end()
            self._searched, self._in_xml = found.end(), not self._in_xml
        self._searched = max(self._searched, len(self._held) - LONGEST_MARK)
        return None
