"""Q03 to Q05 and Q12: what reviews, submissions and references say of reports, by group and never by person."""

from __future__ import annotations

from etl.kpis.base import Kpi, Population, When
from etl.kpis.moment import reached
from etl.kpis.shares import Ratio
from etl.warehouse.tables import fact_peer_review, fact_quality, fact_reference

_p, _q, _r = fact_peer_review.c, fact_quality.c, fact_reference.c
BY_EXAM_END = When(_q.local_date, _q.local_hour, "by date of exam end")
READ = When(_r.local_date, _r.local_hour, "by date of exam end")

PEER_REVIEW_DISCREPANCY = Kpi(
    key="peer_review_discrepancy",
    id="Q03",
    label="Discrepancies in peer review",
    unit="share",
    description="Share of peer reviews that score 2 or 3, with those marked as likely significant beside.",
    formula="n(score 2 or 3) / n(scored reviews), with Wilson interval; significant: letter b; score_3: score 3",
    source="ACR RADPEER scale 1, 2, 3 with a or b; it sets no benchmark, so neither do we",
    better="neutral",
    kind=Ratio(
        shares={
            "share": _p.score >= 2,
            "significant": _p.is_significant.is_(True),
            "score_3": _p.score == 3,
        },
        decided=_p.score.is_not(None),
    ),
    table=fact_peer_review,
    population=Population(reached(_p.reviewed_at), "peer reviews done by now"),
    at=When(_p.local_date, _p.local_hour, "by date of the review"),
    open_items="none: a review exists once it is done; codes that are no score count as missing.",
    counted="reviews",
    needs=("entry.peer_review",),
)

REVIEW_COVERAGE = Kpi(
    key="review_coverage",
    id="Q04",
    label="Peer review coverage",
    unit="share",
    description="Share of exams with a final report that were peer reviewed at least once.",
    formula="n(exams reviewed) / n(performed exams with a final report)",
    source="Q04 of the catalogue",
    better="higher",
    kind=Ratio(shares={"share": _q.is_reviewed.is_(True)}),
    table=fact_quality,
    population=Population(_q.is_reported.is_(True), "performed exams with a final report"),
    at=BY_EXAM_END,
    open_items="exams without a final report are not eligible yet.",
    needs=("entry.peer_review",),
)

LEARNING_YIELD = Kpi(
    key="learning_yield",
    id="Q05",
    label="Peer-learning submissions per 1,000 exams",
    unit="in 1,000",
    description="Cases handed in to learn from, great calls included, per 1,000 exams; non-punitive, no persons.",
    formula="1000 x submissions / performed exams; great_calls: of these, great calls",
    source="CAR peer-learning guide",
    better="higher",
    kind=Ratio(shares={"per_1000": _q.submissions, "great_calls": _q.great_calls}, of=_q.exams, per=1000.0, rate=True),
    table=fact_quality,
    population=Population(_q.exams.is_not(None), "performed exams, and submissions that name none"),
    at=BY_EXAM_END,
    open_items="none; the last weeks still gain submissions.",
    needs=("entry.peer_learning",),
)

_TOLD = _r.is_called.is_not(None) & _r.is_present.is_not(None) & reached(_r.known_from_at)


def _accuracy(key: str, kpi_id: str, label: str, formula: str, kind: Ratio, which: Population) -> Kpi:
    return Kpi(
        key=key,
        id=kpi_id,
        label=label,
        unit="share",
        description=f"{label} of reports against the reference, with Wilson interval.",
        formula=formula,
        source="Q12 of the catalogue; measured only where a feed brings reference results",
        better="higher",
        kind=kind,
        table=fact_reference,
        population=which,
        at=READ,
        open_items="exams whose reference is not known yet are not counted.",
        counted="exams with a reference",
        needs=("entry.reference",),
    )


PPV = _accuracy(
    "positive_predictive_value",
    "Q12-ppv",
    "Positive predictive value",
    "n(present) / n(called by the report)",
    Ratio(shares={"share": _r.is_present.is_(True)}),
    Population(_TOLD & _r.is_called.is_(True), "exams the report called, with a reference"),
)
SENSITIVITY = _accuracy(
    "sensitivity",
    "Q12-sensitivity",
    "Sensitivity",
    "n(called by the report) / n(present)",
    Ratio(shares={"share": _r.is_called.is_(True)}),
    Population(_TOLD & _r.is_present.is_(True), "exams in which the reference found it"),
)
SPECIFICITY = _accuracy(
    "specificity",
    "Q12-specificity",
    "Specificity",
    "n(not called by the report) / n(not present)",
    Ratio(shares={"share": _r.is_called.is_(False)}),
    Population(_TOLD & _r.is_present.is_(False), "exams in which the reference did not find it"),
)
