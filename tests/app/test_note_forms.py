"""What people write down is kept with its author, refused without a reason, and drawn where it belongs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app import charts, data
from app.filters import View
from app.note_layers import annotated
from etl.annotations import Annotation, Annotations


@pytest.fixture
def store(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Annotations:
    kept = Annotations(tmp_path / "state.sqlite")
    monkeypatch.setattr("app.notes.notes", lambda: kept)
    monkeypatch.setattr("app.note_forms.notes", lambda: kept)
    return kept


def the_page() -> None:
    """The page's forms without navigation."""
    from app import data, filters
    from app.note_forms import annotation_form, notes, rebase_form, standing, undo_form

    who = data.asker()
    view = filters.current(who)
    found = notes().standing()
    standing(found)
    undo_form(who, found)
    annotation_form(who, view)
    rebase_form(who, view)


def opened() -> AppTest:
    at = AppTest.from_function(the_page, default_timeout=30).run()
    assert not at.exception
    return at


def click(at: AppTest, label: str) -> Any:
    return next(button for button in at.button if button.label == label).click().run()


def test_an_annotation_is_kept_with_days_scope_and_author(store: Annotations) -> None:
    at = opened()
    at.text_input[0].input("tube of CT2 replaced")
    next(box for box in at.selectbox if box.key == "annotation_site").select("NORTH")
    click(at, "Write it down")
    (note,) = store.standing()
    today = data.today(data.asker())
    assert (note.from_date, note.to_date) == (today, today + timedelta(days=1))
    assert (note.text, note.site, note.author) == ("tube of CT2 replaced", "NORTH", "demo")


def test_without_a_reason_nothing_is_kept_and_it_says_so(store: Annotations) -> None:
    at = click(opened(), "Write it down")
    assert "say in a few words" in at.warning[0].value.lower()
    assert store.standing() == []


def test_new_limits_name_their_number_and_can_be_taken_back(store: Annotations) -> None:
    at = opened()
    at.text_input[1].input("second reader at night")
    click(at, "Begin new limits")
    (note,) = store.standing()
    assert note.kpi == "T05"  # the first that has days
    click(opened(), "Take back")
    assert store.standing() == []


def test_a_chart_over_days_shows_and_says_what_happened(store: Annotations) -> None:
    today = data.today(data.asker())
    first = today - timedelta(days=6)
    view = View(first, today + timedelta(days=1), (("site", ("NORTH",)),), today)
    for site in ("NORTH", "SOUTH"):
        store.add(Annotation("downtime", first, today, f"tube at {site}", site=site), "ada", "manager")
    days = pd.DataFrame({"day": pd.date_range(first, today), "p50": 40.0})
    chart = annotated(charts.trend(days, "day", {"p50": "Median"}, "min", what="Report TAT"), view)
    assert "Annotations: Downtime" in chart.alt
    assert "tube at NORTH" in chart.alt
    assert "tube at SOUTH" not in chart.alt
    assert chart.spec["layer"][0]["data"]["values"][0]["note"] == "Downtime: tube at NORTH (ada)"
