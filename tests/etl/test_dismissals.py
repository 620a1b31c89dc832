"""Follow-ups a human dismissed: kept with reason, author and time, audited, taken back; lists honour them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import Engine, create_engine

from etl.access import DEMO, Principal, Role
from etl.errors import RefusedError
from etl.kpis.worklists import critical_over_limit, overdue_followups
from etl.state import AuditLog, Dismissals
from etl.warehouse import tables as t
from etl.warehouse.append import append

NOW = datetime(2026, 9, 8, 18, tzinfo=UTC)
KEY = 2**62 + 3  # keys are 63 bits: no float may touch them


def test_a_dismissal_keeps_reason_author_and_time_and_is_audited(tmp_path: Path) -> None:
    held = Dismissals(tmp_path / "state.sqlite")
    held.dismiss(KEY, "declined", "Ada", "manager")
    (row,) = held.standing()
    assert (row["followup_key"], row["reason"], row["author"]) == (KEY, "declined", "Ada")
    assert datetime.fromisoformat(row["at_utc"]) <= datetime.now(UTC)
    (record,) = AuditLog(tmp_path / "state.sqlite").records()
    assert (record["action"], record["actor"], record["object"]) == ("DISMISS", "Ada", f"follow-up {KEY}: declined")


def test_dismissing_twice_keeps_the_first_and_undoing_takes_it_back(tmp_path: Path) -> None:
    held = Dismissals(tmp_path / "state.sqlite")
    held.dismiss(KEY, "declined", "Ada", "manager")
    held.dismiss(KEY, "death", "Bob", "manager")
    assert [row["author"] for row in held.standing()] == ["Ada"]
    held.undo(KEY, "Bob", "manager")
    held.undo(KEY, "Bob", "manager")  # nothing left to undo
    assert held.standing() == []
    audit = AuditLog(tmp_path / "state.sqlite")
    assert [record["action"] for record in audit.records()] == ["UNDO_DISMISS", "DISMISS"]
    assert audit.verify() == 2


def test_a_reason_that_is_not_on_the_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="known"):
        Dismissals(tmp_path / "state.sqlite").dismiss(KEY, "because", "Ada", "manager")


@pytest.fixture
def engine() -> Engine:
    """Two overdue follow-ups, one due tomorrow, and findings over, under and without a limit."""
    engine = create_engine("duckdb:///:memory:")
    t.metadata.create_all(engine)
    overdue = [
        {"followup_key": key, "exam_key": key, "site_code": site, "deadline_at": NOW - timedelta(days=days)}
        for key, site, days in ((KEY, "NORTH", 3), (KEY + 1, "SOUTH", 5), (KEY + 2, "NORTH", -1))
    ]
    untold = [
        {"finding_key": n, "site_code": "NORTH", "critical_class": kind, "identified_at": NOW - timedelta(minutes=60),
         "limit_min": limit}
        for n, (kind, limit) in enumerate((("2", 30.0), ("1", 45.0), ("3", 4320.0), ("1", None)))
    ]  # fmt: skip
    with engine.begin() as connection:
        append(connection, t.fact_followup, pd.DataFrame(overdue))
        append(connection, t.fact_critical_result, pd.DataFrame(untold))
    return engine


def test_overdue_follow_ups_come_longest_overdue_first_without_the_dismissed(engine: Engine) -> None:
    assert overdue_followups(engine, DEMO, as_of=NOW)["followup_key"].tolist() == [KEY + 1, KEY]
    left = overdue_followups(engine, DEMO, dismissed=[KEY + 1], as_of=NOW)
    assert left["followup_key"].tolist() == [KEY]
    assert left["over_days"].tolist() == [3.0]


def test_findings_over_their_limit_come_by_class(engine: Engine) -> None:
    found = critical_over_limit(engine, DEMO, NOW)
    assert found[["critical_class", "age_min", "over_min"]].to_dict("list") == {
        "critical_class": ["1", "2"], "age_min": [60.0, 60.0], "over_min": [15.0, 30.0],
    }  # fmt: skip


def test_lists_hold_only_the_sites_the_principal_may_see(engine: Engine) -> None:
    south = Principal("Bob", Role.MANAGER, frozenset({"SOUTH"}))
    assert overdue_followups(engine, south, as_of=NOW)["followup_key"].tolist() == [KEY + 1]
    assert critical_over_limit(engine, south, NOW).empty
    with pytest.raises(RefusedError):
        overdue_followups(engine, Principal("Eve", Role.ADMIN), as_of=NOW)
