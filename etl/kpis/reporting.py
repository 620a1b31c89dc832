"""T: the reading and reporting part of flow, in minutes; the grain is the exam (accession)."""

from __future__ import annotations

from etl.kpis.base import Kpi, Population
from etl.kpis.duration import Span
from etl.kpis.flow import ENDED, PERFORMED
from etl.kpis.moment import AS_OF, epoch_min, reached
from etl.kpis.shares import Ratio
from etl.kpis.survival import Survival
from etl.warehouse.tables import fact_exam

_x = fact_exam.c
_KM = "count as at least as long as they have lasted (Kaplan-Meier); the same of closed items alone beside."

REPORT_TAT = Kpi(
    key="report_tat",
    id="T16",
    label="Report TAT (exam end to first final)",
    unit="min",
    description="Minutes from exam end to the first final signature.",
    formula="first_final_at - exam_end_at",
    source="ACR GRID report turnaround (the registry takes means in hours)",
    better="lower",
    kind=Survival(Span(_x.report_tat_min, _x.exam_end_at, _x.first_final_at), mean=True),
    table=fact_exam,
    population=PERFORMED,
    at=ENDED,
    open_items=f"exams without a final report {_KM}",
)

FIRST_COMMUNICATION = Kpi(
    key="first_communication",
    id="T17",
    label="Exam end to first communication",
    unit="min",
    description="Minutes from exam end to the first of preliminary report, final report and critical notification.",
    formula="first_communication_at - exam_end_at",
    source="FDA PE triage study (scan end to first preliminary); UCSF (scan end to first communication)",
    better="lower",
    kind=Survival(Span(_x.first_communication_min, _x.exam_end_at, _x.first_communication_at)),
    table=fact_exam,
    population=PERFORMED,
    at=ENDED,
    open_items=f"exams nobody has communicated on {_KM}",
)

TOTAL_TAT = Kpi(
    key="total_tat",
    id="T18",
    label="Order to first communication",
    unit="min",
    description="Minutes from the order to the first communication of a result.",
    formula="first_communication_at - order_entered_at",
    source="UCSF",
    better="lower",
    kind=Survival(Span(_x.total_tat_min, _x.order_entered_at, _x.first_communication_at)),
    table=fact_exam,
    population=PERFORMED,
    at=ENDED,
    open_items=f"performed exams nobody has communicated on {_KM}",
)

UNREAD_WAIT = Kpi(
    key="unread_wait",
    id="T19",
    label="Images available to opened for reading",
    unit="min",
    description="Minutes the images lay ready before a reader opened them.",
    formula="read_opened_at - images_available_at",
    source="reading queue studies",
    better="lower",
    kind=Survival(
        Span(_x.unread_wait_min, _x.images_available_at, _x.read_opened_at, (_x.first_prelim_at, _x.first_final_at))
    ),
    table=fact_exam,
    population=PERFORMED,
    at=ENDED,
    open_items=f"exams nobody has opened {_KM}",
)

PRELIM_TO_FINAL = Kpi(
    key="prelim_to_final",
    id="T21",
    label="Preliminary to final",
    unit="min",
    description="Minutes from the first preliminary report to the first final signature.",
    formula="first_final_at - first_prelim_at",
    source="PerformanceBridge: first preliminary, first final",
    better="lower",
    kind=Survival(Span(_x.prelim_to_final_min, _x.first_prelim_at, _x.first_final_at)),
    table=fact_exam,
    population=Population(
        PERFORMED.condition & _x.first_prelim_at.is_not(None), "performed exams with a preliminary report"
    ),
    at=ENDED,
    open_items=f"preliminaries not yet signed off {_KM}",
)

# A target is judged once it has run out: younger exams would only ever add successes.
_DUE_MIN = epoch_min(_x.exam_end_at) + _x.report_target_min
_NO_ERROR = _x.report_tat_min.is_(None) | (_x.report_tat_min >= 0)

WITHIN_TARGET = Kpi(
    key="within_target",
    id="T24",
    label="Reported within target",
    unit="share",
    description="Share of exams whose final report came within the target of their class, open exams judged too.",
    formula="n(T16 <= target) / n(exam end at least the target ago), with Wilson interval",
    source="from ACR GRID and NHSE turnaround; targets are the site's own, valid at exam end",
    better="higher",
    kind=Ratio(
        shares={"share": reached(_x.first_final_at) & (_x.report_tat_min <= _x.report_target_min)},
        decided=(epoch_min(AS_OF) >= _DUE_MIN) & _NO_ERROR,
        undecided=epoch_min(AS_OF) < _DUE_MIN,
    ),
    table=fact_exam,
    population=Population(
        PERFORMED.condition & reached(_x.exam_end_at),
        "performed exams; those without a target or with a final before their end count as missing",
    ),
    at=ENDED,
    open_items="exams younger than their target are not yet decidable, reported or not; they are counted beside.",
)

END_TO_END = Kpi(
    key="end_to_end",
    id="T26",
    label="Order to first final",
    unit="min",
    description="Minutes from the order to the first final signature, with the share of each phase.",
    formula="first_final_at - order_entered_at; phases: order to begin, begin to end, end to final",
    source="T26 of the catalogue",
    better="lower",
    kind=Survival(
        Span(_x.end_to_end_min, _x.order_entered_at, _x.first_final_at),
        phases=(
            ("access", _x.end_to_end_min - _x.exam_duration_min - _x.report_tat_min),
            ("exam", _x.exam_duration_min),
            ("report", _x.report_tat_min),
        ),
    ),
    table=fact_exam,
    population=PERFORMED,
    at=ENDED,
    open_items=f"performed exams without a final report {_KM}",
)
