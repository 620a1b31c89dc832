"""An alert and the notices told about it, as values; the rules of their life are in `decide`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class Alert:
    """One rule beyond its limit in one slice; at most one is open for each."""

    id: str
    rule: str
    slice: str
    name: str
    severity: str
    owner: str
    opened_at: datetime
    seen_at: datetime
    text: str
    value: float | None = None
    limit: float | None = None
    n: int | None = None
    well_since_at: datetime | None = None
    first_told_at: datetime | None = None
    told_at: datetime | None = None
    escalated_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_why: str | None = None
    ack_by: str | None = None
    ack_at: datetime | None = None
    ack_until: datetime | None = None
    ack_note: str | None = None

    def is_acknowledged(self, now: datetime) -> bool:
        """Return whether somebody has taken it on and the time they asked for is not over."""
        return self.ack_at is not None and (self.ack_until is None or now < self.ack_until)


@dataclass(slots=True)
class Notice:
    """One message to one target; `due_at` is when it may go."""

    id: str
    alert_id: str | None
    target: str
    kind: str  # opened, reminder, escalated, resolved, summary
    severity: str
    site: str | None
    breaks_quiet: bool
    title: str
    body: str
    queued_at: datetime
    due_at: datetime
    status: str = "waiting"
    attempts: int = 0
    started_at: datetime | None = None
    sent_at: datetime | None = None
    error: str | None = None
    may_repeat: bool = False
    summary_id: str | None = None
