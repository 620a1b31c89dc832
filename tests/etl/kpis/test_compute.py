"""What one may ask of a KPI, and what a question one may not ask is answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine

from etl.access import DEMO, Principal, Role
from etl.errors import RefusedError
from etl.kpis import KPIS, Query, compute
from etl.kpis.base import DIMENSION_COLUMNS, Kpi, Registry
from etl.warehouse import tables as t

START, END = date(2026, 9, 1), date(2026, 10, 1)


def ask(kpi: str, *by: str, **where: tuple[str, ...]) -> Query:
    """Return a question over September."""
    return Query(kpi, START, END, by, where)


@pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.id)
def test_every_grain_and_dimension_a_kpi_offers_can_be_computed(kpi: Kpi, duck: Engine) -> None:
    for name in (*kpi.grains, *kpi.dimensions):
        result = compute(duck, ask(kpi.key, name), DEMO, min_n=0)
        assert list(result.frame.columns) == [name, *result.meta.columns]
        assert result.frame[name].is_monotonic_increasing
        assert result.meta.headline == next(iter(result.meta.columns))


@pytest.mark.postgresql
@pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.id)
def test_both_engines_cut_alike(kpi: Kpi, duck: Engine, postgres: Engine) -> None:
    by = (*kpi.grains[-2:-1], *kpi.dimensions[-2:])  # weeks, weekdays and hours where it has them
    one, other = (compute(engine, ask(kpi.key, *by), DEMO, min_n=0).frame for engine in (duck, postgres))
    pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize("kpi", [k for k in KPIS if "day" in k.grains and k.at.date is not None], ids=lambda k: k.id)
def test_days_add_up_to_the_period(kpi: Kpi, duck: Engine) -> None:
    days = compute(duck, ask(kpi.key, "day"), DEMO, min_n=0)
    whole = compute(duck, ask(kpi.key), DEMO, min_n=0)
    assert days.frame["n"].sum() == whole.frame["n"].sum() == days.meta.n == whole.meta.n
    assert (days.meta.missing, days.meta.open) == (whole.meta.missing, whole.meta.open)


def test_a_slice_equals_the_same_question_with_the_slice_as_filter(duck: Engine) -> None:
    cut = compute(duck, ask("T16", "modality"), DEMO, min_n=0).frame.set_index("modality")
    only = compute(duck, ask("T16", modality=("CT",)), DEMO, min_n=0).frame
    assert cut.loc["CT"].to_dict() == only.iloc[0].to_dict()


def test_keys_come_in_the_order_asked_and_sorted(duck: Engine) -> None:
    frame = compute(duck, ask("V01-accessions", "modality", "day"), DEMO).frame
    assert list(frame.columns[:2]) == ["modality", "day"]
    assert frame[["modality", "day"]].to_numpy().tolist() == sorted(frame[["modality", "day"]].to_numpy().tolist())
    assert str(frame["day"].dtype) == "datetime64[us]"


def test_weeks_begin_on_monday_and_months_on_the_first(duck: Engine) -> None:
    weeks = compute(duck, ask("orders", "week"), DEMO).frame["week"]
    assert weeks.tolist() == [pd.Timestamp("2026-08-31"), pd.Timestamp("2026-09-07")]
    assert compute(duck, ask("orders", "month"), DEMO).frame["month"].tolist() == [pd.Timestamp("2026-09-01")]


def test_hours_are_site_local(duck: Engine) -> None:
    hours = compute(duck, ask("accessions", "hour", site=("SOUTH",)), DEMO).frame
    assert hours["hour"].tolist() == [pd.Timestamp("2026-09-07 20:00")]


def test_weekday_and_hour_filters_take_numbers_as_text(duck: Engine) -> None:
    monday = compute(duck, ask("accessions", weekday=("1",)), DEMO).frame["count"].iat[0]
    tuesday = compute(duck, ask("accessions", weekday=("2",)), DEMO).frame["count"].iat[0]
    assert (monday, tuesday) == (5, 2)
    with pytest.raises(RefusedError, match="1 to 7"):
        compute(duck, ask("accessions", weekday=("Mon",)), DEMO)


def test_rows_without_a_dimension_value_read_unknown_and_can_be_asked_for(duck: Engine) -> None:
    cut = compute(duck, ask("accessions", "reader_mode"), DEMO).frame.set_index("reader_mode")["count"]
    assert cut.to_dict() == {"single": 3, "trainee": 1, "unknown": 3}
    assert compute(duck, ask("accessions", reader_mode=("unknown",)), DEMO).frame["count"].iat[0] == 3


def test_a_filter_a_kpi_cannot_take_is_named_and_changes_nothing(duck: Engine) -> None:
    filtered = compute(duck, ask("U01", priority=("STAT",), scanner=("NCT1",)), DEMO)
    plain = compute(duck, ask("U01", scanner=("NCT1",)), DEMO)
    assert filtered.meta.not_applied == ("priority",)
    assert filtered.frame.equals(plain.frame)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (ask("T99"), "T16"),
        (ask("T16", "colour"), "modality"),
        (ask("U01", "priority"), "scanner"),
        (ask("T16", "day", "week"), "two time grains"),
        (ask("T16", "modality", "modality"), "twice"),
        (ask("I03", "day"), "feed"),
        (ask("T16", colour=("red",)), "modality"),
        (Query("T16", END, START), "empty"),
        (Query("T16", START, END, as_of=datetime(2026, 9, 8)), "time zone"),  # noqa: DTZ001
        (Query("U21", START, date(2026, 11, 1), ("hour",)), "31 days"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_impossible_question_is_refused_with_what_is_allowed(duck: Engine, query: Query, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        compute(duck, query, DEMO)


def test_an_id_without_its_suffix_finds_the_first_of_the_family() -> None:
    assert KPIS["V01"].key == "accessions"
    assert KPIS["t16"].key == "report_tat"
    assert "report_tat" in KPIS
    assert "nonsense" not in KPIS


def test_two_kpis_of_one_name_are_an_error() -> None:
    kpi = KPIS["T16"]
    with pytest.raises(ValueError, match="T16"):
        Registry([kpi, replace(kpi, key="other")])


def test_nothing_in_the_period_is_nan_never_zero(duck: Engine) -> None:
    query = Query("", date(2020, 1, 1), date(2020, 2, 1))
    for kpi in KPIS:
        if kpi.at.date is None:
            continue
        row = compute(duck, replace(query, kpi=kpi.key), DEMO).frame.iloc[0]
        assert pd.isna(row[kpi.headline])
        assert row["n"] == 0


@pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.id)
def test_a_cut_without_rows_is_an_empty_frame_of_the_usual_columns(kpi: Kpi, duck: Engine) -> None:
    name = kpi.dimensions[0]
    result = compute(duck, ask(kpi.key, name, **{name: ("nowhere",)}), DEMO)
    assert result.frame.empty
    assert list(result.frame.columns) == [name, *result.meta.columns]


def test_a_period_that_has_not_come_knows_no_queue(duck: Engine) -> None:
    result = compute(duck, Query("U21", date(2026, 11, 1), date(2026, 12, 1)), DEMO)
    assert result.frame[["count", "oldest"]].isna().all(axis=None)


def test_an_empty_queue_is_a_known_zero(duck: Engine) -> None:
    days = compute(duck, ask("U21", "day"), DEMO, min_n=0).frame.set_index("day")
    assert days["count"].to_dict() == {
        **{pd.Timestamp(2026, 9, day): 0 for day in range(1, 7)},
        pd.Timestamp("2026-09-07"): 1,  # exam 8, until midnight in Chicago
        pd.Timestamp("2026-09-08"): 2,
    }
    assert days.at[pd.Timestamp("2026-09-07"), "oldest"] == 200.0


def test_an_earlier_now_sees_only_what_had_happened(duck: Engine) -> None:
    then = datetime(2026, 9, 7, 14, 0, tzinfo=UTC)  # 10:00 in New York: exam 1 read but unsigned
    row = compute(duck, replace(ask("T16"), as_of=then), DEMO, min_n=0).frame.iloc[0]
    assert (row["n"], row["closed"], row["open"]) == (1, 0, 1)
    communicated = compute(duck, replace(ask("T17"), as_of=then), DEMO, min_n=0).frame.iloc[0]
    assert (communicated["closed"], communicated["p50"]) == (1, 30.0)


def test_utilization_leaves_the_running_hour_out_of_both_sums(duck: Engine, as_of: datetime) -> None:
    an_hour_later = compute(duck, replace(ask("U01"), as_of=as_of + timedelta(hours=1)), DEMO).frame.iloc[0]
    assert (an_hour_later["numerator"], an_hour_later["available"]) == (120, 270)


def test_statistics_of_fewer_than_five_values_are_hidden_but_their_n_is_not(duck: Engine) -> None:
    row = compute(duck, ask("T07"), DEMO).frame.iloc[0]
    assert pd.isna(row["p50"])
    assert row["n"] == 4


def test_a_principal_of_one_site_gets_that_sites_numbers_only(duck: Engine) -> None:
    south = Principal("s", Role.MANAGER, frozenset({"SOUTH"}))
    assert compute(duck, ask("accessions", "site"), south).frame["site"].tolist() == ["SOUTH"]
    assert compute(duck, ask("U21"), south).frame["count"].iat[0] == 1
    assert compute(duck, ask("accessions", site=("NORTH",)), south).frame["n"].iat[0] == 0
    with pytest.raises(RefusedError, match="no data"):
        compute(duck, ask("T16"), Principal("root", Role.ADMIN))


def test_the_result_says_what_is_needed_to_trust_and_repeat_it(duck: Engine, as_of: datetime) -> None:
    meta = compute(duck, ask("T16", "modality", site=("NORTH",)), DEMO).meta
    assert (meta.kpi_id, meta.data_version, meta.as_of, meta.data_at) == ("T16", "tiny", as_of, as_of)
    assert (meta.n, meta.open, meta.missing, meta.suppressed) == (6, 2, 0, 0)
    assert "Open items" in meta.definition
    assert meta.columns["p50"] == "min"


def test_an_empty_warehouse_is_refused_with_the_next_step(make_engine: Any) -> None:
    with pytest.raises(RefusedError, match="radpulse run"):
        compute(make_engine({}), ask("T16"), DEMO)


def test_every_definition_names_its_population_date_and_open_items() -> None:
    for kpi in KPIS:
        assert kpi.description.endswith(".")
        assert kpi.population.text
        assert kpi.at.text
        assert kpi.open_items.endswith(".")
        assert kpi.source
        assert kpi.formula
        assert set(kpi.without) <= {name for name, column in DIMENSION_COLUMNS.items() if column in kpi.table.c}
        assert kpi.table in t.PUBLISHED_TABLES
