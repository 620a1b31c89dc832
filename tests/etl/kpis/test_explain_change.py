"""A change is explained in one sentence whose parts add up, and the planted cause is the one named."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from etl.access import DEMO, Principal, Role
from etl.errors import RefusedError
from etl.kpis import KPIS, Query, compute
from etl.kpis.cells import splittable
from etl.kpis.explain_change import adding_up, effects, explain_change
from etl.warehouse import tables as t

NOW = datetime(2026, 9, 30, 16, tzinfo=UTC)
BEFORE = Query("T16", date(2026, 9, 1), date(2026, 9, 15))
AFTER = Query("T16", date(2026, 9, 15), date(2026, 9, 29))
CLASSES, MODALITIES = ("E", "I", "O"), ("CT", "MR", "DX")
SPLIT = [(k.id, m) for k in KPIS if k.table is t.fact_exam and k.grains for m in splittable(k)]


def department(slow_min: float = 0.0, more_inpatients: int = 0, seed: int = 5) -> dict[Any, list[dict[str, Any]]]:
    """Return four weeks of exams; in the last two emergency CT at night is read later, or more inpatients come."""
    rng = np.random.default_rng(seed)
    exams: list[dict[str, Any]] = []
    for back in range(28):
        day = date(2026, 9, 28) - timedelta(days=back)
        late = day >= AFTER.from_date
        for number in range(60 + (more_inpatients if late else 0)):
            klass = CLASSES[number % 3] if number < 60 else "I"
            modality, hour = MODALITIES[number // 3 % 3], int(rng.integers(0, 24) if number % 2 else rng.integers(0, 6))
            is_planted = late and klass == "E" and modality == "CT" and hour < 6
            tat = float(rng.gamma(2, 30)) * (3 if klass == "I" else 1) + (slow_min if is_planted else 0.0)
            end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour + 4, minutes=number % 60)
            exams.append({
                "exam_key": len(exams) + 1, "site_code": "NORTH", "scanner_code": f"N{modality}1", "modality": modality,
                "patient_class": klass, "priority": "ROUTINE", "exam_begin_at": end - timedelta(minutes=20),
                "exam_end_at": end, "end_local_date": day, "end_local_hour": hour, "begin_local_date": day,
                "begin_local_hour": hour, "order_entered_at": end - timedelta(hours=2), "order_local_date": day,
                "order_local_hour": hour, "first_final_at": end + timedelta(minutes=tat), "report_tat_min": tat,
                "report_target_min": 60.0, "is_performed": True, "is_addon": number % 2 == 0,
            })  # fmt: skip
    return {
        t.data_version: [{"data_version": "v", "data_at": NOW, "published_at": NOW}],
        t.dim_site: [{"site_code": "NORTH", "zone": "America/New_York"}],
        t.fact_exam: exams,
    }


@pytest.fixture(scope="module")
def slow_nights(make_engine: Any) -> Engine:
    """Return the department whose emergency CT at night is read eight hours later."""
    engine: Engine = make_engine(department(slow_min=480.0))
    return engine


def test_the_planted_cause_is_named_with_most_of_the_change(slow_nights: Engine) -> None:
    found = explain_change(slow_nights, BEFORE, AFTER, DEMO, "p90")
    first = found.parts[0]
    assert "emergency CT between 00 and 06" in found.sentence
    assert first.effect > 0.6 * found.change
    assert sum(part.effect for part in found.parts) == pytest.approx(found.change, abs=1e-9)


def test_parts_told_add_up_to_the_change_told(slow_nights: Engine) -> None:
    found = explain_change(slow_nights, BEFORE, AFTER, DEMO, "p90")
    whole, rest = re.fullmatch(r".* rose ([\d.]+) (?:min|h), from .*?: (.*)\.", found.sentence).groups()  # type: ignore[union-attr]  # it fits
    told = [float(n) for n in re.findall(r"([+-][\d.]+) from", rest)]
    assert sum(told) == pytest.approx(float(whole))


def test_more_patients_of_the_slow_class_are_mix(make_engine: Any) -> None:
    engine = make_engine(department(more_inpatients=40))
    found = {part.name: part.effect for part in explain_change(engine, BEFORE, AFTER, DEMO).parts}
    change = explain_change(engine, BEFORE, AFTER, DEMO).change
    assert change > 10
    assert found["mix"] > 0.7 * change
    by_class = effects(engine, BEFORE, AFTER, "patient_class", DEMO).set_index("patient_class")
    assert by_class["effect"].sum() == pytest.approx(change, abs=1e-9)
    assert by_class.loc["mix", "effect"] > 0.7 * change


@pytest.mark.parametrize(("kpi", "measure"), SPLIT)
def test_both_ends_are_the_kpis_own_numbers_and_every_dimension_adds_up(
    kpi: str, measure: str, slow_nights: Engine
) -> None:
    before, after = replace(BEFORE, kpi=kpi), replace(AFTER, kpi=kpi)
    values = [float(compute(slow_nights, q, DEMO, min_n=0).frame[measure].iloc[0]) for q in (before, after)]
    if np.isnan(values).any():
        pytest.skip("the made-up department has no such times")
    found = explain_change(slow_nights, before, after, DEMO, measure)
    assert [found.before, found.after] == pytest.approx(values, abs=1e-6)
    for dimension in ("modality", "patient_class", "daypart"):
        if dimension in KPIS[kpi].dimensions:
            parts = effects(slow_nights, before, after, dimension, DEMO, measure)
            assert parts["effect"].sum() == pytest.approx(found.change, abs=1e-6), dimension


def test_members_stand_with_their_own_numbers(slow_nights: Engine) -> None:
    rows = effects(slow_nights, BEFORE, AFTER, "modality", DEMO, "p50").set_index("modality")
    for modality in MODALITIES:
        one = {"modality": (modality,)}
        for when, query in (("before", BEFORE), ("after", AFTER)):
            alone = compute(slow_nights, replace(query, where=one), DEMO).frame.iloc[0]
            assert rows.loc[modality, f"value_{when}"] == pytest.approx(alone["p50"])
            assert rows.loc[modality, f"n_{when}"] == alone["n"]


def test_a_viewer_gets_no_explanation_that_could_point_at_a_patient(slow_nights: Engine) -> None:
    viewer = Principal("v", Role.VIEWER)
    assert "emergency" not in explain_change(slow_nights, BEFORE, AFTER, viewer, "p90").sentence
    with pytest.raises(RefusedError, match="cannot be explained by 'patient_class'"):
        effects(slow_nights, BEFORE, AFTER, "patient_class", viewer)


@pytest.mark.parametrize(
    ("kpi", "measure", "to", "said"),
    [
        ("T16", "mean_closed", AFTER.to_date, "cannot be split"),
        ("V01-accessions", None, date(2026, 9, 20), "periods of 14 and 5 days cannot be compared"),
        ("I03", None, AFTER.to_date, "known for now alone"),
        ("T05", None, AFTER.to_date, "too little to compare"),
    ],
)
def test_what_cannot_be_explained_is_refused_with_the_reason(
    kpi: str, measure: str | None, to: date, said: str, slow_nights: Engine
) -> None:
    before = replace(BEFORE, kpi=kpi, to_date=date(2026, 9, 2) if kpi == "T05" else BEFORE.to_date)
    with pytest.raises(RefusedError, match=said):
        explain_change(slow_nights, before, replace(AFTER, kpi=kpi, to_date=to, where={}), DEMO, measure)


@pytest.mark.parametrize("seed", range(200))
def test_rounded_parts_add_up_to_the_rounded_whole(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = (rng.normal(0, 10, int(rng.integers(1, 6)))).tolist()
    whole, *told = adding_up([sum(parts), *parts], 1)
    assert round(sum(told) - whole, 6) == 0
    assert whole == pytest.approx(sum(parts), abs=0.0501)
    assert told == pytest.approx(parts, abs=0.1001), f"seed {seed}"
