"""Families of facts beyond the exam's and the scanner's own: which tables there are and how their rows come about.

A family of facts is one file of tables, one file of SQL beside the newest migration, and one line here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Select, Table

from etl.warehouse.derive_access import derive_bookable
from etl.warehouse.derive_ai import derive_ai_results
from etl.warehouse.derive_care import derive_quality
from etl.warehouse.derive_critical import derive_critical_results
from etl.warehouse.derive_demand import derive_demand
from etl.warehouse.derive_dose_exam import derive_dose_exams
from etl.warehouse.derive_dose_usual import derive_dose_patients, derive_dose_protocols
from etl.warehouse.derive_dose_value import derive_dose_values
from etl.warehouse.derive_evidence import derive_evidence
from etl.warehouse.derive_exam import Exams
from etl.warehouse.derive_exam_value import derive_exam_values
from etl.warehouse.derive_fill import derive_freed_slots, derive_template_slots
from etl.warehouse.derive_first_case import derive_first_cases
from etl.warehouse.derive_followup import derive_followups
from etl.warehouse.derive_gap import derive_gaps
from etl.warehouse.derive_priors import derive_priors
from etl.warehouse.derive_queue import derive_queues
from etl.warehouse.derive_reader_hour import derive_reader_hours
from etl.warehouse.derive_rejects import derive_rejects
from etl.warehouse.derive_reviews import derive_peer_reviews, derive_references
from etl.warehouse.derive_scanner_time import derive_scanner_time
from etl.warehouse.derive_storage import derive_storage_days, derive_storage_volumes, derive_transmissions
from etl.warehouse.derive_supply import derive_supply
from etl.warehouse.derive_wait import derive_waits
from etl.warehouse.parameters import Parameters
from etl.warehouse.tables import (
    fact_ai_result,
    fact_bookable,
    fact_critical_result,
    fact_demand_day,
    fact_dose_exam,
    fact_dose_patient,
    fact_dose_protocol,
    fact_dose_value,
    fact_evidence,
    fact_exam_value,
    fact_first_case,
    fact_followup,
    fact_freed_slot,
    fact_gap,
    fact_peer_review,
    fact_prior,
    fact_quality,
    fact_queue,
    fact_reader_hour,
    fact_reference,
    fact_reject,
    fact_scanner_time,
    fact_slot_supply,
    fact_storage_day,
    fact_storage_volume,
    fact_template_slot,
    fact_transmission,
    fact_wait,
)


@dataclass(frozen=True, slots=True)
class ExamFamily:
    """Facts that the events of an exam alone decide: derived for the exams that are touched, removed by exam_key.

    `derive(exams, parameters, data_at)` returns rows with `exam_key`; `exams.frame` are fact_exam rows (without
    visit_key), `exams.slots` their booking states, `exams.found` the milestones of their workflow events, `data_at`
    microseconds since 1970.
    """

    table: Table
    derive: Callable[[Exams, Parameters, int], pd.DataFrame]


@dataclass(frozen=True, slots=True)
class WholeFamily:
    """Facts about more than one exam, written anew at each derivation from facts and events that are up to date.

    `derive(connection, parameters, data_at)` returns the table's rows, or the SELECT of them, which need not leave the
    engine; families are made in the order listed.
    """

    table: Table
    derive: Callable[[Connection, Parameters, datetime], pd.DataFrame | Select[Any]]


EXAM_FAMILIES: tuple[ExamFamily, ...] = (
    ExamFamily(fact_queue, derive_queues),
    ExamFamily(fact_wait, derive_waits),
    ExamFamily(fact_dose_exam, derive_dose_exams),
    ExamFamily(fact_dose_value, derive_dose_values),
)
WHOLE_FAMILIES: tuple[WholeFamily, ...] = (
    WholeFamily(fact_evidence, derive_evidence),
    WholeFamily(fact_critical_result, derive_critical_results),
    WholeFamily(fact_first_case, derive_first_cases),
    WholeFamily(fact_prior, derive_priors),
    WholeFamily(fact_transmission, derive_transmissions),
    WholeFamily(fact_storage_day, derive_storage_days),
    WholeFamily(fact_storage_volume, derive_storage_volumes),
    WholeFamily(fact_scanner_time, derive_scanner_time),
    WholeFamily(fact_gap, derive_gaps),
    WholeFamily(fact_exam_value, derive_exam_values),
    WholeFamily(fact_reader_hour, derive_reader_hours),
    WholeFamily(fact_peer_review, derive_peer_reviews),
    WholeFamily(fact_quality, derive_quality),
    WholeFamily(fact_reject, derive_rejects),
    WholeFamily(fact_reference, derive_references),
    WholeFamily(fact_ai_result, derive_ai_results),
    WholeFamily(fact_bookable, derive_bookable),
    WholeFamily(fact_slot_supply, derive_supply),
    WholeFamily(fact_template_slot, derive_template_slots),
    WholeFamily(fact_freed_slot, derive_freed_slots),
    WholeFamily(fact_demand_day, derive_demand),
    WholeFamily(fact_dose_protocol, derive_dose_protocols),
    WholeFamily(fact_dose_patient, derive_dose_patients),
    WholeFamily(fact_followup, derive_followups),
)
