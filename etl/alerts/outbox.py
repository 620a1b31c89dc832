"""Which waiting notices go now: quiet hours looked at again, messages an hour capped, the rest in one summary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from etl.alerts.alert import Notice
from etl.alerts.message import summary_of
from etl.alerts.places import Places
from etl.alerts.rules import SEVERITIES, AlertsFile
from etl.alerts.store import Change

HOUR = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=3)


@dataclass(slots=True)
class Batch:
    """What goes now, what changed without going, and in one line each why."""

    going: list[Notice] = field(default_factory=list)
    changed: list[Notice] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def recover(change: Change) -> None:
    """Queue again what was being sent when its process died; only the holder of the alerts' lock may ask."""
    cut_off = change.notices("sending")
    for notice in cut_off:
        notice.status, notice.may_repeat = "waiting", True
    change.save(cut_off)


def choose(change: Change, file: AlertsFile, places: Places, now: datetime, new_id: Callable[[], str]) -> Batch:
    """Choose what goes now from all that waits; the caller's transaction keeps it or not."""
    batch = Batch()
    ready: dict[str, list[Notice]] = {}
    for notice in change.notices("waiting"):
        if _is_ready(batch, notice, file, places, now):
            ready.setdefault(notice.target, []).append(notice)
    for target, waiting in ready.items():
        known = file.target(target)
        room = (known.max_per_hour if known else 0) - change.started(target, now - HOUR)
        _within_cap(batch, waiting, room, file.link, now, new_id)
    change.save([*batch.changed, *batch.going])
    return batch


def _is_ready(batch: Batch, notice: Notice, file: AlertsFile, places: Places, now: datetime) -> bool:
    if file.target(notice.target) is None:
        return _ends(batch, notice, "dropped", f"the alert file has no target {notice.target}")
    if notice.queued_at < now - GIVE_UP_AFTER and notice.attempts:
        return _ends(batch, notice, "given_up", notice.error or "not taken for three days")
    if notice.due_at > now:
        batch.lines.append(f"held until {notice.due_at:%Y-%m-%d %H:%M} UTC: {notice.title}")
        return False
    until = None if notice.breaks_quiet else places.release(now, notice.site)
    if until is not None:
        notice.due_at = until
        batch.changed.append(notice)
        batch.lines.append(f"held by quiet hours until {until:%Y-%m-%d %H:%M} UTC: {notice.title}")
        return False
    return True


def _ends(batch: Batch, notice: Notice, status: str, why: str) -> bool:
    notice.status, notice.error = status, why[:200]
    batch.changed.append(notice)
    batch.lines.append(f"{status.replace('_', ' ')}, {why}: {notice.title}")
    return False


def _within_cap(
    batch: Batch, waiting: Sequence[Notice], room: int, link: str, now: datetime, new_id: Callable[[], str]
) -> None:
    """Send all where there is room; else the most severe, and the last place for one summary of the others."""
    ordered = sorted(waiting, key=_rank)
    if room <= 0:
        batch.lines += [f"held, {n.target} had its messages of this hour: {n.title}" for n in ordered]
        return
    if len(ordered) > room:
        ordered = _summed_up(batch, ordered, room, link, now, new_id)
    batch.going += ordered[:room]
    batch.changed += ordered[room:]
    batch.lines += [f"to {n.target}: {n.title}" for n in ordered[:room]]


def _rank(notice: Notice) -> tuple[int, datetime, str]:
    severities: tuple[str, ...] = SEVERITIES
    return severities.index(notice.severity), notice.queued_at, notice.id


def _summed_up(
    batch: Batch, ordered: list[Notice], room: int, link: str, now: datetime, new_id: Callable[[], str]
) -> list[Notice]:
    single = [n for n in ordered if n.kind != "summary"]
    alone = max(room - 1 - (len(ordered) - len(single)), 0)
    several = single[alone:]
    if len(several) < 2:
        return ordered
    title, body = summary_of(several, link)
    sites = {n.site for n in several}
    summary = Notice(
        id=new_id(),
        alert_id=None,
        target=several[0].target,
        kind="summary",
        severity=several[0].severity,
        site=sites.pop() if len(sites) == 1 else None,
        breaks_quiet=all(n.breaks_quiet for n in several),
        title=title,
        body=body,
        queued_at=now,
        due_at=now,
    )
    for notice in several:
        notice.status, notice.summary_id = "summarised", summary.id
        batch.lines.append(f"told in one summary: {notice.title}")
    batch.changed += several
    told = [n for n in ordered if n.status != "summarised"]
    return [*told, summary]
