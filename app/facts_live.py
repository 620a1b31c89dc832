"""SELECTs of what stands at one instant: who is in which room, what is booked next, what is open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select

from app.fact_filters import Built, Where, filtered
from etl.warehouse import tables as t

FORGOTTEN = timedelta(hours=12)  # an exam begun longer ago was not ended in the RIS; nobody lies there
AROUND = timedelta(days=1)


def in_rooms(now: datetime, where: Where) -> Built:
    """Exams begun and neither ended nor stopped at `now`."""
    e = t.fact_exam.c
    query = select(
        e.site_code, e.scanner_code, e.exam_begin_at, e.appointment_at, e.planned_duration_min, e.procedure_group
    ).where(
        e.exam_begin_at <= now,
        e.exam_begin_at > now - FORGOTTEN,
        or_(e.exam_end_at.is_(None), e.exam_end_at > now),
        or_(e.aborted_at.is_(None), e.aborted_at > now),
    )
    return filtered(query.order_by(e.scanner_code, e.exam_begin_at), t.fact_exam, where), (t.fact_exam,)


def last_left(now: datetime, where: Where) -> Built:
    """When each scanner's last visit ended, of the day before `now`."""
    v = t.fact_visit.c
    query = (
        select(v.site_code, v.scanner_code, func.max(v.end_at).label("end_at"))
        .where(v.end_at <= now, v.end_at > now - AROUND)
        .group_by(v.site_code, v.scanner_code)
        .order_by(v.scanner_code)
    )
    return filtered(query, t.fact_visit, where), (t.fact_visit,)


def booked_around(now: datetime, where: Where) -> Built:
    """Appointments that stand within half a day of `now` and whose exam has not begun."""
    s, e = t.fact_slot.c, t.fact_exam.c
    query = (
        select(s.site_code, s.scanner_code, s.appointment_at, s.planned_duration_min, e.arrived_at)
        .select_from(t.fact_slot.join(t.fact_exam, e.exam_key == s.exam_key))
        .where(
            s.is_last,
            s.state.in_(["booked", "arrived"]),
            s.appointment_at > now - FORGOTTEN,
            s.appointment_at < now + FORGOTTEN,
            e.exam_begin_at.is_(None),
            e.aborted_at.is_(None),
            e.cancelled_at.is_(None),
        )
    )
    return filtered(query.order_by(s.scanner_code, s.appointment_at), t.fact_slot, where), (t.fact_slot, t.fact_exam)


def hours_around(now: datetime, where: Where) -> Built:
    """Opening hours, closures and downtime from a day before `now` to two days after."""
    o = t.fact_opening.c
    query = select(o.site_code, o.scanner_code, o.kind, o.begin_at, o.end_at, o.reason_code).where(
        o.kind != "slot", o.begin_at < now + 2 * AROUND, or_(o.end_at.is_(None), o.end_at > now - AROUND)
    )
    return filtered(query.order_by(o.scanner_code, o.begin_at), t.fact_opening, where), (t.fact_opening,)


LIVE_FACTS: dict[str, Callable[..., Built]] = {
    f.__name__: f for f in (in_rooms, last_left, booked_around, hours_around)
}
