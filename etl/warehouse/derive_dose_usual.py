"""What protocols usually give, and patients' rolling sums: facts across exams, made anew at each derivation."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
from sqlalchemy import Connection, and_, func, literal_column, select

from etl.warehouse.append import read_frame
from etl.warehouse.derive_dose_exam import level_values
from etl.warehouse.derive_dose_value import INLINE
from etl.warehouse.keys import Ints
from etl.warehouse.local_time import DAY_US, microseconds
from etl.warehouse.parameters import Parameters
from etl.warehouse.tables import fact_dose_protocol, fact_dose_value

KEYS = ("site_code", "modality", "protocol_name", "phantom", "quantity")
LEAST_VALUES = 20  # below, a protocol's spread is not known well enough to call any of its exams unusual
SUMMED = ("DLP", "DAP")
EXACT = 1e6  # sums are added in millionths: the same to the last digit in whatever order


def derive_dose_protocols(connection: Connection, _parameters: Parameters, _data_at: datetime) -> pd.DataFrame:
    """Return fact_dose_protocol rows: median of each protocol, and median and spread of the logarithms.

    Doses are skewed: their logarithms are not, so that outliers upwards and downwards are judged alike.
    """
    v = fact_dose_value.c
    keys = [func.coalesce(v[name], literal_column("''")).label(name) for name in KEYS]
    values = (
        select(*keys, v.value, func.ln(v.value).label("log_value"))
        .where(v.value > 0, v.protocol_name.is_not(None))
        .subquery()
    )
    names = [values.c[name] for name in KEYS]
    half = func.percentile_cont(literal_column("0.5"))
    middle = (
        select(
            *names,
            func.count().label("n"),
            half.within_group(values.c.value).label("median_value"),
            half.within_group(values.c.log_value).label("log_median"),
        )
        .group_by(*names)
        .subquery()
    )
    joined = values.join(middle, and_(*(values.c[n] == middle.c[n] for n in KEYS)))
    away = func.abs(values.c.log_value - middle.c.log_median)
    told = [middle.c[n] for n in (*KEYS, "n", "median_value", "log_median")]
    query = select(*told, half.within_group(away).label("log_mad")).select_from(joined).group_by(*told)
    rows = read_frame(connection, query)
    known = (rows["n"] >= LEAST_VALUES) & (rows["log_mad"] > 0)
    rows = rows.assign(log_mad=rows["log_mad"].where(known), phantom=rows["phantom"].replace({"": None}))
    return rows[[c.name for c in fact_dose_protocol.columns]]


def derive_dose_patients(connection: Connection, parameters: Parameters, _data_at: datetime) -> pd.DataFrame:
    """Return fact_dose_patient rows: each exam with its patient's sum over the window that ends with it."""
    v = fact_dose_value.c
    query = select(*[v[name] for name in (*INLINE, "quantity", "value")])
    query = query.where(v.quantity.in_(SUMMED), v.patient_key.is_not(None), v.exam_end_at.is_not(None))
    rows = read_frame(connection, query.order_by(v.site_code, v.patient_key, v.quantity, v.exam_end_at, v.exam_key))
    if rows.empty:
        return rows
    group: Ints = np.asarray(
        rows.groupby(["site_code", "patient_key", "quantity"], sort=False).ngroup(), dtype=np.int64
    )
    first = _window_begins(group, microseconds(rows["exam_end_at"]) // 1_000_000, parameters.dose.window_days)
    millionths = np.concatenate(([0], np.cumsum(np.rint(rows["value"].to_numpy() * EXACT).astype(np.int64))))
    place = np.arange(len(rows))
    rows["rolling_value"] = (millionths[place + 1] - millionths[first]) / EXACT
    rows["rolling_exams"] = place + 1 - first
    days = pd.to_timedelta(parameters.dose.window_days, unit="D")
    rows["window_from"] = (pd.to_datetime(rows["local_date"]) - days).dt.date
    return _judged(rows, group, parameters)


def _window_begins(group: Ints, second: Ints, days: int) -> Ints:
    """Return for each row (sorted by group and time) the first row of its group within the days before it."""
    reach = days * (DAY_US // 1_000_000)
    wide = int(second.max() - second.min()) + reach + 1
    line = group * wide + (second - second.min())
    begins = np.searchsorted(line, line - reach, side="left")
    found: Ints = np.maximum(begins, np.searchsorted(group, group, side="left"))
    return found


def _judged(rows: pd.DataFrame, group: Ints, parameters: Parameters) -> pd.DataFrame:
    level = np.full(len(rows), np.nan)
    for quantity in SUMMED:
        mine = (rows["quantity"] == quantity).to_numpy()
        level[mine] = level_values(rows[mine], parameters.dose, "cumulative", quantity)
    over = pd.Series(rows["rolling_value"].to_numpy() > level, dtype="boolean").where(~np.isnan(level), pd.NA)
    before = over.astype("boolean").groupby(group).shift(1).astype("boolean").fillna(False)
    last = np.concatenate((group[1:] != group[:-1], [True]))
    return rows.assign(level_value=level, is_over=over, is_crossing=over & ~before, is_last=last)
