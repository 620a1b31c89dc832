"""T, U: how long it takes to come to the scanner: request, booking, wait, the open list at a census; wrong scanner."""

from __future__ import annotations

from sqlalchemy import and_, exists, select

from etl.kpis.access_times import INSTANTS
from etl.kpis.base import Kpi, Population
from etl.kpis.duration import Span
from etl.kpis.flow import BEGUN, ORDERED, PERFORMED
from etl.kpis.kinds import Aggregate
from etl.kpis.moment import not_reached, reached
from etl.kpis.query import GRAINS
from etl.kpis.shares import Ratio
from etl.kpis.snapshot import Snapshot
from etl.kpis.survival import Survival
from etl.warehouse.tables import fact_bookable, fact_exam

_x = fact_exam.c
_b = fact_bookable.c
_DAY_MIN = 24 * 60.0
_WEEK_MIN = 7 * _DAY_MIN
SIX_WEEKS_MIN = 6 * _WEEK_MIN

HAS_SLOTS = exists(select(1).where(_b.site_code == _x.site_code, _b.modality == _x.modality))
NEEDS_SLOT = and_(_x.patient_class == "O", HAS_SLOTS)
_WHO = "outpatient orders of modalities that have template slots at their site"
_STANDING = and_(not_reached(_x.cancelled_at), not_reached(_x.no_show_at))
_DONE = (_x.exam_begin_at, _x.exam_end_at, _x.first_acquisition_at, _x.first_communication_at)
WAITED_FOR = (*_DONE, _x.cancelled_at, _x.no_show_at)  # what ends the wait for an exam

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
            (_x.arrived_at, *_DONE),
        )
    ),
    table=fact_exam,
    population=Population(and_(NEEDS_SLOT, _STANDING), f"{_WHO}; cancelled and no-show ones left out"),
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
    source="NHS DIDS and DM01, without clock pauses",
    better="lower",
    kind=Survival(
        Span(
            _x.access_wait_min / _DAY_MIN,
            _x.order_accepted_at,
            _x.exam_begin_at,
            _DONE[1:],
        ),
        per_min=_DAY_MIN,
    ),
    table=fact_exam,
    population=Population(and_(NEEDS_SLOT, _STANDING), f"{_WHO}; cancelled and no-show ones left out"),
    at=ORDERED,
    open_items="patients still waiting count as at least as long as they have waited (Kaplan-Meier); their list at a "
    "census is T04's.",
    counted="orders",
    needs=("opening.slot",),
)

SIX_WEEK_WAIT = Kpi(
    key="six_week_wait",
    id="T04",
    label="Waiting six weeks or longer",
    unit="share",
    description="Share of the patients waiting at a census who have waited six weeks or longer.",
    formula="n(open, waiting >= 42 days) / n(open) at the instant; by month: at its end. No clock is paused",
    source="NHS England DM01 monthly diagnostics census",
    better="lower",
    kind=Snapshot(
        opened_at=_x.order_accepted_at,
        closed_at=WAITED_FOR,
        share_from_min=SIX_WEEKS_MIN,
        bands_min=tuple(
            (name, first * _WEEK_MIN, None if last is None else last * _WEEK_MIN)
            for name, first, last in (
                ("under_2_weeks", 0, 2), ("from_2_to_4", 2, 4), ("from_4_to_6", 4, 6), ("from_6_to_13", 6, 13),
                ("over_13_weeks", 13, None),
            )
        ),
    ),
    table=fact_exam,
    population=Population(NEEDS_SLOT, f"{_WHO}, begun by nobody and not called off until the instant"),
    at=INSTANTS,
    open_items="open items are what it counts.",
    counted="orders",
    time_grains=GRAINS,
    without=frozenset({"shift", "reader_mode"}),
    needs=("opening.slot",),
)  # fmt: skip

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
