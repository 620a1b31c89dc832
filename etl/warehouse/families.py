"""Families of facts beyond the exam's and the scanner's own: which tables there are and how their rows come about.

A family of facts is one file of tables, one file of SQL beside the newest migration, and one line here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from sqlalchemy import Connection, Table

from etl.warehouse.derive_critical import derive_critical_results
from etl.warehouse.derive_evidence import derive_evidence
from etl.warehouse.derive_exam import Exams
from etl.warehouse.derive_first_case import derive_first_cases
from etl.warehouse.parameters import Parameters
from etl.warehouse.tables import fact_critical_result, fact_evidence, fact_first_case


@dataclass(frozen=True, slots=True)
class ExamFamily:
    """Facts that the events of an exam alone decide: derived for the exams that are touched, removed by exam_key.

    `derive(exams, parameters, data_at)` returns rows with `exam_key`; `exams.frame` are fact_exam rows (without
    visit_key), `exams.found` the milestones of their workflow events, `data_at` microseconds since 1970.
    """

    table: Table
    derive: Callable[[Exams, Parameters, int], pd.DataFrame]


@dataclass(frozen=True, slots=True)
class WholeFamily:
    """Facts about more than one exam, written anew at each derivation from facts and events that are up to date.

    `derive(connection, parameters, data_at)` returns the table's rows; families are made in the order listed.
    """

    table: Table
    derive: Callable[[Connection, Parameters, datetime], pd.DataFrame]


EXAM_FAMILIES: tuple[ExamFamily, ...] = ()
WHOLE_FAMILIES: tuple[WholeFamily, ...] = (
    WholeFamily(fact_evidence, derive_evidence),
    WholeFamily(fact_critical_result, derive_critical_results),
    WholeFamily(fact_first_case, derive_first_cases),
)
