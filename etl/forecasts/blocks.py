"""Rows a scanner model is fitted on and forecasts: column names, blocks of origins, a target's view of the panel."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np

from etl.forecasts.base import HORIZON_H, Bools, Floats, Ints
from etl.forecasts.panel import Panel

NUMERIC = (
    "lead_h",
    "open_h",
    "open_before_h",
    "open_after_h",
    "last_week",
    "mean_4w",
    "mean_8w",
    "hour_profile",
    "usual_plus_booked",
    "booked",
    "booked_before",
    "booked_after",
    "booked_other_unit",
    "booked_day",
    "booked_above_usual",
    "level",
    "level_7d",
    "level_1d",
    "hour",
    "weekday",
)
CATEGORIES = ("scanner", "modality", "holiday_part", "modality_hour", "modality_weekday", "lead_day")
FEATURES = NUMERIC + CATEGORIES
TREE_COLUMNS = tuple(range(len(NUMERIC) + 3))  # the crossed categories are for the linear member only
SCHEMA_HASH = hashlib.sha256("|".join(FEATURES).encode()).hexdigest()


@dataclass(frozen=True)
class Block:
    """Rows of one or more origins. `x` has the columns of FEATURES; `scale` is level x planned open hours.

    `naive` and `mean_4w` are the baselines' forecasts; `planned_h` is 0 where the scanner is closed.
    """

    scanner: Ints
    step: Ints
    origin_s: Ints
    lead_h: Ints
    x: Floats
    scale: Floats
    planned_h: Floats
    naive: Floats
    mean_4w: Floats

    def __len__(self) -> int:
        return len(self.step)

    def take(self, rows: Bools) -> Block:
        """Return the chosen rows."""
        return Block(**{name: getattr(self, name)[rows] for name in Block.__dataclass_fields__})

    @staticmethod
    def concatenate(blocks: list[Block]) -> Block:
        """Return the rows of all blocks; raises ValueError for an empty list."""
        names = Block.__dataclass_fields__
        return Block(**{n: np.concatenate([getattr(b, n) for b in blocks]) for n in names})


@dataclass(frozen=True)
class View:
    """A panel seen from one target: its series, running sums, and bookings as known at past leads."""

    panel: Panel
    key: str
    y: Floats
    total_y: Floats = field(repr=False)
    total_open: Floats = field(repr=False)
    lead_bookings: Floats = field(repr=False)  # (lead days, scanners, hours)
    modality_code: Ints = field(repr=False)

    @property
    def by_count(self) -> bool:
        """Whether bookings are counted (visits) rather than measured in hours (table time)."""
        return self.key == "scanner_demand"


def view(panel: Panel, key: str, horizon_h: int = HORIZON_H) -> View:
    """Return a target's view of the panel."""
    y = panel.series(key)
    pick = 0 if key == "scanner_demand" else 1
    leads = range(-(-horizon_h // 24))
    modalities = sorted(panel.scanners["modality"].fillna("").unique())
    return View(
        panel=panel,
        key=key,
        y=y,
        total_y=_running(y),
        total_open=_running(panel.open_h),
        lead_bookings=np.stack([panel.bookings.as_of_lead(24 * d + 12)[pick] for d in leads]),
        modality_code=np.array([modalities.index(m) for m in panel.scanners["modality"].fillna("")], dtype=np.int64),
    )


def _running(values: Floats) -> Floats:
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
