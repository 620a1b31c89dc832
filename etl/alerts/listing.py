"""Alerts and messages as one line each, for the command line."""

from __future__ import annotations

from datetime import datetime

from etl.alerts.alert import Alert, Notice
from etl.alerts.finding import said, slice_words


def alert_line(alert: Alert, now: datetime) -> str:
    """Return id, severity, name, slice, what was seen, owner, age, and who has taken it on."""
    head = f"{alert.id[:8]} {alert.severity:<8} {alert.name} [{slice_words(alert.slice)}]: {alert.text}"
    if alert.resolved_at is not None:
        return f"{head}; {_minute(alert.opened_at)} to {_minute(alert.resolved_at)}, {alert.resolved_why}"
    age = said((now - alert.opened_at).total_seconds() / 60, "min")
    line = f"{head}; open for {age}, owner {alert.owner}"
    if not alert.is_acknowledged(now):
        return line
    until = f" until {_minute(alert.ack_until)}" if alert.ack_until else ""
    return f"{line}, acknowledged by {alert.ack_by}{until}"


def notice_line(notice: Notice) -> str:
    """Return a message that has not gone, and why."""
    why = f" ({notice.error})" if notice.error else ""
    if notice.status == "waiting":
        return f"  waits until {_minute(notice.due_at)} for {notice.target}{why}: {notice.title}"
    return f"  {notice.status.replace('_', ' ')} for {notice.target}{why}: {notice.title}"


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
