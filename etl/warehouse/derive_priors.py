"""Priors: for every exam the patient's latest earlier visit of the same modality family and body region.

One pass of window functions over patients, no join of exams with exams. Two exams of one room visit are no repeat of
each other, so visits are compared, and an exam of several regions takes the latest visit that shares one with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Double,
    Select,
    String,
    and_,
    case,
    cast,
    column,
    extract,
    false,
    func,
    literal,
    null,
    select,
    true,
    union_all,
    values,
)
from sqlalchemy.sql.selectable import FromClause

from etl.records import EntryKind
from etl.warehouse.keys import NO_EXAM
from etl.warehouse.order_ratings import stated_ratings
from etl.warehouse.parameters import Parameters
from etl.warehouse.tables import fact_entry, fact_exam, fact_prior

DAYS_A_YEAR = 365.25
DAY_S = 86400.0
_x = fact_exam.c
SAME_NAME = tuple(c.name for c in fact_prior.columns if c.name in _x and c.name not in ("local_date", "local_hour"))


def derive_priors(connection: Connection, parameters: Parameters, data_at: datetime) -> Select[Any]:
    """Return the SELECT of fact_prior's rows, one an exam; fact_exam and fact_entry must be up to the events."""
    groups, families = _pairs("told_regions", parameters.regions), _pairs("told_families", parameters.modality_families)
    reasons = _pairs("told_reasons", {code.upper(): kind for code, kind in parameters.repeat_reasons.items()})
    latest, rated = _latest_prior(parameters, families), _rated(parameters)
    came = (
        fact_exam.outerjoin(groups, groups.c.name == _x.procedure_group)
        .outerjoin(families, families.c.name == _x.modality)
        .outerjoin(reasons, reasons.c.name == func.upper(_x.order_reason_code))
        .outerjoin(latest, latest.c.exam_key == _x.exam_key)
        .outerjoin(rated, rated.c.exam_key == _x.exam_key)
    )
    read = func.coalesce(_x.read_opened_at, _x.dictated_at, _x.first_communication_at)
    age = _seconds(latest.c.prior_begin_at, _x.exam_begin_at) / DAY_S
    known = _x.prior_requested_at.is_not(None) | (age <= parameters.rules.prior_within_years * DAYS_A_YEAR)
    since_first = _seconds(_first_begin(), _x.exam_begin_at) / DAY_S
    return select(
        *(_x[name] for name in SAME_NAME),
        _x.end_local_date.label("local_date"),
        _x.end_local_hour.label("local_hour"),
        groups.c.value.label("body_region"),
        families.c.value.label("modality_family"),
        read.label("read_began_at"),
        since_first.label("history_days"),
        latest.c.prior_exam_key,
        latest.c.prior_begin_at,
        age.label("prior_days"),
        latest.c.prior_online_at,
        (latest.c.prior_site != _x.site_code).label("is_prior_elsewhere"),
        (_seconds(_x.prior_requested_at, _x.prior_available_at) / 60).label("prior_transfer_min"),
        func.coalesce(known, false()).label("is_prior_known"),
        _is_online(latest, read).label("is_prior_online"),
        _x.order_reason_code.label("reason"),
        reasons.c.value.label("reason_class"),
        rated.c.rating,
        rated.c.rated_at,
    ).select_from(came)


def _pairs(name: str, of: Mapping[str, str]) -> FromClause:
    """Return a map as a table of `name` and `value`; an empty one matches nothing."""
    rows = sorted(of.items()) or [("", "")]
    return values(column("name", String), column("value", String), name=name).data(rows)


def _seconds(begin: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(extract("epoch", end), Double) - cast(extract("epoch", begin), Double)


def _first_begin() -> ColumnElement[Any]:
    """Return when the first performed exam of the exam's site began: nothing is known of what was before."""
    performed = case((_x.is_performed.is_(True), _x.exam_begin_at))
    return func.min(performed).over(partition_by=_x.site_code)


def _latest_prior(parameters: Parameters, families: FromClause) -> CTE:
    """Return exam_key with the latest earlier visit of the same patient, family and region."""
    parts = _parts(parameters, families).cte("parts")
    p = parts.c
    same = (p.patient_key, p.family, p.region)
    online = case((func.count(p.online_at) == func.count(), func.max(p.online_at)))
    visits = (
        select(*same, p.visit, func.min(p.exam_begin_at).label("begin_at"), func.min(p.exam_key).label("first_key"))
        .add_columns(online.label("online_at"), func.min(p.site_code).label("site"))
        .group_by(*same, p.visit)
        .cte("visits")
    )
    v = visits.c
    window: dict[str, Any] = {
        "partition_by": (v.patient_key, v.family, v.region), "order_by": (v.begin_at, v.visit),
    }  # fmt: skip
    named = {"prior_begin_at": v.begin_at, "prior_exam_key": v.first_key, "prior_online_at": v.online_at}
    named |= {"prior_site": v.site}
    before = [func.lag(what).over(**window).label(name) for name, what in named.items()]
    ordered = select(v.patient_key, v.family, v.region, v.visit, *before).cte("ordered")
    o = ordered.c
    met = and_(*(o[c.name] == c for c in same), o.visit == p.visit)
    newest = func.row_number().over(
        partition_by=p.exam_key, order_by=(o.prior_begin_at.desc(), o.prior_exam_key, p.region)
    )
    joined = (
        select(p.exam_key, *(o[name] for name in named), newest.label("place"))
        .select_from(parts.join(ordered, met))
        .where(o.prior_begin_at.is_not(None))
        .cte("joined")
    )
    return select(joined).where(joined.c.place == 1).cte("latest")


def _parts(parameters: Parameters, families: FromClause) -> Select[Any]:
    """Return one row a performed exam and region; its images are in the archive at the latest when it is reported."""
    regions = values(column("name", String), column("region", String), name="one_region").data(
        [(group, one) for group, many in sorted(parameters.regions.items()) for one in many.split()] or [("", "")]
    )
    told = func.coalesce(_x.images_available_at, _x.first_final_at)
    return (
        select(_x.exam_key, _x.patient_key, _x.site_code, _x.exam_begin_at, told.label("online_at"))
        .add_columns(func.coalesce(_x.visit_key, _x.exam_key).label("visit"))
        .add_columns(families.c.value.label("family"), regions.c.region)
        .select_from(
            fact_exam.join(regions, regions.c.name == _x.procedure_group).join(families, families.c.name == _x.modality)
        )
        .where(_x.is_performed.is_(True), _x.patient_key.is_not(None))
    )


def _is_online(latest: CTE, read: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return whether the prior could be seen when reading began.

    One that was asked for counts once it is transferred. One of another site that nobody asked for may lie in a
    common archive or not: not known.
    """
    asked = _x.prior_requested_at.is_not(None)
    return case(
        (read.is_(None), null()),
        (asked & (_x.prior_available_at <= read), true()),
        (asked, false()),
        (latest.c.prior_site != _x.site_code, null()),
        else_=latest.c.prior_online_at <= read,
    )


def _rated(parameters: Parameters) -> CTE:
    """Return the last rating of decision support by exam: of its list, else what the order states."""
    e = fact_entry.c
    place = func.row_number().over(partition_by=e.exam_key, order_by=(e.begin_at.desc(), e.event_id))
    told = (
        select(e.exam_key, e.code.label("rating"), e.begin_at.label("rated_at"), place.label("place"))
        .where(e.kind == literal(str(EntryKind.APPROPRIATENESS)), e.exam_key != NO_EXAM)
        .cte("told")
    )
    listed = select(told.c.exam_key, told.c.rating, told.c.rated_at).where(told.c.place == 1)
    if not parameters.order_ratings:
        return listed.cte("rated")
    stated, known = stated_ratings(parameters.order_ratings).cte("stated_alone"), listed.cte("listed")
    alone = select(stated).where(stated.c.exam_key.not_in(select(known.c.exam_key)))
    return union_all(select(known), alone).cte("rated")
