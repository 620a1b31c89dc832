"""What `radpulse run` does when it is due; each job is idempotent within its business window."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from etl.alerts import run_alerts
from etl.beliefs import drop_old_beliefs, keep_belief
from etl.errors import RadpulseError
from etl.fetchers.spool import purge as purge_spool
from etl.landing import purge as purge_segments
from etl.pipeline import derive_facts, forecast, ingest, publish_version, writer
from etl.reading import read_names
from etl.schedule import Job
from etl.settings import Settings
from etl.staging import load_key
from etl.warehouse.checks import check_warehouse
from etl.warehouse.load import known_files
from etl.warehouse.quarantine import purge

log = structlog.get_logger()


def _ingest_job(settings: Settings, _window: datetime) -> None:
    with writer(settings) as engine:
        runs = ingest(settings, engine)
        derive_facts(settings, engine)
        publish_version(settings, engine)
    stopped = [f"{r.feed_key}: {r.stopped}" for r in runs if r.stopped]
    if stopped:
        log.error("feeds stopped", message="; ".join(stopped))
        sys.stderr.writelines(f"radpulse: feed stopped, the others were read: {feed}\n" for feed in stopped)


def _forecast_job(settings: Settings, _window: datetime) -> None:
    with writer(settings) as engine:
        if forecast(settings, engine):
            publish_version(settings, engine)


def _checks_job(settings: Settings, _window: datetime) -> None:
    with writer(settings) as engine, engine.connect() as connection:
        for finding in check_warehouse(connection):
            log.error("check failed", finding=finding.text, fix=finding.fix)


def _retention_job(settings: Settings, _window: datetime) -> None:
    with writer(settings) as engine, engine.begin() as connection:
        folder = settings.at(settings.quarantine_folder)
        count = purge(connection, folder, now_at=datetime.now(UTC), days=settings.quarantine_days)
        segments = _purge_landing(settings, connection)
    log.info("raw copies purged", count=count, segments=segments)


def _purge_landing(settings: Settings, connection: Connection) -> int:
    """Delete old segments and fetched files that are in the warehouse; what is not read yet stays, however old."""
    before_at = datetime.now(UTC) - timedelta(days=settings.landing_days)
    count = 0
    for feed in (feed for feed in settings.feeds if feed.listen or feed.fetch):
        folder = settings.at(feed.path)
        read = read_names(feed, settings, known_files(connection, feed), load_key(settings))
        count += purge_segments(folder, before_at, read) + purge_spool(folder, before_at, read)
    return count


def _alerts_job(settings: Settings, _window: datetime) -> None:
    """Judge the alerts; whatever is wrong with them is said and stops nothing else."""
    if not settings.at(settings.alerts_file).exists():
        return
    try:
        run_alerts(settings)
    except (RadpulseError, OSError, SQLAlchemyError) as error:
        said = str(error) if isinstance(error, RadpulseError) else type(error).__name__
        log.error("alerts not judged", message=said)
        sys.stderr.write(f"radpulse: alerts were not judged, the rest goes on: {said}\n")


def _belief_job(settings: Settings, window: datetime) -> None:
    """Keep what is known at the first business hour of each month, and the last year's worth of such states."""
    if window.astimezone(ZoneInfo(settings.sites[0].zone)).day != 1:
        return
    with writer(settings) as engine:
        keep_belief(settings, engine, window)
    drop_old_beliefs(settings)


JOBS = (
    Job("ingest", _ingest_job, every_min=15),
    Job("forecast", _forecast_job, every_min=60),
    Job("checks", _checks_job),
    Job("retention", _retention_job),
    Job("alerts", _alerts_job, every_min=5),
    Job("belief", _belief_job, per_window=True),
)
