"""Alerts and notices in the state store: every change in one transaction, writers one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, RowMapping, Table, delete, insert, select, update

from etl.alerts.alert import Alert, Notice
from etl.errors import RefusedError
from etl.state import AuditLog, alert, alert_notice, state_engine

LONGEST_NOTE = 200
_Row = TypeVar("_Row", Alert, Notice)
_OPEN = alert.c.resolved_at.is_(None)


class AlertStore:
    """The alert log of one installation; opened by whoever holds the alerts' lock, read by anybody."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = state_engine(path)

    @contextmanager
    def change(self, *, keep: bool = True) -> Iterator[Change]:
        """Yield a transaction; `keep=False` undoes at the end what was done in it."""
        with self._engine.connect() as connection, connection.begin() as transaction:
            yield Change(connection)
            if not keep:
                transaction.rollback()

    def open_alerts(self) -> list[Alert]:
        """Return open alerts, the oldest first."""
        with self._engine.connect() as connection:
            return Change(connection).open_alerts()

    def history(self, limit: int = 200) -> list[Alert]:
        """Return resolved alerts, the latest first."""
        query = select(alert).where(~_OPEN).order_by(alert.c.resolved_at.desc(), alert.c.id).limit(limit)
        with self._engine.connect() as connection:
            return [_read(Alert, row) for row in connection.execute(query).mappings()]

    def notices(self, *statuses: str, limit: int = 500) -> list[Notice]:
        """Return notices in these states (all without any), the latest first."""
        query = select(alert_notice).order_by(alert_notice.c.queued_at.desc(), alert_notice.c.id).limit(limit)
        if statuses:
            query = query.where(alert_notice.c.status.in_(statuses))
        with self._engine.connect() as connection:
            return [_read(Notice, row) for row in connection.execute(query).mappings()]

    def acknowledge(
        self, id: str, *, by: str, role: str, now: datetime, until: datetime | None = None, note: str = ""
    ) -> Alert:
        """Record that somebody has taken an open alert on, and audit it.

        `id` may be the beginning of one. Raises RefusedError when no open alert, or more than one, has that id,
        when nobody is named, or `until` has passed.
        """
        if not by.strip():
            raise RefusedError("an acknowledgement names who takes the alert on")
        if until is not None and until <= now:
            raise RefusedError(f"until {until:%Y-%m-%d %H:%M} UTC has passed; give a later time or none")
        with self.change() as change:
            found = [a for a in change.open_alerts() if a.id.startswith(id)] if id else []
            if len(found) != 1:
                raise RefusedError(f"{len(found)} open alerts have an id beginning with {id!r}; see `alerts list`")
            taken = found[0]
            taken.ack_by, taken.ack_at, taken.ack_until = by.strip()[:128], now, until
            taken.ack_note = note.strip()[:LONGEST_NOTE] or None
            change.save([taken])
        lasting = f"until {until:%Y-%m-%d %H:%M} UTC" if until else "until resolved"
        filters = f"{lasting}; note: {taken.ack_note or '-'}"
        AuditLog(self.path).record(action="ALERT_ACK", actor=by, role=role, object=_object(taken), filters=filters)
        return taken


class Change:
    """One transaction on alerts and notices."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open_alerts(self) -> list[Alert]:
        """Return open alerts, the oldest first."""
        rows = self._connection.execute(select(alert).where(_OPEN).order_by(alert.c.opened_at, alert.c.id)).mappings()
        return [_read(Alert, row) for row in rows]

    def notices(self, *statuses: str) -> list[Notice]:
        """Return notices in these states, the oldest first."""
        query = select(alert_notice).where(alert_notice.c.status.in_(statuses))
        rows = self._connection.execute(query.order_by(alert_notice.c.queued_at, alert_notice.c.id)).mappings()
        return [_read(Notice, row) for row in rows]

    def started(self, target: str, since: datetime) -> int:
        """Return how many messages to a target were begun after an instant."""
        columns = alert_notice.c
        query = select(columns.id).where(columns.target == target, columns.started_at > since.isoformat())
        return len(self._connection.execute(query).all())

    def save(self, items: Iterable[Alert | Notice]) -> None:
        """Write alerts and notices, new ones and changed ones."""
        for item in items:
            table, values = _written(item)
            changed = self._connection.execute(update(table).where(table.c.id == item.id).values(**values))
            if changed.rowcount == 0:
                self._connection.execute(insert(table).values(**values))

    def forget(self, before: datetime) -> int:
        """Delete notices queued before an instant that need nothing more, and return how many those were."""
        columns = alert_notice.c
        done = columns.status.in_(["sent", "summarised", "given_up", "dropped"])
        old = delete(alert_notice).where(done, columns.queued_at < before.isoformat())
        return self._connection.execute(old).rowcount


def _object(taken: Alert) -> str:
    return f"{taken.rule} {taken.slice}"[:200]


def _written(item: Alert | Notice) -> tuple[Table, dict[str, Any]]:
    table = alert if isinstance(item, Alert) else alert_notice
    return table, {f.name: _plain(getattr(item, f.name)) for f in fields(item)}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return int(value) if isinstance(value, bool) else value


def _read(kind: type[_Row], row: RowMapping) -> _Row:
    values = {name: _typed(name, value) for name, value in row.items()}
    return kind(**values)


def _typed(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name.endswith("_at") or name == "ack_until":
        return datetime.fromisoformat(value)
    return bool(value) if name in ("breaks_quiet", "may_repeat") else value
