"""`radpulse run`: does whatever is due, once per business window, however late and however often it is started.

A job's windows are a pure function of the site's calendar: an interval job has a window every so many minutes of
UTC, a daily job one per local date, closing at `business_hour` site time (so a 23- or 25-hour day has one window
too). Finished windows are remembered in the state store, so a clock set back repeats nothing and a machine that
was off catches up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog

from etl.errors import ConfigurationError
from etl.settings import Settings
from etl.state import JobWindows

CATCH_UP = timedelta(days=31)  # how far back a machine that was off looks for daily windows
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """A scheduled job.

    `every_min` of None means daily. A job that is not `per_window` does the work of all its due windows in one
    call (ingest reads whatever lies ready); one that is gets called once for each, oldest first.
    """

    name: str
    action: Callable[[Settings, datetime], None]
    every_min: int | None = None
    per_window: bool = False


def interval_windows(every_min: int, since: datetime, now: datetime) -> list[datetime]:
    """Return the UTC starts of the interval windows that have begun in `(since, now]`."""
    step = every_min * 60
    first, last = int(since.timestamp()) // step + 1, int(now.timestamp()) // step
    return [datetime.fromtimestamp(k * step, UTC) for k in range(first, last + 1)]


def daily_windows(zone: ZoneInfo, hour: int, since: datetime, now: datetime) -> list[datetime]:
    """Return the UTC closing instants of the local dates that closed in `(since, now]`, one a date.

    A closing hour that a spring night skips is taken an hour later by the clock, a repeated one at its first
    occurrence (PEP 495, fold=0).
    """
    day, last = since.astimezone(zone).date() - timedelta(days=1), now.astimezone(zone).date()
    closes = []
    while day <= last:
        closes.append(datetime.combine(day, time(hour), tzinfo=zone).astimezone(UTC))
        day += timedelta(days=1)
    return [c for c in closes if since < c <= now]


def windows_due(job: Job, settings: Settings, now: datetime, finished: Iterable[datetime]) -> list[datetime]:
    """Return the job's unfinished windows up to `now`, oldest first.

    An installation's first run has one window due per job, not a month of them.
    """
    done = set(finished)
    past = [w for w in done if w <= now]  # windows finished under a clock that ran ahead must not stall the job
    if job.every_min is not None:
        since = max(past, default=now - timedelta(minutes=job.every_min))
        return interval_windows(job.every_min, max(since, now - CATCH_UP), now)
    if not settings.sites:
        raise ConfigurationError("no [[sites]] configured; daily windows need the first site's zone")
    zone = ZoneInfo(settings.sites[0].zone)
    windows = daily_windows(zone, settings.business_hour, now - CATCH_UP, now)
    if not done:
        return windows[-1:]
    oldest = min(done) if job.per_window else max(past, default=now)
    return [w for w in windows if w not in done and w > oldest]


def run_due(settings: Settings, jobs: Iterable[Job], now: datetime) -> dict[str, int]:
    """Run every job that has a window due and return how many windows each finished.

    A job that raises leaves its windows unfinished, so the next start tries again; the caller holds the lock.
    """
    windows = JobWindows(settings.at(settings.state_file))
    counts: dict[str, int] = {}
    for job in jobs:
        due = windows_due(job, settings, now, windows.finished(job.name))
        calls = [[w] for w in due] if job.per_window else ([due] if due else [])
        for batch in calls:
            log.info("job started", job=job.name, window=batch[-1].isoformat(), windows=len(batch))
            job.action(settings, batch[-1])
            # a job that caught up in one call remembers that call only: what lies between may come again
            windows.finish(job.name, batch[-1:])
        counts[job.name] = len(due)
    return counts
