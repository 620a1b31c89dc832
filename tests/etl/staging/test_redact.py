"""Explanations keep what helps and lose what identifies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.staging import redact


@pytest.mark.parametrize(
    "detail",
    [
        "PID-3.1 is empty",
        "no OBR segment after ORC in ORM^O01",
        "(0008,0020) missing",
        "message of 10485760 bytes",
        "line 1234567: trailer counts 12 items",
        "transfer syntax unknown",
    ],
)
def test_field_names_codes_and_counts_stay(detail: str) -> None:
    assert redact(detail) == detail


@pytest.mark.parametrize(
    "secret",
    ["DOE^JANE^Q", "19530217", "MRN0012345", "1.2.840.113619.2.55.3", "SCHMIDT", "jane@example.org", "+4930123456"],
)
def test_values_are_replaced_by_their_length(secret: str) -> None:
    assert secret not in redact(f"value {secret} of PID-5 is not a time")
    assert secret not in redact(f"PID-7: {secret}; expected a date")


@given(st.text(st.characters(exclude_characters="'\"", categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=30))
def test_whatever_is_quoted_is_hidden(value: str) -> None:
    assert redact(f"OBR-7 holds '{value}'") == f"OBR-7 holds [{len(' '.join(value.split())) + 2} characters]" or (
        value.split() != [value]  # spaces are collapsed before its length is taken
    )


def test_an_explanation_is_one_bounded_line() -> None:
    redacted = redact("field is wrong\n\x00" * 200)
    assert len(redacted) <= 400
    assert redacted.isprintable()
