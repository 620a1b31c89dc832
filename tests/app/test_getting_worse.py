"""What is rejected more often than before: rises beyond chance are told from those that are not."""

from __future__ import annotations

import pandas as pd

from app.getting_worse import changes
from app.uncertainty import control

COLUMNS = ["scanner", "reason", "sum", "n"]


def rejected(*rows: tuple[str, str, float, int]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.assign(per_100=100 * frame["sum"] / frame["n"])


def test_a_doubled_reason_is_clear_and_a_small_rise_is_not() -> None:
    before = rejected(("R1", "positioning", 30, 1000), ("R1", "motion", 20, 1000), ("R2", "motion", 20, 1000))
    now = rejected(("R1", "positioning", 60, 1000), ("R1", "motion", 24, 1000), ("R2", "motion", 10, 1000))
    found = changes(now, before)
    assert list(zip(found["scanner"], found["reason"], found["is_clear"], strict=True)) == [
        ("R1", "positioning", True),
        ("R1", "motion", False),
    ]
    assert found["rise"].round(9).tolist() == [3.0, 0.4]


def test_a_reason_that_is_new_in_a_known_room_is_a_rise_from_nought() -> None:
    found = changes(rejected(("R1", "artefact", 25, 1000)), rejected(("R1", "motion", 20, 1000)))
    assert found[["per_100_before", "per_100", "is_clear"]].values.tolist() == [[0.0, 2.5, True]]


def test_a_room_without_a_before_and_a_handful_of_rejects_are_no_rise() -> None:
    before = rejected(("R1", "motion", 1, 1000))
    now = rejected(("R1", "motion", 4, 1000), ("R9", "motion", 50, 1000))
    assert changes(now, before).empty


def test_an_unusual_week_has_another_shape_and_limits_of_a_share_stay_shares() -> None:
    shares = [0.9, 0.7] * 5 + [0.0]
    weeks = pd.DataFrame({"week": pd.date_range("2026-01-05", periods=11, freq="7D"), "share": shares, "n": 20})
    chart = control(weeks, "week", "share", "share", what="Right flags")
    assert chart.frame["state"].tolist()[-1] == "unusual"
    assert chart.frame["state"].tolist()[0] == "as usual"
    rules = [layer["encoding"]["y"]["datum"] for layer in chart.spec["layer"] if layer["mark"]["type"] == "rule"]
    assert max(rules) <= 1.0
    assert "Last 0 %" in chart.alt
