"""Viewers get no cell of a few patients cut by an attribute of the patient, nor what it could be computed from."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import Engine

from etl.access import DEMO, Principal, Role
from etl.kpis import KPIS, Query, compute
from etl.kpis.small_numbers import SMALLEST_CELL, hide_small, suppress

VIEWER = Principal("v", Role.VIEWER)
PERIOD = (date(2026, 9, 1), date(2026, 10, 1))


def cells(seed: int) -> pd.DataFrame:
    """Return a random table of counts by class and modality."""
    rng = np.random.default_rng(seed)
    rows = [(c, m, int(rng.integers(0, 14))) for c in "EIO" for m in ("CT", "MR", "US")]
    frame = pd.DataFrame(rows, columns=["patient_class", "modality", "n"])
    return frame[frame["n"] > 0].reset_index(drop=True).assign(count=lambda f: f["n"].astype(float))


def hidden(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Return the table as a viewer sees it, and which rows are hidden."""
    query = Query("accessions", *PERIOD, by=("patient_class", "modality"))
    shown, number = suppress(frame, KPIS["accessions"], query, VIEWER)
    assert number == shown["n"].isna().sum()
    return shown, shown["n"].isna()


@pytest.mark.parametrize("seed", range(50))
def test_no_small_cell_can_be_computed_from_a_margin_and_the_rest(seed: int) -> None:
    frame = cells(seed)
    shown, gone = hidden(frame)
    assert not (shown["n"] < SMALLEST_CELL).any()
    for dimension in ("patient_class", "modality"):
        for member in frame[dimension].unique():
            line = frame[dimension] == member
            # one unknown in a line whose total is known would be total minus rest
            if (gone & line).sum() == 1:
                assert line.sum() == 1


def test_only_viewers_and_only_patient_attributes_are_suppressed(duck: Engine) -> None:
    by_class = Query("accessions", *PERIOD, by=("patient_class",))
    assert compute(duck, by_class, VIEWER).meta.suppressed == 3
    assert compute(duck, by_class, VIEWER).frame["count"].isna().all()
    assert compute(duck, by_class, DEMO).meta.suppressed == 0
    assert compute(duck, Query("accessions", *PERIOD, by=("modality",)), VIEWER).meta.suppressed == 0
    filtered = Query("accessions", *PERIOD, where={"patient_class": ("E",)})
    assert compute(duck, filtered, VIEWER).meta.suppressed == 1


def test_a_suppressed_result_does_not_tell_its_total(duck: Engine) -> None:
    meta = compute(duck, Query("accessions", *PERIOD, by=("patient_class",)), VIEWER).meta
    assert meta.n == 0


def test_what_counts_no_patients_is_never_suppressed(duck: Engine) -> None:
    query = Query("U01", *PERIOD, by=("scanner",), where={"priority": ("STAT",)})
    assert compute(duck, query, VIEWER).meta.suppressed == 0


def test_what_is_of_closed_items_is_hidden_where_few_have_closed_however_many_are_open() -> None:
    measures = KPIS["T26"].measures
    frame = pd.DataFrame({m.name: [1.0, 1.0] for m in measures} | {"closed": [2, 5], "open": [6, 0], "basis": [8, 5]})
    shown = hide_small(frame, measures, 5)
    assert shown[["p50", "p90"]].notna().all(axis=None)
    of_closed = ["p50_closed", "p90_closed", "access_share", "exam_share", "report_share"]
    assert shown.loc[0, of_closed].isna().all()
    assert shown.loc[1, of_closed].notna().all()
