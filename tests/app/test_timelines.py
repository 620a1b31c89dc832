"""Charts along a clock: gaps stay gaps, days stay site-local, and each chart says itself."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from app import charts, timelines
from app.matrix import WRITTEN_COLUMNS, heat
from app.queue_history import begun_everywhere
from app.scanner_days import without
from app.spans import SHORTEST_MIN, spans
from app.uncertainty import intervals

HOUR = pd.Timedelta(hours=1)


def _hours(*texts: str) -> pd.DataFrame:
    at = pd.to_datetime([f"2026-11-24 {t}" for t in texts])
    return pd.DataFrame({"at": at, "value": range(1, len(at) + 1)})


def test_stepped_line_keeps_the_last_hours_width_and_breaks_at_closed_hours() -> None:
    drawn = timelines.stepped(_hours("08:00", "09:00", "14:00"))
    broken = drawn[drawn["value"].isna()]["at"]
    assert [t.hour for t in broken] == [10, 15]
    before = drawn[drawn["at"] == pd.Timestamp("2026-11-24 10:00")]
    assert before["value"].tolist() == [2]
    assert drawn["at"].is_monotonic_increasing


@pytest.mark.parametrize(
    ("holes", "left"),
    [
        ([], [(8.0, 12.0)]),
        ([(9.0, 10.0)], [(8.0, 9.0), (10.0, 12.0)]),
        ([(7.0, 9.0), (11.0, 13.0)], [(9.0, 11.0)]),
        ([(8.0, 12.0)], []),
        ([(9.0, 11.0), (10.0, 11.5)], [(8.0, 9.0), (11.5, 12.0)]),
        ([(1.0, 2.0), (20.0, 21.0)], [(8.0, 12.0)]),
        ([(10.0, 11.0), (9.0, 9.5)], [(8.0, 9.0), (9.5, 10.0), (11.0, 12.0)]),
    ],
)
def test_downtime_is_taken_out_of_a_gap(holes: list[tuple[float, float]], left: list[tuple[float, float]]) -> None:
    assert without((8.0, 12.0), holes) == left


def test_what_is_left_of_a_gap_never_meets_a_hole() -> None:
    edges = [0.0, 1.0, 2.0, 3.0, 4.0]
    holes_possible = [(a, b) for a, b in itertools.combinations(edges, 2)]
    for first, second in itertools.product(holes_possible, repeat=2):
        left = without((0.5, 3.5), [first, second])
        taken = sum(e - b for b, e in left)
        covered = sum(0.5 for k in range(1, 7) if any(b <= k / 2 and k / 2 + 0.5 <= e for b, e in (first, second)))
        assert taken == pytest.approx(3.0 - covered)


def test_days_are_sent_as_utc_midnight_whatever_the_browsers_zone() -> None:
    assert charts.millis(pd.Series([date(1970, 1, 2)])).tolist() == [86_400_000]


def _daily() -> pd.DataFrame:
    return pd.DataFrame({"day": pd.to_datetime(["2026-11-22", "2026-11-23", "2026-11-24"]), "p50": [40.0, None, 10.0]})


def test_trend_says_the_last_complete_day_and_marks_the_running_one() -> None:
    chart = charts.trend(_daily(), "day", {"p50": "Median"}, "min", what="Wait", incomplete_from=date(2026, 11, 24))
    assert "Median 40 min on Sun 22 Nov" in chart.alt
    assert chart.frame["running"].tolist() == [False, True]
    assert chart.frame["day"].tolist() == ["Sun 22 Nov", "Tue 24 Nov (incomplete)"]


def test_trend_without_any_complete_day_says_so() -> None:
    chart = charts.trend(_daily(), "day", {"p50": "Median"}, "min", what="Wait", incomplete_from=date(2026, 11, 1))
    assert "no complete day" in chart.alt


def test_missing_values_are_not_drawn_as_zero() -> None:
    frame = pd.DataFrame({"scanner": ["A", "B"], "hour_of_day": [8, 8], "share": [0.5, None]})
    drawn = heat(frame, "hour_of_day", "scanner", "share", "share", what="Use", x_order=[8], y_order=["A", "B"])
    assert drawn.frame["y"].tolist() == ["A"]
    assert "Highest 50 % for A" in drawn.alt


def test_ranking_sorts_highest_first_and_says_both_ends() -> None:
    frame = pd.DataFrame({"modality": ["CT", "MR", "US"], "share": [0.2, 0.9, 0.5], "n": [10, 20, 30]})
    chart = charts.ranked(frame, "modality", "share", "share", what="Use")
    assert chart.spec["layer"][0]["encoding"]["y"]["sort"] == ["MR", "US", "CT"]
    assert chart.alt == "Use. Highest MR 90 %, lowest CT 20 %, 3 rows."


def test_zero_waits_have_a_place_on_the_logarithmic_axis_but_keep_their_word() -> None:
    frame = pd.DataFrame({"phase": ["a", "b"], "p50": [0.0, 60.0], "p90": [5.0, 600.0], "n": [9, 9]})
    drawn = spans(frame, "phase", what="Phases", order=["a", "b"]).frame
    assert drawn["p50"].tolist() == [SHORTEST_MIN, 60.0]
    assert drawn["p50_said"].tolist() == ["0 min", "60 min"]


def test_scanner_day_says_the_longest_gap() -> None:
    bars = pd.DataFrame(
        {
            "scanner": ["A", "A", "A"],
            "kind": ["exam", "idle gap", "exam"],
            "begin": [8.0, 9.0, 10.5],
            "end": [9.0, 10.5, 11.0],
            "said": ["", "", ""],
        }
    )
    assert "the longest 90 min on A from 09:00" in timelines.scanner_day(bars, ["A"], None, "Day").alt
    assert "no exam" in timelines.scanner_day(bars[bars["kind"] == "none"], ["A"], None, "Day").alt


def test_the_first_series_lies_on_top_of_equal_ones() -> None:
    frame = _daily().assign(p90=50.0)
    names = {"p50": "Median", "p90": "P90"}
    drawn = charts.trend(frame, "day", names, "min", what="Wait").frame
    assert list(dict.fromkeys(drawn["series"])) == ["P90", "Median"]  # drawn in this order


def test_few_points_carry_their_own_ticks() -> None:
    axis = charts.trend(_daily(), "day", {"p50": "Median"}, "min", what="Wait").spec["layer"][0]["encoding"]["x"][
        "axis"
    ]
    assert [tick["date"] for tick in axis["values"]] == [22, 23, 24]


def test_bars_leave_room_for_their_words_and_shares_say_what_they_rest_on() -> None:
    frame = pd.DataFrame({"reason": ["a", "b"], "share": [1.0, 0.5], "n": [1190, 20]})
    chart = charts.ranked(frame, "reason", "share", "share", what="Use")
    assert chart.frame["label"].tolist() == ["100 %, n = 1,190", "50 %, n = 20"]
    x = chart.spec["layer"][0]["encoding"]["x"]
    assert x["scale"]["domainMax"] > 1.4
    assert "datum.value > 1.001 ? ''" in x["axis"]["labelExpr"]


def test_counts_on_bars_leave_the_unit_to_the_axis() -> None:
    frame = pd.DataFrame({"reason": ["a"], "sum": [364.0]})
    assert charts.ranked(frame, "reason", "sum", "exposures", what="Rejects").frame["label"].tolist() == ["364"]


@pytest.mark.parametrize(("columns", "layers"), [(WRITTEN_COLUMNS, 2), (WRITTEN_COLUMNS + 1, 1)])
def test_cells_that_are_wide_enough_hold_their_value(columns: int, layers: int) -> None:
    frame = pd.DataFrame({"scanner": ["A"], "hour": [0], "share": [0.5]})
    chart = heat(frame, "hour", "scanner", "share", "share", what="Use", x_order=range(columns), y_order=["A"])
    assert len(chart.spec["layer"]) == layers
    assert chart.frame["label"].tolist() == ["50 %"]


def test_intervals_say_n_beside_the_name_and_keep_the_order_asked_for() -> None:
    frame = pd.DataFrame(
        {"what": ["b", "a"], "share": [0.5, 0.2], "low": [0.3, 0.1], "high": [0.7, 0.3], "n": [7, 1200]}
    )
    chart = intervals(frame, "what", "share", "share", what="Share", order=["a", "b"])
    assert chart.spec["layer"][0]["encoding"]["y"]["sort"] == ["a (n = 1,200)", "b (n = 7)"]
    assert chart.frame["category"].tolist() == ["b (n = 7)", "a (n = 1,200)"]


def test_an_hour_the_western_site_has_not_reached_is_no_end_of_a_queue() -> None:
    history = pd.DataFrame({"hour": pd.to_datetime(["2026-12-01 06:00", "2026-12-01 07:00"]), "count": [102, 66]})
    now = datetime(2026, 12, 1, 12, 59, tzinfo=UTC)
    east, west = ZoneInfo("America/New_York"), ZoneInfo("America/Chicago")
    assert begun_everywhere(history, now, [east, west])["count"].tolist() == [102]
    assert begun_everywhere(history, now, [east])["count"].tolist() == [102, 66]
