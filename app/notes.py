"""What people wrote on charts: read at each run, never cached, since the state store changes under the page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path

from app import data
from app.filters import View
from etl.annotations import Annotation, Annotations


@lru_cache(maxsize=4)
def _store(path: Path) -> Annotations:
    return Annotations(path)


def notes() -> Annotations:
    """Return the installation's annotations and rebases."""
    settings = data.settings()
    return _store(settings.at(settings.state_file))


def noted(view: View, from_date: date, to_date: date) -> list[Annotation]:
    """Return the annotations of days `[from_date, to_date)` that concern the view's filters."""
    where = dict(view.where)
    return [note for note in notes().between(from_date, to_date) if note.concerns(where)]


def rebases(kpi_id: str, view: View) -> Sequence[Annotation]:
    """Return the standing rebases of a KPI that concern the view's filters."""
    where = dict(view.where)
    return [note for note in notes().rebases(kpi_id) if note.concerns(where)]
