"""Days and wall times in columns of their own, as calendars and rosters write them."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

from etl.errors import ItemRefused, Reason
from etl.sources.times import EARLIEST_YEAR, LATEST_YEAR

WALL_TIME = re.compile(r"(\d{1,2})[:.](\d\d)(?::(\d\d))?(?:\s*([AaPp])\.?[Mm]\.?)?", re.ASCII)


def day_of(text: str, date_format: str | None = None) -> date:
    """Return the day of a text, ISO unless a `strptime` format is given.

    Raises ItemRefused: MISSING_TIME (empty), BAD_VALUE (no such text), IMPOSSIBLE_TIME (a year outside 1980..2100).
    """
    if not text:
        raise ItemRefused(Reason.MISSING_TIME, "no date")
    try:
        # a day on a calendar has no zone
        day = datetime.strptime(text, date_format).date() if date_format else date.fromisoformat(text)  # noqa: DTZ007 - a day
    except ValueError as error:
        form = date_format or "YYYY-MM-DD"
        raise ItemRefused(Reason.BAD_VALUE, f"date is not of the form {form}") from error
    if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
        raise ItemRefused(Reason.IMPOSSIBLE_TIME, f"year {day.year} is outside 1980..2100")
    return day


def wall_of(day: date, text: str) -> datetime:
    """Return a day's wall time ``HH:MM[:SS]`` (or with AM and PM) without zone; 24:00 is the next midnight.

    Raises ItemRefused: MISSING_TIME, BAD_VALUE, IMPOSSIBLE_TIME (outside 00:00..24:00).
    """
    if not text:
        raise ItemRefused(Reason.MISSING_TIME, "no begin or end")
    match = WALL_TIME.fullmatch(text)
    if match is None:
        raise ItemRefused(Reason.BAD_VALUE, "begin or end is not of the form HH:MM")
    hour, minute, second = (int(part or 0) for part in match.groups()[:3])
    if half := match.group(4):
        hour = hour % 12 + (12 if half in "Pp" else 0)
    if hour > 24 or minute > 59 or second > 59 or (hour == 24 and (minute or second)):
        raise ItemRefused(Reason.IMPOSSIBLE_TIME, "begin or end is outside 00:00..24:00")
    return datetime.combine(day, time()) + timedelta(hours=hour, minutes=minute, seconds=second)


def stretch_of(day: date, begin: str, end: str) -> tuple[datetime, datetime]:
    """Return begin and end of a stretch that starts on `day`; an end before the begin lies on the next day.

    Raises ItemRefused as `wall_of` does, and BAD_VALUE when both are the same.
    """
    first, last = wall_of(day, begin), wall_of(day, end)
    if last == first:
        raise ItemRefused(Reason.BAD_VALUE, "begin and end are the same")
    return first, last + timedelta(days=1) if last < first else last
