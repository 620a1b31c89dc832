"""Two different protections of small numbers (decision 12).

Hiding: a statistic of fewer than `min_n` values is noise, so it is not shown to anyone; its n is.
Suppression: to viewers, a cell of 1 to 4 patients cut by an attribute of the patient could point at a person, so
the whole row goes, and with it the next smallest of each line it could be computed back from. Attributes of the
patient are class, priority and procedure group; site, scanner, modality, shift and time describe the department.
What a chain of differently filtered questions reveals is not covered.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.access import SUPPRESSED_ROLES, Principal
from etl.kpis.base import Kpi, Measure
from etl.kpis.query import Query

PATIENT_DIMENSIONS = frozenset({"patient_class", "priority", "procedure_group", "body_region"})
SMALLEST_CELL = 5
_PATIENT_ITEMS = frozenset({"exams", "visits", "orders", "reports", "appointments"})

Mask = npt.NDArray[np.bool_]


def hide_small(frame: pd.DataFrame, measures: Iterable[Measure], min_n: int) -> pd.DataFrame:
    """Return `frame` without the hideable statistics of rows with fewer than `min_n` values behind them."""
    shown = frame.copy()
    for measure in measures:
        if measure.hide:
            few = (frame[measure.basis].fillna(0) < min_n).to_numpy(dtype=bool)
            shown[measure.name] = shown[measure.name].astype("float64").mask(few)
    return shown


def suppress(frame: pd.DataFrame, kpi: Kpi, query: Query, principal: Principal) -> tuple[pd.DataFrame, int]:
    """Return `frame` without the measures of rows that could point at a person, and how many rows that were."""
    asked = {*query.by, *query.where}
    if principal.role not in SUPPRESSED_ROLES or not asked & PATIENT_DIMENSIONS or kpi.counted not in _PATIENT_ITEMS:
        return frame, 0
    hidden = _small_and_companions(frame, list(query.by))
    measures = [name for name in frame.columns if name not in query.by]
    shown = frame.copy()
    for name in measures:
        shown[name] = shown[name].astype("float64").mask(hidden)
    return shown, int(hidden.sum())


def _small_and_companions(frame: pd.DataFrame, by: list[str]) -> Mask:
    n = frame["n"].fillna(0).to_numpy(dtype="float64")
    hidden: Mask = (n > 0) & (n < SMALLEST_CELL)
    for _ in range(len(frame)):
        before = int(hidden.sum())
        for dimension in by:
            others = [name for name in by if name != dimension]
            _add_companions(frame, others, n, hidden)
        if int(hidden.sum()) == before:
            break
    return hidden


def _add_companions(frame: pd.DataFrame, others: list[str], n: npt.NDArray[np.float64], hidden: Mask) -> None:
    """Hide, in each line with exactly one hidden cell, the next smallest one, so that a margin does not tell it."""
    number = frame.groupby(others, sort=False).ngroup().to_numpy() if others else np.zeros(len(frame), dtype=int)
    for line in (np.flatnonzero(number == which) for which in np.unique(number)):
        rest = line[~hidden[line] & (n[line] > 0)]
        if hidden[line].sum() == 1 and rest.size:
            hidden[rest[np.argmin(n[rest])]] = True
