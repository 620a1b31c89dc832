"""Begin and end of an acquisition out of the many times of a header."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from etl.errors import ItemRefused, Reason
from etl.sources import dicom_times as t
from etl.sources.dicom_times import span_of

NEW_YORK = ZoneInfo("America/New_York")
DAY = "20260701"
ALL = {
    t.STUDY_DATE: DAY,
    t.STUDY_TIME: "090000",
    t.SERIES_DATE: DAY,
    t.SERIES_TIME: "100000",
    t.CONTENT_DATE: DAY,
    t.CONTENT_TIME: "101500",
    t.ACQUISITION_DATE: DAY,
    t.ACQUISITION_TIME: "100500",
    t.ACQUISITION_DATETIME: f"{DAY}100501.5",
}


def utc(hour: int, minute: int = 0, second: float = 0, day: int = 1) -> datetime:
    return datetime(2026, 7, day, hour, minute, int(second), round(second % 1 * 1e6), tzinfo=UTC)


def without(*tags: int) -> dict[int, str]:
    return {tag: text for tag, text in ALL.items() if tag not in tags}


@pytest.mark.parametrize(
    ("missing", "modality", "source", "begin"),
    [
        ((), "CT", "AcquisitionDateTime", utc(14, 5, 1.5)),
        ((t.ACQUISITION_DATETIME,), "CT", "AcquisitionTime", utc(14, 5)),
        ((t.ACQUISITION_DATETIME, t.ACQUISITION_TIME), "CT", "SeriesTime", utc(14, 0)),
        ((t.ACQUISITION_DATETIME, t.ACQUISITION_TIME), "US", "ContentTime", utc(14, 15)),
        ((t.ACQUISITION_DATETIME, t.ACQUISITION_TIME, t.CONTENT_TIME), "US", "SeriesTime", utc(14, 0)),
        (
            (t.ACQUISITION_DATETIME, t.ACQUISITION_TIME, t.CONTENT_TIME, t.SERIES_TIME),
            "US",
            "StudyTime",
            utc(13, 0),
        ),
    ],
)
def test_the_best_time_present_is_the_begin(
    missing: tuple[int, ...], modality: str, source: str, begin: datetime
) -> None:
    span = span_of(without(*missing), NEW_YORK, modality, "SIEMENS")
    assert (span.begin.source, span.begin.instant.at) == (source, begin)


def test_an_offset_in_the_header_wins_over_the_zone_of_the_feed() -> None:
    texts = without(t.ACQUISITION_DATETIME) | {t.TIMEZONE: "+0200"}
    assert span_of(texts, NEW_YORK, "CT", None).begin.instant.at == utc(8, 5)


def test_an_offset_in_the_time_itself_wins_over_that_of_the_header() -> None:
    texts = ALL | {t.TIMEZONE: "+0200", t.ACQUISITION_DATETIME: f"{DAY}100501+0100"}
    assert span_of(texts, NEW_YORK, "CT", None).begin.instant.at == utc(9, 5, 1)


def test_a_nonsense_offset_in_the_header_is_ignored() -> None:
    texts = without(t.ACQUISITION_DATETIME) | {t.TIMEZONE: "+9999"}
    assert span_of(texts, NEW_YORK, "CT", None).begin.instant.at == utc(14, 5)


@pytest.mark.parametrize("maker", ["Philips Medical Systems", "FONAR CORP"])
def test_philips_and_fonar_mr_begin_at_series_time_and_end_at_acquisition_time(maker: str) -> None:
    span = span_of(without(t.ACQUISITION_DATETIME), NEW_YORK, "MR", maker)
    assert (span.begin.source, span.begin.instant.at, span.end_at) == ("SeriesTime", utc(14, 0), utc(14, 5))


@pytest.mark.parametrize(("modality", "maker"), [("CT", "Philips"), ("MR", "SIEMENS"), ("MR", None)])
def test_other_scanners_begin_at_acquisition_time(modality: str, maker: str | None) -> None:
    span = span_of(without(t.ACQUISITION_DATETIME), NEW_YORK, modality, maker)
    assert (span.begin.source, span.end_at) == ("AcquisitionTime", None)


def test_the_acquisition_duration_gives_the_end() -> None:
    span = span_of(ALL | {t.ACQUISITION_DURATION: "90.5"}, NEW_YORK, "MR", "SIEMENS")
    assert span.end_at == utc(14, 6, 32)


@pytest.mark.parametrize("duration", ["-5", "0", "nan", "1e9", "text"])
def test_a_senseless_duration_gives_no_end(duration: str) -> None:
    assert span_of(ALL | {t.ACQUISITION_DURATION: duration}, NEW_YORK, "MR", "SIEMENS").end_at is None


def test_a_time_without_date_borrows_one_and_says_whose() -> None:
    texts = {t.ACQUISITION_TIME: "105116", t.STEP_START_DATE: DAY, t.STEP_START_TIME: "104805"}
    begin = span_of(texts, NEW_YORK, "CR", None).begin
    assert begin.source == "AcquisitionTime/PerformedProcedureStepStartDate"
    assert begin.instant.at == utc(14, 51, 16)


def test_a_borrowed_date_moves_on_when_midnight_lies_between() -> None:
    texts = {t.ACQUISITION_TIME: "001000", t.STUDY_DATE: DAY, t.STUDY_TIME: "235000"}
    assert span_of(texts, NEW_YORK, "CR", None).begin.instant.at == utc(4, 10, day=2)


def test_old_dotted_dates_and_coloned_times_are_read() -> None:
    texts = {t.STUDY_DATE: "2026.07.01", t.STUDY_TIME: "14:04:38"}
    begin = span_of(texts, NEW_YORK, "US", None).begin
    assert (begin.instant.at, begin.raw) == (utc(18, 4, 38), "2026.07.01 14:04:38")


def test_a_date_without_any_time_of_day_is_no_time() -> None:
    with pytest.raises(ItemRefused) as refusal:
        span_of({t.STUDY_DATE: DAY, t.ACQUISITION_DATETIME: DAY}, NEW_YORK, "US", None)
    assert refusal.value.reason is Reason.MISSING_TIME


def test_an_unreadable_best_time_gives_way_to_the_next() -> None:
    texts = without(t.ACQUISITION_DATETIME) | {t.ACQUISITION_DATE: "NotADate"}
    assert span_of(texts, NEW_YORK, "CT", None).begin.source == "SeriesTime"


def test_only_unreadable_times_are_refused_for_the_first_of_them() -> None:
    with pytest.raises(ItemRefused) as refusal:
        span_of({t.STUDY_DATE: "20261341", t.STUDY_TIME: "090000"}, NEW_YORK, "CT", None)
    assert refusal.value.reason is Reason.IMPOSSIBLE_TIME


def test_a_time_in_the_skipped_hour_is_refused_rather_than_replaced() -> None:
    texts = without(t.ACQUISITION_DATETIME) | {t.ACQUISITION_DATE: "20260308", t.ACQUISITION_TIME: "023000"}
    with pytest.raises(ItemRefused) as refusal:
        span_of(texts, NEW_YORK, "CT", None)
    assert refusal.value.reason is Reason.NONEXISTENT_LOCAL_TIME


def test_a_time_in_the_repeated_hour_is_flagged() -> None:
    texts = without(t.ACQUISITION_DATETIME) | {t.ACQUISITION_DATE: "20261101", t.ACQUISITION_TIME: "013000"}
    assert span_of(texts, NEW_YORK, "CT", None).begin.instant.flag == "ambiguous"
