"""The app's own small writes: audit chain, dismissed follow-ups, finished windows, alerts and their notices.

SQLite in WAL mode beside the warehouse; the same SQLAlchemy tables go into a schema of the server's PostgreSQL.
Nothing here holds patient data.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    insert,
    select,
    update,
)

state_metadata = MetaData()

audit = Table(
    "audit",
    state_metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("id", String(32), unique=True, comment="record id, quoted in exports and error pages"),
    Column("at_utc", String(32), comment="ISO 8601"),
    Column("action", String(32), comment="LOGIN EXPORT EXPORT_DENIED VIEW_ROWS CONFIG REPLAY ..."),
    Column("actor", String(128)),
    Column("role", String(32)),
    Column("object", String(200), comment="KPI key, page, quarantine id"),
    Column("filters", String(2000), comment="readable filters, no identifier"),
    Column("rows", Integer),
    Column("sha256", String(64), comment="of the bytes handed over"),
    Column("outcome", Integer, comment="0 success, 4 minor, 8 serious, 12 major (DICOM PS3.15 A.5)"),
    Column("prev_hash", String(64)),
    Column("hash", String(64), comment="of this record and prev_hash"),
)

job_window = Table(
    "job_window",
    state_metadata,
    Column("job", String(32), primary_key=True),
    Column("window", String(64), primary_key=True, comment="UTC start of the business window, ISO 8601"),
    Column("finished_at", String(32)),
)

alert = Table(
    "alert",
    state_metadata,
    Column("id", String(32), primary_key=True),
    Column("rule", String(64), comment="key of the rule in the alert file"),
    Column("slice", String(500), comment="the slice as JSON: dimensions of the department only"),
    Column("name", String(120)),
    Column("severity", String(16)),
    Column("owner", String(80)),
    Column("opened_at", String(32), comment="ISO 8601, UTC, as all times here"),
    Column("seen_at", String(32), comment="last time a number was there to judge by"),
    Column("well_since_at", String(32), comment="within its limit since; NULL while beyond"),
    Column("text", String(500), comment="what was seen last, in words"),
    Column("value", Float),
    Column("limit", Float),
    Column("n", Integer),
    Column("first_told_at", String(32), comment="when the first notice is or was due"),
    Column("told_at", String(32), comment="when the last notice is or was due"),
    Column("escalated_at", String(32)),
    Column("resolved_at", String(32), comment="NULL while open"),
    Column("resolved_why", String(64)),
    Column("ack_by", String(128)),
    Column("ack_at", String(32)),
    Column("ack_until", String(32), comment="NULL: until it is resolved"),
    Column("ack_note", String(200)),
)
Index("alert_open", alert.c.rule, alert.c.slice, unique=True, sqlite_where=alert.c.resolved_at.is_(None))

alert_notice = Table(
    "alert_notice",
    state_metadata,
    Column("id", String(32), primary_key=True, comment="stands in the message: a receiver can tell a repeat by it"),
    Column("alert_id", String(32), comment="NULL for a summary"),
    Column("target", String(64)),
    Column("kind", String(16), comment="opened, reminder, escalated, resolved, summary"),
    Column("severity", String(16)),
    Column("site", String(64), comment="whose quiet hours hold it; NULL: everybody's"),
    Column("breaks_quiet", Integer),
    Column("title", String(200)),
    Column("body", String(4000)),
    Column("queued_at", String(32)),
    Column("due_at", String(32), comment="not before"),
    Column("status", String(16), comment="waiting, sending, sent, summarised, given_up, dropped"),
    Column("attempts", Integer),
    Column("started_at", String(32), comment="of the last attempt"),
    Column("sent_at", String(32)),
    Column("error", String(200)),
    Column("may_repeat", Integer, comment="1: an earlier attempt was cut off and may have arrived"),
    Column("summary_id", String(32), comment="the summary that told it"),
)

dismissal = Table(
    "dismissal",
    state_metadata,
    Column("position", Integer, primary_key=True, autoincrement=True),
    Column("followup_key", String(20), comment="key of fact_followup, pseudonymous"),
    Column("reason", String(32), comment="one of DISMISS_REASONS"),
    Column("author", String(128)),
    Column("at_utc", String(32)),
    Column("undone_by", String(128), comment="NULL while it stands"),
    Column("undone_at_utc", String(32)),
)

DISMISS_REASONS = {
    "not_indicated": "No longer indicated",
    "done_elsewhere": "Done elsewhere",
    "declined": "Patient declined",
    "death": "Patient died",
    "transfer": "Patient transferred",
    "superseded": "Newer recommendation",
}
GENESIS = "0" * 64


def _digest(record: dict[str, Any]) -> str:
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def state_engine(path: Path) -> Engine:
    """Open (and create, mode 0600) the state store at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _open(dbapi_connection: Any, _record: Any) -> None:
        # WAL lets readers go on; autocommit off and BEGIN IMMEDIATE serialise writers from the first statement
        dbapi_connection.isolation_level = None
        dbapi_connection.execute("PRAGMA journal_mode=WAL")
        dbapi_connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    state_metadata.create_all(engine)
    return engine


class AuditLog:
    """An append-only chain of audit records: each holds the hash of the one before."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = state_engine(path)

    def record(
        self,
        *,
        action: str,
        actor: str,
        role: str,
        object: str,
        filters: str = "",
        rows: int = 0,
        sha256: str = "",
        outcome: int = 0,
    ) -> str:
        """Append one record durably and return its id; call it before handing anything over."""
        values: dict[str, Any] = {
            "id": uuid.uuid4().hex,
            "at_utc": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "action": action,
            "actor": actor,
            "role": role,
            "object": object,
            "filters": filters[:2000],
            "rows": rows,
            "sha256": sha256,
            "outcome": outcome,
        }
        with self._engine.begin() as connection:
            last = connection.scalar(select(audit.c.hash).order_by(audit.c.position.desc()).limit(1))
            values["prev_hash"] = last or GENESIS
            values["hash"] = _digest(values)
            connection.execute(insert(audit).values(**values))
        return str(values["id"])

    def verify(self) -> int:
        """Walk the chain and return its length; raises ValueError at the first record that does not fit."""
        previous, count = GENESIS, 0
        with self._engine.connect() as connection:
            for row in connection.execute(select(audit).order_by(audit.c.position)).mappings():
                values = {k: v for k, v in row.items() if k not in ("position", "hash")}
                if values["prev_hash"] != previous or _digest(values) != row["hash"]:
                    raise ValueError(f"audit record {row['position']} ({row['id']}) does not continue the chain")
                previous, count = row["hash"], count + 1
        return count

    def records(self, limit: int = 200) -> list[dict[str, Any]]:
        """Return the latest records, newest first."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(audit).order_by(audit.c.position.desc()).limit(limit)).mappings()
            return [dict(row) for row in rows]


@dataclass(frozen=True, slots=True)
class DismissalChange:
    """A follow-up dismissed, or (without `reason`) a dismissal taken back; `of_ref` is the dismissal's `source_ref`."""

    source_ref: str
    of_ref: str
    followup_key: int
    at_utc: str  # ISO 8601
    author: str
    reason: str | None


class Dismissals:
    """Follow-ups a human dismissed in the dashboard; every change is in the audit chain.

    The dashboard writes here alone; the next run brings the changes into the warehouse as events (`etl.dismissals`).
    """

    def __init__(self, path: Path) -> None:
        self._engine = state_engine(path)
        self._audit = AuditLog(path)

    def dismiss(self, followup_key: int, reason: str, author: str, role: str) -> None:
        """Dismiss a follow-up; one already dismissed stays as it is. Raises ValueError for an unknown reason."""
        if reason not in DISMISS_REASONS:
            raise ValueError(f"reason {reason!r} is not known; known: {', '.join(DISMISS_REASONS)}")
        with self._engine.begin() as connection:
            if self._standing(connection, followup_key):
                return
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            values = {"followup_key": str(followup_key), "reason": reason, "author": author, "at_utc": now}
            connection.execute(insert(dismissal).values(**values))
        self._audit.record(action="DISMISS", actor=author, role=role, object=f"follow-up {followup_key}: {reason}")

    def undo(self, followup_key: int, author: str, role: str) -> None:
        """Take a dismissal back; without one nothing happens."""
        standing = (dismissal.c.followup_key == str(followup_key)) & dismissal.c.undone_at_utc.is_(None)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._engine.begin() as connection:
            change = update(dismissal).where(standing).values(undone_by=author, undone_at_utc=now)
            changed = connection.execute(change).rowcount
        if changed:
            self._audit.record(action="UNDO_DISMISS", actor=author, role=role, object=f"follow-up {followup_key}")

    def standing(self) -> list[dict[str, Any]]:
        """Return the dismissals that stand, newest first: followup_key as a number, reason, author, at_utc."""
        columns = (dismissal.c.followup_key, dismissal.c.reason, dismissal.c.author, dismissal.c.at_utc)
        query = select(*columns).where(dismissal.c.undone_at_utc.is_(None)).order_by(dismissal.c.position.desc())
        with self._engine.connect() as connection:
            return [{**row, "followup_key": int(row["followup_key"])} for row in connection.execute(query).mappings()]

    def changes(self) -> list[DismissalChange]:
        """Return every dismissal and every undoing of one, oldest dismissal first."""
        found = []
        with self._engine.connect() as connection:
            for row in connection.execute(select(dismissal).order_by(dismissal.c.position)):
                key, ref = int(row.followup_key), f"dismissal#{row.position}"
                found.append(DismissalChange(ref, ref, key, row.at_utc, row.author, row.reason))
                if row.undone_at_utc is not None:
                    found.append(DismissalChange(f"{ref}/undone", ref, key, row.undone_at_utc, row.undone_by, None))
        return found

    @staticmethod
    def _standing(connection: Connection, followup_key: int) -> bool:
        held = (dismissal.c.followup_key == str(followup_key)) & dismissal.c.undone_at_utc.is_(None)
        return connection.execute(select(dismissal.c.position).where(held).limit(1)).first() is not None


class JobWindows:
    """Which business windows of which job are finished."""

    def __init__(self, path: Path) -> None:
        self._engine = state_engine(path)

    def finished(self, job: str) -> set[datetime]:
        """Return the UTC starts of the finished windows of a job."""
        with self._engine.connect() as connection:
            rows = connection.scalars(select(job_window.c.window).where(job_window.c.job == job))
            return {datetime.fromisoformat(text) for text in rows}

    def finish(self, job: str, windows: list[datetime]) -> None:
        """Mark windows finished; marking one twice changes nothing."""
        known = self.finished(job)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        rows = [
            {"job": job, "window": w.astimezone(UTC).isoformat(), "finished_at": now} for w in windows if w not in known
        ]
        if rows:
            with self._engine.begin() as connection:
                connection.execute(insert(job_window), rows)
