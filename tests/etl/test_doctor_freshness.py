"""The doctor says of every feed how fresh it is, by the data's time against the wall clock, and what to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from etl.doctor import _freshness

NOW = datetime(2026, 9, 7, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("until", "due", "stale", "ok", "text", "fix"),
    [
        (-60, 5, 60, True, "f: ok, data until 2026-09-07 12:00 UTC, more by 2026-09-07 13:05 UTC (learned)", "ask its"),
        (-60, -5, 60, False, "f: late, data until", "ask its sender"),
        (-600, -65, -5, False, "f: stale, data until", "ask its sender"),
        (11, 600, 700, False, "f: unknown, data until", "check the sender's clock"),
        (None, None, None, False, "f: unknown, nothing yet", "check path and pattern"),
    ],
)
def test_each_state_is_a_word_with_its_fix(
    until: float | None, due: float | None, stale: float | None, ok: bool, text: str, fix: str
) -> None:
    at = [None if m is None else NOW + timedelta(minutes=m) for m in (until, due, stale)]
    row: Any = SimpleNamespace(
        feed_key="f", data_until_at=at[0], expected_by_at=at[1], stale_at=at[2], profile_source="learned"
    )
    found = _freshness(row, NOW)
    assert (found.area, found.ok) == ("freshness", ok)
    assert found.text.startswith(text)
    assert fix in found.fix
