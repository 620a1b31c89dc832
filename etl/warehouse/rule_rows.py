"""Rows of the tables that say what feeds and local codes mean and which clock wins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from etl.settings import OWN_FEED


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


@dataclass(frozen=True, slots=True)
class FeedRule:
    """What derivation must know of a feed."""

    key: str
    kind: str
    site: str
    preset: str = ""  # which presets of the status map apply beside the generic rows
    expected_every_min: int = 1440
    delivered_every_min: int = 0  # the same where a site has set it: data comes that much later than it happens


DASHBOARD = FeedRule(OWN_FEED, OWN_FEED, "")  # no feed of the settings: it is never late and delivers no files


@dataclass(frozen=True, slots=True)
class ReasonRule:
    """One row of `cancellation_reasons.csv`: reason codes that fit a pattern, and who called the appointment off."""

    pattern: str
    called_off_by: str


@dataclass(frozen=True, slots=True)
class PrecedenceRule:
    """Which clock wins for a milestone at a site from a date on (decision 8); later rows win over earlier ones."""

    milestone: str  # begin, end, available
    site: str
    valid_from: date | None
    order: tuple[str, ...]  # of ris, mpps, dicom
