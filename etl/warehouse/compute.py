"""From prepared events to exam-grain facts: one pure function, whole set or closure alike."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from etl.warehouse.derive_acquisition import derive_acquisitions
from etl.warehouse.derive_dose import derive_dose_events
from etl.warehouse.derive_exam import derive_exams
from etl.warehouse.derive_report import derive_report_versions
from etl.warehouse.derive_slot import booked_at_midnight, derive_slots
from etl.warehouse.event_set import EventSet
from etl.warehouse.link import Links, link_events
from etl.warehouse.order_numbers import distinct_numbers
from etl.warehouse.parameters import Parameters
from etl.warehouse.patients import Patients


@dataclass(frozen=True, slots=True)
class ExamFacts:
    """Frames of the exam-grain facts; they may hold columns beside their table's."""

    links: Links
    exams: pd.DataFrame  # without visit_key; with study_token
    slots: pd.DataFrame
    reports: pd.DataFrame
    acquisitions: pd.DataFrame
    dose_events: pd.DataFrame


def exam_facts(events: EventSet, patients: Patients, parameters: Parameters, data_at: int) -> ExamFacts:
    """Return the exam-grain facts of a set of events that is closed under their identifiers."""
    numbered = distinct_numbers(events, patients)
    links = numbered.links(link_events(numbered.events, parameters))
    acquired = derive_acquisitions(events.series, links.rows, parameters)
    dosed = derive_dose_events(events.dose, links.rows, parameters)
    derived = derive_exams(events.workflow, links, acquired, dosed, patients, parameters, data_at)
    slots = derive_slots(derived.frame, derived.found, parameters)
    exams = derived.frame.assign(is_addon=booked_at_midnight(slots, derived.frame, parameters))
    if len(dosed):
        group = exams.set_index("exam_key")["procedure_group"]
        dosed = dosed.assign(procedure_group=dosed["exam_key"].map(group))
    return ExamFacts(links, exams, slots, derive_report_versions(exams, derived.found, parameters), acquired, dosed)
