"""Feed kind `hl7v2`: folders of HL7 v2 files, single messages or batches, with or without MLLP framing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from etl.errors import FilterReason, ItemRefused, Reason
from etl.records import Filtered, Read, Refused, SourceItem
from etl.settings import Feed, Settings
from etl.sources.base import feed_files, relative_ref, whole_file
from etl.sources.hl7_charset import decode, decode_chunk
from etl.sources.hl7_events import events
from etl.sources.hl7_inspect import describe
from etl.sources.hl7_message import Chunk, chunks
from etl.sources.hl7_rules import FieldRules, field_rules
from etl.sources.hl7_structure import read_message


@dataclass(slots=True)
class Envelope:
    """Counts messages and batches against the trailers BTS-1 and FTS-1 (v2.5.1 2.15.3, 2.15.7)."""

    messages: int = 0
    batches: int = 0
    in_batch: int = 0

    def check(self, chunk: Chunk) -> None:
        """Take note of a segment; raises ItemRefused TRAILER_MISMATCH when a trailer's count differs."""
        if chunk.name in ("FHS", "BHS"):
            self.in_batch = 0
            if chunk.name == "FHS":
                self.messages = self.batches = 0
            return
        stated = chunk.text[4:].split(chunk.text[3:4] or "|")[0].strip()
        if chunk.name == "BTS":
            self.batches += 1
            counted, self.in_batch = self.in_batch, 0
        else:  # a file without batches counts its messages
            counted = self.batches or self.messages
        if stated and (stated.lstrip("0") or "0") != str(counted):
            detail = f"{chunk.name}-1 is not the {counted} counted"
            raise ItemRefused(Reason.TRAILER_MISMATCH, detail)


class Hl7v2:
    """Reads ORM, OMI, OMG, ORU, SIU and ADT; each message and each batch envelope segment is one item."""

    kind = "hl7v2"

    def files(self, feed: Feed, settings: Settings) -> list[Path]:
        """Return the files of the feed, sorted by relative path."""
        return feed_files(feed, settings)

    def read(self, path: Path, feed: Feed, settings: Settings) -> Iterator[SourceItem]:
        """Yield the items of one file; raises FeedStoppedError when the feed's field rules are wrong."""
        rules = field_rules(feed.options)
        ref = relative_ref(path, feed, settings)
        try:
            data = whole_file(path)
        except ItemRefused as refused:
            yield Refused(ref, refused.reason, refused.detail)
            return
        yield from items(data, ref, settings.zone_of(feed), rules)

    def read_bytes(self, data: bytes, ref: str, feed: Feed, settings: Settings) -> Iterator[SourceItem]:
        """Yield the items of a landed payload; raises FeedStoppedError as `read`."""
        yield from items(data, ref, settings.zone_of(feed), field_rules(feed.options))

    def recognises(self, path: Path, head: bytes) -> bool:
        """Return whether the file begins like HL7 v2, or is named so."""
        start = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe\x0b \t\r\n")
        return start.startswith((b"MSH", b"FHS", b"BHS")) or path.suffix.lower() in (".hl7", ".mllp")

    def inspect(self, path: Path) -> dict[str, Any]:
        """Return the messages of the file, their events and fields; raises ItemRefused when none is readable."""
        try:
            return describe(path.read_bytes())
        except OSError as error:
            raise ItemRefused(Reason.READ_ERROR, f"{path.name}: {error.strerror}") from error


def items(data: bytes, ref: str, zone: ZoneInfo, rules: FieldRules) -> Iterator[SourceItem]:
    """Yield the items of a file's bytes; nothing is raised, whatever the bytes are."""
    try:
        text, raw = decode(data)
    except ItemRefused as refused:
        yield Refused(f"{ref}#1", refused.reason, refused.detail, data)
        return
    envelope, number = Envelope(), 0
    for number, chunk in enumerate(chunks(text), start=1):
        yield _item(chunk, f"{ref}#{number}", raw, zone, rules, envelope)
    if not number:
        yield Refused(f"{ref}#1", Reason.TRUNCATED, "the file is empty", data)


def _item(chunk: Chunk, ref: str, raw: bool, zone: ZoneInfo, rules: FieldRules, envelope: Envelope) -> SourceItem:
    try:
        if chunk.name == "MSH":
            envelope.messages += 1
            envelope.in_batch += 1
            return _message_item(chunk, ref, raw, zone, rules)
        if not chunk.name:
            raise ItemRefused(Reason.NOT_THIS_FORMAT, "text outside of any HL7 message")
        envelope.check(chunk)
        return Filtered(ref, FilterReason.BATCH_ENVELOPE)
    except ItemRefused as refused:
        return Refused(ref, refused.reason, refused.detail, chunk.text.encode("latin-1" if raw else "utf-8"))


def _message_item(chunk: Chunk, ref: str, raw: bool, zone: ZoneInfo, rules: FieldRules) -> SourceItem:
    if not chunk.complete:
        raise ItemRefused(Reason.TRUNCATED, "the MLLP frame has no end")
    message = read_message(decode_chunk(chunk.text, raw), zone, rules)
    found = events(message, zone, rules)
    if isinstance(found, FilterReason):
        return Filtered(ref, found)
    return Read(ref, tuple(found), message.control_id)
