"""What one may ask of a KPI, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType

import pandas as pd

GRAINS = ("hour", "day", "week", "month")  # site-local; at most one of them in `by`
DIMENSIONS = (
    "site",
    "scanner",
    "modality",
    "priority",
    "patient_class",
    "procedure_group",
    "section",
    "shift",
    "reader_mode",
    "weekday",
    "hour_of_day",
    "feed",
    "reason",
    "milestone",
    "critical_class",
    "body_region",
    "reader",
    "view",
    "finding",
    "algorithm",
    "hours",
    "lead_band",
    "protocol",
    "phantom",
    "quantity",
    "told_by",
)


@dataclass(frozen=True, slots=True)
class Query:
    """A question: which KPI, over `[from_date, to_date)` in site-local dates, cut by what, filtered how.

    `kpi` is a key or an id. `where` maps a dimension to the values allowed. `as_of` is the instant that counts as
    now; None takes the version's `data_at` (decision 4).
    """

    kpi: str
    from_date: date
    to_date: date
    by: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Meta:
    """Everything a reader needs to trust and repeat a result; printed beside it and exported with it."""

    kpi_id: str
    kpi_key: str
    label: str
    unit: str
    definition: str
    definition_version: str
    better: str  # "lower", "higher", "neutral"
    data_version: str
    data_at: datetime
    as_of: datetime
    from_date: date
    to_date: date
    by: tuple[str, ...]
    where: Mapping[str, tuple[str, ...]]
    not_applied: tuple[str, ...]  # filters this KPI cannot take: shown struck out (decision 7)
    headline: str  # the column of the frame a tile shows
    columns: Mapping[str, str]  # measure column -> unit
    n: int  # items in the population over the whole period
    missing: int  # of the population, without the value
    open: int  # of the population, still open
    suppressed: int  # cells hidden (decision 12)
    absent: str = ""  # what no feed tells, so that there is no number at all; "" where there may be one
    without_sites: tuple[str, ...] = ()  # sites left out because no feed of theirs tells what is needed


@dataclass(frozen=True, slots=True)
class Result:
    """Rows sorted by `meta.by`; the columns of `by`, then the measure columns of `meta.columns`.

    A cell without a value is NaN, never zero. Shares are fractions 0..1, durations minutes.
    """

    frame: pd.DataFrame
    meta: Meta
