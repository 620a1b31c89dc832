"""Sends what was chosen: each attempt is recorded before it begins and after it ends, so that a kill loses nothing.

A message cannot be sent and recorded in one instant. What was being sent when the process died is sent again with a
line that it may be a repeat, under the same notice id: nothing is lost, and nothing comes twice unmarked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from etl.alerts.alert import Notice
from etl.alerts.message import as_sent
from etl.alerts.store import AlertStore
from etl.errors import ConfigurationError, PeerError

LONGEST_WAIT_MIN = 60
log = structlog.get_logger()


class UnsureError(PeerError):
    """No answer came, so that nobody knows whether the message arrived."""


class Channels(Protocol):
    """The way to targets by key."""

    def send(self, target: str, title: str, body: str, severity: str) -> None:
        """Send; raises PeerError or ConfigurationError when it did not go."""


def deliver(store: AlertStore, going: Sequence[Notice], channels: Channels, clock: Callable[[], datetime]) -> list[str]:
    """Send notices in order and return one line on each; a target that fails once is left alone until the next run."""
    lines, failed = [], set()
    for notice in going:
        if notice.target in failed:
            lines.append(f"waits, {notice.target} did not take the one before: {notice.title}")
            continue
        line, ok = _attempt(store, notice, channels, clock)
        lines.append(line)
        if not ok:
            failed.add(notice.target)
    return lines


def _attempt(store: AlertStore, notice: Notice, channels: Channels, clock: Callable[[], datetime]) -> tuple[str, bool]:
    notice.status, notice.started_at = "sending", clock()
    notice.attempts += 1
    _save(store, notice)
    try:
        channels.send(notice.target, notice.title, as_sent(notice), notice.severity)
    except (PeerError, ConfigurationError) as error:
        notice.status, notice.error = "waiting", str(error)[:200]
        notice.may_repeat = notice.may_repeat or isinstance(error, UnsureError)
        notice.due_at = clock() + timedelta(minutes=min(2**notice.attempts, LONGEST_WAIT_MIN))
        _save(store, notice)
        log.error("alert not sent", target=notice.target, attempts=notice.attempts, message=notice.error)
        return f"FAILED to {notice.target} ({notice.error}), tried again later: {notice.title}", False
    notice.status, notice.sent_at, notice.error = "sent", clock(), None
    _save(store, notice)
    return f"sent to {notice.target}: {notice.title}", True


def _save(store: AlertStore, notice: Notice) -> None:
    with store.change() as change:
        change.save([notice])
