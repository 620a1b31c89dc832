"""Which of a DICOM header's many times says when acquisition began and ended.

`AcquisitionDateTime` and `AcquisitionDate`+`AcquisitionTime` come first. Where a header has neither, ContentTime
is the moment of capture for projection, ultrasound and the like, while for CT, MR, NM and PT it is the moment of
reconstruction, minutes later, so that SeriesTime is nearer the truth (PS3.3 C.7.6.1, C.7.3.1). Philips and FONAR
MR scanners stamp AcquisitionTime at the end of what SeriesTime began (kpis.md K0.7): begin and end come from
different tags there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from etl.errors import ItemRefused, Reason
from etl.sources.dicom_text import clean, number
from etl.sources.times import Instant, instant

STUDY_DATE, STUDY_TIME = 0x00080020, 0x00080030
SERIES_DATE, SERIES_TIME = 0x00080021, 0x00080031
ACQUISITION_DATE, ACQUISITION_TIME = 0x00080022, 0x00080032
CONTENT_DATE, CONTENT_TIME = 0x00080023, 0x00080033
CREATION_DATE, CREATION_TIME = 0x00080012, 0x00080013
ACQUISITION_DATETIME = 0x0008002A
TIMEZONE = 0x00080201
ACQUISITION_DURATION = 0x00189073
STEP_START_DATE, STEP_START_TIME = 0x00400244, 0x00400245
STEP_END_DATE, STEP_END_TIME = 0x00400250, 0x00400251

_PAIRS = {
    "AcquisitionTime": (ACQUISITION_DATE, ACQUISITION_TIME),
    "ContentTime": (CONTENT_DATE, CONTENT_TIME),
    "SeriesTime": (SERIES_DATE, SERIES_TIME),
    "PerformedProcedureStepStartTime": (STEP_START_DATE, STEP_START_TIME),
    "StudyTime": (STUDY_DATE, STUDY_TIME),
    "InstanceCreationTime": (CREATION_DATE, CREATION_TIME),
}
_CAPTURED = tuple(_PAIRS)
_RECONSTRUCTED = ("AcquisitionTime", "SeriesTime", *(k for k in _PAIRS if k not in ("AcquisitionTime", "SeriesTime")))
_RECONSTRUCTED_MODALITIES = frozenset({"CT", "MR", "NM", "PT"})
# where a time lacks its own date, the first date of this list that is there is lent to it
_LENDERS = {
    "StudyDate": (STUDY_DATE, STUDY_TIME),
    "SeriesDate": (SERIES_DATE, SERIES_TIME),
    "AcquisitionDate": (ACQUISITION_DATE, ACQUISITION_TIME),
    "ContentDate": (CONTENT_DATE, CONTENT_TIME),
    "PerformedProcedureStepStartDate": (STEP_START_DATE, STEP_START_TIME),
}
TIME_TAGS = frozenset(
    {tag for pair in _PAIRS.values() for tag in pair}
    | {ACQUISITION_DATETIME, TIMEZONE, ACQUISITION_DURATION, STEP_END_DATE, STEP_END_TIME}
)
LONGEST_ACQUISITION = timedelta(hours=6)  # a longer span between two tags is a mistake, not a scan
HALF_DAY = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as sent, as an instant, and the keyword it came from."""

    raw: str
    instant: Instant
    source: str


@dataclass(frozen=True, slots=True)
class Span:
    """When an acquisition began, and when it ended where the header tells."""

    begin: Moment
    end_at: datetime | None


def span_of(texts: Mapping[int, str], zone: ZoneInfo, modality: str, manufacturer: str | None) -> Span:
    """Return begin and end of the acquisition a header describes.

    Raises ItemRefused: MISSING_TIME when no tag holds a time of day with a date, otherwise the reason why the
    best one cannot be read; NONEXISTENT_LOCAL_TIME as soon as the best one falls into a skipped hour.
    """
    begin = _begin(texts, zone, modality)
    duration = timedelta(seconds=number(texts.get(ACQUISITION_DURATION, "")) or 0)
    end_at = begin.instant.at + duration if timedelta() < duration <= LONGEST_ACQUISITION else None
    if modality == "MR" and _stamps_the_end(manufacturer) and begin.source == "AcquisitionTime":
        return _series_to_acquisition(texts, zone, begin, end_at)
    return Span(begin, end_at)


def moment(texts: Mapping[int, str], date_tag: int, time_tag: int, zone: ZoneInfo) -> datetime | None:
    """Return the instant of a date and a time tag, or None where either is missing or unreadable."""
    if date_tag not in texts or time_tag not in texts:
        return None
    try:
        return _at(texts[date_tag], texts[time_tag], texts, zone).at
    except ItemRefused:
        return None


def known_at(texts: Mapping[int, str], zone: ZoneInfo, begin_at: datetime) -> datetime | None:
    """Return when the object was made: its creation, else its content time; never before what it describes."""
    made = moment(texts, CREATION_DATE, CREATION_TIME, zone) or moment(texts, CONTENT_DATE, CONTENT_TIME, zone)
    return None if made is None else max(made, begin_at)


def date_time(text: str, texts: Mapping[int, str], zone: ZoneInfo) -> Instant:
    """Return the instant of a DT text; its own offset wins over (0008,0201), that over the feed's zone."""
    if len(text.split(".")[0].split("+")[0]) <= 8:
        raise ItemRefused(Reason.MISSING_TIME, "a date without a time of day")
    return instant(text if _has_offset(text) else text + _offset(texts), zone, kind="dicom")


def _begin(texts: Mapping[int, str], zone: ZoneInfo, modality: str) -> Moment:
    refusal: ItemRefused | None = None
    for source in ("AcquisitionDateTime", *(_RECONSTRUCTED if modality in _RECONSTRUCTED_MODALITIES else _CAPTURED)):
        try:
            found = _read(texts, zone, source)
        except ItemRefused as error:
            if error.reason is Reason.NONEXISTENT_LOCAL_TIME:
                raise
            refusal = refusal or ItemRefused(error.reason, f"{source} with its date: {error.detail}")
            continue
        if found is not None:
            return found
    raise refusal or ItemRefused(Reason.MISSING_TIME, "no date with a time of day in the header")


def _read(texts: Mapping[int, str], zone: ZoneInfo, source: str) -> Moment | None:
    if source == "AcquisitionDateTime":
        text = texts.get(ACQUISITION_DATETIME)
        if text is None or len(text) <= 8:
            return None
        return Moment(clean(text), date_time(text, texts, zone), source)
    date_tag, time_tag = _PAIRS[source]
    if time_tag not in texts:
        return None
    if date_tag in texts:
        found = _at(texts[date_tag], texts[time_tag], texts, zone)
        return Moment(clean(f"{texts[date_tag]} {texts[time_tag]}"), found, source)
    return _with_lent_date(texts, zone, source, texts[time_tag])


def _with_lent_date(texts: Mapping[int, str], zone: ZoneInfo, source: str, time: str) -> Moment | None:
    """Read a time whose own date is missing; past midnight of the lender it belongs to the next day."""
    for lender, (date_tag, lender_time_tag) in _LENDERS.items():
        if date_tag not in texts:
            continue
        found = _at(texts[date_tag], time, texts, zone)
        lent_at = moment(texts, date_tag, lender_time_tag, zone)
        if lent_at is not None and found.at < lent_at - HALF_DAY:
            found = found._replace(at=found.at + timedelta(days=1))
        return Moment(clean(f"{texts[date_tag]} {time}"), found, f"{source}/{lender}")
    return None


def _at(date: str, time: str, texts: Mapping[int, str], zone: ZoneInfo) -> Instant:
    """Read DA and TM; the dotted and dashed dates and coloned times of old senders are accepted."""
    day = date.replace(".", "").replace("-", "") if len(date) == 10 else date
    clock = time.replace(":", "")
    if len(day) != 8 or len(clock) < 2:
        raise ItemRefused(Reason.BAD_VALUE, "no date of eight digits or no time of day")
    return instant(f"{day}{clock}{_offset(texts)}", zone, kind="dicom")


def _offset(texts: Mapping[int, str]) -> str:
    """Return (0008,0201) as ``+hhmm``, or nothing where it is missing or unreadable."""
    text = texts.get(TIMEZONE, "")
    return text if len(text) == 5 and text[0] in "+-" and text[1:].isdecimal() and text[1:] <= "1400" else ""


def _has_offset(text: str) -> bool:
    return len(text) > 5 and text[-5] in "+-"


def _stamps_the_end(manufacturer: str | None) -> bool:
    return (manufacturer or "").upper().startswith(("PHILIPS", "FONAR"))


def _series_to_acquisition(texts: Mapping[int, str], zone: ZoneInfo, acquired: Moment, end_at: datetime | None) -> Span:
    try:
        series = _read(texts, zone, "SeriesTime")
    except ItemRefused:
        return Span(acquired, end_at)
    if series is None or not timedelta() < acquired.instant.at - series.instant.at <= LONGEST_ACQUISITION:
        return Span(acquired, end_at)
    return Span(series, end_at or acquired.instant.at)
