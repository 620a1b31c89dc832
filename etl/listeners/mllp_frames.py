"""MLLP's blocks cut out of a byte stream, whatever the sender makes of them (HL7 v2.5.1 appendix C.4.3).

A block is VT, the message, FS CR. Senders leave out or double each of these; a message is whole when FS CR stands
behind it, and only there: an FS without CR is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

START, END = b"\x0b", b"\x1c\r"
BETWEEN = START + b"\x1c\r\n \t\0"  # what may lie between messages and means nothing
# FS CR, or a message that begins although the one before has no end
BREAK = re.compile(rb"\x1c\r|\x0b(?=MSH|FHS|BHS)")
LONGEST_BREAK = 4
HEAD_BYTES = 4096


class Cut(NamedTuple):
    """A message as sent, without its block characters; `complete` is False where its end block is missing."""

    payload: bytes
    complete: bool = True


class TooLongError(Exception):
    """A message has grown beyond the limit and no end is in sight."""


class Blocks:
    """Cuts what one connection sends; holds at most `max_bytes` and the last read of it.

    `pending` is how many bytes of an unfinished message it holds.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held = bytearray()
        self._searched = 0  # no break begins before this

    @property
    def pending(self) -> int:
        """Bytes of the message that has begun and not ended."""
        return len(self._held)

    @property
    def head(self) -> bytes:
        """The first bytes of that message, enough for its header."""
        return bytes(self._held[:HEAD_BYTES])

    def feed(self, data: bytes) -> Iterator[Cut]:
        """Yield the messages that end in `data`; raises TooLongError once one is longer than allowed."""
        self._held += data
        while True:
            self._skip()
            found = BREAK.search(self._held, self._searched)
            end = found.start() if found else len(self._held)
            if end > self._max_bytes:
                raise TooLongError
            if found is None:
                self._searched = max(0, end - LONGEST_BREAK + 1)
                return
            yield Cut(bytes(self._held[:end]), found.group() == END)
            del self._held[: found.end()]
            self._searched = 0

    def rest(self) -> Cut | None:
        """Return what is left when no more will come, None when that is nothing, and forget it."""
        self._skip()
        payload = bytes(self._held)
        self._held.clear()
        return Cut(payload, complete=False) if payload else None

    def _skip(self) -> None:
        """Drop what lies before a message's first character: end and start blocks come doubled or not at all."""
        if not self._searched and self._held and self._held[0] in BETWEEN:
            del self._held[: len(self._held) - len(self._held.lstrip(BETWEEN))]
