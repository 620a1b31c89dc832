"""Q06 to Q10: rejected and repeated images, exams done again, incidents, and protocols off the site's standard."""

from __future__ import annotations

from sqlalchemy import case

from etl.kpis.base import Kpi, Population, When
from etl.kpis.duration import Span
from etl.kpis.kinds import Aggregate
from etl.kpis.moment import AS_OF, epoch_min, reached
from etl.kpis.quality_reviews import BY_EXAM_END
from etl.kpis.shares import Ratio
from etl.warehouse.tables import fact_quality, fact_reject

_q, _x = fact_quality.c, fact_reject.c
REDONE_WITHIN_MIN = 7 * 1440
_PERFORMED = Population(_q.exams == 1, "performed exams")
_ON_DAY = When(_x.local_date, None, "by date of the exposure")
_ALL_EXPOSURES = Population(_x.exposures.is_not(None), "exposures of rooms that send their counts")

REJECT_RATE = Kpi(
    key="reject_rate",
    id="Q06",
    label="Reject rate",
    unit="share",
    description="Share of exposures rejected: those that never reached the reader, of all that were made.",
    formula="rejected exposures / (rejected + accepted exposures), with Wilson interval",
    source="AAPM TG-305 (2023)",
    better="lower",
    kind=Ratio(shares={"share": _x.rejected}, of=_x.exposures),
    table=fact_reject,
    population=_ALL_EXPOSURES,
    at=_ON_DAY,
    open_items="none.",
    counted="exposures",
    without=frozenset({"reason"}),  # of an accepted exposure there is no reason: see Q06-count
    needs=("entry.reject",),
)

REJECTS = Kpi(
    key="rejects",
    id="Q06-count",
    label="Rejected exposures",
    unit="exposures",
    description="How many exposures were rejected; cut by reason it says what to work on first.",
    formula="sum of rejected exposures",
    source="AAPM TG-305 (2023), reasons as the site codes them",
    better="lower",
    kind=Aggregate(Span(_x.rejected), statistics=("sum",)),
    table=fact_reject,
    population=Population(_x.rejected > 0, "rows of rejected exposures"),
    at=_ON_DAY,
    open_items="none.",
    counted="rows",
    needs=("entry.reject",),
)

_COUNTED = case((_q.extra_images.is_not(None), 1), else_=0)

REPEAT_RATE = Kpi(
    key="repeat_rate",
    id="Q07",
    label="Repeated images per 100 exams",
    unit="in 100",
    description="Accepted images beyond the number the site's standard asks for, per 100 exams with a standard.",
    formula="100 x sum(max(0, images held - images of the standard)) / exams with both",
    source="AAPM TG-305 (2023): a repeat reached the reader, a reject did not",
    better="lower",
    kind=Ratio(shares={"per_100": _q.extra_images}, of=_COUNTED, per=100.0, rate=True),
    table=fact_quality,
    population=Population(_q.protocol_images.is_not(None) & (_q.exams == 1), "performed exams with a standard number"),
    at=BY_EXAM_END,
    open_items="none: exams whose images the archive does not hold are left out.",
    needs=("series",),
)

REPEAT_SHARE = Kpi(
    key="repeat_share",
    id="Q07b",
    label="Repeats among accepted images",
    unit="share",
    description="Share of accepted images that lie beyond the number the site's standard asks for.",
    formula="sum(max(0, images held - images of the standard)) / sum(images held), with Wilson interval",
    source="AAPM TG-305 (2023), second variant of Q07",
    better="lower",
    kind=Ratio(shares={"share": _q.extra_images}, of=_q.images),
    table=fact_quality,
    population=Population(_q.extra_images.is_not(None) & (_q.exams == 1), "images of exams with a standard number"),
    at=BY_EXAM_END,
    open_items="none.",
    counted="images",
    needs=("series",),
)

_OVER = epoch_min(AS_OF) - epoch_min(_q.exam_end_at) >= REDONE_WITHIN_MIN

REACQUISITION = Kpi(
    key="reacquisition",
    id="Q08",
    label="Done again for quality",
    unit="share",
    description="Share of exams refused at quality control and done again, replaced or as a new exam, within 7 days.",
    formula="n(refused, and the same procedure done again within 7 days of exam end) / n(exams ended 7 days ago)",
    source="ACR GRID, reacquisition rate",
    better="lower",
    kind=Ratio(
        shares={"share": reached(_q.redone_at), "refused": reached(_q.qc_reject_at)}, decided=_OVER, undecided=~_OVER
    ),
    table=fact_quality,
    population=_PERFORMED,
    at=BY_EXAM_END,
    open_items="exams that ended less than 7 days ago are not decidable yet and counted beside.",
    needs=("qc_reject",),
)

INCIDENTS = Kpi(
    key="incidents",
    id="Q09",
    label="Incidents per 10,000 exams",
    unit="in 10,000",
    description="Wrong exam, side or patient, falls and extravasations per 10,000 exams, each group beside.",
    formula="10000 x incidents / performed exams; other: types outside of these groups; near misses are in none",
    source="ACR GRID incident groups",
    better="lower",
    kind=Ratio(
        shares={
            "per_10000": _q.incidents,
            "wrong_exam": _q.wrong_exams,
            "fall": _q.falls,
            "extravasation": _q.extravasations,
            "other": _q.other_incidents,
        },
        of=_q.exams,
        per=10_000.0,
        rate=True,
    ),
    table=fact_quality,
    population=Population(_q.exams.is_not(None), "performed exams, and incidents that name none"),
    at=BY_EXAM_END,
    open_items="none; the last weeks still gain reports.",
    needs=("entry.incident",),
)

PROTOCOL_DEVIATION = Kpi(
    key="protocol_deviation",
    id="Q10",
    label="Protocols off the standard",
    unit="share",
    description="Share of exams with a protocol that the site's standard does not name for the procedure.",
    formula="n(exams with a series whose protocol is not in the standard) / n(exams with a standard and series)",
    source="GE Protocol Manager; the standard is the site's own table",
    better="lower",
    kind=Ratio(
        shares={"share": _q.is_standard_protocol.is_(False)},
        decided=_q.is_standard_protocol.is_not(None),
    ),
    table=fact_quality,
    population=_PERFORMED,
    at=BY_EXAM_END,
    open_items="none: exams without a standard, or without a protocol's name, count as missing.",
    needs=("series",),
)
