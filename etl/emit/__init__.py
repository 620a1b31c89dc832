"""Sends our own events on: as IHE SOLE syslog messages or as FHIR R4 AuditEvent resources (decision 5).

Persons, patients, orders and studies leave as the warehouse knows them: pseudonyms, in an id system that says so.
Identified emission needs the identity vault and is refused while that is off.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import count
from pathlib import Path

from sqlalchemy import Connection

from etl.emit.audit_event import audit_event, bundle_entry
from etl.emit.audit_message import syslog_message
from etl.emit.happenings import Happening, happenings
from etl.emit.syslog_peer import SyslogPeer
from etl.errors import RefusedError
from etl.settings import Settings
from etl.state import AuditLog


class Shape(StrEnum):
    """What events are written as."""

    SOLE = "sole"
    AUDIT_EVENT = "auditevent"


@dataclass(frozen=True, slots=True)
class Span:
    """Events at or after `from_at` and before `to_at`, by the time as sent."""

    from_at: datetime
    to_at: datetime


def refuse_identified(settings: Settings) -> None:
    """Raise RefusedError: only the identity vault knows who is behind a pseudonym, and it is off."""
    raise RefusedError(
        f"identified emission needs the identity vault, which is {settings.identity.vault!r} here; "
        "leave --identified out to emit pseudonyms"
    )


def shape_of(name: str, output: Path | None, to_syslog: str | None) -> Shape:
    """Return the shape of a name; raises RefusedError when it is unknown or does not go where it is sent."""
    if name not in set(Shape):
        raise RefusedError(f"--as {name!r} is not one of {', '.join(Shape)}")
    if (output is None) == (to_syslog is None):
        raise RefusedError("give either --output FILE or --to-syslog host:port")
    if to_syslog and name != Shape.SOLE:
        raise RefusedError("a syslog peer takes --as sole only")
    return Shape(name)


def emit_file(connection: Connection, settings: Settings, span: Span, shape: Shape, output: Path) -> int:
    """Write the span's events to a file and return how many; ``.json`` makes AuditEvents one Bundle.

    SOLE is a syslog message a line, AuditEvent a resource a line (NDJSON). The audit log has a record before the
    file bears its name.
    """
    found = _Counted(happenings(connection, settings, span.from_at, span.to_at))
    fresh = output.with_name(output.name + ".part")
    with fresh.open("w", encoding="utf-8", newline="") as file:
        file.writelines(
            _bundle(found) if shape is Shape.AUDIT_EVENT and output.suffix == ".json" else _lines(found, shape)
        )
    _record(settings, span, shape, found.number)
    fresh.replace(output)
    return found.number


def emit_syslog(connection: Connection, settings: Settings, span: Span, peer: SyslogPeer) -> int:
    """Send the span's events to a syslog peer and return how many; raises PeerError when it does not take them."""
    found = _Counted(happenings(connection, settings, span.from_at, span.to_at))
    _record(settings, span, Shape.SOLE, 0)
    peer.send(syslog_message(happening) for happening in found)
    return found.number


class _Counted:
    """Passes happenings on and counts them."""

    def __init__(self, of: Iterable[Happening]) -> None:
        self._of = of
        self.number = 0

    def __iter__(self) -> Iterator[Happening]:
        for number, happening in zip(count(1), self._of, strict=False):
            self.number = number
            yield happening


def _lines(found: Iterable[Happening], shape: Shape) -> Iterator[str]:
    for happening in found:
        if shape is Shape.SOLE:
            yield syslog_message(happening).decode() + "\n"
        else:
            yield json.dumps(audit_event(happening), ensure_ascii=False) + "\n"


def _bundle(found: Iterable[Happening]) -> Iterator[str]:
    yield '{"resourceType": "Bundle", "type": "collection", "entry": [\n'
    for number, happening in enumerate(found):
        yield (",\n" if number else "") + json.dumps(bundle_entry(happening), ensure_ascii=False)
    yield "\n]}\n"


def _record(settings: Settings, span: Span, shape: Shape, rows: int) -> None:
    AuditLog(settings.at(settings.state_file)).record(
        action="EMIT",
        actor="cli",
        role="analyst",
        object=f"{shape} (pseudonymous)",
        filters=f"{span.from_at.isoformat()}..{span.to_at.isoformat()}",
        rows=rows,
    )
