"""Local time texts of feeds become aware UTC instants, once, at the border (design.md, decision 9)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from etl.errors import ItemRefused, Reason

Kind = Literal["hl7", "dicom", "iso", "csv"]

EARLIEST_YEAR = 1980  # before digital imaging; older stamps are typing slips or unset clocks
LATEST_YEAR = 2100
MAX_OFFSET_MIN = 14 * 60  # UTC+14, Kiribati
AMBIGUOUS = "ambiguous"
DATE_ONLY = "date_only"
MINUTE = timedelta(minutes=1)
CACHED_HOURS = 50_000

# HL7 v2.5.1 chapter 2A.3.22 (DTM) and DICOM PS3.5 6.2 (DT; DA followed by TM)
# a bare ".sss" without the dot is Mirth's default message time
COMPACT = re.compile(r"(\d{8})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:\.?(\d{3})|\.(\d{1,9}))?)?)?)?([+-]\d{4})?", re.ASCII)
DICOM_PUNCTUATION = re.compile(r"(?<=\d)[.:](?=\d\d[.:]?\d\d)|(?<=\d):(?=\d\d)", re.ASCII)  # ACR-NEMA 1.0/2.0


class Instant(NamedTuple):
    """A moment: aware UTC, the offset of its wall clock in minutes, and a flag where the text left doubt."""

    at: datetime
    utc_offset_min: int
    flag: str | None = None


# (YYYYMMDDHH, zone or offset) -> that hour's start and its offset in minutes
_hours: dict[tuple[str, str], tuple[datetime, int]] = {}


def instant(text: str, zone: ZoneInfo, *, kind: Kind) -> Instant:
    """Return the instant of a time text; a text without offset is read as wall clock of `zone`.

    A repeated hour is read as its first pass and flagged ``ambiguous``; a date without hour is its local
    midnight, flagged ``date_only``. Raises ItemRefused: MISSING_TIME (empty), BAD_VALUE (no time text),
    IMPOSSIBLE_TIME (no such day or hour, or a year outside 1980..2100), NONEXISTENT_LOCAL_TIME (the hour that
    the clock skips in spring). Formats: HL7 v2.5.1 2A.3.22, DICOM PS3.5 6.2, ISO 8601.
    """
    if (length := len(text)) == 14 or length == 19:
        known = _hours.get((text[:10], text[14:] or zone.key))
        clock = text[10:14]
        if known is not None and clock.isdecimal() and clock.isascii() and clock[0] < "6" and clock[2] < "6":
            return Instant(known[0] + timedelta(0, int(clock[:2]) * 60 + int(clock[2:])), known[1])
    return _READERS[kind](text.strip(), zone)


def located(wall: datetime, zone: ZoneInfo) -> Instant:
    """Return the instant of a wall-clock time, naive or aware; raises ItemRefused as `instant` does."""
    if not EARLIEST_YEAR <= wall.year <= LATEST_YEAR:
        raise ItemRefused(Reason.IMPOSSIBLE_TIME, f"year {wall.year} is outside 1980..2100")
    offset = wall.utcoffset()
    if offset is not None:
        return Instant(wall.astimezone(UTC), round(offset / MINUTE))
    first, second = (wall.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta() for fold in (0, 1))
    if first < second:
        raise ItemRefused(Reason.NONEXISTENT_LOCAL_TIME, f"{wall:%Y-%m-%d %H:%M} is skipped in {zone.key}")
    flag = AMBIGUOUS if first > second else None
    return Instant((wall - first).replace(tzinfo=UTC), round(first / MINUTE), flag)


def instant_formatted(text: str, zone: ZoneInfo, time_format: str) -> Instant:
    """Return the instant of a text in a `strptime` format; raises ItemRefused as `instant` does."""
    text = text.strip()
    if not text:
        raise ItemRefused(Reason.MISSING_TIME, "the time is empty")
    padded = _padded(time_format)
    if padded is not None and (match := padded.fullmatch(text)) is not None:
        return instant("".join(match.group("Y", "m", "d", "H", "M", "S")), zone, kind="csv")
    try:
        wall = datetime.strptime(text, time_format)  # noqa: DTZ007 - located in its zone below
    except ValueError as error:
        raise ItemRefused(Reason.BAD_VALUE, f"time is not of the form {time_format}") from error
    return located(wall, zone)


@lru_cache(maxsize=64)
def _padded(time_format: str) -> re.Pattern[str] | None:
    """Return a pattern for the zero-padded texts of a format of six plain numbers, ten times faster to read."""
    if sorted(re.findall("%(.)", time_format)) != ["H", "M", "S", "Y", "d", "m"]:
        return None
    pattern = re.escape(time_format).replace("%Y", r"(?P<Y>\d{4})")
    return re.compile(re.sub("%([mdHMS])", r"(?P<\1>\\d\\d)", pattern), re.ASCII)


def _compact(text: str, zone: ZoneInfo) -> Instant:
    """Read ``YYYYMMDD[HH[MM[SS[.f]]]][+ZZZZ]``."""
    if not text:
        raise ItemRefused(Reason.MISSING_TIME, "the time is empty")
    match = COMPACT.fullmatch(text)
    if match is None:
        raise ItemRefused(Reason.BAD_VALUE, f"not a time of at least day precision ({len(text)} characters)")
    day, hour, minute, second, millis, fraction, offset = match.groups()
    wall = _wall(day, hour or "0", minute or "0", second or "0", millis or fraction or "0", offset)
    found = located(wall, zone)
    if hour is None:
        return found._replace(flag=found.flag or DATE_ONLY)
    if found.flag is None:
        _remember(day + hour, wall, offset or zone.key, wall.tzinfo or zone)
    return found


def _wall(day: str, hour: str, minute: str, second: str, fraction: str, offset: str | None) -> datetime:
    zone = _fixed(offset) if offset else None
    seconds = min(int(second), 59) if second == "60" else int(second)  # leap second, PS3.5 6.2
    micros = int(fraction[:6].ljust(6, "0"))
    try:
        return datetime(int(day[:4]), int(day[4:6]), int(day[6:]), int(hour), int(minute), seconds, micros, tzinfo=zone)
    except ValueError as error:
        raise ItemRefused(Reason.IMPOSSIBLE_TIME, f"no such time: {error}") from error


def _fixed(offset: str) -> timezone:
    minutes = int(offset[1:3]) * 60 + int(offset[3:])
    if minutes > MAX_OFFSET_MIN or int(offset[3:]) > 59:
        raise ItemRefused(Reason.BAD_VALUE, f"no zone is {offset} from UTC")
    return timezone((-MINUTE if offset[0] == "-" else MINUTE) * minutes)


def _remember(hour_text: str, wall: datetime, name: str, zone: tzinfo) -> None:
    """Keep an hour's UTC start for the fast path, unless the zone changes its clock within that hour."""
    start = wall.replace(minute=0, second=0, microsecond=0, tzinfo=None)
    ends = (start, start + timedelta(minutes=59, seconds=59))
    offsets = {t.replace(tzinfo=zone, fold=fold).utcoffset() for t in ends for fold in (0, 1)}
    if len(offsets) > 1:
        return
    if len(_hours) >= CACHED_HOURS:
        _hours.clear()
    offset = offsets.pop() or timedelta()
    _hours[hour_text, name] = ((start - offset).replace(tzinfo=UTC), round(offset / MINUTE))


def _dicom(text: str, zone: ZoneInfo) -> Instant:
    """Read a DT, or a DA and TM joined; the dotted and coloned ACR-NEMA forms are accepted."""
    text = text.replace("\0", "").replace(" ", "")
    if ":" in text or text[4:5] == ".":
        text = DICOM_PUNCTUATION.sub("", text)
    return _compact(text, zone)


def _iso(text: str, zone: ZoneInfo) -> Instant:
    if not text:
        raise ItemRefused(Reason.MISSING_TIME, "the time is empty")
    try:
        wall = datetime.fromisoformat(text)
    except ValueError as error:
        raise ItemRefused(Reason.BAD_VALUE, f"not an ISO 8601 time ({len(text)} characters)") from error
    found = located(wall, zone)
    return found if len(text) > 10 else found._replace(flag=found.flag or DATE_ONLY)


def _csv(text: str, zone: ZoneInfo) -> Instant:
    """Read ISO 8601 or the compact form; local forms such as 3/1/2026 need `instant_formatted`."""
    return _compact(text, zone) if text[:8].isdecimal() else _iso(text, zone)


_READERS: dict[Kind, Callable[[str, ZoneInfo], Instant]] = {
    "hl7": _compact,
    "dicom": _dicom,
    "iso": _iso,
    "csv": _csv,
}
