"""T: flow and turnaround, in minutes; the grain is the exam (accession)."""

from __future__ import annotations

from sqlalchemy import func

from etl.kpis.base import Kpi, Population, When
from etl.kpis.duration import Span
from etl.kpis.kinds import Aggregate, Part
from etl.kpis.moment import minutes_between, reached
from etl.kpis.shares import Ratio
from etl.kpis.survival import Survival
from etl.warehouse.tables import fact_exam

_x = fact_exam.c

ORDERED = When(_x.order_local_date, _x.order_local_hour, "by date of the order")
BEGUN = When(_x.begin_local_date, _x.begin_local_hour, "by date of exam begin")
ENDED = When(_x.end_local_date, _x.end_local_hour, "by date of exam end")
BOOKED = When(_x.appointment_local_date, _x.appointment_local_hour, "by date of the appointment")
BEGUN_OR_DUE = When(
    func.coalesce(_x.begin_local_date, _x.appointment_local_date, _x.order_local_date),
    func.coalesce(_x.begin_local_hour, _x.appointment_local_hour, _x.order_local_hour),
    "by date of exam begin; those still waiting by date of the appointment, without one of the order",
)

PERFORMED = Population(_x.is_performed.is_(True), "performed exams: begun and ended, not aborted")
RUN = Population(
    _x.exam_begin_at.is_not(None) & _x.aborted_at.is_(None), "exams begun, whether ended or not; aborted ones left out"
)
_OFF = _x.cancelled_at.is_(None) & _x.no_show_at.is_(None)

INSIDE = Population(
    _x.patient_class.in_(["E", "I"]) & _OFF, "orders for ED and inpatients; cancelled and no-show ones left out"
)

_READ = (_x.read_opened_at, _x.first_communication_at)
_KM = "count as at least as long as they have lasted (Kaplan-Meier); the same of closed items alone beside."
_BESIDE = "are counted beside; the quantiles are of closed items only."

ORDER_TO_ARRIVE = Kpi(
    key="order_to_arrive",
    id="T05",
    label="Order to arrival (ED and inpatient)",
    unit="min",
    description="Minutes from the order to the patient's arrival, for patients who are in the house.",
    formula="arrived_at - order_entered_at",
    source="ACR GRID, order-to-exam family",
    better="lower",
    kind=Survival(
        Span(_x.order_to_arrive_min, _x.order_entered_at, _x.arrived_at, (_x.exam_begin_at, _x.first_final_at))
    ),
    table=fact_exam,
    population=INSIDE,
    at=ORDERED,
    open_items=f"patients not yet arrived {_KM}",
)

ARRIVED_OR_BEGUN = Population(
    (_x.arrived_at.is_not(None) | _x.exam_begin_at.is_not(None)) & _x.cancelled_at.is_(None) & _x.aborted_at.is_(None),
    "exams whose patient arrived or whose exam began; cancelled and aborted ones left out",
)
GONE = (_x.no_show_at, _x.exam_end_at, _x.first_final_at)

PATIENT_WAIT = Kpi(
    key="patient_wait",
    id="T06",
    label="Patient wait past the later of arrival and appointment",
    unit="min",
    description="Minutes from the later of arrival and appointment to exam begin; nought for whom it began earlier.",
    formula="max(0, exam_begin_at - max(arrived_at, appointment_at)); early: share begun before the appointment",
    source="ACR GRID outpatient wait time",
    better="lower",
    kind=Survival(
        Span(_x.patient_wait_min, func.greatest(_x.arrived_at, _x.appointment_at), _x.exam_begin_at, GONE),
        shares=(("early", _x.start_delay_min < 0),),
    ),
    table=fact_exam,
    population=ARRIVED_OR_BEGUN,
    at=BEGUN_OR_DUE,
    open_items=f"patients still waiting {_KM}",
    definition_version="2",
)

ARRIVAL_TO_BEGIN = Kpi(
    key="arrival_to_begin",
    id="T06b",
    label="Patient wait since arrival",
    unit="min",
    description="Minutes from the patient's arrival to exam begin, however early the patient came.",
    formula="exam_begin_at - arrived_at",
    source="second variant of T06",
    better="lower",
    kind=Survival(Span(_x.arrival_to_begin_min, _x.arrived_at, _x.exam_begin_at, GONE)),
    table=fact_exam,
    population=ARRIVED_OR_BEGUN,
    at=BEGUN_OR_DUE,
    open_items=f"patients still waiting {_KM}",
    definition_version="2",
)

PUNCTUALITY = Kpi(
    key="punctuality",
    id="T07",
    label="Arrival punctuality",
    unit="min",
    description="Minutes the patient arrived after the appointment; negative is early.",
    formula="arrived_at - appointment_at; late: share arrived after the appointment",
    source="T07 of the catalogue",
    better="neutral",
    kind=Aggregate(
        Span(_x.punctuality_min, ended_at=_x.arrived_at, signed=True),
        parts=(Part("late", "share", condition=_x.punctuality_min > 0),),
    ),
    table=fact_exam,
    population=Population(
        _x.appointment_at.is_not(None) & ARRIVED_OR_BEGUN.condition,
        "booked exams whose patient arrived or whose exam began; cancelled and aborted ones left out",
    ),
    at=BOOKED,
    open_items="none: a patient not yet there has no punctuality.",
)

ON_TIME_START = Kpi(
    key="on_time_start",
    id="T08",
    label="On-time start",
    unit="share",
    description="Share of booked exams begun at most 15 minutes after the appointment (5 and 10 beside).",
    formula="n(exam_begin_at - appointment_at <= 15 min) / n, with Wilson interval",
    source="Quantivly on-time start, thresholds 5, 10, 15 min",
    better="higher",
    kind=Ratio(
        shares={f"within_{limit}": _x.start_delay_min <= limit for limit in (15, 10, 5)},
        decided=_x.start_delay_min.is_not(None),
    ),
    table=fact_exam,
    population=Population(
        RUN.condition & _x.appointment_at.is_not(None) & reached(_x.exam_begin_at), "booked exams begun, not aborted"
    ),
    at=BEGUN,
    open_items="exams not yet begun have no start and are not counted.",
)

PREP = Kpi(
    key="prep_time",
    id="T10",
    label="Preparation time",
    unit="min",
    description="Minutes from entering the room to exam begin.",
    formula="exam_begin_at - in_room_at",
    source="SIIM SWIM",
    better="lower",
    kind=Survival(Span(_x.prep_min, _x.in_room_at, _x.exam_begin_at, (_x.no_show_at, _x.exam_end_at))),
    table=fact_exam,
    population=Population(
        (_x.in_room_at.is_not(None) | _x.exam_begin_at.is_not(None))
        & _x.cancelled_at.is_(None)
        & _x.aborted_at.is_(None),
        "exams whose patient entered the room or whose exam began; cancelled and aborted ones left out",
    ),
    at=BEGUN_OR_DUE,
    open_items=f"patients in the room whose exam has not begun {_KM}",
    definition_version="2",
)

EXAM_DURATION = Kpi(
    key="exam_duration",
    id="T11",
    label="Exam duration (begin to end)",
    unit="min",
    description="Minutes from begin to end of the exam, by the clock the site trusts first (by default the RIS).",
    formula="exam_end_at - exam_begin_at",
    source="RIS status times; Epic EHI begin and end exam",
    better="neutral",
    kind=Aggregate(Span(_x.exam_duration_min, _x.exam_begin_at, _x.exam_end_at, _READ)),
    table=fact_exam,
    population=RUN,
    at=BEGUN,
    open_items=f"exams still running {_BESIDE}",
)

DICOM_DURATION = Kpi(
    key="dicom_duration",
    id="T12",
    label="Exam duration (DICOM)",
    unit="min",
    description="Minutes from the first acquisition to the end of the last one, as the images tell.",
    formula="last_acquisition_at - first_acquisition_at",
    source="teamplay; Niffler",
    better="neutral",
    kind=Aggregate(Span(_x.dicom_duration_min, ended_at=_x.last_acquisition_at)),
    table=fact_exam,
    population=PERFORMED,
    at=ENDED,
    open_items="none: the images of an exam that has ended are there, or the exam counts as missing.",
)

RIS_DICOM_DIFFERENCE = Kpi(
    key="ris_dicom_difference",
    id="T13",
    label="RIS minus DICOM duration",
    unit="min",
    description="How far the RIS's exam duration is from the images', with the offsets of begin and end apart.",
    formula="T11 - T12; begin offset = exam_begin_at - first_acquisition_at, end offset likewise",
    source="Kathiravelu 2022: RIS times are error-prone",
    better="neutral",
    kind=Aggregate(
        Span(_x.ris_dicom_difference_min, ended_at=_x.last_acquisition_at, signed=True),
        parts=(
            Part("over_10", "share", condition=func.abs(_x.ris_dicom_difference_min) > 10),
            Part("begin_offset_p50", "min", value=_x.begin_offset_min),
            Part("end_offset_p50", "min", value=_x.end_offset_min),
        ),
    ),
    table=fact_exam,
    population=PERFORMED,
    at=ENDED,
    open_items="none.",
)

IMAGES_DELAY = Kpi(
    key="images_delay",
    id="T14",
    label="Exam end to images available",
    unit="min",
    description="Minutes from exam end until the images can be read.",
    formula="images_available_at - exam_end_at",
    source="transmission phase; PACS product manuals",
    better="lower",
    kind=Survival(Span(_x.images_delay_min, _x.exam_end_at, _x.images_available_at, _READ)),
    table=fact_exam,
    population=PERFORMED,
    at=ENDED,
    open_items=f"exams without images that nobody has read {_KM}",
)

QC_DELAY = Kpi(
    key="qc_delay",
    id="T15",
    label="Exam end to quality control",
    unit="min",
    description="Minutes from exam end until the technologist's quality control is done.",
    formula="qc_complete_at - exam_end_at",
    source="SIIM SWIM; IHE SOLE",
    better="lower",
    kind=Survival(Span(minutes_between(_x.exam_end_at, _x.qc_complete_at), _x.exam_end_at, _x.qc_complete_at, _READ)),
    table=fact_exam,
    population=PERFORMED,
    at=ENDED,
    open_items=f"exams ended, unchecked and unread {_KM}",
    definition_version="2",
    needs=("qc_complete",),
)
