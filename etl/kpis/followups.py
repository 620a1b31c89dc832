"""C04 to C07: recommended follow-up exams, from the sentence in the report to the exam that answers it."""

from __future__ import annotations

from sqlalchemy import and_, or_

from etl.kpis.base import Kpi, Population, When
from etl.kpis.critical import INSTANTS
from etl.kpis.moment import AS_OF, not_reached, reached
from etl.kpis.query import GRAINS
from etl.kpis.shares import Funnel, Ratio
from etl.kpis.snapshot import Snapshot
from etl.warehouse.tables import fact_exam, fact_followup

_f = fact_followup.c
_x = fact_exam.c

RECOMMENDED = When(_f.local_date, _f.local_hour, "by date of the recommendation")
DUE = When(_f.due_local_date, None, "by the date it was due")
_NEEDS = ("followup_recommended",)
_DONE = "completed: a feed says so, else a matching later exam of the patient was performed"

RATE = Kpi(
    key="followup_rate",
    id="C04",
    label="Reports that recommend a follow-up exam",
    unit="share",
    description="Share of reported exams whose report recommends a further exam, coded or found in its text by rule.",
    formula="n(followup_recommended) / n(final report), with Wilson interval",
    source="PMC9308057, PMC5977608 for the term",
    better="neutral",
    kind=Ratio(shares={"share": reached(_x.followup_recommended_at)}),
    table=fact_exam,
    population=Population(reached(_x.first_final_at), "exams with a final report"),
    at=When(_x.final_local_date, _x.final_local_hour, "by date of the signature"),
    open_items="exams without a final report are not counted.",
    needs=_NEEDS,
)

SPECIFIC = Kpi(
    key="followup_specific",
    id="C05",
    label="Follow-up recommendations that say what and when",
    unit="share",
    description="Share of recommendations that name both a modality and an interval; the shares lacking each beside.",
    formula="n(modality and interval named) / n, with Wilson interval",
    source="C05 of the catalogue",
    better="higher",
    kind=Ratio(
        shares={
            "share": and_(_f.wanted_modality.is_not(None), _f.interval_days.is_not(None)),
            "without_interval": _f.interval_days.is_(None),
            "without_modality": _f.wanted_modality.is_(None),
        }
    ),
    table=fact_followup,
    population=Population(reached(_f.recommended_at), "follow-ups recommended by now"),
    at=RECOMMENDED,
    open_items="none: a recommendation is as specific as it was written.",
    counted="follow-ups",
    needs=_NEEDS,
)

COMPLETION = Kpi(
    key="followup_completion",
    id="C06",
    label="Follow-ups done in time",
    unit="share",
    description="Share of recommended follow-ups done by their due date plus the site's grace.",
    formula=f"n(completed_at <= deadline_at) / n(deadline reached), with Wilson interval; late: done after it; {_DONE}",
    source="ACR AIF measure family (GRID 2.0) for the term; grace is the site's own",
    better="higher",
    kind=Ratio(
        shares={
            "share": and_(reached(_f.completed_at), _f.completed_at <= _f.deadline_at),
            "late": and_(reached(_f.completed_at), _f.completed_at > _f.deadline_at),
        },
        decided=_f.deadline_at <= AS_OF,
        undecided=_f.deadline_at > AS_OF,
    ),
    table=fact_followup,
    population=Population(
        and_(
            reached(_f.recommended_at),
            _f.deadline_at.is_not(None),
            or_(_f.is_excluded.is_not(True), not_reached(_f.dismissed_at)),
        ),
        "follow-ups with an interval; those dismissed in time because of death, transfer or a newer one left out",
    ),
    at=DUE,
    open_items="follow-ups whose grace still runs are not yet decidable, done or not; they are counted beside.",
    counted="follow-ups",
    needs=_NEEDS,
)

FUNNEL = Kpi(
    key="followup_funnel",
    id="C06-funnel",
    label="What becomes of recommended follow-ups",
    unit="share",
    description="Of the follow-ups recommended, the shares that are booked, dismissed, overdue and done by now.",
    formula=f"n(scheduled, or done), n(dismissed), n(overdue: C07), n(done) / n(recommended); {_DONE}",
    source="stages of C06 and C07",
    better="higher",
    kind=Funnel(
        stages=(
            ("booked", or_(reached(_f.scheduled_at), reached(_f.completed_at))),
            ("dismissed", and_(reached(_f.dismissed_at), not_reached(_f.completed_at))),
            ("overdue", and_(reached(_f.deadline_at), not_reached(_f.completed_at), not_reached(_f.dismissed_at))),
            ("done", reached(_f.completed_at)),
        )
    ),
    table=fact_followup,
    population=Population(reached(_f.recommended_at), "follow-ups recommended by now"),
    at=RECOMMENDED,
    open_items="what is neither done, dismissed nor overdue is still to come.",
    counted="follow-ups",
    needs=_NEEDS,
)

OVERDUE = Kpi(
    key="followup_overdue",
    id="C07",
    label="Overdue follow-ups",
    unit="follow-ups",
    description="Recommended follow-ups past their due date plus grace, neither done nor dismissed by a human; how "
    "many were dismissed is counted beside.",
    formula="count at the instant of follow-ups with deadline_at reached, without completed_at and dismissed_at; "
    "dismissed: those with dismissed_at, else the same",
    source="ACR DSI use case for the term",
    better="lower",
    kind=Snapshot(opened_at=_f.deadline_at, closed_at=(_f.completed_at,), aside="dismissed", aside_at=_f.dismissed_at),
    table=fact_followup,
    population=Population(_f.deadline_at.is_not(None), "follow-ups with an interval"),
    at=INSTANTS,
    open_items="open items are what it counts; ages are from the end of the grace. Dismissals made in the dashboard "
    "count from the next run on, as those a feed tells.",
    counted="follow-ups",
    time_grains=GRAINS,
    needs=_NEEDS,
)
