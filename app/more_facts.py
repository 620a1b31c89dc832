"""SELECTs of single rows and storage: one patient's exams, who came back, what the archive moved and holds."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select

from app.fact_filters import Built, Where, filtered
from etl.warehouse import tables as t

_OF_EXAM = (
    "exam_key", "accession_token", "site_code", "modality", "procedure_group", "status", "sex", "birth_year",
    "order_entered_at", "appointment_at", "exam_begin_at", "exam_end_at", "first_final_at", "is_performed",
    "has_images", "report_target_min", "dlp_total_mgy_cm", "dap_total_gy_m2", "agd_left_mgy", "agd_right_mgy",
    "activity_mbq",
)  # fmt: skip
_OF_PRIOR = ("body_region", "prior_days", "prior_requested_at", "prior_available_at", "reason", "reason_class")


def storage_volumes(where: Where) -> Built:
    """How fast each volume, and each modality's part of it, grows, and when it will be full."""
    c = t.fact_storage_volume.c
    sites = tuple(one for one in where if one[0] == "site")
    query = select(t.fact_storage_volume).order_by(c.site_code, c.origin, c.volume, c.modality)
    return filtered(query, t.fact_storage_volume, sites), (t.fact_storage_volume,)


def moved_by_hour(from_date: date, to_date: date, where: Where) -> Built:
    """Bytes and studies moved by direction and local hour over `[from_date, to_date)`."""
    c = t.fact_transmission.c
    keys = (c.direction, c.local_hour)
    sums = (func.sum(c.size_bytes).label("size_bytes"), func.count().label("n"))
    query = select(*keys, *sums).where(c.local_date >= from_date, c.local_date < to_date).group_by(*keys)
    return filtered(query.order_by(*keys), t.fact_transmission, where), (t.fact_transmission,)


def partnerless(from_date: date, to_date: date, where: Where, limit: int) -> Built:
    """Images without exam and exams without images over `[from_date, to_date)`, newest first."""
    c = t.fact_unmatched.c
    query = (
        select(c.side, c.cause, c.site_code, c.scanner_code, c.modality, c.begin_at, c.score)
        .where(c.local_date >= from_date, c.local_date < to_date)
        .order_by(c.begin_at.desc(), c.exam_key)
        .limit(limit)
    )
    return filtered(query, t.fact_unmatched, where), (t.fact_unmatched,)


def patient_of(exam_key: int) -> Built:
    """The patient of an exam."""
    c = t.fact_exam.c
    return select(c.patient_key).where(c.exam_key == exam_key), (t.fact_exam,)


def patient_exams(patient_key: int) -> Built:
    """Every exam of a patient with its dose, its prior and what came of it, oldest first."""
    e, p = t.fact_exam.c, t.fact_prior.c
    query = (
        select(*(e[name] for name in _OF_EXAM), *(p[name] for name in _OF_PRIOR))
        .select_from(t.fact_exam.outerjoin(t.fact_prior, p.exam_key == e.exam_key))
        .where(e.patient_key == patient_key)
        .order_by(func.coalesce(e.exam_begin_at, e.appointment_at, e.order_entered_at), e.exam_key)
    )
    return query, (t.fact_exam,)


def returning_patients(from_date: date, to_date: date, where: Where, limit: int) -> Built:
    """Patients with the most repeats within 90 days among the exams ended in `[from_date, to_date)`."""
    c = t.fact_prior.c
    repeats = func.count().filter(c.prior_days <= 90)
    query = (
        select(
            c.patient_key,
            func.count().label("exams"),
            repeats.label("repeats"),
            func.count().filter(c.reason_class == "redundant").label("redundant"),
            func.count(c.body_region.distinct()).label("regions"),
            func.max(c.exam_end_at).label("last_at"),
        )
        .where(c.local_date >= from_date, c.local_date < to_date, c.is_performed, c.patient_key.is_not(None))
        .group_by(c.patient_key)
        .having(repeats > 0)
        .order_by(repeats.desc(), func.max(c.exam_end_at).desc(), c.patient_key)
        .limit(limit)
    )
    return filtered(query, t.fact_prior, where), (t.fact_prior,)


def patient_followups(patient_key: int) -> Built:
    """The follow-up exams recommended for a patient, oldest first."""
    followup = t.metadata.tables["fact_followup"]
    query = select(followup).where(followup.c.patient_key == patient_key).order_by(followup.c.recommended_at)
    return query, (followup,)
