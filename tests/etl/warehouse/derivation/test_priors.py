"""The latest comparable visit of every exam, against a search through all of them; growth against hand figures."""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta
from math import isnan, nan
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Connection, create_engine, select

from etl.settings import Settings
from etl.warehouse import tables as t
from etl.warehouse.append import append, read_frame
from etl.warehouse.derive_priors import derive_priors
from etl.warehouse.growth import growth
from etl.warehouse.parameters import Parameters, load_parameters
from etl.warehouse.store import rewrite

NOON, HOUR = datetime(2026, 9, 1, 12, tzinfo=UTC), timedelta(hours=1)
Row = dict[str, Any]


@pytest.fixture
def parameters(settings: Settings) -> Parameters:
    return load_parameters(settings)


def exam(key: int, day: float, **more: Any) -> Row:
    """Return a performed chest CT of patient 1 at North, begun so many days after noon, read after an hour."""
    begin = NOON + timedelta(days=day)
    told: Row = {
        "exam_key": key, "visit_key": key, "patient_key": 1, "site_code": "NORTH", "modality": "CT",
        "procedure_group": "CT chest", "is_performed": True, "exam_begin_at": begin,
        "exam_end_at": begin + timedelta(minutes=10), "images_available_at": begin + timedelta(minutes=20),
        "read_opened_at": begin + timedelta(hours=1),
    }  # fmt: skip
    return told | more


def derived(rows: list[Row], parameters: Parameters, entries: list[Row] | None = None) -> pd.DataFrame:
    """Return fact_prior of exams (and entries) by exam_key."""
    engine = create_engine("duckdb:///:memory:")
    t.metadata.create_all(engine, tables=[t.fact_exam, t.fact_entry, t.fact_prior])
    with engine.begin() as connection:
        append(connection, t.fact_exam, pd.DataFrame(rows))
        if entries:
            append(connection, t.fact_entry, pd.DataFrame(entries))
        frame = _derived(connection, parameters)
    engine.dispose()
    return frame


def _derived(connection: Connection, parameters: Parameters) -> pd.DataFrame:
    rewrite(connection, t.fact_prior, derive_priors(connection, parameters, NOON))
    return read_frame(connection, select(t.fact_prior).order_by(t.fact_prior.c.exam_key)).set_index("exam_key")


def test_the_latest_earlier_visit_of_the_same_region_is_the_prior(parameters: Parameters) -> None:
    other = {"procedure_group": "CT head"}
    found = derived([exam(1, 0), exam(2, 3), exam(3, 4, **other), exam(4, 10)], parameters)
    assert found["prior_exam_key"].tolist() == [pd.NA, 1, pd.NA, 2]
    assert found["prior_days"].fillna(-1).tolist() == [-1, 3, -1, 7]
    assert found["history_days"].tolist() == [0, 3, 4, 10]


def test_two_exams_of_one_visit_are_no_repeat_of_each_other(parameters: Parameters) -> None:
    both = {"visit_key": 7}
    found = derived([exam(1, 0), exam(2, 5, **both), exam(3, 5.01, **both)], parameters)
    assert found["prior_exam_key"].tolist() == [pd.NA, 1, 1]


def test_an_exam_of_several_regions_takes_the_latest_that_shares_one(parameters: Parameters) -> None:
    whole = {"procedure_group": "CT chest abdomen pelvis"}
    found = derived([exam(1, 0), exam(2, 2, procedure_group="CT renal stone"), exam(3, 6, **whole)], parameters)
    assert found.loc[3, "prior_exam_key"] == 2
    assert found.loc[3, "prior_days"] == 4


def test_merged_patients_have_each_others_priors_and_unknown_ones_none(parameters: Parameters) -> None:
    found = derived([exam(1, 0), exam(2, 2, patient_key=None), exam(3, 3, patient_key=2), exam(4, 9)], parameters)
    assert found["prior_exam_key"].tolist() == [pd.NA, pd.NA, pd.NA, 1]


def test_a_prior_is_online_when_its_images_were_there_before_reading_began(parameters: Parameters) -> None:
    late = {"images_available_at": NOON + timedelta(days=30)}
    found = derived([exam(1, 0, **late), exam(2, 2), exam(3, 40), exam(4, 50, read_opened_at=None)], parameters)
    assert found["is_prior_online"].tolist() == [pd.NA, False, True, pd.NA]


def test_one_that_was_asked_for_counts_once_it_is_transferred_and_one_elsewhere_is_not_known(
    parameters: Parameters,
) -> None:
    asked = {"prior_requested_at": NOON + timedelta(days=3)}
    came = {"prior_available_at": NOON + timedelta(days=3, minutes=30)}
    found = derived(
        [exam(1, 0, site_code="SOUTH"), exam(2, 2), exam(3, 3, **asked), exam(4, 3.02, patient_key=9, **asked, **came)],
        parameters,
    )
    assert found["is_prior_known"].tolist() == [False, True, True, True]
    assert found["is_prior_online"].tolist() == [pd.NA, pd.NA, False, True]
    assert found.loc[4, "prior_transfer_min"] == 30


def test_a_prior_of_more_than_five_years_ago_is_no_relevant_one(parameters: Parameters) -> None:
    found = derived([exam(1, -5.1 * 365.25), exam(2, 0)], parameters)
    assert found["prior_days"].iloc[1] == pytest.approx(5.1 * 365.25)
    assert not found["is_prior_known"].iloc[1]


def test_reason_and_last_rating_are_told(parameters: Parameters) -> None:
    entries = [
        {"event_id": code, "kind": "appropriateness", "exam_key": 1, "code": code, "begin_at": NOON + n * HOUR}
        for n, code in enumerate(("rarely", "appropriate"))
    ]  # fmt: skip
    found = derived([exam(1, 0, order_reason_code="repeat-noprior"), exam(2, 9)], parameters, entries)
    assert found.loc[1, ["reason", "reason_class", "rating"]].tolist() == ["repeat-noprior", "redundant", "appropriate"]
    assert found.loc[2, ["reason", "reason_class", "rating"]].isna().all()


def test_random_departments_have_the_priors_a_search_finds(parameters: Parameters) -> None:
    seed = int.from_bytes(os.urandom(4))
    dice = random.Random(seed)  # noqa: S311 - invention, no secret
    groups = ["CT chest", "CT chest abdomen pelvis", "CT abdomen pelvis", "CT head", "CT intervention"]
    rows = [
        exam(
            n, dice.choice([dice.randrange(60), dice.random() * 60]), patient_key=dice.randrange(12),
            procedure_group=dice.choice(groups), is_performed=dice.random() < 0.9, visit_key=n - dice.randrange(2),
        )
        for n in range(1, 400)
    ]  # fmt: skip
    found = derived(rows, parameters)
    for row in rows:
        days = [gap for other in rows if (gap := _gap(row, other, rows, parameters)) is not None]
        wanted, got = min(days, default=nan), float(found.loc[row["exam_key"], "prior_days"])
        assert (isnan(wanted) and isnan(got)) or got == pytest.approx(wanted), f"seed {seed}: {row}"


def _gap(row: Row, other: Row, rows: list[Row], parameters: Parameters) -> float | None:
    """Return the days from the begin of the other's visit to the exam, None where it is no prior of it."""
    if not (row["is_performed"] and other["is_performed"]) or row["patient_key"] != other["patient_key"]:
        return None
    if row["visit_key"] == other["visit_key"]:
        return None
    regions = [set(parameters.regions.get(one["procedure_group"], "").split()) for one in (row, other)]
    gaps = []
    for region in regions[0] & regions[1]:
        own, its = (_visit(one, region, rows, parameters) for one in (row, other))
        if (its, other["visit_key"]) < (own, row["visit_key"]):
            gaps.append((row["exam_begin_at"] - its).total_seconds() / 86400)
    return min(gaps, default=None)


def _visit(one: Row, region: str, rows: list[Row], parameters: Parameters) -> datetime:
    """Return when the exam's visit began for its patient and a region."""
    return min(
        r["exam_begin_at"] for r in rows
        if r["is_performed"] and (r["visit_key"], r["patient_key"]) == (one["visit_key"], one["patient_key"])
        and region in parameters.regions.get(r["procedure_group"], "").split()
    )  # fmt: skip


def test_growth_is_the_middle_of_all_slopes_and_one_migration_does_not_move_it() -> None:
    steady = np.arange(20.0) * 10
    moved = steady + np.where(np.arange(20) >= 18, 500.0, 0.0)
    assert growth(steady) == {"bytes_per_day": 10, "slowest_week_per_day": 10, "fastest_week_per_day": 10}
    found = growth(moved)
    assert found["bytes_per_day"] == pytest.approx(10)
    assert found["fastest_week_per_day"] == pytest.approx((70 + 500) / 7)


def test_growth_of_less_than_eight_days_is_not_told_and_a_missing_day_is_no_fall() -> None:
    assert all(isnan(v) for v in growth(np.arange(7.0)).values())
    gap = np.arange(12.0)
    gap[5] = nan
    assert growth(gap)["bytes_per_day"] == pytest.approx(1)
