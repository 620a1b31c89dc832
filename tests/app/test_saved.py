"""Saved views open where they were saved; a page's numbers can be pasted as text."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import data, saved
from app.compare import compared
from app.filters import View
from app.plain_text import page_text
from app.tiles import count_words, tile_label, tile_value
from etl.saved_views import SavedViews


@pytest.fixture
def store(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SavedViews:
    kept = SavedViews(tmp_path / "state.sqlite")
    monkeypatch.setattr(saved, "views", lambda: kept)
    return kept


def the_form() -> None:
    """A page of the form alone: a menu cannot be opened without a browser."""
    from app import data, saved

    saved.form(data.asker(), "turnaround")


def test_the_form_saves_page_and_filters(store: SavedViews) -> None:
    at = AppTest.from_function(the_form, default_timeout=30)
    at.query_params["site"] = ["NORTH", "SOUTH"]
    at.run()
    at.text_input[0].input("Morning round")
    at.button[0].click().run()
    (view,) = store.seen_by("demo")
    assert (view.name, view.page, view.query, view.team) == (
        "Morning round",
        "turnaround",
        "site=NORTH&site=SOUTH",
        False,
    )


def test_a_view_without_a_name_is_not_saved_and_says_why(store: SavedViews) -> None:
    at = AppTest.from_function(the_form, default_timeout=30).run()
    at.button[0].click().run()
    assert "needs a name" in at.warning[0].value
    assert store.seen_by("demo") == []


def test_a_pasted_text_says_what_the_tiles_say(config: Path) -> None:
    who = data.asker()
    today = data.today(who)
    view = View(today - timedelta(days=6), today + timedelta(days=1), (("site", ("NORTH",)),), today)
    facts = compared(who, view, "T16")
    told = [(tile_label(facts), tile_value(facts), count_words(facts), facts)]
    text = page_text(who, view, told, "http://localhost:8501/turnaround?site=NORTH")
    assert tile_value(facts) in text
    assert facts.against in text
    assert "Site: NORTH" in text
    assert text.endswith("http://localhost:8501/turnaround?site=NORTH")


def test_opening_a_view_sets_every_filter_and_empties_the_others(config: Path) -> None:
    found = saved.filter_state("patient_class=Emergency&site=NORTH&site=SOUTH&period=Last+7+days&kpi=T16")
    assert found["patient_class"] == ["E"]
    assert found["site"] == ["NORTH", "SOUTH"]
    assert found["modality"] == []
    assert (found["period"], found["compare"]) == ("7d", "usual")
    assert saved.of_page("site=NORTH&kpi=T16") == {"kpi": ["T16"]}


def test_a_view_of_chosen_dates_holds_them_and_forgives_junk() -> None:
    kept = saved.filter_state("period=Choose+dates&dates=2026-11-01&dates=2026-11-05&dates=x")
    assert (kept["period"], kept["dates"]) == ("dates", (date(2026, 11, 1), date(2026, 11, 5)))
    assert saved.filter_state("period=Fortnight")["period"] == "28d"
