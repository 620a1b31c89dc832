"""When feeds are late: hand-computed on weeks written down one by one, nights, weekends, DST and outages included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select

from etl.settings import Feed
from etl.warehouse.derive import derive
from etl.warehouse.feed_profile import (
    CONFIGURED,
    LEARNED,
    Expected,
    Freshness,
    expected,
    judged,
    longest_normal,
    profile,
)
from etl.warehouse.parameters import FeedRule
from etl.warehouse.tables import fact_feed, fact_feed_profile

NEW_YORK = ZoneInfo("America/New_York")
RULE = FeedRule("f", "hl7v2", "NORTH")
MONDAY = date(2026, 6, 1)


def local(day: date, clock: str, fold: int = 0) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), NEW_YORK).replace(fold=fold).astimezone(UTC)


def office(first: date, days: int, *, weekend: bool = False) -> Iterator[datetime]:
    """Messages at 10 and 40 minutes past each hour from 08:10 to 17:40, on working days."""
    for day in (first + timedelta(days=n) for n in range(days)):
        if weekend or day.weekday() < 5:
            for hour in range(8, 18):
                yield from (local(day, f"{hour:02}:{minute}") for minute in (10, 40))


def limits_of(arrivals: Iterable[datetime]) -> dict[tuple[int, int], float]:
    found = profile(pd.DatetimeIndex(sorted(arrivals)), NEW_YORK)
    known = found[found["weeks"] >= 4]
    return dict(zip(zip(known["local_weekday"], known["local_hour"], strict=True), known["limit_min"], strict=True))


def due_after(last: datetime, arrivals: Iterable[datetime], rule: FeedRule = RULE) -> Expected:
    return expected(rule, last, limits_of([*arrivals, last]), NEW_YORK)


@pytest.fixture(scope="module")
def weeks() -> list[datetime]:
    """Thirteen weeks of office hours, to Friday 28 August 2026."""
    return [*office(MONDAY, 13 * 7)]


def test_a_working_hour_is_late_forty_minutes_into_the_next(weeks: list[datetime]) -> None:
    # from 11:00 the next message came after 10 minutes each week: 10, no spread, 30 of margin
    wednesday = date(2026, 9, 2)
    found = due_after(local(wednesday, "10:40"), weeks)
    # missing at 11:40, the hour from 12:00 brings something by 12:40
    assert found == Expected(local(wednesday, "11:40"), local(wednesday, "12:40"), LEARNED)


def test_an_evening_and_a_weekend_are_quiet(weeks: list[datetime]) -> None:
    friday, monday = date(2026, 9, 4), date(2026, 9, 7)
    found = due_after(local(friday, "17:40"), [*weeks, *office(date(2026, 8, 31), 4)])
    assert found.by_at == local(monday, "08:40")  # 08:10 and the margin
    assert found.stale_at == local(monday, "09:40")
    for now_at, said in (
        (local(friday, "23:00"), Freshness.OK),
        (local(date(2026, 9, 6), "12:00"), Freshness.OK),
        (local(monday, "08:40"), Freshness.OK),
        (local(monday, "08:41"), Freshness.LATE),
        (local(monday, "09:41"), Freshness.STALE),
    ):
        assert judged(local(friday, "17:40"), found.by_at, found.stale_at, now_at) is said


def test_a_feed_dead_since_friday_at_five_is_said_that_evening(weeks: list[datetime]) -> None:
    friday = date(2026, 9, 4)
    last = local(friday, "16:40")
    found = due_after(last, weeks)
    assert found.by_at == local(friday, "17:40")  # a message at 17:10 came every Friday
    assert judged(last, found.by_at, found.stale_at, local(date(2026, 9, 7), "07:00")) is Freshness.LATE
    assert judged(last, found.by_at, found.stale_at, local(date(2026, 9, 7), "08:41")) is Freshness.STALE


def test_a_daily_delivery_is_due_the_day_after_and_on_friday_after_the_weekend() -> None:
    # at 06:05 and 06:35 by turns: from 07:00 the next comes after 23 h 05 to 23 h 35
    days = [MONDAY + timedelta(days=n) for n in range(91) if n % 7 < 5]
    arrivals = [local(day, "06:05" if n // 5 % 2 else "06:35") for n, day in enumerate(days)]
    tuesday = date(2026, 9, 1)
    # 23 h 35, half an hour of spread, half an hour of margin: 07:35
    assert due_after(local(tuesday, "06:05"), arrivals).by_at == local(date(2026, 9, 2), "07:35")
    friday = date(2026, 9, 4)
    assert due_after(local(friday, "06:05"), arrivals).by_at == local(date(2026, 9, 7), "07:35")


@pytest.mark.parametrize(
    ("friday", "monday"),
    [(date(2026, 10, 30), date(2026, 11, 2)), (date(2027, 3, 12), date(2027, 3, 15))],  # clocks back, clocks forward
)
def test_a_weekend_of_changing_clocks_is_due_by_the_wall_clock(friday: date, monday: date) -> None:
    history = office(friday - timedelta(days=11 * 7 + 4), 11 * 7 + 4)
    assert due_after(local(friday, "17:40"), history).by_at == local(monday, "08:40")


def test_the_hour_told_twice_is_given_its_second_time() -> None:
    # every ten minutes around the clock; silent from 00:55 on 1 November, when 02:00 becomes 01:00
    start = local(date(2026, 9, 7), "00:05")
    last = local(date(2026, 11, 1), "00:55")
    arrivals = [at for n in range(6 * 24 * 60) if (at := start + n * timedelta(minutes=10)) <= last]
    # from 01:00 in 5 minutes, 30 of margin: 01:35 the second time
    assert due_after(last, arrivals).by_at == local(date(2026, 11, 1), "01:35", fold=1)


def test_the_hour_left_out_delays_nothing_but_itself() -> None:
    start = local(date(2027, 1, 18), "00:05")
    last = local(date(2027, 3, 14), "01:55")
    arrivals = [at for n in range(6 * 24 * 60) if (at := start + n * timedelta(minutes=10)) <= last]
    assert due_after(last, arrivals).by_at == local(date(2027, 3, 14), "03:35")


def test_one_outage_is_not_learned(weeks: list[datetime]) -> None:
    gap = (local(date(2026, 7, 8), "09:30"), local(date(2026, 7, 9), "13:00"))
    holed = [at for at in weeks if not gap[0] < at < gap[1]]
    wednesday = date(2026, 9, 2)
    assert due_after(local(wednesday, "10:40"), holed).by_at == local(wednesday, "11:40")


def test_random_nights_learn_their_own_spread() -> None:
    waits = np.array([3.0, 10, 14, 20, 25, 33, 41, 52, 66, 80, 95, 130, 170])
    assert longest_normal(waits) == 170 + 167 + 30
    assert longest_normal(np.append(waits, 800.0)) == 170 + 167 + 30  # 800 > 170 + 60 + 3 * 167
    assert longest_normal(np.append(waits, 700.0)) == 700 + 697 + 30
    assert longest_normal(np.array([5.0, 5.0, 5.0, 600.0])) == 600 + 595 + 30  # too few to call one an outage


def test_short_history_leaves_it_to_the_configured_rhythm() -> None:
    arrivals = [*office(MONDAY, 3 * 7)]
    rule = FeedRule("f", "hl7v2", "NORTH", expected_every_min=120, delivered_every_min=120)
    last = local(date(2026, 6, 22), "10:10")
    assert due_after(last, arrivals, rule) == Expected(
        last + timedelta(minutes=180), last + timedelta(minutes=480), CONFIGURED
    )


def test_an_extract_is_given_the_rhythm_of_its_deliveries(weeks: list[datetime]) -> None:
    nightly = FeedRule("f", "ris_csv", "NORTH", expected_every_min=1440, delivered_every_min=1440)
    wednesday, thursday = date(2026, 9, 2), date(2026, 9, 3)
    assert due_after(local(wednesday, "10:40"), weeks, nightly).by_at == local(thursday, "11:40")


def test_a_monthly_list_is_late_by_its_own_rhythm_and_not_a_quarter_later() -> None:
    month = 31 * 1440
    roster = FeedRule("f", "extract_csv", "NORTH", expected_every_min=month, delivered_every_min=month)
    arrivals = [local(date(2026, n, 2), "00:00") for n in range(5, 12)]
    last = arrivals[-1]
    # learned by weekday, the spread alone is three weeks: it would be awaited 80 days later
    assert due_after(last, arrivals, roster) == Expected(
        last + timedelta(days=46.5), last + timedelta(days=124), CONFIGURED
    )


@pytest.mark.parametrize(("given", "delivered"), [({}, 0), ({"expected_every_min": 1440}, 1440)])
def test_only_a_rhythm_that_is_set_counts_as_delivery(given: dict[str, int], delivered: int) -> None:
    from etl.warehouse.parameters import _feed

    rule = _feed(Feed(key="f", kind="ris_csv", site="NORTH", **given))
    assert (rule.expected_every_min, rule.delivered_every_min) == (1440, delivered)


def test_nothing_is_known_of_no_data_or_of_a_stamp_ahead() -> None:
    now_at = local(MONDAY, "12:00")
    later = now_at + timedelta(days=9)
    assert judged(None, None, None, now_at) is Freshness.UNKNOWN
    assert judged(now_at + timedelta(minutes=11), later, later, now_at) is Freshness.UNKNOWN
    assert judged(now_at + timedelta(minutes=10), later, later, now_at) is Freshness.OK


def test_a_dead_feed_is_late_though_one_stamp_says_2036(warehouse: Any, ward: Any) -> None:
    last = local(date(2026, 8, 27), "17:40")  # a Thursday; the other feed goes on
    for number, at in enumerate(office(MONDAY, 13 * 7)):
        ward.event("order_entered", at, acc=f"S{number}", feed="south_hl7")
        if at <= last:
            ward.event("order_entered", at, acc=f"N{number}")
    ward.event("order_entered", datetime(2036, 1, 1, tzinfo=UTC), acc="X")
    _load(warehouse.engine, ward)
    with warehouse.engine.connect() as connection:
        feeds = {row.feed_key: row for row in connection.execute(select(fact_feed))}
        hours = connection.execute(select(fact_feed_profile).where(fact_feed_profile.c.feed_key == "north_hl7")).all()
    north, south = feeds["north_hl7"], feeds["south_hl7"]
    assert (north.data_until_at, north.expected_by_at) == (last, local(date(2026, 8, 28), "08:40"))
    assert (north.profile_source, north.expected_within_min) == (LEARNED, 15 * 60.0)
    now_at = local(date(2026, 8, 28), "12:00")
    assert judged(north.data_until_at, north.expected_by_at, north.stale_at, now_at) is Freshness.STALE
    assert judged(south.data_until_at, south.expected_by_at, south.stale_at, local(date(2026, 8, 30), "12:00")) is (
        Freshness.OK
    )
    assert feeds["north_ris"].expected_by_at is None
    monday_noon = next(row for row in hours if (row.local_weekday, row.local_hour) == (0, 12))
    assert (monday_noon.weeks, monday_noon.delivered_share, monday_noon.wait_min, monday_noon.limit_min) == (
        13, 1.0, 10.0, 40.0,
    )  # fmt: skip
    assert len(hours) == 168


def _load(engine: Any, ward: Any) -> None:
    with engine.begin() as connection:
        ward.load(connection)
        derive(connection, ward.parameters)
