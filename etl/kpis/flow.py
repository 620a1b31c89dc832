"""T: flow and turnaround."""

from __future__ import annotations

from etl.kpis.base import Kpi
from etl.kpis.duration import Span
from etl.kpis.kinds import Aggregate
from etl.kpis.survival import Survival
from etl.warehouse.tables import fact_exam

_x = fact_exam.c

EXAM_DURATION = Kpi(
    key="exam_duration",
    id="T11",
    label="Exam duration (RIS)",
    unit="min",
    description="Minutes from begin to end of the exam as the chosen clock states them.",
    formula="exam_end_at - exam_begin_at",
    source="RIS status times; Epic EHI begin and end exam",
    better="neutral",
    kind=Aggregate(Span(_x.exam_duration_min, _x.exam_begin_at, _x.exam_end_at, (_x.first_final_at,))),
    table=fact_exam,
    population=_x.exam_begin_at.is_not(None) & _x.aborted_at.is_(None),
    population_text="exams begun and not aborted",
    at=_x.begin_local_date,
    hour=_x.begin_local_hour,
    at_text="by date of exam begin",
    open_items="exams still running have no duration yet; they are counted beside the closed ones.",
)

REPORT_TAT = Kpi(
    key="report_tat",
    id="T16",
    label="Report TAT (exam end to first final)",
    unit="min",
    description="Minutes from exam end to the first final signature.",
    formula="first_final_at - exam_end_at",
    source="ACR GRID (report turnaround; the registry uses means in hours)",
    better="lower",
    kind=Survival(Span(_x.report_tat_min, _x.exam_end_at, _x.first_final_at), mean=True),
    table=fact_exam,
    population=_x.is_performed,
    population_text="performed exams",
    at=_x.end_local_date,
    hour=_x.end_local_hour,
    at_text="by date of exam end",
    open_items="unread exams count as at least as old as they are (Kaplan-Meier); closed-only values stand beside.",
)

KPIS = (EXAM_DURATION, REPORT_TAT)
