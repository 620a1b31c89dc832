"""Quiet hours on a site's wall clock: when a message may go, whatever the clocks do that night."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from etl.alerts.rules import Quiet

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_MOST = 400  # hours that follow one another without a gap; beyond that it is always quiet


def quiet_until(now: datetime, zone: ZoneInfo, site: str | None, hours: Sequence[Quiet]) -> datetime | None:
    """Return the UTC instant at which quiet ends, None when it is not quiet at `now`.

    Hours that follow one another count as one. Where they never end, the end found last is returned; the next look
    goes on from there.
    """
    at = now.astimezone(UTC)
    for _ in range(_MOST):
        ends = [end for quiet in hours if _holds(quiet, site) for end in _covering(quiet, at, zone)]
        if not ends:
            break
        at = max(ends)
    return None if at == now.astimezone(UTC) else at


def _holds(quiet: Quiet, site: str | None) -> bool:
    """Return whether these hours concern a site; what concerns no single site is held by everybody's hours."""
    return not quiet.sites or site is None or site in quiet.sites


def _covering(quiet: Quiet, at: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return the ends of the stretches of these hours that cover an instant."""
    today = at.astimezone(zone).date()
    spans = [span(quiet, day, zone) for day in (today - _DAY, today, today + _DAY) if _begins_on(quiet, day)]
    return [end for begin, end in spans if begin <= at < end]


def _begins_on(quiet: Quiet, day: date) -> bool:
    return not quiet.days or WEEKDAYS[day.weekday()] in quiet.days


def span(quiet: Quiet, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return begin and end (UTC) of the quiet hours that begin on a local date; equal times mean a whole day.

    An hour told twice in autumn is quiet both times: the first reading begins, the last one ends. A time that a
    spring night leaves out is the instant of the change.
    """
    last = day if quiet.to > quiet.from_ else day + _DAY
    return _instant(day, quiet.from_, zone, fold=0), _instant(last, quiet.to, zone, fold=1)


def _instant(day: date, wall: time, zone: ZoneInfo, *, fold: int) -> datetime:
    wanted = datetime.combine(day, wall)
    at = wanted.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == wanted:
        return at
    # fold=1 reads a skipped time with the later offset: before the change
    at = wanted.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while at.astimezone(zone).replace(tzinfo=None) < wanted:
        at += _MINUTE
    return at
