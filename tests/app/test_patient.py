"""One patient over time: by pseudonym, from a row, in the session alone, and only for roles that may see rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from app import data
from app.patient_choice import CHOSEN, name_of
from app.patient_view import gaps
from etl.access import DEMO, Role
from etl.errors import RefusedError

MAIN = str(Path(__file__).resolve().parents[2] / "app" / "main.py")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def navigation_only(monkeypatch: pytest.MonkeyPatch) -> None:
    original = PagesManager.__init__

    def navigated(self: PagesManager, *args: Any, **kw: Any) -> None:
        original(self, *args, **kw)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", navigated)


def test_the_patient_on_show_stands_in_the_session_and_never_in_the_address(config: Path) -> None:
    who = data.asker()
    first = int(data.rows(who, "returning_patients", *period(who), (), 1)["patient_key"].iloc[0])
    at = AppTest.from_file(MAIN, default_timeout=60).run()
    at.session_state[CHOSEN] = first
    at = at.switch_page("pages/patient.py").run()
    assert not at.exception
    assert any(f"Patient {name_of(first)}" in h.value for h in at.header)
    assert not any(str(first) in str(v) or name_of(first) in str(v) for v in at.query_params.values())
    assert any("no dose to the patient" in c.value for c in at.caption)


def period(who: data.Asker) -> tuple[Any, Any]:
    today = data.today(who)
    return today - timedelta(days=27), today + timedelta(days=1)


def test_a_viewer_gets_no_single_patient(config: Path) -> None:
    who = data.asker()
    viewer = replace(who, principal=replace(DEMO, role=Role.VIEWER))
    with pytest.raises(RefusedError, match="aggregates only"):
        data.single_rows(viewer, "patient_exams", 1)


def test_gaps_name_what_an_exam_lacks() -> None:
    begun = NOW - timedelta(days=3)
    exam = {
        "at": begun, "procedure_group": "CT chest", "modality": "CT", "status": "ended", "is_performed": True,
        "exam_end_at": begun, "report_target_min": 60.0, "first_final_at": pd.NaT, "has_images": False,
        "prior_requested_at": begun, "prior_available_at": pd.NaT, "is_repeat": True, "reason_class": "redundant",
        "appointment_at": pd.NaT,
    }  # fmt: skip
    done = exam | {
        "first_final_at": begun, "has_images": True, "prior_available_at": begun, "is_repeat": False,
    }  # fmt: skip
    missed = done | {"is_performed": False, "status": "scheduled", "appointment_at": begun}
    assert [s.split(": ")[1] for s in gaps(pd.DataFrame([exam, done, missed]), NOW)] == [
        "no final report after 3 days",
        "no images in the archive",
        "the prior that was asked for never came",
        "repeated, and the order's reason says it need not have been",
        "booked, not done, and nobody cancelled it",
    ]
