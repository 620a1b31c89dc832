"""What people write on charts: annotations of days, and rebases of a KPI's limits, each with author and reason.

Both live in the state store, are never deleted, and say who took them back.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Integer, String, Table, and_, insert, or_, select, update

from etl.errors import RefusedError
from etl.state import AuditLog, state_engine, state_metadata

KINDS = {
    "downtime": "Downtime",
    "new_scanner": "New scanner",
    "protocol": "Protocol changed",
    "staffing": "Staffing or strike",
    "holiday": "Holiday",
    "data": "Data problem",
    "other": "Other",
}
SCOPES = ("site", "modality", "scanner")  # what an annotation may be about; "" is all
LONGEST_TEXT = 200

annotation = Table(
    "annotation",
    state_metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", String(32), comment="one of KINDS, or rebase"),
    Column("kpi", String(64), comment="id of the KPI whose limits begin anew; NULL for an annotation"),
    Column("from_date", String(10), comment="site-local day"),
    Column("to_date", String(10), comment="day after the last"),
    *(Column(name, String(64), comment="'' for all") for name in SCOPES),
    Column("text", String(LONGEST_TEXT), comment="what happened, or the reason for the rebase; no patient data"),
    Column("excludes", Integer, comment="1: these days are left out of limits"),
    Column("author", String(128)),
    Column("at_utc", String(32)),
    Column("undone_by", String(128), comment="NULL while it stands"),
    Column("undone_at_utc", String(32)),
)


@dataclass(frozen=True, slots=True)
class Annotation:
    """Something known about days `[from_date, to_date)`; `kpi` is set where it begins new limits (a rebase)."""

    kind: str
    from_date: date
    to_date: date
    text: str
    site: str = ""
    modality: str = ""
    scanner: str = ""
    excludes: bool = False
    kpi: str | None = None
    id: str = ""
    author: str = ""
    at_utc: str = ""

    @property
    def label(self) -> str:
        """Its kind in words."""
        return "New limits" if self.kpi else KINDS[self.kind]

    def concerns(self, where: Mapping[str, tuple[str, ...]]) -> bool:
        """Return whether it belongs on a chart filtered by `where`."""
        pairs = ((getattr(self, name), where.get(name, ())) for name in SCOPES)
        return all(not own or not chosen or own in chosen for own, chosen in pairs)


class Annotations:
    """The annotations and rebases of an installation; every change is in the audit chain."""

    def __init__(self, path: Path) -> None:
        self._engine = state_engine(path)
        self._audit = AuditLog(path)

    def add(self, note: Annotation, author: str, role: str) -> str:
        """Keep an annotation and return its id; raises RefusedError when it lacks a reason or days, naming what."""
        _check(note)
        values: dict[str, Any] = {
            "id": uuid.uuid4().hex,
            "kind": "rebase" if note.kpi else note.kind,
            "kpi": note.kpi,
            "from_date": note.from_date.isoformat(),
            "to_date": note.to_date.isoformat(),
            **{name: getattr(note, name) for name in SCOPES},
            "text": note.text.strip(),
            "excludes": int(note.excludes),
            "author": author,
            "at_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        with self._engine.begin() as connection:
            connection.execute(insert(annotation).values(**values))
        self._audit.record(action="ANNOTATE", actor=author, role=role, object=f"{values['kind']} {values['id']}")
        return str(values["id"])

    def undo(self, key: str, author: str, role: str) -> None:
        """Take an annotation back; one that does not stand stays as it is."""
        standing = (annotation.c.id == key) & annotation.c.undone_at_utc.is_(None)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._engine.begin() as connection:
            change = update(annotation).where(standing).values(undone_by=author, undone_at_utc=now)
            changed = connection.execute(change).rowcount
        if changed:
            self._audit.record(action="UNDO_ANNOTATE", actor=author, role=role, object=key)

    def between(self, from_date: date, to_date: date) -> list[Annotation]:
        """Return what stands about days of `[from_date, to_date)`, earliest first; rebases are not among it."""
        overlap = and_(annotation.c.from_date < to_date.isoformat(), annotation.c.to_date > from_date.isoformat())
        return self._read(annotation.c.kpi.is_(None), overlap)

    def rebases(self, kpi: str) -> list[Annotation]:
        """Return the standing rebases of a KPI, earliest first."""
        return self._read(annotation.c.kpi == kpi)

    def standing(self) -> list[Annotation]:
        """Return everything that stands, annotations and rebases, the earliest day first."""
        return self._read(or_(annotation.c.kpi.is_(None), annotation.c.kpi.is_not(None)))

    def _read(self, *conditions: Any) -> list[Annotation]:
        query = select(annotation).where(annotation.c.undone_at_utc.is_(None), *conditions)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(annotation.c.from_date, annotation.c.at_utc)).mappings().all()
        return [_note(row) for row in rows]


def _note(row: Mapping[Any, Any]) -> Annotation:
    begin, end = (date.fromisoformat(row[name]) for name in ("from_date", "to_date"))
    rest: dict[str, Any] = {name: row[name] for name in ("text", "kpi", "id", "author", "at_utc", *SCOPES)}
    return Annotation(row["kind"], begin, end, excludes=bool(row["excludes"]), **rest)


def _check(note: Annotation) -> None:
    if note.kpi is None and note.kind not in KINDS:
        raise RefusedError(f"kind {note.kind!r} is not known; known: {', '.join(KINDS)}")
    if not note.text.strip():
        raise RefusedError("say in a few words what happened and why: an annotation without a reason helps nobody")
    if len(note.text.strip()) > LONGEST_TEXT:
        raise RefusedError(f"the text has {len(note.text.strip())} characters, at most {LONGEST_TEXT} are kept")
    if note.to_date <= note.from_date:
        raise RefusedError(f"the last day must not lie before the first ({note.from_date})")
