"""The Submissions page and its downloads: what is refused is said, and only whole files leave, once and audited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from app import data, exports, registry_files, submissions
from app.exports import SubmissionTicket, Tickets
from etl.access import DEMO
from etl.errors import RefusedError
from etl.settings import load_settings
from etl.state import AuditLog

MAPS = """map,local,value,reason
facility,NORTH,RXN,
facility,SOUTH,RXS,
place_of_service,E,emergency,
place_of_service,I,inpatient,
place_of_service,O,outpatient,
"""


@pytest.fixture
def month(config: Path) -> date:
    """The latest month that is over."""
    return submissions.months(data.asker())[0]


def test_without_maps_nothing_is_ready_and_no_file_can_be_fetched(config: Path, month: date) -> None:
    made = registry_files.prepared(data.asker(), "grid", month)
    assert made.refusals
    assert "Not ready" in submissions.verdict(made)
    with pytest.raises(RefusedError, match="no partial file"):
        registry_files.part(made, "file")
    assert registry_files.part(made, "refused").startswith(b"exam,field,came,allowed\n")


def test_a_download_is_the_prepared_file_once_and_audited(
    config: Path, month: date, client_of: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from starlette.applications import Starlette
    from starlette.routing import Route

    store = Tickets()
    monkeypatch.setattr(exports, "TICKETS", store)
    client = client_of(Starlette(routes=[Route("/exports/{token}", exports.export_route)]))
    path = config.parent / "submission_codes.csv"
    path.write_text(MAPS, encoding="utf-8")
    try:
        made = registry_files.prepared(data.asker(), "grid", month)
        token = store.issue(SubmissionTicket(DEMO, data.current_version(), "grid", month, "refused"))
        answer = client.get(f"/exports/{token}")
        assert answer.status_code == 200
        assert answer.content == registry_files.part(made, "refused")
        record = AuditLog(load_settings(config).base / "state.sqlite").records()[0]
        assert record["action"] == "SUBMISSION"
        assert record["object"].startswith("submission grid refused")
        assert answer.headers["x-audit-record"] == record["id"]
        assert client.get(f"/exports/{token}").status_code == 410
        token = store.issue(SubmissionTicket(DEMO, "an older version", "grid", month, "manifest"))
        assert client.get(f"/exports/{token}").status_code == 422
    finally:
        path.unlink()


def test_a_month_without_anything_to_submit_says_why_and_what_to_do(config: Path, month: date) -> None:
    made = registry_files.prepared(data.asker(), "dose", month)
    counts = {"offered": 40, "exported": 0, "refused": 0, "out_of_scope": 40}
    reasons = {"no ionising radiation": 12, "no dose report": 28}
    nothing = replace(made, refusals=(), manifest=made.manifest | {"conservation": counts, "out_of_scope": reasons})
    assert submissions.is_empty(nothing)
    said = submissions.verdict(nothing)
    assert "Ready" not in said
    assert "none of 40 exams" in said
    assert "no dose report: 28; no ionising radiation: 12" in said
    assert "connect a feed of dose reports" in said
