"""P: relevant priors, repeat imaging, appropriateness; the grain is the exam (accession)."""

from __future__ import annotations

from sqlalchemy import and_

from etl.kpis.base import Kpi, Population, When
from etl.kpis.duration import Span
from etl.kpis.moment import not_reached, reached
from etl.kpis.shares import Ratio
from etl.kpis.survival import Survival
from etl.warehouse.tables import fact_prior

_p = fact_prior.c

ENDED = When(_p.local_date, _p.local_hour, "by date of exam end")
ORDERED = When(_p.order_local_date, _p.order_local_hour, "by date of the order")
_PERFORMED = and_(_p.is_performed.is_(True), reached(_p.exam_end_at))
_COMPARABLE = and_(_p.patient_key.is_not(None), _p.body_region.is_not(None), _p.modality_family.is_not(None))
SOLE = "IHE SOLE (SOLE112 exam requested, SOLE113 exam transferred)"

PRIOR_ONLINE = Kpi(
    key="prior_online",
    id="P01",
    label="Relevant prior there when reading began",
    unit="share",
    description=(
        "Of the exams with a known relevant prior (same patient, modality family and body region, at most five years "
        "old, or asked for elsewhere), the share whose prior could be seen when reading began."
    ),
    formula=(
        "n(prior transferred, or its images in the archive, <= read_began_at) / n(exams with a known prior, read); "
        "read_began_at = opened, else dictated, else first communication"
    ),
    source=SOLE,
    better="higher",
    kind=Ratio(
        shares={"share": _p.is_prior_online.is_(True)},
        decided=and_(reached(_p.read_began_at), _p.is_prior_online.is_not(None)),
        undecided=not_reached(_p.read_began_at),
    ),
    table=fact_prior,
    population=Population(and_(_PERFORMED, _p.is_prior_known.is_(True)), "performed exams with a known relevant prior"),
    at=ENDED,
    open_items="exams not yet read are counted beside; a prior of another site that nobody asked for is missing.",
)

PRIOR_TRANSFER = Kpi(
    key="prior_transfer",
    id="P01-transfer",
    label="Prior asked for to prior there",
    unit="min",
    description="Minutes from the request for a prior to the end of its transfer.",
    formula="prior_available_at - prior_requested_at (SOLE113 - SOLE112)",
    source=SOLE,
    better="lower",
    kind=Survival(Span(_p.prior_transfer_min, _p.prior_requested_at, _p.prior_available_at, (_p.read_began_at,))),
    table=fact_prior,
    population=Population(
        and_(_p.prior_requested_at.is_not(None), reached(_p.exam_end_at)), "ended exams for which a prior was asked for"
    ),
    at=ENDED,
    open_items="priors still on their way count as at least as long as they have lasted (Kaplan-Meier); those that "
    "had not come when the exam was read are missing.",
    needs=("prior_requested", "prior_available"),
)


def _repeats(days: int) -> Kpi:
    """Return P02 of one window; the three differ in nothing else."""
    return Kpi(
        key=f"repeat_{days}d",
        id=f"P02-{days}",
        label=f"Repeat imaging within {days} days",
        unit="share",
        description=(
            f"Share of exams whose patient had the same modality family and body region imaged in the {days} days "
            "before, in another room visit. A repeat is not a redundant exam: most are follow-up."
        ),
        formula=f"n(exam_begin_at - begin of the latest such visit <= {days} d) / n(exams with {days} d of known past)",
        source="P02 of the catalogue; repeat, never redundant, as the literature warns",
        better="neutral",
        kind=Ratio(
            shares={"share": _p.prior_days <= days},
            decided=and_(_COMPARABLE, _p.history_days >= days),
        ),
        table=fact_prior,
        population=Population(_PERFORMED, "performed exams"),
        at=ENDED,
        open_items=f"none; exams of an unknown patient or region, and of the site's first {days} days, are missing.",
    )


REPEAT_7, REPEAT_30, REPEAT_90 = (_repeats(days) for days in (7, 30, 90))

REDUNDANT = Kpi(
    key="redundant_repeats",
    id="P02-redundant",
    label="Redundant among repeats with a reason",
    unit="share",
    description="Of the repeats within 90 days whose order gave a coded reason, the share whose reason says redundant.",
    formula="n(reason says redundant) / n(repeats within 90 d with a known reason code); technical: done again for "
    "quality",
    source="P02 of the catalogue: redundant only after a reason code (ORC-16)",
    better="lower",
    kind=Ratio(
        shares={"share": _p.reason_class == "redundant", "technical": _p.reason_class == "technical"},
        decided=_p.reason_class.is_not(None),
    ),
    table=fact_prior,
    population=Population(and_(_PERFORMED, _COMPARABLE, _p.prior_days <= 90), "repeats within 90 days"),
    at=ENDED,
    open_items="none; repeats without a reason code are missing, and nothing is said of them.",
)

APPROPRIATENESS = Kpi(
    key="appropriateness",
    id="P03",
    label="Orders rated appropriate",
    unit="share",
    description="Mix of what decision support said of CT, MR, NM and PET orders; none: it had no criteria.",
    formula="n(rating) / n(orders with a rating), of each rating",
    source="P03 of the catalogue; ratings as the site's decision support gives them, in its list or with the order",
    better="higher",
    kind=Ratio(
        shares={
            "share": _p.rating == "appropriate", "may_be": _p.rating == "may_be", "rarely": _p.rating == "rarely",
            "none": _p.rating == "none",
        },
        decided=reached(_p.rated_at),
    ),
    table=fact_prior,
    population=Population(_p.modality.in_(["CT", "MR", "NM", "PT"]), "CT, MR, NM and PET orders"),
    at=ORDERED,
    open_items="none; orders without a consultation are missing.",
    counted="orders",
    needs=("entry.appropriateness|order.rating",),
)  # fmt: skip
