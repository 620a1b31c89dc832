"""Feed kind `sole`: operational events as IHE SOLE reports them, and bulk answers of an event repository.

A file or landed payload holds syslog messages (RFC 5424, APP-NAME ``IHE+SOLE``), a JSON list of events with syslog's
fields as keys, or one bare DICOM audit message.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from etl.errors import FilterReason, ItemRefused, Reason
from etl.records import Filtered, Read, Refused, SourceItem
from etl.settings import Feed, Settings
from etl.sources.base import feed_files, masked, relative_ref
from etl.sources.dicom_audit import decoded, parse
from etl.sources.sole_events import EVENT_ID, events
from etl.sources.status_map import shipped_event_type
from etl.sources.syslog_text import BEGIN, messages, parse_syslog

APP_NAME = "IHE+SOLE"
LARGEST_FILE = 256 * 1024**2
KEPT_BYTES = 1 << 20
JSON_FIELDS = {"timestamp": "Timestamp", "host": "Hostname", "app": "App-name", "text": "Msg"}


class Envelope(NamedTuple):
    """One event on its way: who sent it by which header, and its audit message still as bytes."""

    app_name: str | None  # None for a bare audit message
    timestamp: str
    hostname: str
    text: bytes


class Sole:
    """Reads SOLE events; each syslog message, bulk event or bare audit message is one item."""

    kind = "sole"

    def files(self, feed: Feed, settings: Settings) -> list[Path]:
        """Return the files of the feed, sorted by relative path."""
        return feed_files(feed, settings)

    def read(self, path: Path, feed: Feed, settings: Settings) -> Iterator[SourceItem]:
        """Yield the items of one file."""
        ref = relative_ref(path, feed, settings)
        try:
            data = _loaded(path)
        except ItemRefused as refused:
            yield Refused(ref, refused.reason, refused.detail)
            return
        yield from self.read_bytes(data, ref, feed, settings)

    def read_bytes(self, data: bytes, ref: str, feed: Feed, settings: Settings) -> Iterator[SourceItem]:
        """Yield the items of a landed payload or of a file's bytes."""
        zone = settings.zone_of(feed)
        for number, piece in enumerate(_pieces(data), start=1):
            yield _item(piece, f"{ref}#{number}", zone)

    def recognises(self, path: Path, head: bytes) -> bool:
        """Return whether the file begins like syslog, an audit message or a list of events."""
        start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
        counted = start.lstrip(b"0123456789").removeprefix(b" ")
        return (
            BEGIN.match(counted) is not None
            or b"<AuditMessage" in start[:1000]
            or (start[:1] in (b"{", b"[") and b'"App-name"' in head)
        )

    def inspect(self, path: Path) -> dict[str, Any]:
        """Return the events of the file; raises ItemRefused when none is readable."""
        items = [_item(piece, f"{path.name}#{n}", ZoneInfo("UTC")) for n, piece in enumerate(_pieces(_loaded(path)), 1)]
        refused = next((item for item in items if isinstance(item, Refused)), None)
        if refused is not None and not any(isinstance(item, Read) for item in items):
            raise ItemRefused(refused.reason, refused.detail)
        return {"kind": self.kind, "items": [_shown(item) for item in items]}


def _loaded(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ItemRefused(Reason.OVERSIZED, f"a file of {path.stat().st_size} bytes")
        return path.read_bytes()
    except OSError as error:
        raise ItemRefused(Reason.READ_ERROR, str(error.strerror)) from error


Piece = tuple[bytes, Envelope | ItemRefused]


def _pieces(data: bytes) -> Iterator[Piece]:
    """Yield each event's bytes with its envelope, or with why it has none."""
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] in (b"{", b"["):
        yield from _bulk(start)
    elif (start.startswith(b"<") and not BEGIN.match(start)) or start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        yield start, Envelope(None, "", "", start)
    else:
        yield from ((message, _of_syslog(message)) for message in messages(data))
    if not start:
        yield data, ItemRefused(Reason.TRUNCATED, "the file is empty")


def _of_syslog(message: bytes) -> Envelope | ItemRefused:
    try:
        found = parse_syslog(message)
    except ItemRefused as refused:
        return refused
    return Envelope(found.app_name, found.timestamp, found.hostname, found.text)


def _bulk(data: bytes) -> Iterator[Piece]:
    """Yield the events of a bulk answer: ``{"Events": [...]}`` or the list alone."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        yield data, ItemRefused(Reason.BAD_STRUCTURE, "broken JSON")
        return
    listed = found.get("Events") if isinstance(found, dict) else found
    if not isinstance(listed, list) or not listed:
        yield data, ItemRefused(Reason.NOT_THIS_FORMAT, "JSON without a list of events")
        return
    for one in listed:
        yield json.dumps(one).encode(), _of_json(one)


def _of_json(one: object) -> Envelope | ItemRefused:
    values = {k: one.get(name) for k, name in JSON_FIELDS.items()} if isinstance(one, dict) else {}
    if not isinstance(values.get("app"), str) or not isinstance(values.get("text"), str):
        return ItemRefused(Reason.BAD_STRUCTURE, "an event without App-name or Msg")
    timestamp, host = (v if isinstance(v := values[k], str) else "" for k in ("timestamp", "host"))
    text = str(values["text"]).encode("utf-8", "surrogatepass")
    return Envelope(str(values["app"]), timestamp, host, text)


def _item(piece: Piece, ref: str, zone: ZoneInfo) -> SourceItem:
    raw, envelope = piece
    try:
        if isinstance(envelope, ItemRefused):
            raise envelope
        if envelope.app_name is not None and envelope.app_name != APP_NAME:
            return Filtered(ref, FilterReason.NOT_IMAGING)
        message = parse(decoded(envelope.text))
        if message.event_id.value != EVENT_ID:
            return Filtered(ref, FilterReason.NOT_IMAGING)
        return Read(ref, events(message, envelope.timestamp, envelope.hostname, zone))
    except ItemRefused as refused:
        return Refused(ref, refused.reason, refused.detail, raw[:KEPT_BYTES])


def _shown(item: SourceItem) -> dict[str, Any]:
    if isinstance(item, Refused):
        return {"ref": item.source_ref, "refused": str(item.reason), "detail": item.detail}
    if isinstance(item, Filtered):
        return {"ref": item.source_ref, "filtered": str(item.reason)}
    shown = []
    for record in item.records:
        ids = {name: masked(getattr(record.ids, name)) for name in record.ids.__slots__ if getattr(record.ids, name)}  # type: ignore[union-attr]  # SOLE items hold events, which have ids
        code = getattr(record, "local_code", "")
        shown.append(
            {
                "local_code": code,
                "event_type": shipped_event_type(Sole.kind, code),
                "occurred_at": str(getattr(record, "occurred_at", "")),
                "ids": ids,
            }
        )
    return {"ref": item.source_ref, "events": shown}
