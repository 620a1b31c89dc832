"""Checks find what must not be, and say nothing about a warehouse that is well."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Table

from etl.records import SourceItem
from etl.staging import Batch
from etl.warehouse.append import append
from etl.warehouse.checks import check_warehouse
from etl.warehouse.load import load
from etl.warehouse.tables import (
    event,
    fact_acquisition,
    fact_dose_event,
    fact_exam,
    fact_scanner_hour,
    fact_visit,
    link,
    run,
)

AT = datetime(2026, 9, 10, tzinfo=UTC)


def _well(connection: Any) -> None:
    append(connection, fact_visit, pd.DataFrame({"visit_key": [7]}))
    exam = {"exam_key": [1, 2], "visit_key": [7, None], "report_tat_min": [3.0, None], "start_delay_min": [-4.0, 2.0]}
    append(connection, fact_exam, pd.DataFrame(exam))
    append(connection, fact_dose_event, pd.DataFrame({"exam_key": [1, 0]}))
    hours = {"operating_min": [60.0], "table_min": [60.0], "room_min": [12.5], "booked_min": [0.0]}
    append(connection, fact_scanner_hour, pd.DataFrame(hours))


def test_a_warehouse_that_is_well_has_no_findings(
    warehouse: Any, items: Sequence[SourceItem], batches: Callable[..., list[Batch]]
) -> None:
    with warehouse.engine.begin() as connection:
        load(connection, warehouse.settings.feeds[0], batches(items), "r", AT)
        _well(connection)
        assert check_warehouse(connection) == []


@pytest.mark.parametrize(
    ("table", "rows", "check", "words"),
    [
        (run, {"offered": [5], "loaded": [3], "unchanged": [1], "quarantined": [0], "filtered": [0]},
         "conservation", "1 runs"),
        (event, {"event_id": ["a", "a", "b"]}, "duplicates", "event.event_id"),
        (fact_acquisition, {"series_key": [9, 9], "exam_key": [1, 1]}, "duplicates", "series_key"),
        (fact_exam, {"exam_key": [3], "visit_key": [99]}, "orphans", "fact_exam have a visit_key"),
        (fact_dose_event, {"exam_key": [42]}, "orphans", "fact_dose_event"),
        (link, {"event_id": ["gone"], "exam_key": [0]}, "orphans", "links to events"),
        (fact_exam, {"exam_key": [3], "report_tat_min": [-1.0]}, "negative", "report_tat_min"),
        (fact_scanner_hour, {"operating_min": [30.0], "table_min": [31.0]}, "minutes", "more table_min"),
        (fact_scanner_hour, {"operating_min": [61.0]}, "minutes", "outside 0..60"),
    ],
)  # fmt: skip
def test_each_fault_is_found_and_has_a_fix(
    warehouse: Any, table: Table, rows: dict[str, list[Any]], check: str, words: str
) -> None:
    with warehouse.engine.begin() as connection:
        _well(connection)
        append(connection, table, pd.DataFrame(rows))
        (finding,) = check_warehouse(connection)
    assert finding.check == check
    assert words in finding.text
    assert finding.fix


def test_a_flagged_exam_may_be_negative(warehouse: Any) -> None:
    flagged = {"exam_key": [3], "report_tat_min": [-1.0], "has_order_violation": [True]}
    with warehouse.engine.begin() as connection:
        append(connection, fact_exam, pd.DataFrame(flagged))
        assert check_warehouse(connection) == []
