"""U22 and V02: what readers sign per rostered hour, and what work counts for by a site's own table."""

from __future__ import annotations

from etl.kpis.base import Kpi, Population, When
from etl.kpis.duration import Span
from etl.kpis.kinds import Aggregate
from etl.kpis.moment import reached
from etl.kpis.shares import IntervalShare
from etl.warehouse.tables import fact_exam_value, fact_reader_hour

_r = fact_reader_hour.c
_v = fact_exam_value.c

_HOUR = When(_r.local_date, _r.local_hour, "by date of the hour")
_ROSTERED = Population(
    (_r.rostered_min > 0) | (_r.finals_off > 0),
    "hours in which the site's roster has readers, or they signed off the roster; people the roster does not name "
    "are not counted, nor what its readers signed for another site: nobody is known across sites",
)
_ENDED = "only hours that have ended count; unread exams are the backlog's (U21)."
_ENDED_EXAMS = When(_v.local_date, _v.local_hour, "by date of exam end")
_PERFORMED = Population(reached(_v.exam_end_at), "performed exams of sites that loaded a table")
_NO_ROW = "exams running are not counted; those the table has no row for are counted as missing."

THROUGHPUT = Kpi(
    key="reader_throughput",
    id="U22",
    label="Finals per rostered reader hour",
    unit="finals/h",
    description="First finals signed per rostered hour of the readers as a group; what they signed off the roster "
    "beside.",
    formula="n(first finals signed while on the roster) / rostered reader minutes x 60",
    source="U22 of the catalogue",
    better="neutral",
    kind=IntervalShare(
        _r.finals,
        _r.rostered_min,
        per_min=60,
        parts=(("off_roster", _r.finals_off),),
        headline="per_hour",
        rows_are="hours",
    ),
    table=fact_reader_hour,
    population=_ROSTERED,
    at=_HOUR,
    open_items=_ENDED,
    counted="finals",
    needs=("entry.shift", "final"),
)

WEIGHTED_THROUGHPUT = Kpi(
    key="reader_throughput_wrvu",
    id="U22-wrvu",
    label="Work units per rostered reader hour",
    unit="wRVU/h",
    description="The same weighted by the site's own table of work units, so that a long read counts for more.",
    formula="sum of work units of first finals signed while on the roster / rostered reader minutes x 60",
    source="U22 of the catalogue",
    better="neutral",
    kind=IntervalShare(_r.wrvu, _r.rostered_min, per_min=60, headline="per_hour", rows_are="hours"),
    table=fact_reader_hour,
    population=_ROSTERED,
    at=_HOUR,
    open_items=_ENDED,
    counted="wRVU",
    needs=("entry.shift", "entry.cost", "final"),
)

WORK_UNITS = Kpi(
    key="work_units",
    id="V02",
    label="Work units performed",
    unit="wRVU",
    description="Work units of the exams performed, by the table the site loaded; none is shipped.",
    formula="sum of the work units valid for the exam's local code at exam end",
    source="V02 of the catalogue; the site's own table",
    better="neutral",
    kind=Aggregate(Span(_v.wrvu, ended_at=_v.exam_end_at), statistics=("sum", "p50")),
    table=fact_exam_value,
    population=_PERFORMED,
    at=_ENDED_EXAMS,
    open_items=_NO_ROW,
    needs=("entry.cost",),
)

REVENUE = Kpi(
    key="revenue_proxy",
    id="V02-money",
    label="Money by the site's table",
    unit="money",
    description="What the site's own table of money (cost or revenue, as it loaded it) says of the exams performed; "
    "a proxy, no accounting.",
    formula="sum of the amounts valid for the exam's local code at exam end, in the table's most frequent currency",
    source="V02 of the catalogue; the site's own table",
    better="neutral",
    kind=Aggregate(Span(_v.money, ended_at=_v.exam_end_at), statistics=("sum", "p50")),
    table=fact_exam_value,
    population=_PERFORMED,
    at=_ENDED_EXAMS,
    open_items=_NO_ROW,
    needs=("entry.cost",),
)
