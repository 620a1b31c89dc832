"""Cleaning of single values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from etl.staging.clean import birth_year, micros, sex, text


@examples(max_examples=60)
@given(st.text(max_size=80), st.integers(1, 40))
def test_cleaned_text_is_bounded_trimmed_and_free_of_control_characters(value: str, length: int) -> None:
    cleaned = text(value, length)
    if cleaned is not None:
        assert 0 < len(cleaned) <= length
        assert cleaned == cleaned.strip()
        cleaned.encode("utf-8")  # no lone surrogates
        assert not any(ord(c) < 32 or ord(c) == 127 for c in cleaned)


def test_ordinary_text_stays_as_it_is() -> None:
    assert text("CT Thorax mit KM (ä)", 40) == "CT Thorax mit KM (ä)"
    assert text("a\x00b\x1fc", 40) == "a b c"
    assert [text(v, 5) for v in (None, "", "  ", "\x00")] == [None] * 4


@pytest.mark.parametrize(
    ("raw", "year"),
    [("19530217", 1953), ("1953-02-17", 1953), ("1953", 1953), ("19", None), ("", None), (None, None)],
)
def test_only_the_year_of_a_birth_date_is_kept(raw: str | None, year: int | None) -> None:
    assert birth_year(raw) == year


@pytest.mark.parametrize("raw", ["00000000", "99991231", "abcd1201", "\u0662\u0660\u0662\u06660101"])
def test_an_implausible_birth_date_has_no_year(raw: str) -> None:
    assert birth_year(raw) is None


def test_sex_is_one_of_four_letters_or_nothing() -> None:
    assert [sex(v) for v in ("m", "Female", "O", "U", "x", "?", "", None)] == [
        "M", "F", "O", "U", "O", "U", None, None,
    ]  # fmt: skip


@given(st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001 - zone added below
def test_microseconds_are_exact_in_every_zone(naive: datetime, offset_min: int) -> None:
    at = naive.replace(tzinfo=timezone(timedelta(minutes=offset_min)))
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros(at)) == at
