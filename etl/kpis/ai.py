"""A: algorithms beside the reader: there in time, right, agreed with, and what becomes of the others' waits."""

from __future__ import annotations

from sqlalchemy import and_, case

from etl.kpis.base import Kpi, Population, When
from etl.kpis.duration import Span
from etl.kpis.kinds import Aggregate, Part
from etl.kpis.moment import reached
from etl.kpis.shares import Ratio
from etl.warehouse.tables import fact_ai_result

_a = fact_ai_result.c
AVAILABLE = When(_a.local_date, _a.local_hour, "by date the images were available")
_THERE = reached(_a.postproc_end_at)
_IN_USE = _a.ai_use == "in_use"
_POSITIVE, _NEGATIVE = _a.result == "positive", _a.result == "negative"
_JUDGED = and_(reached(_a.judged_at), _a.is_agreed.is_not(None))

COVERAGE = Kpi(
    key="ai_coverage",
    id="A01",
    label="AI result in time",
    unit="share",
    description="Share of exams an algorithm is in use for whose result was there before the read began.",
    formula="n(usable result before read_opened_at) / n(exams in use, read or with a result)",
    source="IHE SOLE, post-processing; A01 of the catalogue",
    better="higher",
    kind=Ratio(
        shares={
            "share": and_(_THERE, _a.is_before_read.is_(True)),
            "failed": and_(_THERE, _a.result == "failed"),
            "late": and_(_THERE, _a.result != "failed", _a.is_before_read.is_(False)),
        },
        decided=_THERE | reached(_a.read_opened_at),
        undecided=~(_THERE | reached(_a.read_opened_at)),
    ),
    table=fact_ai_result,
    population=Population(_IN_USE, "exams of procedures the site lists an algorithm for"),
    at=AVAILABLE,
    open_items="exams neither read nor with a result are not decided yet and counted beside.",
    needs=("entry.ai_result",),
)

LATENCY = Kpi(
    key="ai_latency",
    id="A01-latency",
    label="AI processing time",
    unit="min",
    description="Minutes from the begin to the end of an algorithm's processing.",
    formula="postproc_end - postproc_begin",
    source="IHE SOLE115 minus SOLE114",
    better="lower",
    kind=Aggregate(Span(_a.latency_min, _a.postproc_begin_at, _a.postproc_end_at)),
    table=fact_ai_result,
    population=Population(_a.result.is_not(None) & (_a.result != "failed"), "usable results"),
    at=AVAILABLE,
    open_items="none: a result is known once it is there.",
    counted="results",
    needs=("entry.ai_result",),
)

FAILURES = Kpi(
    key="ai_failures",
    id="A01-failed",
    label="AI failures",
    unit="share",
    description="Share of results that are failures.",
    formula="n(result failed) / n(results)",
    source="A01 of the catalogue",
    better="lower",
    kind=Ratio(shares={"share": _a.result == "failed"}),
    table=fact_ai_result,
    population=Population(_a.result.is_not(None) & _THERE, "results and failures"),
    at=AVAILABLE,
    open_items="none.",
    counted="results",
    needs=("entry.ai_result",),
)

_TOLD = _POSITIVE | _NEGATIVE
_VERDICTS = ("entry.ai_result", "entry.ai_verdict")
_NOT_JUDGED = "results not judged yet are not decided and counted beside."

CONCORDANCE = Kpi(
    key="ai_concordance",
    id="A02",
    label="AI and report agree",
    unit="share",
    description="Share of judged AI results that the report agrees with, with the four cells of the table beside.",
    formula="n(agreed) / n(judged); both_positive, ai_only, report_only, both_negative / n(judged)",
    source="A02 of the catalogue",
    better="neutral",
    kind=Ratio(
        shares={
            "share": _a.is_agreed.is_(True),
            "both_positive": and_(_POSITIVE, _a.is_reported.is_(True)),
            "ai_only": and_(_POSITIVE, _a.is_reported.is_(False)),
            "report_only": and_(_NEGATIVE, _a.is_reported.is_(True)),
            "both_negative": and_(_NEGATIVE, _a.is_reported.is_(False)),
        },
        decided=_JUDGED,
        undecided=~_JUDGED,
    ),
    table=fact_ai_result,
    population=Population(_TOLD & _THERE, "positive and negative results"),
    at=AVAILABLE,
    open_items=_NOT_JUDGED,
    counted="results",
    without=frozenset({"reason"}),
    needs=_VERDICTS,
)

AI_PPV = Kpi(
    key="ai_positive_predictive_value",
    id="A02-ppv",
    label="AI positives that are right",
    unit="share",
    description="Share of judged positive AI results whose finding is there, as adjudicated or else as reported.",
    formula="n(positive and present) / n(positive and judged), with Wilson interval",
    source="A02 of the catalogue",
    better="higher",
    kind=Ratio(
        shares={"share": _a.is_present.is_(True), "adjudicated": _a.is_adjudicated.is_(True)},
        decided=_JUDGED,
        undecided=~_JUDGED,
    ),
    table=fact_ai_result,
    population=Population(_POSITIVE & _THERE, "positive results"),
    at=AVAILABLE,
    open_items=_NOT_JUDGED,
    counted="results",
    without=frozenset({"reason"}),
    needs=_VERDICTS,
)

AI_SENSITIVITY = Kpi(
    key="ai_sensitivity",
    id="A02-sensitivity",
    label="Findings the AI flagged",
    unit="share",
    description="Share of findings that are there, as adjudicated or else as reported, that the algorithm flagged.",
    formula="n(positive and present) / n(present), with Wilson interval",
    source="A02 of the catalogue",
    better="higher",
    kind=Ratio(shares={"share": _POSITIVE}),
    table=fact_ai_result,
    population=Population(_TOLD & _THERE & _JUDGED & _a.is_present.is_(True), "judged results whose finding is there"),
    at=AVAILABLE,
    open_items="results not judged yet are not counted.",
    counted="results",
    without=frozenset({"reason"}),
    needs=_VERDICTS,
)

OVERRIDE = Kpi(
    key="ai_override",
    id="A05",
    label="AI positives overridden",
    unit="share",
    description="Share of judged positive AI results that the reader did not agree with.",
    formula="n(positive and not agreed) / n(positive and judged), with Wilson interval",
    source="A05 of the catalogue: human oversight",
    better="neutral",
    kind=Ratio(shares={"share": _a.is_agreed.is_(False)}, decided=_JUDGED, undecided=~_JUDGED),
    table=fact_ai_result,
    population=Population(_POSITIVE & _THERE, "positive results"),
    at=AVAILABLE,
    open_items=_NOT_JUDGED,
    counted="results",
    without=frozenset({"reason"}),  # only of an override there is one: see A05-count
    needs=_VERDICTS,
)

OVERRIDES = Kpi(
    key="ai_overrides",
    id="A05-count",
    label="AI results overridden",
    unit="results",
    description="How many results, positive or negative, the reader did not agree with; cut by reason it says why.",
    formula="n(judged results not agreed with)",
    source="A05 of the catalogue: human oversight",
    better="neutral",
    kind=Aggregate(None, statistics=("count",)),
    table=fact_ai_result,
    population=Population(_TOLD & _JUDGED & _a.is_agreed.is_(False), "judged results the reader did not agree with"),
    at=AVAILABLE,
    open_items=_NOT_JUDGED,
    counted="results",
    needs=_VERDICTS,
)

_LIKE = "of one algorithm, section, priority, patient class, work or off hours and band of unread queue"
_OPEN = "unread exams are counted beside; the median is of read ones only."


def _by_hours(value: object, hours: str) -> Part:
    return Part(f"{hours}_p50", "min", value=case((_a.hours == hours, value)))


TRIAGE = Kpi(
    key="triage_benefit",
    id="A03",
    label="Wait of flagged exams against like ones",
    unit="min",
    description="How much longer (+) or shorter (-) images the AI flagged waited than like exams it did not flag.",
    formula=f"median of (wait - median wait of unflagged exams {_LIKE}), wait = read_opened - images_available; "
    "before: against exams before",
    source="A03 of the catalogue; the simple stratified number, the regression is on the page AI oversight",
    better="lower",
    kind=Aggregate(
        Span(_a.flagged_difference_min, _a.images_available_at, _a.read_opened_at, signed=True),
        parts=(
            _by_hours(_a.flagged_difference_min, "work"),
            _by_hours(_a.flagged_difference_min, "off"),
            Part("before_p50", "min", value=_a.before_difference_min),
        ),
    ),
    table=fact_ai_result,
    population=Population(_IN_USE & _POSITIVE, "exams an algorithm in use flagged"),
    at=AVAILABLE,
    open_items=_OPEN,
    needs=("entry.ai_result", "read_opened"),
)

DISPLACED = Kpi(
    key="unflagged_delay",
    id="A04",
    label="Wait of unflagged exams against before",
    unit="min",
    description="How much longer (+) or shorter (-) exams the AI did not flag wait than like exams before its use.",
    formula=f"median of (wait - median wait of exams before, {_LIKE}), wait = read_opened - images_available",
    source="A04 of the catalogue; the simple stratified number, the regression is on the page AI oversight",
    better="lower",
    kind=Aggregate(
        Span(_a.before_difference_min, _a.images_available_at, _a.read_opened_at, signed=True),
        parts=(_by_hours(_a.before_difference_min, "work"), _by_hours(_a.before_difference_min, "off")),
    ),
    table=fact_ai_result,
    population=Population(
        _IN_USE & (_a.result.is_(None) | (_a.result != "positive")), "exams an algorithm in use did not flag"
    ),
    at=AVAILABLE,
    open_items=_OPEN,
    needs=("entry.ai_result", "read_opened"),
)
