"""V: volumes by unit of count (K0.2: orders, room visits, accessions, reports), and the funnel between them."""

from __future__ import annotations

from etl.kpis.base import Kpi, Population, When
from etl.kpis.flow import ENDED, ORDERED, PERFORMED
from etl.kpis.kinds import Aggregate
from etl.kpis.moment import reached
from etl.kpis.shares import Funnel
from etl.warehouse.tables import fact_exam, fact_visit

_x = fact_exam.c
_v = fact_visit.c
_COUNT = Aggregate(None, statistics=("count",))
_SOURCE = "V01 of the catalogue; units of count as in K0.2"

ACCESSIONS = Kpi(
    key="accessions",
    id="V01-accessions",
    label="Performed accessions",
    unit="exams",
    description="Number of exams (accessions) performed.",
    formula="count of performed exams",
    source=_SOURCE,
    better="neutral",
    kind=_COUNT,
    table=fact_exam,
    population=Population(PERFORMED.condition & reached(_x.exam_end_at), PERFORMED.text),
    at=ENDED,
    open_items="exams still running are not counted.",
)

VISITS = Kpi(
    key="visits",
    id="V01-visits",
    label="Room visits",
    unit="visits",
    description="Number of room visits: linked accessions are one visit, a visit with a pause is one too.",
    formula="count of visits begun",
    source=_SOURCE,
    better="neutral",
    kind=_COUNT,
    table=fact_visit,
    population=Population((_v.part == 0) & reached(_v.begin_at), "room visits begun, by their first part"),
    at=When(_v.local_date, _v.local_hour, "by date of the visit's begin"),
    open_items="visits still running are counted.",
    counted="visits",
)

ORDERS = Kpi(
    key="orders",
    id="V01-orders",
    label="Orders received",
    unit="orders",
    description="Number of imaging orders entered, later cancelled ones included.",
    formula="count of orders",
    source=_SOURCE,
    better="neutral",
    kind=_COUNT,
    table=fact_exam,
    population=Population(reached(_x.order_entered_at), "orders entered, whatever became of them"),
    at=ORDERED,
    open_items="open orders are counted.",
    counted="orders",
)

REPORTS = Kpi(
    key="reports",
    id="V01-reports",
    label="Final reports signed",
    unit="reports",
    description="Number of exams whose first final report was signed.",
    formula="count of first final signatures",
    source=_SOURCE,
    better="neutral",
    kind=_COUNT,
    table=fact_exam,
    population=Population(reached(_x.first_final_at), "exams with a final report; addenda are not counted again"),
    at=When(_x.final_local_date, _x.final_local_hour, "by date of the signature"),
    open_items="preliminary reports are not counted.",
    counted="reports",
)

ORDER_FUNNEL = Kpi(
    key="order_funnel",
    id="V01-funnel",
    label="From order to report",
    unit="share",
    description="Of the orders entered in the period, the share that has reached each stage by now.",
    formula="n(stage reached) / n(orders)",
    source="SIIM SWIM phases",
    better="neutral",
    kind=Funnel(
        stages=(
            ("booked", reached(_x.scheduled_at)),
            ("begun", reached(_x.exam_begin_at)),
            ("performed", PERFORMED.condition & reached(_x.exam_end_at)),
            ("communicated", reached(_x.first_communication_at)),
            ("reported", reached(_x.first_final_at)),
        )
    ),
    table=fact_exam,
    population=ORDERS.population,
    at=ORDERED,
    open_items="open orders count where they stand.",
    counted="orders",
)
