"""Annotations, rebases and saved views: kept with author and reason, taken back without being lost."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from etl.annotations import Annotation, Annotations
from etl.errors import RefusedError
from etl.saved_views import SavedView, SavedViews
from etl.state import AuditLog

DAY = date(2026, 11, 2)
DOWN = Annotation("downtime", DAY, date(2026, 11, 4), "CT2 tube replaced", site="NORTH", scanner="NCT2")


@pytest.fixture
def notes(tmp_path: Path) -> Annotations:
    return Annotations(tmp_path / "state.sqlite")


def test_an_annotation_is_found_on_its_days_only(notes: Annotations) -> None:
    notes.add(DOWN, "ada", "manager")
    assert [n.text for n in notes.between(date(2026, 11, 3), date(2026, 11, 30))] == ["CT2 tube replaced"]
    assert notes.between(date(2026, 11, 4), date(2026, 11, 30)) == []
    assert notes.between(date(2026, 10, 1), DAY) == []


def test_it_says_who_wrote_it_and_the_chain_knows(notes: Annotations, tmp_path: Path) -> None:
    notes.add(DOWN, "ada", "manager")
    (found,) = notes.between(DAY, date(2026, 11, 3))
    assert (found.author, found.label) == ("ada", "Downtime")
    assert AuditLog(tmp_path / "state.sqlite").verify() == 1


@pytest.mark.parametrize(
    ("where", "concerned"),
    [
        ({}, True),
        ({"site": ("NORTH",)}, True),
        ({"site": ("SOUTH",)}, False),
        ({"scanner": ("NCT1",)}, False),
        ({"modality": ("MR",)}, True),  # nothing says which modality
    ],
)
def test_it_belongs_on_charts_of_its_scope(where: dict[str, tuple[str, ...]], concerned: bool) -> None:
    assert DOWN.concerns(where) is concerned


def test_what_is_taken_back_is_gone_from_charts(notes: Annotations) -> None:
    key = notes.add(DOWN, "ada", "manager")
    notes.undo(key, "bea", "manager")
    notes.undo(key, "bea", "manager")
    assert notes.standing() == []


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (Annotation("party", DAY, date(2026, 11, 3), "cake"), "downtime"),
        (Annotation("other", DAY, date(2026, 11, 3), "  "), "reason"),
        (Annotation("other", DAY, DAY, "nothing"), "first"),
        (Annotation("other", DAY, date(2026, 11, 3), "x" * 201), "at most 200"),
    ],
)
def test_a_bad_one_is_refused_with_what_is_allowed(notes: Annotations, broken: Annotation, said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        notes.add(broken, "ada", "manager")


def test_a_rebase_belongs_to_its_kpi_and_is_no_annotation(notes: Annotations) -> None:
    notes.add(Annotation("rebase", DAY, date(2026, 11, 3), "second night reader", kpi="T16"), "ada", "manager")
    assert [n.from_date for n in notes.rebases("T16")] == [DAY]
    assert notes.rebases("T24") == []
    assert notes.between(DAY, date(2026, 11, 3)) == []


@pytest.fixture
def views(tmp_path: Path) -> SavedViews:
    return SavedViews(tmp_path / "state.sqlite")


def test_a_view_is_seen_by_its_owner_and_a_team_view_by_all(views: SavedViews) -> None:
    views.save(SavedView("My CT", "turnaround", "modality=CT"), "ada", "manager")
    views.save(SavedView("Morning", "overview", "site=NORTH", team=True), "ada", "manager")
    assert [v.name for v in views.seen_by("ada")] == ["Morning", "My CT"]
    assert [v.name for v in views.seen_by("bea")] == ["Morning"]


def test_saving_under_a_name_again_replaces_it(views: SavedViews) -> None:
    views.save(SavedView("My CT", "turnaround", "modality=CT"), "ada", "manager")
    views.save(SavedView(" My  CT ", "utilization", "modality=CT"), "ada", "manager")
    assert [(v.name, v.page) for v in views.seen_by("ada")] == [("My CT", "utilization")]


def test_only_its_owner_deletes_a_view(views: SavedViews) -> None:
    key = views.save(SavedView("Morning", "overview", "", team=True), "ada", "manager")
    with pytest.raises(RefusedError, match="only who saved"):
        views.delete(key, "bea", "manager")
    views.delete(key, "ada", "manager")
    assert views.seen_by("ada") == []


@pytest.mark.parametrize("name", ["", "   ", "x" * 81])
def test_a_view_without_a_fit_name_is_refused(views: SavedViews, name: str) -> None:
    with pytest.raises(RefusedError, match="name"):
        views.save(SavedView(name, "overview", ""), "ada", "manager")
