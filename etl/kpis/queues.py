"""U21: queues by event replay: what was open at an instant, how old it was, and what was overdue."""

from __future__ import annotations

from sqlalchemy import and_, exists, select

from etl.kpis.access_times import INSTANTS
from etl.kpis.base import Kpi, Population
from etl.kpis.query import GRAINS
from etl.kpis.snapshot import Snapshot
from etl.warehouse.tables import fact_bookable, fact_queue

_q = fact_queue.c
_HAS_SLOTS = exists(select(1).where(fact_bookable.c.site_code == _q.site_code, fact_bookable.c.modality == _q.modality))
_LATER = frozenset({"shift", "reader_mode"})  # known only once the exam has run or is read

WAITING = Kpi(
    key="waiting_queue",
    id="U21b",
    label="Patients waiting",
    unit="exams",
    description="Exams whose patient has arrived and which have not begun, and how long ago the patient came.",
    formula="count at the instant of stays: from an arrival to begin, stop, report or departure, by event replay",
    source="U21 of the catalogue, event replay as in IHE SOLE",
    better="lower",
    kind=Snapshot(_q.entered_at, (_q.left_at,)),
    table=fact_queue,
    population=Population(_q.queue == "waiting", "exams whose patient has arrived"),
    at=INSTANTS,
    open_items="open items are what it counts.",
    time_grains=GRAINS,
    without=_LATER,
    needs=("patient_arrived",),
)

UNSCHEDULED = Kpi(
    key="unscheduled_queue",
    id="U21c",
    label="Orders without a slot",
    unit="orders",
    description="Orders that need a slot and have none, and how long they have been without.",
    formula="count at the instant of stays: from the order, or from an appointment called off, to the next booking, "
    "arrival, begin, cancelled order or no-show, by event replay",
    source="U21 of the catalogue, event replay as in IHE SOLE",
    better="lower",
    kind=Snapshot(_q.entered_at, (_q.left_at,)),
    table=fact_queue,
    population=Population(
        and_(_q.queue == "unscheduled", _q.patient_class == "O", _HAS_SLOTS),
        "outpatient orders of modalities that have template slots at their site",
    ),
    at=INSTANTS,
    open_items="open items are what it counts.",
    counted="orders",
    time_grains=GRAINS,
    without=_LATER,
    needs=("exam_scheduled", "opening.slot"),
)

OVERDUE = Kpi(
    key="overdue_queue",
    id="U21d",
    label="Unread or waiting beyond target",
    unit="exams",
    description="Exams unread and patients waiting beyond the target of their class, and for how long beyond it.",
    formula="count at the instant of exams unread past the report target, and of patients waiting past the wait target "
    "since the later of arrival and appointment; age since then",
    source="U21 of the catalogue, over-target count",
    better="lower",
    kind=Snapshot(_q.overdue_at, (_q.left_at,)),
    table=fact_queue,
    population=Population(
        and_(_q.queue.in_(["unread", "waiting"]), _q.overdue_at.is_not(None)), "exams unread or waiting with a target"
    ),
    at=INSTANTS,
    open_items="open items are what it counts.",
    time_grains=GRAINS,
    without=_LATER,
)
