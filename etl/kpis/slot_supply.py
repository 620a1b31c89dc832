"""U: supply and demand of slots: fill, what is given back, third next available, backlog and demand over capacity."""

from __future__ import annotations

from sqlalchemy import and_

from etl.kpis.base import Kpi, Population, When
from etl.kpis.duration import Span
from etl.kpis.kinds import Aggregate, Part
from etl.kpis.moment import AS_OF, epoch_min, reached
from etl.kpis.shares import IntervalShare, Ratio
from etl.warehouse.booking_terms import ADD_ON
from etl.warehouse.tables import fact_demand_day, fact_freed_slot, fact_slot_supply, fact_template_slot

_t = fact_template_slot.c
_f = fact_freed_slot.c
_u = fact_slot_supply.c
_d = fact_demand_day.c
_DAY_MIN = 24 * 60

_undecided = and_(_t.is_pending.is_(True), epoch_min(AS_OF) - epoch_min(_t.begin_at) < _DAY_MIN)

SLOT_FILL = Kpi(
    key="slot_fill_rate",
    id="U05",
    label="Slot fill rate",
    unit="share",
    description="Share of available template slots whose booked exam was performed; the share booked beside.",
    formula="n(slots held by an appointment whose exam was performed) / n(slots); booked: held when they began",
    source="AHRA benchmark: exams / slots",
    better="higher",
    kind=Ratio(
        shares={"share": _t.is_performed.is_(True), "booked": _t.is_booked.is_(True)},
        decided=~_undecided,
        undecided=_undecided,
    ),
    table=fact_template_slot,
    population=Population(reached(_t.begin_at), "template slots begun that no closure or planned downtime took away"),
    at=When(_t.local_date, _t.local_hour, "by date of the slot"),
    open_items="slots of the last 24 hours whose patient may still be examined are counted beside.",
    counted="slots",
    needs=("opening.slot", "exam_scheduled"),
)

RECOVERED = Kpi(
    key="recovered_slot_rate",
    id="U17",
    label="Recovered-slot rate",
    unit="share",
    description="Share of appointments cancelled or not come to into whose time another patient was booked.",
    formula="n(another exam booked into at least half of the time after it came free) / n(cancelled or no-show); "
    "used_unbooked, beside and not in it: no such booking, but an exam not on the day's schedule (U18: emergency, "
    "inpatient, walk-in) began in it",
    source="U17 of the catalogue",
    better="higher",
    kind=Ratio(
        shares={
            "share": _f.is_refilled.is_(True),
            "used_unbooked": _f.is_used.is_(True),
        }
    ),
    table=fact_freed_slot,
    population=Population(
        and_(reached(_f.appointment_at), _f.scanner_code.is_not(None), _f.lead_band.is_distinct_from(ADD_ON)),
        "appointments cancelled or not come to that have come due; moved ones and add-ons are not in it",
    ),
    at=When(_f.local_date, _f.local_hour, "by date of the appointment"),
    open_items="none: when its time has come a slot was refilled or was not.",
    counted="appointments",
    needs=("exam_scheduled",),
)


def _available(key: str, kpi_id: str, label: str, scope: str, of: str, without: frozenset[str]) -> Kpi:
    return Kpi(
        key=key,
        id=kpi_id,
        label=label,
        unit="days",
        description=f"Median days to the third open slot of {of}, as the schedule stood each weekday at 08:00.",
        formula="local date of the third template slot after the snapshot, of those that the calendar as known then "
        "held and no booking known then had taken, - its date; first_p50: the same to the first",
        source="IHI third next available appointment",
        better="lower",
        kind=Aggregate(
            Span(_u.third_days, ended_at=_u.snapshot_at), parts=(Part("first_p50", "days", value=_u.first_days),)
        ),
        table=fact_slot_supply,
        population=Population(
            and_(_u.scope == scope, reached(_u.snapshot_at)), f"weekday snapshots of {of} with template slots"
        ),
        at=When(_u.local_date, None, "by date of the snapshot"),
        open_items="snapshots without a third open slot in the calendar as published then count as missing.",
        counted="snapshots",
        without=without,
        needs=("opening.slot", "exam_scheduled"),
    )


THIRD_AVAILABLE = _available(
    "third_next_available", "U19", "Third next available", "modality", "a site's scanners of a modality together",
    frozenset({"scanner"}),
)  # fmt: skip
THIRD_AVAILABLE_SCANNER = _available(
    "third_next_available_scanner", "U19b", "Third next available, by scanner", "scanner", "a scanner", frozenset()
)

DAY = When(_d.local_date, None, "by date")
_ENDED = "only days that have ended count."

BACKLOG_WEEKS = Kpi(
    key="backlog_weeks",
    id="U20b",
    label="Backlog in weeks of capacity",
    unit="weeks",
    description="Modelled minutes of accepted orders not yet begun, over the operating minutes of a week.",
    formula="sum over day ends of backlog minutes / sum of weekly operating minutes: over several days their mean. An "
    "order is modelled with the median exam duration of its site, modality and procedure group and the turnover's; "
    "a week of capacity is the mean of 28 days",
    source="U20 of the catalogue",
    better="lower",
    kind=IntervalShare(
        _d.backlog_min,
        _d.weekly_operating_min,
        headline="weeks",
        ended=_d.end_at <= AS_OF,
        rows_are="site-modality days",
    ),
    table=fact_demand_day,
    population=Population(_d.weekly_operating_min > 0, "sites and modalities with operating time"),
    at=DAY,
    open_items=_ENDED,
    counted="site-modality days",
)

DEMAND = Kpi(
    key="demand_capacity_ratio",
    id="U24",
    label="Demand over capacity",
    unit="share",
    description="Modelled minutes of the orders entered, over operating minutes; without cancelled ones beside.",
    formula="sum of ordered minutes / sum of operating minutes; kept: without orders cancelled or not come to; "
    "modelled as in U20b",
    source="U24 of the catalogue",
    better="lower",
    kind=IntervalShare(
        _d.ordered_min,
        _d.operating_min,
        parts=(("kept", _d.kept_min),),
        headline="ratio",
        ended=_d.end_at <= AS_OF,
        rows_are="site-modality days",
    ),
    table=fact_demand_day,
    population=Population(_d.weekly_operating_min > 0, "sites and modalities with operating time"),
    at=DAY,
    open_items=_ENDED,
    counted="site-modality days",
)
