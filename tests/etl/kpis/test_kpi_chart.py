"""Which chart a KPI gets, at which grain, and where its baseline lies."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from etl.kpis import KPIS
from etl.kpis.control import Assurance, Variation
from etl.kpis.control_limits import Chart
from etl.kpis.kpi_chart import BASELINE_DAYS, Read, baseline_begin, kpi_chart

FIRST, LAST = date(2026, 8, 3), date(2026, 11, 29)  # Monday to Sunday, 17 weeks
DAYS = pd.date_range(FIRST, LAST)


def told(**columns: object) -> Read:
    """A reader of daily figures; weekly ones are the weeks' means and sums."""
    daily = pd.DataFrame({"day": DAYS, **columns})

    def read(grain: str) -> pd.DataFrame:
        if grain == "day":
            return daily
        weeks = daily.assign(week=daily["day"].dt.to_period("W").dt.start_time).drop(columns="day").groupby("week")
        sums = [name for name in ("n", "numerator") if name in daily]
        return weeks.agg({name: "sum" if name in sums else "mean" for name in daily if name != "day"}).reset_index()

    return read


def test_a_median_of_many_a_day_is_charted_daily() -> None:
    found = kpi_chart(KPIS["T16"], told(p50=40.0 + np.arange(len(DAYS)) % 2, n=20), FIRST, LAST)
    assert found is not None
    assert (found.grain, found.control.series.chart) == ("day", Chart.XMR)
    assert found.variation is Variation.COMMON


def test_a_median_of_few_a_day_is_charted_weekly() -> None:
    found = kpi_chart(KPIS["T16"], told(p50=40.0 + np.arange(len(DAYS)) % 2, n=3), FIRST, LAST)
    assert found is not None
    assert (found.grain, len(found.buckets)) == ("week", 17)


def test_a_day_of_few_items_is_no_point() -> None:
    n = np.where(np.arange(len(DAYS)) == 100, 7, 20)
    found = kpi_chart(KPIS["T16"], told(p50=np.where(n == 7, 900.0, 40.0), n=n), FIRST, LAST)
    assert found is not None
    assert np.isnan(found.control.series.values[100])
    assert not any(found.control.causes)


def test_a_share_gets_limits_of_its_own_every_day() -> None:
    n = np.where(np.arange(len(DAYS)) % 2, 50, 400)
    found = kpi_chart(KPIS["T24"], told(share=0.9, numerator=n * 0.9, n=n), FIRST, LAST)
    assert found is not None
    assert found.control.series.chart is Chart.P
    assert found.control.low[0] > found.control.low[1]  # 400 items: narrower than 50


def test_what_happens_less_than_daily_is_charted_by_the_way_between() -> None:
    """Nine events, 10 days and 1,000 exams apart: eight gaps of 999 exams less the event itself, or 1,000."""
    happened = (np.arange(len(DAYS)) % 10 == 0).astype(float)
    read = told(per_10000=happened, numerator=happened, n=100)
    found = kpi_chart(KPIS["Q09"], read, FIRST, LAST)
    assert found is not None
    assert found.control.series.chart is Chart.G
    assert set(found.control.series.values) == {1000.0}
    assert found.better == "higher"  # the farther apart, the better
    assert found.assurance(1.0) is Assurance.NONE


def test_a_queue_of_few_is_a_number_all_the_same() -> None:
    found = kpi_chart(KPIS["U21"], told(count=2.0, n=2), FIRST, LAST)
    assert found is not None
    assert found.grain == "day"


def test_nothing_to_chart_is_no_chart() -> None:
    assert kpi_chart(KPIS["T16"], lambda grain: pd.DataFrame({grain: []}), FIRST, LAST) is None


@pytest.mark.parametrize(
    ("last", "begin"),
    [
        (date(2026, 11, 29), date(2026, 5, 4)),  # eight weeks before 1 July, on a Monday
        (date(2026, 7, 1), date(2026, 5, 4)),
        (date(2026, 6, 30), date(2025, 11, 3)),
    ],
)
def test_the_baseline_moves_twice_a_year_only(last: date, begin: date) -> None:
    assert baseline_begin(date(2020, 1, 1), last) == begin
    assert begin.weekday() == 0
    assert date(last.year, 1 if last.month < 7 else 7, 1) - begin >= timedelta(days=BASELINE_DAYS)


def test_a_young_department_begins_with_its_first_day() -> None:
    assert baseline_begin(FIRST, LAST) == FIRST


def test_a_rebase_ends_a_signal() -> None:
    moved = np.where(np.arange(len(DAYS)) < 71, 40.0, 80.0) + np.arange(len(DAYS)) % 2
    read = told(p50=moved, n=20)
    before = kpi_chart(KPIS["T16"], read, FIRST, LAST)
    after = kpi_chart(KPIS["T16"], read, FIRST, LAST, rebases=[FIRST + timedelta(days=71)])
    assert before is not None
    assert after is not None
    assert (before.variation, before.since) == (Variation.CONCERN, FIRST + timedelta(days=71))
    assert after.variation is Variation.COMMON
