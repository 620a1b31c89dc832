"""The canonical dump: equal for equal content, different for any difference that counts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import delete

from etl.settings import Settings
from etl.warehouse.append import append
from etl.warehouse.dump import canonical_dump_hash
from etl.warehouse.engine import writer_engine
from etl.warehouse.tables import data_version, fact_exam, fact_feed, fact_run

AT = datetime(2026, 9, 10, tzinfo=UTC)
ROWS = pd.DataFrame(
    {
        "exam_key": [1, 2, 3],
        "status": ["final", None, ""],
        "report_tat_min": [0.1 + 0.2, None, -0.0],
        "is_addon": [True, False, None],
        "exam_end_at": pd.to_datetime([AT, None, AT + timedelta(microseconds=1)], utc=True),
        "end_local_date": [date(2026, 9, 10), None, date(2026, 9, 11)],
    }
)


def _hash_of(warehouse: Any, rows: pd.DataFrame) -> str:
    with warehouse.engine.begin() as connection:
        connection.execute(delete(fact_exam))
    with warehouse.engine.begin() as connection:
        append(connection, fact_exam, rows)
    return canonical_dump_hash(warehouse.engine)


def test_row_order_and_the_last_bit_of_a_sum_do_not_matter(warehouse: Any) -> None:
    expected = _hash_of(warehouse, ROWS)
    assert _hash_of(warehouse, ROWS.iloc[::-1]) == expected
    assert _hash_of(warehouse, ROWS.assign(report_tat_min=[0.3, None, 0.0])) == expected


def test_every_difference_matters(warehouse: Any) -> None:
    changed = [
        ROWS,
        ROWS.iloc[:2],
        ROWS.assign(status=["final", "", ""]),
        ROWS.assign(report_tat_min=[0.3001, None, 0.0]),
        ROWS.assign(report_tat_min=[None, 0.3, 0.0]),
        ROWS.assign(is_addon=[True, None, None]),
        ROWS.assign(exam_end_at=ROWS["exam_end_at"] + timedelta(microseconds=1)),
    ]
    assert len({_hash_of(warehouse, rows) for rows in changed}) == len(changed)


def test_wall_clocks_and_runs_do_not_matter(warehouse: Any) -> None:
    def publication(published_at: datetime, content: str, name: str = "v") -> pd.DataFrame:
        row = {"data_version": name, "data_at": AT, "published_at": published_at, "content_hash": content}
        return pd.DataFrame([row])

    with warehouse.engine.begin() as connection:
        append(connection, data_version, publication(AT, "a"))
        append(connection, fact_feed, pd.DataFrame({"feed_key": ["f"], "loaded_at": [AT]}))
    before = canonical_dump_hash(warehouse.engine)
    with warehouse.engine.begin() as connection:
        connection.execute(delete(fact_feed))
    with warehouse.engine.begin() as connection:
        append(connection, data_version, publication(AT + timedelta(days=1), "b"))
        append(connection, fact_feed, pd.DataFrame({"feed_key": ["f"], "loaded_at": [AT + timedelta(days=1)]}))
        append(connection, fact_run, pd.DataFrame({"run_key": ["r"]}))
    assert canonical_dump_hash(warehouse.engine) == before
    with warehouse.engine.begin() as connection:
        append(connection, data_version, publication(AT + timedelta(days=2), "b", "another"))
    assert canonical_dump_hash(warehouse.engine) != before


@pytest.mark.postgresql
def test_both_engines_give_the_same_hash(settings: Settings, postgresql_settings: Settings) -> None:
    hashes = set()
    for own in (settings, postgresql_settings):
        engine = writer_engine(own)
        with engine.begin() as connection:
            append(connection, fact_exam, ROWS)
        hashes.add(canonical_dump_hash(engine))
        engine.dispose()
    assert len(hashes) == 1
