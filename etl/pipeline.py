"""The order of steps: read, stage, load, derive, forecast, publish. Nothing else in the project knows it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from filelock import FileLock, Timeout
from sqlalchemy import Engine, Row

from etl.dismissals import take_dismissals
from etl.errors import BusyError, ConfigurationError, PeerError, RefusedError
from etl.fetchers import fetcher_of
from etl.fetchers.base import Fetched, land
from etl.progress import Report, Steps, silent
from etl.reading import Reading, is_worth_a_pool, staged, unread_files, workers
from etl.settings import OWN_FEED, Feed, Settings
from etl.staging import load_key
from etl.warehouse.derive import data_time, derive
from etl.warehouse.engine import writer_engine
from etl.warehouse.forecasts import last_issue, store_forecasts
from etl.warehouse.load import RunCounts, known_files, load
from etl.warehouse.parameters import load_parameters
from etl.warehouse.publish import publish
from etl.warehouse.quarantine import listed

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class FeedRun:
    """What one feed's run did: its counts, and why it stopped, if it did."""

    feed_key: str
    counts: RunCounts
    stopped: str | None


@contextmanager
def exclusive(settings: Settings) -> Iterator[None]:
    """Hold the installation's run lock; raises BusyError at once when another run holds it."""
    folder = settings.at(settings.warehouse.folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with FileLock(folder / "run.lock", timeout=0):
            yield
    except Timeout as error:
        log.warning("another run holds the lock")
        raise BusyError(f"another run holds {folder / 'run.lock'}; this start leaves it alone") from error


@contextmanager
def writer(settings: Settings) -> Iterator[Engine]:
    """Yield the writer's engine and dispose of it, so that the next process can have the file."""
    load_key(settings)  # refuse before anything is opened or read
    engine = writer_engine(settings)
    try:
        yield engine
    finally:
        engine.dispose()


def fetch(settings: Settings, *, feeds: Sequence[str] | None = None, report: Report = silent) -> list[Fetched]:
    """Bring what other systems hold anew into the folders of the feeds that have `fetch` (all, or those named).

    A peer that fails leaves the others alone and is named in its result. Raises RefusedError for an unknown feed,
    BusyError when another process fetches it, ConfigurationError for settings a person must mend.
    """
    chosen = [feed for feed in _chosen(settings, feeds) if feed.fetch]
    results = []
    for number, feed in enumerate(chosen):
        report("fetch", number, len(chosen))
        result = land(fetcher_of(feed), feed, settings, datetime.now(UTC))
        log.info("feed fetched", feed=feed.key, pages=result.pages, payloads=result.payloads, bytes=result.bytes)
        if result.more:
            log.warning("fetch goes on at its next turn", feed=feed.key, pages=result.pages)
        if result.failed:
            log.error("fetch failed", feed=feed.key, message=result.failed)
        results.append(result)
    return results


def try_connections(settings: Settings, *, feeds: Sequence[str] | None = None) -> Iterator[str]:
    """Yield one line a feed with `fetch`: what its peer answered, or why it did not; moves no cursor."""
    for feed in _chosen(settings, feeds):
        if feed.fetch:
            try:
                yield f"ok  {feed.key:<16} {fetcher_of(feed).check(feed, settings)}"
            except (PeerError, ConfigurationError) as error:
                yield f"FIX {feed.key:<16} {error}"


def ingest(
    settings: Settings, engine: Engine, *, feeds: Sequence[str] | None = None, report: Report = silent
) -> list[FeedRun]:
    """Fetch and read what is new in the feeds (all, or those named) into the event tables, one transaction a feed.

    What people dismissed in the dashboard since comes last, as a run of its own.

    A feed that stops (changed layout, a peer that does not answer) keeps what came before and leaves the other feeds
    alone. Raises RefusedError for an unknown feed.
    """
    failed = {f.feed_key: f.failed for f in fetch(settings, feeds=feeds, report=report)}
    readings = [_reading(settings, engine, feed) for feed in _chosen(settings, feeds)]
    key, run_key = load_key(settings), uuid.uuid4().hex
    with workers(is_worth_a_pool(readings)) as pool:
        runs = [
            _load(
                settings, engine, reading, run_key, staged(reading, settings, key, pool), report,
                failed.get(reading.feed.key),
            )
            for reading in readings
        ]  # fmt: skip
    dismissed = take_dismissals(settings, engine, run_key)
    return runs if dismissed is None else [*runs, FeedRun(OWN_FEED, dismissed, None)]


def _chosen(settings: Settings, feeds: Sequence[str] | None) -> list[Feed]:
    unknown = set(feeds or ()) - {feed.key for feed in settings.feeds}
    if unknown:
        raise RefusedError(f"no feed {sorted(unknown)}; configured: {[feed.key for feed in settings.feeds]}")
    return [feed for feed in settings.feeds if not feeds or feed.key in feeds]


def _reading(settings: Settings, engine: Engine, feed: Feed) -> Reading:
    with engine.connect() as connection:
        return Reading(feed, unread_files(feed, settings, known_files(connection, feed), load_key(settings)))


def _load(
    settings: Settings,
    engine: Engine,
    reading: Reading,
    run_key: str,
    batches: Iterator[Any],
    report: Report,
    fetch_failed: str | None,
) -> FeedRun:
    started_at = datetime.now(UTC)
    with engine.begin() as connection:
        counts = load(
            connection,
            reading.feed,
            _reported(batches, reading, report),
            run_key,
            started_at,
            files=reading.read,
            stopped=lambda: reading.stopped or fetch_failed,
            quarantine_folder=settings.at(settings.quarantine_folder),
        )
    result = FeedRun(reading.feed.key, counts, reading.stopped or fetch_failed)
    log.info("feed read", run=run_key, feed=result.feed_key, files=len(reading.read), **_numbers(counts))
    if result.stopped:
        log.error("feed stopped", run=run_key, feed=result.feed_key, message=result.stopped)
    return result


def _reported(batches: Iterable[Any], reading: Reading, report: Report) -> Iterator[Any]:
    for batch in batches:
        report(reading.feed.key, len(reading.read), len(reading.files))
        yield batch


def _numbers(counts: RunCounts) -> dict[str, int]:
    return {name: getattr(counts, name) for name in RunCounts.__slots__}


def describe(runs: Iterable[FeedRun]) -> list[str]:
    """Return one line a feed: offered = loaded + unchanged + quarantined + filtered."""
    lines = []
    for r in runs:
        c = r.counts
        line = (
            f"{r.feed_key:<16} offered {c.offered} = loaded {c.loaded} + unchanged {c.unchanged} "
            f"+ quarantined {c.quarantined} + filtered {c.filtered}"
        )
        lines.append(f"{line}; STOPPED: {r.stopped}" if r.stopped else line)
    return lines


def derive_facts(settings: Settings, engine: Engine) -> bool:
    """Derive what the loaded events touch (everything when the parameter set changed); False: nothing was."""
    with engine.begin() as connection:
        report = derive(connection, load_parameters(settings))
    log.info("facts derived", exams=report.exams)
    return report.changed


def publish_version(settings: Settings, engine: Engine) -> str:
    """Publish the present facts to readers and return the version's name."""
    name = publish(settings, engine)
    log.info("version published", data_version=name)
    return name


def forecast(settings: Settings, engine: Engine, *, force: bool = False, report: Report = silent) -> bool:
    """Forecast from the data's own now (decision 4); False when that was done already and `force` is not set."""
    from etl.forecasts import run_forecasts  # scikit-learn takes seconds to import: only where it is used

    with engine.connect() as connection:
        issued_at = data_time(connection)
        if issued_at is None or (last_issue(connection) == issued_at and not force):
            return False
    output = run_forecasts(engine, settings, issued_at, report)
    with engine.begin() as connection:
        store_forecasts(connection, output.forecast, output.backtest)
    return True


def refresh(settings: Settings, steps: Steps) -> None:
    """Bring the warehouse up to what the feeds hold now: all steps in order, nothing twice."""
    with exclusive(settings), writer(settings) as engine:
        with steps.step("ingest") as report:
            runs = ingest(settings, engine, report=report)
        for line in describe(runs):
            steps.console.print(line, highlight=False, soft_wrap=True)
        with steps.step("derive"):
            changed = derive_facts(settings, engine)
        with steps.step("forecast") as report:
            forecast(settings, engine, force=changed, report=report)
        with steps.step("publish"):
            publish_version(settings, engine)


def quarantined(
    settings: Settings, *, feed: str | None = None, quarantine_id: str | None = None, limit: int = 50
) -> list[Row[Any]]:
    """Return quarantined items, newest first; details are redacted already."""
    with writer(settings) as engine, engine.connect() as connection:
        ids = None if quarantine_id is None else [quarantine_id]
        return listed(connection, ids=ids, feed=feed, limit=limit)
