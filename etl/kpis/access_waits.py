"""T, U: how long it takes to come to the scanner: request, booking, wait, the open list at a census; wrong scanner."""

from __future__ import annotations

from sqlalchemy import and_, exists, func, select

from etl.kpis.access_times import INSTANTS
from etl.kpis.base import Kpi, Population, When
from etl.kpis.duration import Span
from etl.kpis.flow import BEGUN, ORDERED, PERFORMED
from etl.kpis.kinds import Aggregate
from etl.kpis.moment import not_reached, reached
from etl.kpis.query import GRAINS
from etl.kpis.shares import Ratio
from etl.kpis.snapshot import Snapshot
from etl.kpis.survival import Survival
from etl.warehouse.tables import fact_bookable, fact_exam, fact_wait

_x = fact_exam.c
_b = fact_bookable.c
_DAY_MIN = 24 * 60.0
_WEEK_MIN = 7 * _DAY_MIN
SIX_WEEKS_MIN = 6 * _WEEK_MIN

_w = fact_wait.c
HAS_SLOTS = exists(select(1).where(_b.site_code == _x.site_code, _b.modality == _x.modality))
CLOCKED = exists(select(1).where(_b.site_code == _w.site_code, _b.modality == _w.modality))
NEEDS_SLOT = and_(_x.patient_class == "O", HAS_SLOTS)
WHO_NEEDS_SLOT = "outpatient orders of modalities that have template slots at their site"
STANDING = and_(not_reached(_x.cancelled_at), not_reached(_x.no_show_at))
DONE = (_x.exam_begin_at, _x.exam_end_at, _x.first_acquisition_at, _x.first_communication_at)
WAITED_FOR = (*DONE, _x.cancelled_at, _x.no_show_at)  # what ends the wait for an exam

ORDER_TO_SCHEDULE = Kpi(
    key="order_to_schedule",
    id="T01",
    label="Order to first booking",
    unit="min",
    description="Minutes from the order to the making of its first booking, for orders that need a slot.",
    formula="first_scheduled_at - order_entered_at",
    source="SIIM SWIM schedule phase; HL7 ORC-9 and SIU^S12",
    better="lower",
    kind=Survival(
        Span(
            _x.order_to_schedule_min,
            _x.order_entered_at,
            _x.first_scheduled_at,
            (_x.arrived_at, *DONE),
        )
    ),
    table=fact_exam,
    population=Population(and_(NEEDS_SLOT, STANDING), f"{WHO_NEEDS_SLOT}; cancelled and no-show ones left out"),
    at=ORDERED,
    open_items="orders not yet booked count as at least as long as they have lasted (Kaplan-Meier); who came without a "
    "booking counts as missing.",
    counted="orders",
    needs=("exam_scheduled", "opening.slot"),
)

REQUEST_RECEIVED = Kpi(
    key="request_received_lag",
    id="T02",
    label="Request made to request received",
    unit="min",
    description="Minutes from entering the order to its acceptance by the department.",
    formula="request_received_at - order_entered_at, where a feed tells acceptance (ORC-1 OK or NA)",
    source="NHS DIDS: diagnostic test request date and request received date",
    better="lower",
    kind=Aggregate(
        Span(
            _x.request_received_min,
            _x.order_entered_at,
            _x.request_received_at,
            WAITED_FOR,
        )
    ),
    table=fact_exam,
    population=Population(_x.order_entered_at.is_not(None), "orders entered"),
    at=ORDERED,
    open_items="orders not yet accepted are counted beside; the quantiles are of accepted ones.",
    counted="orders",
    needs=("order_accepted",),
)

ACCESS_WAIT = Kpi(
    key="access_wait",
    id="T03",
    label="Wait from referral to exam",
    unit="days",
    description="Days from receiving the request to exam begin, for orders that need a slot.",
    formula="(exam_begin_at - order_accepted_at) / 24 h; the order's own time where no feed tells acceptance",
    source="NHS DIDS and DM01, without clocks begun anew (T03-adjusted)",
    better="lower",
    kind=Survival(
        Span(
            _x.access_wait_min / _DAY_MIN,
            _x.order_accepted_at,
            _x.exam_begin_at,
            DONE[1:],
        ),
        per_min=_DAY_MIN,
    ),
    table=fact_exam,
    population=Population(and_(NEEDS_SLOT, STANDING), f"{WHO_NEEDS_SLOT}; cancelled and no-show ones left out"),
    at=ORDERED,
    open_items="patients still waiting count as at least as long as they have waited (Kaplan-Meier); their list at a "
    "census is T04's.",
    counted="orders",
    needs=("opening.slot",),
)

_LIMIT = "the access target of the class, valid on the day of the order; six weeks where none is set"
_BANDS = tuple(
    (name, first * _WEEK_MIN, None if last is None else last * _WEEK_MIN)
    for name, first, last in (
        ("under_2_weeks", 0, 2), ("from_2_to_4", 2, 4), ("from_4_to_6", 4, 6), ("from_6_to_13", 6, 13),
        ("over_13_weeks", 13, None),
    )
)  # fmt: skip
_OPEN = f"{WHO_NEEDS_SLOT}, begun by nobody and not called off until the instant"

SIX_WEEK_WAIT = Kpi(
    key="six_week_wait",
    id="T04",
    label="Waiting six weeks or longer",
    unit="share",
    description="Share of the patients waiting at a census who have waited as long as their access target, by default "
    "six weeks, or longer.",
    formula=f"n(open, waiting >= limit) / n(open) at the instant; by month: at its end. Limit: {_LIMIT}. No clock is "
    "paused or begun anew: T04-adjusted does that",
    source="NHS England DM01 monthly diagnostics census",
    better="lower",
    kind=Snapshot(
        opened_at=_x.order_accepted_at,
        closed_at=WAITED_FOR,
        share_from_min=func.coalesce(_x.access_target_min, SIX_WEEKS_MIN),
        bands_min=_BANDS,
    ),
    table=fact_exam,
    population=Population(NEEDS_SLOT, _OPEN),
    at=INSTANTS,
    open_items="open items are what it counts.",
    counted="orders",
    time_grains=GRAINS,
    without=frozenset({"shift", "reader_mode"}),
    needs=("opening.slot",),
)

_RULES = "NHS England DM01 guidance on measuring the wait, as in rule pack dm01_six_weeks"
_ADJUSTED = "The clock begins anew at an appointment that the patient did not come to, called off or moved"

ADJUSTED_WAIT = Kpi(
    key="access_wait_adjusted",
    id="T03-adjusted",
    label="Wait from referral to exam, clock adjusted",
    unit="days",
    description="Days from receiving the request, or from the last appointment the patient gave up, to exam begin.",
    formula=f"(exam_begin_at - clock_at) / 24 h, nought where it began before. {_ADJUSTED}, as the rule packs say that "
    "a site switched on",
    source=_RULES,
    better="lower",
    kind=Survival(
        Span(_w.wait_min / _DAY_MIN, _w.clock_at, _w.exam_begin_at, (_w.done_at,)),
        per_min=_DAY_MIN,
    ),
    table=fact_wait,
    population=Population(
        and_(CLOCKED, _w.is_last.is_(True), not_reached(_w.off_at)),
        f"{WHO_NEEDS_SLOT}; cancelled and no-show ones left out",
    ),
    at=When(_w.local_date, _w.local_hour, "by date of the order"),
    open_items="patients still waiting count as at least as long as their clock has run (Kaplan-Meier); a clock that "
    "begins at an appointment still to come is not counted yet.",
    counted="orders",
    needs=("opening.slot", "rule_pack.wait_clock"),
)

ADJUSTED_SIX_WEEKS = Kpi(
    key="six_week_wait_adjusted",
    id="T04-adjusted",
    label="Waiting six weeks or longer, clock adjusted",
    unit="share",
    description="Share of the patients waiting at a census whose clock has run as long as their access target, by "
    "default six weeks, or longer.",
    formula="n(open, clock >= limit) / n(open) at the instant, by the clock known then. "
    f"{_ADJUSTED}, as the rule packs say that a site switched on. Limit: {_LIMIT}",
    source=_RULES,
    better="lower",
    kind=Snapshot(
        opened_at=_w.clock_at,
        closed_at=(_w.until_at, _w.exam_begin_at, _w.done_at, _w.off_at),
        share_from_min=func.coalesce(_w.limit_min, SIX_WEEKS_MIN),
        bands_min=_BANDS,
        entered_at=_w.entered_at,
    ),
    table=fact_wait,
    population=Population(CLOCKED, _OPEN),
    at=INSTANTS,
    open_items="open items are what it counts.",
    counted="orders",
    time_grains=GRAINS,
    without=frozenset({"shift", "reader_mode"}),
    needs=("opening.slot", "rule_pack.wait_clock"),
)

WRONG_SCANNER = Kpi(
    key="wrong_scanner_rate",
    id="U13",
    label="Done on another scanner than booked",
    unit="share",
    description="Share of booked exams performed on another scanner than the one booked.",
    formula="n(scanner told by device or RIS differs from the booked one) / n(both known), with Wilson interval",
    source="Quantivly calendar marks such exams",
    better="lower",
    kind=Ratio(shares={"share": _x.is_other_scanner.is_(True)}, decided=_x.is_other_scanner.is_not(None)),
    table=fact_exam,
    population=Population(
        and_(PERFORMED.condition, _x.appointment_at.is_not(None), reached(_x.exam_begin_at)),
        "performed exams with an appointment",
    ),
    at=BEGUN,
    open_items="none: where either scanner is not told the exam counts as missing.",
    needs=("exam_scheduled",),
)
