"""U: how scanners are used. Grain: scanner hour for utilization, room visit for gaps; exam for overruns."""

from __future__ import annotations

from sqlalchemy import case

from etl.kpis.base import Kpi, Population, When
from etl.kpis.duration import Span
from etl.kpis.flow import BEGUN
from etl.kpis.kinds import Aggregate, Part
from etl.kpis.moment import LAST_WHOLE_HOUR, reached
from etl.kpis.shares import IntervalShare
from etl.warehouse.tables import fact_exam, fact_gap, fact_scanner_hour, fact_visit

_h = fact_scanner_hour.c
_v = fact_visit.c
_x = fact_exam.c
_g = fact_gap.c

HOUR = When(_h.local_date, _h.local_hour, "by date of the scanner hour")
VISIT = When(_v.local_date, _v.local_hour, "by date of the visit's begin")
OPERATING = Population(_h.operating_min > 0, "scanner hours with operating time: open minus closures and downtime")
_ENDED_HOURS = "only hours that have ended count; running and future ones are in neither sum."

TABLE_UTILIZATION = Kpi(
    key="table_utilization",
    id="U01",
    label="Table utilization",
    unit="share",
    description="Share of operating minutes during which an exam ran on the scanner, overlapping exams counted once.",
    formula="union of exam intervals inside operating time / operating minutes",
    source="Ely Analytics table minutes; teamplay table occupancy",
    better="neutral",
    kind=IntervalShare(_h.table_min, _h.operating_min),
    table=fact_scanner_hour,
    population=OPERATING,
    at=HOUR,
    open_items=_ENDED_HOURS,
    counted="scanner hours",
)

ROOM_UTILIZATION = Kpi(
    key="room_utilization",
    id="U02",
    label="Room utilization",
    unit="share",
    description="Table utilization with the room's time before and after each exam added.",
    formula="union of exam intervals with buffers inside operating time / operating minutes",
    source="Quantivly",
    better="neutral",
    kind=IntervalShare(_h.room_min, _h.operating_min),
    table=fact_scanner_hour,
    population=OPERATING,
    at=HOUR,
    open_items=_ENDED_HOURS,
    counted="scanner hours",
)

SCHEDULE_UTILIZATION = Kpi(
    key="schedule_utilization",
    id="U04",
    label="Schedule utilization",
    unit="share",
    description="Share of operating minutes that were booked, whether the patient came or not.",
    formula="union of booked appointments inside operating time / operating minutes",
    source="Quantivly",
    better="neutral",
    kind=IntervalShare(_h.booked_min, _h.operating_min),
    table=fact_scanner_hour,
    population=OPERATING,
    at=HOUR,
    open_items=_ENDED_HOURS,
    counted="scanner hours",
)

TURNOVER = Kpi(
    key="turnover",
    id="U08",
    label="Turnover time between visits",
    unit="min",
    description="Minutes between the end of one visit and the begin of the next on the same scanner and day.",
    formula="begin_at - previous end_at, gaps up to the turnover cap (45 min unless the site sets it)",
    source="teamplay patient change time; Siemens Utilization Management time between exams",
    better="lower",
    kind=Aggregate(Span(_v.gap_before_min)),
    table=fact_visit,
    population=Population((_v.gap_kind == "turnover") & reached(_v.begin_at), "visits begun after a gap up to the cap"),
    at=VISIT,
    open_items="none: a gap is known once the next visit has begun.",
    counted="gaps",
)

IDLE_GAP = Kpi(
    key="idle_gap",
    id="U09",
    label="Idle gaps",
    unit="min",
    description="Minutes inside operating time of gaps above the turnover cap; their number, the longest and the "
    "usable ones beside.",
    formula="sum of idle minutes inside operating time of gaps above the cap; usable: gaps with a stretch that holds "
    "the scanner's most frequent slot and its median turnover",
    source="Quantivly inter-exam gap",
    better="lower",
    kind=Aggregate(
        Span(_g.idle_min),
        statistics=("sum", "p50", "max"),
        parts=(
            Part("usable", "share", condition=_g.is_usable.is_(True)),
            Part("usable_min", "min", value=case((_g.is_usable.is_(True), _g.idle_min)), statistic="sum"),
        ),
    ),
    table=fact_gap,
    population=Population(
        (_g.kind == "idle") & (_g.idle_min > 0) & reached(_g.end_at),
        "gaps above the cap with minutes inside operating time; n is their number",
    ),
    at=When(_g.local_date, _g.local_hour, "by date of the next visit's begin"),
    open_items="none: a gap is known once the next visit has begun.",
    counted="gaps",
)

OVERRUN = Kpi(
    key="overrun",
    id="U10",
    label="Overrun against plan",
    unit="min",
    description="Minutes an exam took longer than booked; negative is shorter.",
    formula="exam duration - planned duration; over_25, under_25: share more than 25 % over or under plan",
    source="planned and actual times of the schedule",
    better="lower",
    kind=Aggregate(
        Span(_x.overrun_min, _x.exam_begin_at, _x.exam_end_at, (_x.first_communication_at,), signed=True),
        parts=(
            Part("over_25", "share", condition=_x.overrun_min > 0.25 * _x.planned_duration_min),
            Part("under_25", "share", condition=_x.overrun_min < -0.25 * _x.planned_duration_min),
        ),
    ),
    table=fact_exam,
    population=Population(
        _x.exam_begin_at.is_not(None) & _x.aborted_at.is_(None) & _x.planned_duration_min.is_not(None),
        "booked exams begun, not aborted",
    ),
    at=BEGUN,
    open_items="exams still running are counted beside; the quantiles are of ended exams only.",
)

AFTER_HOURS = Kpi(
    key="after_hours",
    id="U11",
    label="After-hours minutes",
    unit="min",
    description="Exam minutes outside the scanner's operating time.",
    formula="sum of exam minutes outside operating time",
    source="U11 of the catalogue",
    better="lower",
    kind=Aggregate(Span(_h.after_hours_min), statistics=("sum",)),
    table=fact_scanner_hour,
    population=Population(
        (_h.after_hours_min > 0) & (_h.hour_at <= LAST_WHOLE_HOUR), "scanner hours with exam minutes outside hours"
    ),
    at=HOUR,
    open_items=_ENDED_HOURS,
    counted="scanner hours",
)

VISITS_PER_HOUR = Kpi(
    key="visits_per_hour",
    id="U12",
    label="Visits per operating hour",
    unit="visits/h",
    description="Room visits begun per operating hour, and per scanner-day, in hours the scanner operates.",
    formula="visits begun in operating hours / operating minutes x 60",
    source="teamplay exams per hour",
    better="higher",
    kind=IntervalShare(_h.begun_visits, _h.operating_min, per_min=60, days=True, headline="per_hour"),
    table=fact_scanner_hour,
    population=OPERATING,
    at=HOUR,
    open_items=_ENDED_HOURS,
    counted="visits",
)

DOWNTIME = Kpi(
    key="downtime",
    id="U14",
    label="Downtime",
    unit="share",
    description="Share of scheduled open minutes the scanner was declared down; the unplanned part beside.",
    formula="declared down minutes / open minutes (downtime not subtracted)",
    source="U14 of the catalogue",
    better="lower",
    kind=IntervalShare(_h.down_min, _h.scheduled_open_min, parts=(("unplanned", _h.unplanned_down_min),)),
    table=fact_scanner_hour,
    population=Population(_h.scheduled_open_min > 0, "scanner hours planned to be open"),
    at=HOUR,
    open_items=_ENDED_HOURS,
    counted="scanner hours",
)
