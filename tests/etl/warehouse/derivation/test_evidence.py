"""What each site's feeds tell at all, counted as the maps say: the ground on which a KPI has a number or none."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from etl.warehouse.derive import derive
from etl.warehouse.tables import fact_evidence


def test_evidence_counts_mapped_events_lists_and_devices_by_site(new_engine: Any, ward: Any) -> None:
    ward.exam("A1", 0)
    ward.exam("A2", 60)
    ward.entry("incident", 30, acc="A1", code="fall")
    with new_engine().begin() as connection:
        ward.load(connection)
        derive(connection, ward.parameters)
        found = {(r.site_code, r.what): r for r in connection.execute(select(fact_evidence))}
    assert found["NORTH", "exam_begin"].n == 2
    assert found["NORTH", "entry.incident"].n == 1
    assert ("NORTH", "report_viewed") not in found
    assert {site for site, _ in found} == {"NORTH"}
    assert found["NORTH", "exam_begin"].first_at < found["NORTH", "exam_begin"].last_at
