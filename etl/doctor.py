"""`radpulse doctor`: what is wrong with this installation, one line each, every line with its fix."""

from __future__ import annotations

import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, select

from etl.errors import ConfigurationError, RadpulseError
from etl.fetchers import base as fetching
from etl.fetchers import fetcher_of
from etl.listeners import base as listening
from etl.listeners import listener_of
from etl.settings import Feed, Settings
from etl.sources import SOURCES
from etl.warehouse.engine import reader_engine
from etl.warehouse.feed_profile import Freshness, judged
from etl.warehouse.parameters import load_parameters
from etl.warehouse.status_lint import lint_rules
from etl.warehouse.tables import data_version, fact_clock, fact_feed, fact_quarantine

FREE_BYTES = 2 * 1024**3
TESTED_PAIR = {"duckdb": "1.5.6", "duckdb-sqlalchemy": "1.5.6.5"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor: what was looked at, whether it is well, and what to do if not."""

    area: str
    ok: bool
    text: str
    fix: str = ""


def _settings(settings: Settings) -> Iterator[Finding]:
    for what, count in (("sites", len(settings.sites)), ("scanners", len(settings.scanners))):
        yield Finding("settings", count > 0, f"{count} {what}", f"add [[{what}]] to radpulse.toml")
    known = {site.code for site in settings.sites}
    for feed in settings.feeds:
        if feed.site not in known:
            yield Finding(
                "settings", False, f"feed {feed.key}: unknown site {feed.site}", f"use one of {sorted(known)}"
            )


def _feeds(settings: Settings) -> Iterator[Finding]:
    yield Finding("feeds", bool(settings.feeds), f"{len(settings.feeds)} feeds", "add [[feeds]] to radpulse.toml")
    for feed in settings.feeds:
        source = SOURCES.get(feed.kind)
        if source is None:
            yield Finding("feeds", False, f"{feed.key}: unknown kind {feed.kind!r}", f"use one of {sorted(SOURCES)}")
            continue
        yield from _transport(feed)
        folder = settings.at(feed.path)
        if not folder.exists():
            fix = _how_it_fills(feed, "create it or correct")
            yield Finding("feeds", False, f"{feed.key}: no folder {folder}", fix)
            continue
        count = len(source.files(feed, settings))
        yield Finding("feeds", count > 0, f"{feed.key}: {count} files", _how_it_fills(feed, "check what writes to"))


def _transport(feed: Feed) -> Iterator[Finding]:
    """Say which option of `listen` or `fetch` nobody knows; whether the peer answers is `radpulse fetch --check`."""
    try:
        if feed.fetch:
            fetching.options_of(feed, fetcher_of(feed))
        if feed.listen:
            listening.options_of(feed, listener_of(feed))
    except ConfigurationError as error:
        yield Finding(
            "feeds", False, str(error), "correct it in radpulse.toml; the guides to connecting feeds list all"
        )


def _how_it_fills(feed: Feed, by_hand: str) -> str:
    """Return what to do about a feed that has nothing yet: only folders others write to are anybody's to create."""
    if feed.listen:
        return "start `radpulse listen` and let the sender send; the folder is made by it"
    if feed.fetch:
        return f"try `radpulse fetch --check --feed {feed.key}`, then `radpulse fetch`; the folder is made by it"
    return f"{by_hand} the feed's path"


def _key(settings: Settings) -> Iterator[Finding]:
    path = settings.at(settings.identity.key_file)
    if not path.exists():
        yield Finding(
            "key", False, f"no pseudonym key at {path}", "run `radpulse init`, or restore the key from its safe"
        )
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    yield Finding("key", mode & 0o077 == 0, f"{path.name} has mode {mode:04o}", f"chmod 600 {path}")


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = settings.at(settings.warehouse.folder)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    fix = "free space, or move warehouse.folder to a larger disk"
    yield Finding("disk", free > FREE_BYTES, f"{free / 1024**3:.1f} GiB free at the warehouse", fix)


def _versions(_settings: Settings) -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    yield Finding("versions", sys.version_info >= (3, 11), f"Python {python}", "use Python 3.11 or newer")
    for package, tested in TESTED_PAIR.items():
        try:
            found = version(package)
        except PackageNotFoundError:
            found = "missing"
        yield Finding("versions", found == tested, f"{package} {found}", f"install {package}=={tested} (`make setup`)")


def _engine(settings: Settings) -> Iterator[Finding]:
    with reader_engine(settings).connect() as connection:
        row = connection.execute(select(data_version.c.data_version, data_version.c.data_at)).all()[-1]
        yield Finding("engine", True, f"{settings.warehouse.engine}: version {row.data_version[:12]} is readable")
        ahead = row.data_at - datetime.now(UTC)
        yield Finding(
            "clocks",
            ahead < timedelta(minutes=5),
            f"data ends at {row.data_at:%Y-%m-%d %H:%M} UTC",
            "data from the future: check this machine's clock (timedatectl) and the senders' MSH-7",
        )
        for feed in connection.execute(select(fact_feed)):
            yield _freshness(feed, datetime.now(UTC))
            if feed.unmapped:
                fix = "`radpulse codes list --kind status` shows them, `radpulse codes set` maps them"
                yield Finding("codes", False, f"{feed.feed_key}: {feed.unmapped} events with an unmapped code", fix)
        for clock in connection.execute(select(fact_clock).where(fact_clock.c.verdict.in_(["skewed", "drifting"]))):
            text = f"{clock.scanner_code}: {clock.verdict}, {clock.offset_min:+.1f} min against the RIS"
            yield Finding("clocks", False, text, "set the scanner's NTP server, or use what `radpulse clocks` proposes")
        for row in connection.execute(select(fact_quarantine)):
            text = f"{row.feed_key}: {row.items} refused, {row.reason}"
            yield Finding("quarantine", False, text, "radpulse quarantine list, then replay once mended")


def _status_maps(settings: Settings) -> Iterator[Finding]:
    parameters = load_parameters(settings)
    found = [f for feed in parameters.feeds for f in lint_rules(parameters, feed)]
    for f in found:
        yield Finding("codes", False, f"{f.feed}: {f.text}", "mend the status map (`radpulse codes lint`)")
    if not found:
        yield Finding("codes", True, f"status maps of {len(parameters.feeds)} feeds are complete and reachable")


def _freshness(feed: Row[Any], now_at: datetime) -> Finding:
    found = judged(feed.data_until_at, feed.expected_by_at, feed.stale_at, now_at)
    until = f"data until {_minute(feed.data_until_at)}" if feed.data_until_at else "nothing yet"
    due = f", more by {_minute(feed.expected_by_at)} ({feed.profile_source})" if feed.expected_by_at else ""
    fix = "ask its sender, then `radpulse run`"
    if found is Freshness.UNKNOWN:
        fix = (
            "its newest stamp lies ahead: check the sender's clock" if feed.data_until_at else "check path and pattern"
        )
    return Finding("freshness", found is Freshness.OK, f"{feed.feed_key}: {found}, {until}{due}", fix)


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _zones(settings: Settings) -> Iterator[Finding]:
    for site in settings.sites:
        offset = datetime.now(UTC).astimezone(ZoneInfo(site.zone)).strftime("%H:%M (UTC%z)")
        yield Finding(
            "clocks", True, f"{site.code}: it is {offset} at the site", "correct the site's zone if this is wrong"
        )


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    _settings,
    _feeds,
    _status_maps,
    _key,
    _zones,
    _disk,
    _versions,
    _engine,
)


def examine(settings: Settings) -> list[Finding]:
    """Run every check; one that cannot run is itself a finding."""
    findings: list[Finding] = []
    for check in CHECKS:
        try:
            findings += list(check(settings))
        except (RadpulseError, OSError) as error:
            area = check.__name__.strip("_")
            findings.append(Finding(area, False, str(error), "mend this first, then run `radpulse doctor` again"))
    return findings
