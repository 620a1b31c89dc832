"""T: reading time, transcription, what happens after the final, and the versions of a report."""

from __future__ import annotations

from sqlalchemy import case

from etl.kpis.base import Kpi, Population, When
from etl.kpis.duration import Span
from etl.kpis.flow import ENDED, PERFORMED
from etl.kpis.kinds import Aggregate, Part
from etl.kpis.moment import AS_OF, epoch_min, minutes_between, reached
from etl.kpis.shares import Ratio
from etl.kpis.survival import Survival
from etl.warehouse.tables import fact_exam

_x = fact_exam.c
_KM = "count as at least as long as they have lasted (Kaplan-Meier); the same of closed items alone beside."
NHS_LIMIT_MIN = 28.0 * 24 * 60
SIGNED = When(_x.final_local_date, _x.final_local_hour, "by date of the first final signature")
_REPORTED = (_x.first_prelim_at, _x.first_final_at)
_idle = _x.is_read_idle.is_(True)
_stripped = case((_idle & reached(_x.dictated_at), 1.0), else_=0.0)

READ_TIME = Kpi(
    key="read_time",
    id="T20",
    label="Reading time",
    unit="min",
    description="Minutes from opening an exam to the end of dictation, without exams that were left open.",
    formula="dictated_at - read_opened_at; stripped: above 60 min (angiography 120 min), as left open",
    source="T20 of the catalogue; studies of RIS timestamps strip idle outliers",
    better="neutral",
    kind=Aggregate(
        Span(case((~_idle, _x.read_time_min)), _x.read_opened_at, _x.dictated_at, _REPORTED),
        parts=(
            Part("stripped", "exams", value=case((_idle & reached(_x.dictated_at), 1.0), else_=0.0), statistic="sum"),
        ),
    ),
    table=fact_exam,
    population=Population(
        PERFORMED.condition & _x.read_opened_at.is_not(None),
        "performed exams somebody opened; stripped ones and those without dictation count as missing",
    ),
    at=ENDED,
    open_items="exams opened, neither dictated nor reported, are counted beside; the quantiles are of closed items "
    "only.",
    needs=("read_opened", "dictated"),
)

TRANSCRIPTION_LAG = Kpi(
    key="transcription_lag",
    id="T22",
    label="Transcription lag",
    unit="min",
    description="Minutes from the end of dictation until the text is transcribed.",
    formula="transcribed_at - dictated_at",
    source="Epic audit actions Sent to Transcription, Transcribed",
    better="lower",
    kind=Survival(Span(_x.transcription_min, _x.dictated_at, _x.transcribed_at, _REPORTED)),
    table=fact_exam,
    population=Population(PERFORMED.condition & _x.dictated_at.is_not(None), "performed exams that were dictated"),
    at=ENDED,
    open_items=f"dictations neither transcribed nor reported {_KM}",
    needs=("dictated", "transcribed"),
)

_nhs_due = epoch_min(AS_OF) - epoch_min(_x.exam_end_at) >= NHS_LIMIT_MIN

OVER_28_DAYS = Kpi(
    key="over_28_days",
    id="T23",
    label="Reported after more than 28 days",
    unit="share",
    description="Share of examinations whose verified report was not available within 28 days, open ones judged too.",
    formula="n(first_final_at - exam_end_at > 28 d) / n(exam end at least 28 d ago), with Wilson interval",
    source="NHS England, diagnostic imaging reporting turnaround times, August 2023",
    better="lower",
    kind=Ratio(
        shares={"share": ~(reached(_x.first_final_at) & (_x.report_tat_min <= NHS_LIMIT_MIN))},
        decided=_nhs_due & (_x.report_tat_min.is_not(None) | _x.first_final_at.is_(None)),
        undecided=~_nhs_due,
    ),
    table=fact_exam,
    population=Population(
        PERFORMED.condition & reached(_x.exam_end_at),
        "performed exams; those with a final before their end count as missing",
    ),
    at=ENDED,
    open_items="exams younger than 28 days are not yet decidable, reported or not; they are counted beside.",
)

FINAL_TO_VIEWED = Kpi(
    key="final_to_viewed",
    id="T25",
    label="Final report to first view by the referrer",
    unit="min",
    description="Minutes from the first final signature until a referrer first opened or acknowledged the report.",
    formula="report_viewed_at - first_final_at; views of preliminaries do not count",
    source="SIIM SWIM; PowerScribe acknowledgement time",
    better="lower",
    kind=Survival(Span(_x.view_delay_min, _x.first_final_at, _x.report_viewed_at)),
    table=fact_exam,
    population=Population(PERFORMED.condition & _x.first_final_at.is_not(None), "performed exams with a final report"),
    at=SIGNED,
    open_items=f"reports no referrer has looked at {_KM}",
    needs=("report_viewed",),
)

REWORK = Kpi(
    key="rework_after_final",
    id="T27",
    label="Changed after the final report",
    unit="per 1000",
    description="Exams whose procedure or accession was changed after the first final report, per 1000.",
    formula="1000 x n(reworked_at) / n(exams with a final report), with Wilson interval",
    source="Epic audit action Procedure Changed After Final",
    better="lower",
    kind=Ratio(shares={"rate": reached(_x.reworked_at)}, per=1000.0),
    table=fact_exam,
    population=Population(
        PERFORMED.condition & reached(_x.first_final_at),
        "performed exams with a final report; changes are a procedure-changed entry, a replaced order, or an order "
        "change to another procedure code",
    ),
    at=ENDED,
    open_items="none: late changes add to a month long past.",
    needs=("procedure_changed|order_replaced|order_changed",),
)

FIRST_PRELIM = Kpi(
    key="first_prelim_tat",
    id="T16-first-prelim",
    label="Exam end to first preliminary",
    unit="min",
    description="Minutes from exam end to the first preliminary report, for exams that have one or may still get one.",
    formula="first_prelim_at - exam_end_at",
    source="PerformanceBridge: first and last preliminary, first and last final",
    better="lower",
    kind=Survival(Span(minutes_between(_x.exam_end_at, _x.first_prelim_at), _x.exam_end_at, _x.first_prelim_at)),
    table=fact_exam,
    population=Population(
        PERFORMED.condition & (_x.first_prelim_at.is_not(None) | _x.first_final_at.is_(None)),
        "performed exams with a preliminary report or without any report yet",
    ),
    at=ENDED,
    open_items=f"exams without any report {_KM}",
)

LAST_PRELIM = Kpi(
    key="last_prelim_tat",
    id="T16-last-prelim",
    label="Exam end to last preliminary",
    unit="min",
    description="Minutes from exam end to the last preliminary report so far.",
    formula="last_prelim_at - exam_end_at",
    source="PerformanceBridge: first and last preliminary, first and last final",
    better="lower",
    kind=Survival(Span(minutes_between(_x.exam_end_at, _x.last_prelim_at), _x.exam_end_at, _x.last_prelim_at)),
    table=fact_exam,
    population=FIRST_PRELIM.population,
    at=ENDED,
    open_items=f"exams without any report {_KM}",
)

LAST_FINAL = Kpi(
    key="last_final_tat",
    id="T16-last-final",
    label="Exam end to last final or addendum",
    unit="min",
    description="Minutes from exam end to the last final report so far, addenda and corrections included.",
    formula="last_final_at - exam_end_at",
    source="PerformanceBridge: first and last preliminary, first and last final",
    better="lower",
    kind=Survival(Span(minutes_between(_x.exam_end_at, _x.last_final_at), _x.exam_end_at, _x.last_final_at)),
    table=fact_exam,
    population=PERFORMED,
    at=ENDED,
    open_items=f"exams without a final report {_KM}",
)

FINAL_TO_ADDENDUM = Kpi(
    key="final_to_addendum",
    id="T16-addendum",
    label="Final report to first addendum",
    unit="min",
    description="Minutes from the first final report to its first addendum or correction, where there is one.",
    formula="first_addendum_at - first_final_at",
    source="HL7 table 0123 C",
    better="neutral",
    kind=Aggregate(Span(minutes_between(_x.first_final_at, _x.first_addendum_at), ended_at=_x.first_addendum_at)),
    table=fact_exam,
    population=Population(PERFORMED.condition & reached(_x.first_addendum_at), "performed exams with an addendum"),
    at=ENDED,
    open_items="none: most reports never get one.",
    needs=("addendum",),
)
