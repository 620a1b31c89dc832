"""SELECTs of dose that are no KPI: groups beside their reference, a protocol's medians, outliers, patients' sums."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal_column, select

from app.fact_filters import Built, Where, filtered
from etl.warehouse import tables as t

ROBUST = 0.6745  # of a normal distribution the median deviation is so much of a standard deviation
OUTLYING = 3.5  # Iglewicz and Hoaglin, as the NIST handbook of statistics has it
WITH_PHANTOM = ("CTDIvol", "DLP", "SSDE")


def _quartile(value: ColumnElement[Any], share: str, name: str) -> ColumnElement[Any]:
    return func.percentile_cont(literal_column(share)).within_group(value).label(name)


def dose_groups(from_date: date, to_date: date, quantity: str, where: Where) -> Built:
    """Quartiles of a quantity by procedure group, phantom and band, with the reference that holds for them."""
    v = t.fact_dose_value.c
    keys = [v.modality, v.procedure_group, v.phantom, v.reference_band]
    query = (
        select(
            *keys,
            func.count().label("n"),
            _quartile(v.value, "0.25", "p25"),
            _quartile(v.value, "0.5", "p50"),
            _quartile(v.value, "0.75", "p75"),
            func.max(v.reference_value).label("reference"),
            func.max(v.achievable_value).label("achievable"),
            func.max(v.reference_source).label("source"),
        )
        .where(v.local_date >= from_date, v.local_date < to_date, v.quantity == quantity)
        .group_by(*keys)
        .order_by(*keys)
    )
    return filtered(query, t.fact_dose_value, where), (t.fact_dose_value,)


def dose_shifts(from_date: date, middle: date, to_date: date, where: Where) -> Built:
    """Median by protocol, quantity and scanner before and from `middle` on, of the quantity that tells most."""
    v = t.fact_dose_value.c
    keys = [v.modality, v.protocol_name, v.quantity, v.scanner_code]
    late = v.local_date >= middle
    query = (
        select(
            *keys,
            func.count(case((late, 1))).label("n_late"),
            func.count(case((~late, 1))).label("n_early"),
            _quartile(case((late, v.value)), "0.5", "late"),
            _quartile(case((~late, v.value)), "0.5", "early"),
            _quartile(case((~late, v.value)), "0.25", "early_p25"),
            _quartile(case((~late, v.value)), "0.75", "early_p75"),
        )
        .where(v.local_date >= from_date, v.local_date < to_date, v.protocol_name.is_not(None))
        .where(v.quantity.in_(("CTDIvol", "DAP", "AGD", "activity")))
        .group_by(*keys)
        .order_by(*keys)
    )
    return filtered(query, t.fact_dose_value, where), (t.fact_dose_value,)


def dose_days(from_date: date, to_date: date, protocol: str, quantity: str, where: Where) -> Built:
    """Median and number of a protocol's values by scanner and site-local day."""
    v = t.fact_dose_value.c
    keys = [v.scanner_code, v.local_date]
    query = (
        select(*keys, func.count().label("n"), _quartile(v.value, "0.5", "p50"))
        .where(v.local_date >= from_date, v.local_date < to_date, v.protocol_name == protocol, v.quantity == quantity)
        .group_by(*keys)
        .order_by(*keys)
    )
    return filtered(query, t.fact_dose_value, where), (t.fact_dose_value,)


def dose_outliers(from_date: date, to_date: date, where: Where, limit: int) -> Built:
    """Exams whose dose lies far from what their protocol usually gives with their phantom, farthest first.

    The robust z is taken of logarithms; protocols with few values, or whose values do not differ, judge nobody.
    """
    v, p = t.fact_dose_value.c, t.fact_dose_protocol.c
    same = and_(
        v.site_code == p.site_code,
        v.modality == p.modality,
        v.protocol_name == p.protocol_name,
        v.quantity == p.quantity,
        func.coalesce(v.phantom, "") == func.coalesce(p.phantom, ""),
    )
    z = ROBUST * (func.ln(v.value) - p.log_median) / p.log_mad
    shown = [v.accession_token, v.site_code, v.scanner_code, v.protocol_name, v.phantom, v.quantity, v.laterality]
    query = (
        select(*shown, v.exam_end_at, v.value, p.median_value, p.n, z.label("z"))
        .select_from(t.fact_dose_value.join(t.fact_dose_protocol, same))
        .where(v.local_date >= from_date, v.local_date < to_date, v.value > 0, p.log_mad > 0, func.abs(z) > OUTLYING)
        .order_by(func.abs(z).desc(), v.accession_token, v.quantity)
        .limit(limit)
    )
    return filtered(query, t.fact_dose_value, where), (t.fact_dose_value,)


def dose_patients(until: date, where: Where, limit: int) -> Built:
    """Patients whose sum at their latest exam before `until` lies above the site's level, highest first."""
    c = t.fact_dose_patient.c
    shown = [c.patient_key, c.site_code, c.quantity, c.rolling_value, c.rolling_exams, c.level_value, c.local_date]
    query = (
        select(*shown, c.window_from, c.accession_token)
        .where(c.is_over, c.is_last, c.local_date < until)
        .order_by((c.rolling_value / c.level_value).desc(), c.patient_key)
        .limit(limit)
    )
    return filtered(query, t.fact_dose_patient, where), (t.fact_dose_patient,)


def dose_plans(from_date: date, to_date: date, where: Where) -> Built:
    """Median dose relative to its reference by scanner and whether the exam stayed within its planned length."""
    v = t.fact_dose_value.c
    keys = [v.scanner_code, v.plan]
    query = (
        select(*keys, func.count().label("n"), _quartile(v.relative_value, "0.5", "p50"))
        .where(v.local_date >= from_date, v.local_date < to_date, v.plan.is_not(None), v.relative_value.is_not(None))
        .where(v.quantity.in_(("DLP", "DAP", "AGD")))
        .group_by(*keys)
        .order_by(*keys)
    )
    return filtered(query, t.fact_dose_value, where), (t.fact_dose_value,)


DOSE_FACTS: dict[str, Callable[..., Built]] = {
    f.__name__: f for f in (dose_groups, dose_shifts, dose_days, dose_outliers, dose_patients, dose_plans)
}
