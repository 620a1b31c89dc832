"""When each feed's next data is due, learned from its own weeks: by weekday and hour of the site, by data time.

For every hour of the past the *wait* is the wall-clock time from the full hour to the feed's next data. The waits of
one weekday and hour, over the weeks, say how long silence from then on is normal: minutes on a working day, the weekend
on a Friday evening. What was learned is stored; whether a feed is late at this moment is judged when somebody looks
(`judged`), the one place that is given the wall clock (design decision 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Select, Table, func, literal_column, select

from etl.warehouse.append import read_frame
from etl.warehouse.parameters import FeedRule, Parameters
from etl.warehouse.tables import EVENT_TABLES, UtcDateTime

HISTORY_DAYS = 91  # thirteen of each weekday
LEAST_WEEKS = 4  # below, the configured rhythm decides
TOO_SELDOM = timedelta(days=7)  # nothing to tell by weekday and hour: the configured rhythm decides
MARGIN_MIN = 30.0  # runs come every quarter of an hour, and data is not worth a warning before that
OUTAGE_MIN = 60.0  # one wait longer than all others by this and three times their spread is no habit
GRACE, GIVEN_UP = 1.5, 4.0  # configured rhythms until late, until stale
AHEAD = timedelta(minutes=10)  # a stamp later than that is of no clock to be trusted
HOUR = timedelta(hours=1)
LEARNED, CONFIGURED = "learned", "configured"

Cell = tuple[int, int]  # weekday (0 is Monday), hour of the site's wall clock


class Freshness(StrEnum):
    """What a feed's data time says at a moment."""

    OK = "ok"
    LATE = "late"  # more was due by its profile
    STALE = "stale"  # and what was due after that has not come either
    UNKNOWN = "unknown"  # no data yet, or its newest stamp lies in the future


def judged(
    data_until_at: datetime | None, expected_by_at: datetime | None, stale_at: datetime | None, now_at: datetime
) -> Freshness:
    """Return a feed's freshness at `now_at`, the wall clock."""
    if data_until_at is None or expected_by_at is None or stale_at is None or data_until_at > now_at + AHEAD:
        return Freshness.UNKNOWN
    if now_at <= expected_by_at:
        return Freshness.OK
    return Freshness.LATE if now_at <= stale_at else Freshness.STALE


def derive_profiles(
    connection: Connection, parameters: Parameters, until: Mapping[str, datetime], data_at: datetime
) -> pd.DataFrame:
    """Return fact_feed_profile rows: of every feed by weekday and hour how long its next data takes.

    `until` is each feed's newest plausible data: an outage since then is no part of what is learned.
    """
    first = pd.concat([read_frame(connection, _first_of_hours(t, data_at)) for t in EVENT_TABLES])
    zones = {site.code: ZoneInfo(site.zone) for site in parameters.sites}
    parts = [
        profile(arrivals, zones[feed.site]).assign(feed_key=feed.key, site_code=feed.site)
        for feed in parameters.feeds
        if feed.key in until and feed.site in zones
        and len(arrivals := _recent(first[first["feed_key"] == feed.key], until[feed.key]))
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["feed_key"])


def _first_of_hours(table: Table, data_at: datetime) -> Select[tuple[str, datetime, datetime]]:
    known = func.coalesce(table.c.known_at, table.c.occurred_at)
    hour = func.date_trunc(literal_column("'hour'"), known, type_=UtcDateTime()).label("hour")
    recent = known.between(data_at - timedelta(days=2 * HISTORY_DAYS), data_at)
    return select(table.c.feed_key, hour, func.min(known).label("first")).where(recent).group_by(table.c.feed_key, hour)


def _recent(rows: pd.DataFrame, until: datetime) -> pd.DatetimeIndex:
    """Return the first arrival of every hour that has one, over the history before `until`."""
    known = pd.DatetimeIndex(rows["first"]).sort_values()
    last = pd.Timestamp(until)
    return known[(known >= last - timedelta(days=HISTORY_DAYS)) & (known <= last)]


def profile(arrivals: pd.DatetimeIndex, zone: ZoneInfo) -> pd.DataFrame:
    """Return for each weekday and hour: weeks seen, share of them with data, median wait and longest normal wait.

    `arrivals` are sorted aware instants with at least the first of every hour that has data. Waits are minutes of the
    wall clock, so that a clock set forward or back over a weekend changes nothing.
    """
    hours = pd.date_range(arrivals[0].ceil("h"), arrivals[-1].floor("h"), freq="h", tz=UTC)
    following = arrivals[arrivals.searchsorted(hours)]
    walls = [index.tz_convert(zone).tz_localize(None) for index in (hours, following)]
    waits = np.maximum((walls[1] - walls[0]) / timedelta(minutes=1), 0.0)
    rows = pd.DataFrame({"local_weekday": walls[0].day_of_week, "local_hour": walls[0].hour, "wait": waits})
    found = rows.groupby(["local_weekday", "local_hour"])["wait"].agg(
        weeks="size",
        delivered_share=lambda w: float((w < 60).mean()),
        wait_min="median",
        limit_min=lambda w: longest_normal(w.to_numpy()),
    )
    return found.reset_index()


def longest_normal(waits: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """Return how long a wait is still normal: the longest seen, their spread and a margin; minutes.

    A single wait far beyond all others was an outage or a holiday, and is not learned.
    """
    known = np.sort(waits)
    if len(known) > LEAST_WEEKS and known[-1] > known[-2] + OUTAGE_MIN + 3 * (known[-2] - known[0]):
        known = known[:-1]
    return float(known[-1] + (known[-1] - known[0]) + MARGIN_MIN)


@dataclass(frozen=True, slots=True)
class Expected:
    """By when a feed's next data is due, by when the data after it, and what says so."""

    by_at: datetime
    stale_at: datetime
    source: str


def expected(feed: FeedRule, until: datetime, limits: Mapping[Cell, float], zone: ZoneInfo) -> Expected:
    """Return what is due after `until`: by the feed's profile, else by its configured rhythm.

    A sender that delivers now and then (a nightly extract) is given the rhythm configured for it on top; of one that
    delivers once a week or less often (a monthly roster) weekday and hour tell nothing.
    """
    delivery = timedelta(minutes=feed.delivered_every_min)
    due = _due(until, limits, zone) if delivery < TOO_SELDOM else None
    after = due and _due(due, limits, zone)
    if due is None or after is None:
        rhythm = timedelta(minutes=feed.expected_every_min)
        return Expected(until + GRACE * rhythm, until + GIVEN_UP * rhythm, CONFIGURED)
    return Expected(due + delivery, after + 2 * delivery, LEARNED)


def _due(since: datetime, limits: Mapping[Cell, float], zone: ZoneInfo) -> datetime | None:
    """Return by when data is due that is missing since an instant; None where too few weeks are known."""
    hour = since.replace(minute=0, second=0, microsecond=0) + HOUR
    wall = hour.astimezone(zone)
    limit = limits.get((wall.weekday(), wall.hour))
    if limit is None:
        return None
    due = wall.replace(tzinfo=None) + timedelta(minutes=limit)
    # an hour told twice, or left out: the later reading
    return max(due.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))


def expectations(profiles: pd.DataFrame, parameters: Parameters, until: Mapping[str, datetime]) -> pd.DataFrame:
    """Return for every feed with data: expected_by_at, stale_at, expected_within_min and profile_source."""
    zones = {site.code: ZoneInfo(site.zone) for site in parameters.sites}
    rows = []
    for feed in parameters.feeds:
        if (last := until.get(feed.key)) is not None and feed.site in zones:
            found = expected(feed, last, _limits(profiles, feed.key), zones[feed.site])
            within = (found.by_at - last) / timedelta(minutes=1)
            rows.append((feed.key, found.by_at, found.stale_at, within, found.source))
    names = ["feed_key", "expected_by_at", "stale_at", "expected_within_min", "profile_source"]
    return pd.DataFrame(rows, columns=names).set_index("feed_key")


def _limits(profiles: pd.DataFrame, feed_key: str) -> dict[Cell, float]:
    own = profiles[profiles["feed_key"] == feed_key]
    if own.empty:
        return {}
    own = own[own["weeks"] >= LEAST_WEEKS]
    return dict(zip(zip(own["local_weekday"], own["local_hour"], strict=True), own["limit_min"], strict=True))
