"""U: booking, access and queues. Grain: booking state for rates, exam for add-ons and queues."""

from __future__ import annotations

from sqlalchemy import and_, func, or_

from etl.kpis.base import Kpi, Population, When
from etl.kpis.duration import Span
from etl.kpis.flow import BEGUN, PERFORMED
from etl.kpis.kinds import Aggregate
from etl.kpis.moment import AS_OF, epoch_min, reached
from etl.kpis.query import GRAINS
from etl.kpis.shares import Ratio
from etl.kpis.snapshot import Snapshot
from etl.warehouse.booking_terms import ADD_ON as BAND_OF_ADD_ONS
from etl.warehouse.booking_terms import UNKNOWN_REASON
from etl.warehouse.parameters import CALLED_OFF_BY
from etl.warehouse.tables import fact_exam, fact_slot

_x = fact_exam.c
_s = fact_slot.c

DUE = When(_s.local_date, _s.local_hour, "by date of the appointment")
INSTANTS = When(None, None, "at now, or with a time grain at the end of each bucket (site-local)")
_DAY_MIN = 24 * 60

_SCHEDULED = _s.lead_band.is_distinct_from(BAND_OF_ADD_ONS)
_came = _s.state == "arrived"
_missed = _s.state == "no_show"
# Without arrival and without cancellation: after a day the silence itself is the answer.
_silent = _s.state.in_(["booked", "rescheduled"])  # rescheduled: moved, and standing
_day_gone = epoch_min(AS_OF) - epoch_min(_s.appointment_at) >= _DAY_MIN

NO_SHOW = Kpi(
    key="no_show_rate",
    id="U15",
    label="No-show rate",
    unit="share",
    description="Share of outpatient appointments not cancelled to which the patient did not come.",
    formula="n(no arrival and no prior cancellation) / n(appointments not cancelled), with Wilson interval",
    source="UW-Madison 16-year series; cancelled and rescheduled appointments are not in it",
    better="lower",
    kind=Ratio(
        shares={"share": or_(_missed, _silent)},
        decided=or_(_came, _missed, and_(_silent, _day_gone)),
        undecided=and_(_silent, ~_day_gone),
    ),
    table=fact_slot,
    population=Population(
        and_(
            _s.is_last.is_(True),
            _s.patient_class == "O",
            _s.state.in_(["arrived", "no_show", "booked", "rescheduled"]),
            reached(_s.appointment_at),
        ),
        "outpatient appointments that have come due and were not cancelled; a moved one counts once, by its last time",
    ),
    at=DUE,
    open_items="appointments of the last 24 hours without any word count as not yet decidable, beside; older ones "
    "without arrival are no-shows.",
    counted="appointments",
)

_cancelled = _s.state == "cancelled"

CANCELLATION = Kpi(
    key="cancellation_rate",
    id="U16",
    label="Cancellation rate",
    unit="share",
    description="Share of appointments cancelled, by notice and by whom; a rescheduled one is not a cancelled one.",
    formula="n(cancelled) / n(appointments that came due), with Wilson interval; by appointment - cancellation (same "
    "day, under 24 h, 24 h and more), and by the reason code's party (data/reference/cancellation_reasons.csv)",
    source="one urban academic centre, 2022: definitions that mix in reschedules reach 34.8 %",
    better="lower",
    kind=Ratio(
        shares={
            "share": _cancelled,
            "same_day": and_(_cancelled, _s.cancelled_same_day.is_(True)),
            "under_24h": and_(_cancelled, _s.cancel_lead_min < _DAY_MIN),
            "over_24h": and_(_cancelled, _s.cancel_lead_min >= _DAY_MIN),
            **{f"by_{who}": and_(_cancelled, _s.called_off_by == who) for who in CALLED_OFF_BY},
        },
    ),
    table=fact_slot,
    population=Population(
        and_(
            _s.is_last.is_(True),
            _s.state.in_(["arrived", "no_show", "booked", "rescheduled", "cancelled"]),
            _SCHEDULED,
            reached(_s.appointment_at),
        ),
        "appointments that have come due, by their last state; a moved one counts once, by its last time; "
        "emergency and inpatients booked on the day itself are add-ons (U18) and not in it",
    ),
    at=DUE,
    open_items="none: an appointment that has come due was cancelled or was not.",
    counted="appointments",
)

_party = func.coalesce(_s.called_off_by, UNKNOWN_REASON)

OUTCOME = Kpi(
    key="appointment_outcome",
    id="U16b",
    label="Appointments kept",
    unit="share",
    description="Share of appointments kept; the shares not come to and cancelled, by whom, make up the rest.",
    formula="n(arrived) / n(decided); no_show, by_patient, by_provider, by_site and by_other (other or unknown party) "
    "likewise: the six add up to one",
    source="the two rates U15 and U16 on one population",
    better="higher",
    kind=Ratio(
        shares={
            "share": _came,
            "no_show": or_(_missed, _silent),
            **{f"by_{who}": and_(_cancelled, _s.called_off_by == who) for who in CALLED_OFF_BY if who != "other"},
            "by_other": and_(_cancelled, _party.in_(["other", UNKNOWN_REASON])),
        },
        decided=or_(~_silent, _day_gone),
        undecided=and_(_silent, ~_day_gone),
    ),
    table=fact_slot,
    population=CANCELLATION.population,
    at=DUE,
    open_items="appointments of the last 24 hours without any word count as not yet decidable, beside.",
    counted="appointments",
)

ADD_ON = Kpi(
    key="add_on_rate",
    id="U18",
    label="Add-on rate",
    unit="share",
    description="Share of performed exams that were not on the schedule when their day began.",
    formula="n(performed, not booked at 00:00 of the day) / n(performed), with Wilson interval",
    source="U18 of the catalogue",
    better="neutral",
    kind=Ratio(shares={"share": _x.is_addon.is_(True)}, decided=_x.is_addon.is_not(None)),
    table=fact_exam,
    population=Population(PERFORMED.condition & reached(_x.exam_begin_at), PERFORMED.text),
    at=BEGUN,
    open_items="none.",
)

BACKLOG = Kpi(
    key="backlog",
    id="U20",
    label="Backlog of orders not yet begun",
    unit="orders",
    description="Accepted orders whose exam has not begun, their age, and the booked minutes they stand for.",
    formula="count at the instant; work = count x mean planned minutes of those booked",
    source="U20 of the catalogue",
    better="lower",
    kind=Snapshot(
        opened_at=_x.order_accepted_at,
        closed_at=(
            _x.exam_begin_at,
            _x.exam_end_at,
            _x.first_acquisition_at,
            _x.first_communication_at,
            _x.cancelled_at,
            _x.no_show_at,
        ),
        work_min=_x.planned_duration_min,
    ),
    table=fact_exam,
    population=Population(
        _x.order_accepted_at.is_not(None), "accepted orders without begin, cancellation or no-show until the instant"
    ),
    at=INSTANTS,
    open_items="open items are what it counts.",
    counted="orders",
    time_grains=GRAINS,
    without=frozenset({"shift", "reader_mode"}),  # both are known only once the exam has run
)

UNREAD_AGES = (
    ("under_1h", 0.0, 60.0),
    ("from_1h_to_4h", 60.0, 240.0),
    ("from_4h_to_24h", 240.0, 1440.0),
    ("over_24h", 1440.0, None),
)

UNREAD_QUEUE = Kpi(
    key="unread_queue",
    id="U21",
    label="Unread queue",
    unit="exams",
    description="Exams ended without preliminary or final report, their age, and how many are over target.",
    formula="count at the instant of ended exams with neither first_prelim_at nor first_final_at",
    source="event replay as in IHE SOLE",
    better="lower",
    kind=Snapshot(
        opened_at=_x.exam_end_at,
        closed_at=(_x.first_prelim_at, _x.first_final_at),
        limit_min=_x.report_target_min,
        bands_min=UNREAD_AGES,
    ),
    table=fact_exam,
    population=PERFORMED,
    at=INSTANTS,
    open_items="open items are what it counts.",
    time_grains=GRAINS,
    without=frozenset({"reader_mode"}),  # known only once read
)

LEAD_TIME = Kpi(
    key="lead_time",
    id="U23",
    label="Scheduled lead time",
    unit="days",
    description="Days from making the booking to the appointment.",
    formula="(appointment_at - booking) / 24 h",
    source="U23 of the catalogue: a driver of no-shows",
    better="lower",
    kind=Aggregate(Span(_s.lead_time_min / float(_DAY_MIN))),
    table=fact_slot,
    population=Population(
        and_(
            _s.is_last.is_(True),
            _s.state.in_(["arrived", "no_show", "booked", "rescheduled"]),
            _SCHEDULED,
            reached(_s.appointment_at),
        ),
        "appointments that have come due and were not cancelled, without add-ons (emergency and inpatients booked on "
        "the day itself)",
    ),
    at=DUE,
    open_items="none: the lead time is known when the booking is made.",
    counted="appointments",
)
