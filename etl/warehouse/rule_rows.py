"""Rows of the tables that say what local codes mean."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StatusRule:
    """One row of `status_maps.csv`: local codes of a kind of feed that mean an event; '' means "none, on purpose"."""

    kind: str
    preset: str
    pattern: str
    event_type: str
    feed: str = ""  # a feed's own row: holds for no other

    def holds_for(self, kind: str, preset: str, feed: str) -> bool:
        """Return whether the row is about a feed with this kind, preset and key."""
        return self.feed == feed if self.feed else self.kind == kind and self.preset in ("", "*", preset)


@dataclass(frozen=True, slots=True)
class ProcedureRule:
    """One row of `procedure_groups.csv`: procedures of a modality whose code or name fits a pattern."""

    modality: str
    pattern: str
    procedure_group: str
    section: str
