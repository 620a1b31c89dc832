"""U: variants of utilization with denominators of their own; the way between any two is in etl.kpis.waterfall."""

from __future__ import annotations

from etl.kpis.base import Kpi, Population, When
from etl.kpis.shares import IntervalShare, Rated
from etl.warehouse.tables import fact_scanner_time, fact_visit

_t = fact_scanner_time.c
_v = fact_visit.c

HOUR = When(_t.local_date, _t.local_hour, "by date of the scanner hour")
_ENDED_HOURS = "only hours that have ended count; running and future ones are in neither sum."
_EVERY_HOUR = "every hour of the clock from the scanner's first to its last operating day, open or not"

UM_UTILIZATION = Kpi(
    key="um_utilization",
    id="U03",
    label="UM utilization",
    unit="share",
    description="Mean scan and mean turnover of every visit over the hours a day stated for the scanner: what the "
    "day would hold if each visit took its mean, wherever it lay.",
    formula="(mean scan + mean turnover) x visits / (stated hours a day x days open x 60); hours not stated for a "
    "scanner: its open minutes",
    source="Siemens Utilization Management; its worked example is a test",
    better="neutral",
    kind=IntervalShare(_t.begun_scan_min, _t.stated_min, rated=Rated(_t.turnover_min, _t.turnovers, _t.begun_visits)),
    table=fact_scanner_time,
    population=Population(_t.clock_min > 0, _EVERY_HOUR),
    at=HOUR,
    open_items=_ENDED_HOURS,
    counted="scanner hours",
)

SCHEDULE_24H = Kpi(
    key="schedule_utilization_24h",
    id="U04-24h",
    label="Schedule utilization, 24 h",
    unit="share",
    description="Share of all hours of the clock that were booked inside operating time: a scanner never closes here.",
    formula="union of booked appointments inside operating time / minutes of the clock",
    source="Quantivly, the 24 h option",
    better="neutral",
    kind=IntervalShare(_t.booked_min, _t.clock_min),
    table=fact_scanner_time,
    population=Population(_t.clock_min > 0, _EVERY_HOUR),
    at=HOUR,
    open_items=_ENDED_HOURS,
    counted="scanner hours",
)

CMS_UTILIZATION = Kpi(
    key="cms_utilization",
    id="U06",
    label="CMS-hour utilization",
    unit="share",
    description="Operating minutes used over a convention of 50 hours a week, whatever the scanner's hours are; above "
    "1 where it is used for longer.",
    formula="union of exam intervals inside operating time / (50 h a week, a seventh for each local day)",
    source="CMS 100 % convention quoted by AHRA",
    better="neutral",
    kind=IntervalShare(_t.table_min, _t.week_50h_min),
    table=fact_scanner_time,
    population=Population(_t.clock_min > 0, _EVERY_HOUR),
    at=HOUR,
    open_items=_ENDED_HOURS,
    counted="scanner hours",
)

ACQUISITION_SHARE = Kpi(
    key="acquisition_share",
    id="U07",
    label="Acquisition share of visits",
    unit="share",
    description="Share of the visit during which the scanner acquired; the rest is positioning, planning and waiting.",
    formula="union of series times inside the visit / visit duration",
    source="Niffler: series time over study time",
    better="neutral",
    kind=IntervalShare(_v.acquired_min, _v.duration_min, rows_are="visit parts"),
    table=fact_visit,
    population=Population(
        _v.acquired_min.is_not(None) & _v.duration_min.is_not(None),
        "ended visits (parts between pauses) whose series of several images all tell how long they took",
    ),
    at=When(_v.local_date, _v.local_hour, "by date of the visit's begin"),
    open_items="visits begun in an hour still running are not counted.",
    counted="visit parts",
    needs=("series",),
)
