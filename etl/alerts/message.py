"""What a message says: the alert's name, number, limit, n, slice and a link; never a row, never a patient."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from etl.alerts.alert import Alert, Notice
from etl.alerts.finding import slice_words

_OPENINGS = {"opened": "", "reminder": "still open: ", "escalated": "not acknowledged: ", "resolved": "resolved: "}
_LISTED = 20  # alerts a summary names


def title_of(alert: Alert, kind: str) -> str:
    """Return a message's subject."""
    return f"Radpulse {alert.severity}: {_OPENINGS[kind]}{alert.name} ({slice_words(alert.slice)})"[:200]


def body_of(alert: Alert, kind: str, zone: ZoneInfo, link: str) -> str:
    """Return a message's text; times are the site's wall clock."""
    lines = [
        f"{alert.name}, {slice_words(alert.slice)}",
        f"Seen: {alert.text}" + (f" (n = {alert.n})" if alert.n is not None else ""),
        f"Beyond its limit since {_moment(alert.opened_at, zone)}",
        f"Owner: {alert.owner}",
    ]
    if kind == "resolved" and alert.resolved_at:
        lines.append(f"Resolved {_moment(alert.resolved_at, zone)}: {alert.resolved_why}")
    if kind == "escalated":
        lines.append("Nobody has acknowledged it.")
    if link:
        lines.append(f"{link.rstrip('/')}/alerts")
    return "\n".join(lines)


def as_sent(notice: Notice) -> str:
    """Return the text with the notice's id, by which a receiver can tell a repeat."""
    repeat = "\nAn earlier attempt was cut off or not answered: this may be a repeat." if notice.may_repeat else ""
    return f"{notice.body}\n\nNotice {notice.id}{repeat}"


def summary_of(notices: Sequence[Notice], link: str) -> tuple[str, str]:
    """Return subject and text of one message in place of many."""
    title = f"Radpulse: {len(notices)} more alert messages in one"
    lines = [notice.title.removeprefix("Radpulse ") for notice in notices[:_LISTED]]
    if len(notices) > _LISTED:
        lines.append(f"and {len(notices) - _LISTED} more")
    lines += [f"{link.rstrip('/')}/alerts"] if link else []
    return title, "\n".join(["Too many messages for one hour; in one instead:", *lines])[:4000]


def _moment(at: datetime, zone: ZoneInfo) -> str:
    wall = at.astimezone(zone)
    return f"{wall.day} {wall:%b %Y %H:%M} ({zone.key.rsplit('/', 1)[-1].replace('_', ' ')} time)"
