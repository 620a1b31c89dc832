"""SELECTs of published rows that are no KPI: labels, timelines, forecasts as served, and the state of the feeds.

Each builder returns a SELECT and the tables it draws from, so that one place (`app.data`) can scope and run it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from sqlalchemy import ColumnElement, func, select

from app import more_facts
from app.fact_filters import Built, Where, filtered
from etl.kpis.triage import COLUMNS as WAITS
from etl.warehouse import tables as t


def version() -> Built:
    """The published version: its data time and when it was published."""
    query = select(t.data_version).order_by(t.data_version.c.published_at.desc()).limit(1)
    return query, ()


def sites() -> Built:
    """Sites with name and zone."""
    return select(t.dim_site).order_by(t.dim_site.c.site_code), (t.dim_site,)


def scanners() -> Built:
    """Scanners with site, modality and name."""
    return select(t.dim_scanner).order_by(t.dim_scanner.c.site_code, t.dim_scanner.c.scanner_code), (t.dim_scanner,)


def first_day() -> Built:
    """The first site-local date on which an exam began."""
    return select(func.min(t.fact_exam.c.begin_local_date).label("first_day")), (t.fact_exam,)


def feeds() -> Built:
    """The state of each feed in this version."""
    return select(t.fact_feed).order_by(t.fact_feed.c.site_code, t.fact_feed.c.feed_key), (t.fact_feed,)


def runs(limit: int) -> Built:
    """The latest runs, newest first."""
    return select(t.fact_run).order_by(t.fact_run.c.started_at.desc(), t.fact_run.c.feed_key).limit(limit), (
        t.fact_run,
    )


def quarantined() -> Built:
    """Refused items by feed and reason, most first."""
    return select(t.fact_quarantine).order_by(t.fact_quarantine.c["items"].desc()), (t.fact_quarantine,)


def clocks(where: Where) -> Built:
    """Clock skew found per scanner."""
    query = select(t.fact_clock).order_by(t.fact_clock.c.scanner_code)
    return filtered(query, t.fact_clock, where), (t.fact_clock,)


def unmatched(from_date: date, to_date: date, where: Where) -> Built:
    """Images without exam and exams without images by side, cause, scanner and modality over `[from_date, to_date)`."""
    c = t.fact_unmatched.c
    keys = [c.side, c.cause, c.site_code, c.scanner_code, c.modality]
    query = (
        select(*keys, func.count().label("n"), func.max(c.begin_at).label("last_at"))
        .where(c.local_date >= from_date, c.local_date < to_date)
        .group_by(*keys)
        .order_by(func.count().desc(), *keys)
    )
    return filtered(query, t.fact_unmatched, where), (t.fact_unmatched,)


def completeness(from_date: date, to_date: date, where: Where) -> Built:
    """Expected and present milestones by site, modality and milestone over `[from_date, to_date)`."""
    c = t.fact_completeness.c
    keys = (c.site_code, c.modality, c.milestone)
    query = (
        select(*keys, func.sum(c.expected).label("expected"), func.sum(c.present).label("present"))
        .where(c.local_date >= from_date, c.local_date < to_date)
        .group_by(*keys)
        .order_by(*keys)
    )
    return filtered(query, t.fact_completeness, where), (t.fact_completeness,)


def visits(day: date, where: Where) -> Built:
    """Room visit parts begun on a site-local day."""
    c = t.fact_visit.c
    query = select(
        c.site_code,
        c.scanner_code,
        c.modality,
        c.procedure_group,
        c.priority,
        c.patient_class,
        c.exams,
        c.part,
        c.begin_at,
        c.end_at,
        c.duration_min,
        c.gap_before_min,
        c.gap_kind,
        c.idle_in_hours_min,
    ).where(c.local_date == day)
    return filtered(query.order_by(c.scanner_code, c.begin_at), t.fact_visit, where), (t.fact_visit,)


def openings(day: date, where: Where) -> Built:
    """Opening hours, closures and downtime of a site-local day."""
    c = t.fact_opening.c
    query = select(c.site_code, c.scanner_code, c.kind, c.begin_at, c.end_at, c.reason_code).where(
        c.local_date == day, c.kind != "slot"
    )
    return filtered(query.order_by(c.scanner_code, c.begin_at), t.fact_opening, where), (t.fact_opening,)


def bookings(day: date, where: Where) -> Built:
    """The last state of the appointments of a site-local day."""
    c = t.fact_slot.c
    query = select(
        c.site_code, c.scanner_code, c.state, c.appointment_at, c.planned_duration_min, c.procedure_group
    ).where(c.local_date == day, c.is_last)
    return filtered(query.order_by(c.scanner_code, c.appointment_at), t.fact_slot, where), (t.fact_slot,)


def scanner_forecast(target: str, where: Where) -> Built:
    """Hourly forecasts of one target as served."""
    c = t.fact_forecast.c
    query = select(
        c.site_code,
        c.scanner_code,
        c.modality,
        c.issued_at,
        c.hour_at,
        c.local_date,
        c.local_hour,
        c.value,
        c.low_80,
        c.high_80,
        c.low_95,
        c.high_95,
        c.served,
        c.model_hash,
    ).where(c.target == target, c.hour_at.is_not(None))
    return filtered(query.order_by(c.scanner_code, c.hour_at), t.fact_forecast, where), (t.fact_forecast,)


def exams_at_risk(where: Where, limit: int) -> Built:
    """Open exams by probability to exceed their report target, highest first."""
    f, e = t.fact_forecast, t.fact_exam
    conditions: list[ColumnElement[bool]] = [f.c.target == "report_time", f.c.exam_key == e.c.exam_key]
    query = (
        select(
            e.c.accession_token,
            e.c.site_code,
            e.c.scanner_code,
            e.c.modality,
            e.c.procedure_group,
            e.c.priority,
            e.c.patient_class,
            e.c.status,
            e.c.exam_end_at,
            e.c.report_target_min,
            f.c.expected_at,
            f.c.low_80,
            f.c.high_80,
            f.c.probability,
            f.c.issued_at,
            f.c.served,
        )
        .where(*conditions)
        .order_by(f.c.probability.desc().nulls_last(), e.c.exam_end_at)
        .limit(limit)
    )
    return filtered(query, e, where), (e,)


def backtests(target: str) -> Built:
    """Backtest metrics of a target over all scanners, for the model and every baseline."""
    c = t.fact_backtest.c
    query = select(t.fact_backtest).where(c.target == target, c.scanner_code == "", c.site_code == "")
    return query.order_by(c.metric, c.model), ()


def hourly_history(from_date: date, to_date: date, where: Where) -> Built:
    """What happened by scanner and hour over `[from_date, to_date)`: the forecast's own targets."""
    c = t.fact_scanner_hour.c
    query = select(
        c.site_code, c.scanner_code, c.hour_at, c.local_date, c.local_hour, c.begun_visits, c.table_min, c.operating_min
    ).where(c.local_date >= from_date, c.local_date < to_date)
    return filtered(query.order_by(c.scanner_code, c.hour_at), t.fact_scanner_hour, where), (t.fact_scanner_hour,)


def untold_findings(where: Where, limit: int) -> Built:
    """Critical findings nobody was told of, those most over their limit first."""
    f = t.fact_critical_result
    names = "accession_token site_code section procedure_group critical_class owner identified_at limit_min exam_key"
    query = select(*(f.c[name] for name in names.split())).where(
        f.c.identified_at.is_not(None), f.c.communicated_at.is_(None)
    )
    order = (f.c.critical_class, f.c.identified_at, f.c.exam_key)
    return filtered(query.order_by(*order).limit(limit), f, where), (f,)


def ai_waits(to_date: date, where: Where) -> Built:
    """Waits of exams of algorithms' procedures up to a day, in use, before and at other sites."""
    c = t.fact_ai_result.c
    query = select(*(c[name] for name in WAITS)).where(c.local_date < to_date, c.unread_wait_min.is_not(None))
    return filtered(query.order_by(c.exam_key, c.algorithm), t.fact_ai_result, where), (t.fact_ai_result,)


def exam(exam_key: int) -> Built:
    """One exam's milestones."""
    return select(t.fact_exam).where(t.fact_exam.c.exam_key == exam_key), (t.fact_exam,)


def exam_findings(exam_key: int) -> Built:
    """One exam's critical findings."""
    f = t.fact_critical_result
    return select(f).where(f.c.exam_key == exam_key).order_by(f.c.critical_class), (f,)


def exam_followups(exam_key: int) -> Built:
    """One exam's recommended follow-ups."""
    f = t.fact_followup
    return select(f).where(f.c.exam_key == exam_key).order_by(f.c.recommended_at, f.c.followup_key), (f,)


FACTS: dict[str, Callable[..., Built]] = {
    f.__name__: f
    for f in (
        version,
        sites,
        scanners,
        first_day,
        feeds,
        runs,
        quarantined,
        clocks,
        unmatched,
        completeness,
        visits,
        openings,
        bookings,
        scanner_forecast,
        exams_at_risk,
        backtests,
        hourly_history,
        untold_findings,
        more_facts.storage_volumes,
        more_facts.moved_by_hour,
        more_facts.partnerless,
        more_facts.patient_of,
        more_facts.patient_exams,
        more_facts.patient_followups,
        more_facts.returning_patients,
        ai_waits,
        exam,
        exam_findings,
        exam_followups,
    )
}
