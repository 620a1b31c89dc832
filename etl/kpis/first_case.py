"""T09: whether the scanners' days start on time."""

from __future__ import annotations

from etl.kpis.base import Kpi, Population, When
from etl.kpis.moment import AS_OF, epoch_min, not_reached, reached
from etl.kpis.shares import Ratio
from etl.warehouse.tables import fact_first_case

_f = fact_first_case.c
_DAY_MIN = 24 * 60
_begun = reached(_f.exam_begin_at) & _f.start_delay_min.is_not(None)
_day_gone = epoch_min(AS_OF) - epoch_min(_f.appointment_at) >= _DAY_MIN

FIRST_CASE = Kpi(
    key="first_case_on_time",
    id="T09",
    label="First case on time",
    unit="share",
    description="Share of scanner days whose first booked exam began at most 15 minutes after its appointment "
    "(5 and 10 beside).",
    formula="n(exam_begin_at - appointment_at <= 15 min) / n(scanner days), with Wilson interval",
    source="T08 for the first booked exam of a scanner's day; first-case on-time starts are a habit of theatres",
    better="higher",
    kind=Ratio(
        shares={f"within_{limit}": _f.start_delay_min <= limit for limit in (15, 10, 5)},
        decided=_begun,
        undecided=not_reached(_f.exam_begin_at) & ~_day_gone,
    ),
    table=fact_first_case,
    population=Population(
        reached(_f.appointment_at),
        "the first booked exam of each scanner and day; cancelled, missed and aborted ones do not open a day, "
        "the next does",
    ),
    at=When(_f.local_date, _f.local_hour, "by date of the appointment"),
    open_items="first exams due and not begun are counted beside; a day later, without begin, they are missing.",
    counted="scanner days",
)
