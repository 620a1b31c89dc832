"""Why two variants of utilization differ: their minutes as places on one tree, the way between them as steps.

Every numerator and denominator is a place of the tree; one step leads from a place to its parent. The steps between
two places are unique, and each is the difference of two of the same sums, so they add up to the whole exactly.
Minutes are whole microseconds inside; shares are fractions. Nothing is rounded before it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pandas as pd

from etl.errors import RefusedError

MINUTE_US = 60_000_000
ROOT = "clock"


@dataclass(frozen=True, slots=True)
class Place:
    """Minutes of scanner time: the parent they differ from, and the step in words, there and back."""

    parent: str
    there: str
    back: str


@dataclass(frozen=True, slots=True)
class Variant:
    """A named utilization: the KPI's id, its label, and the places of its numerator and denominator."""

    id: str
    label: str
    numerator: str
    denominator: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step: in numerator or denominator, in words, its minutes, and what it adds to the share."""

    side: str
    text: str
    minutes: Fraction
    share: Fraction


@dataclass(frozen=True, slots=True)
class Amount:
    """A variant's minutes and share."""

    variant: Variant
    numerator: Fraction
    denominator: Fraction

    @property
    def share(self) -> Fraction:
        """Numerator over denominator."""
        return self.numerator / self.denominator


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The way from one variant to another; `steps` add up to the difference of the shares, by side of the minutes."""

    start: Amount
    end: Amount
    steps: tuple[Step, ...]

    def frame(self) -> pd.DataFrame:
        """Return one row a step, first and last row the variants: side, text, minutes, share, share_after."""
        rows = [("start", self.start.variant.label, self.start.numerator, self.start.share, self.start.share)]
        for step in self.steps:
            rows.append((step.side, step.text, step.minutes, step.share, rows[-1][4] + step.share))
        rows.append(("end", self.end.variant.label, self.end.numerator, self.end.share, self.end.share))
        frame = pd.DataFrame(rows, columns=["side", "text", "minutes", "share", "share_after"])
        return frame.astype({"minutes": float, "share": float, "share_after": float})


TREE: dict[str, Place] = {
    "scheduled": Place(ROOT, "hours not planned to be open", "hours not planned to be open"),
    "week_50h": Place(ROOT, "50 h a week instead of every hour", "every hour instead of 50 h a week"),
    "stated": Place(
        "scheduled", "stated hours instead of the calendar's", "the calendar's hours instead of stated ones"
    ),
    "operating": Place("scheduled", "downtime", "downtime"),
    "table": Place("operating", "operating time without a visit", "operating time without a visit"),
    "room_before": Place("table", "buffer before the visit", "buffer before the visit"),
    "room": Place("room_before", "buffer after the visit", "buffer after the visit"),
    "used_booked": Place("table", "used without a booking", "used without a booking"),
    "booked": Place("used_booked", "booked but unused", "booked but unused"),
    "occupied": Place("table", "visits outside operating time", "visits outside operating time"),
    "summed": Place("occupied", "overlapping visits counted each", "overlapping visits counted each"),
    "begun": Place(
        "summed", "visits across the period's edge, whole where they begin", "visits cut at the period's edge"
    ),
    "um": Place("begun", "mean turnover for every visit", "mean turnover for every visit"),
    "imaged": Place("begun", "visits whose images tell no times", "visits whose images tell no times"),
    "acquired": Place("imaged", "table time without acquisition", "table time without acquisition"),
}
VARIANTS: tuple[Variant, ...] = (
    Variant("U01", "Table utilization", "table", "operating"),
    Variant("U02", "Room utilization", "room", "operating"),
    Variant("U03", "UM utilization", "um", "stated"),
    Variant("U04", "Schedule utilization", "booked", "operating"),
    Variant("U04-24h", "Schedule utilization, 24 h", "booked", "clock"),
    Variant("U06", "CMS-hour utilization", "table", "week_50h"),
    Variant("U07", "Acquisition share", "acquired", "imaged"),
)
COLUMNS: dict[str, str] = {  # place: the column of fact_scanner_time it is the sum of
    "clock": "clock_min",
    "week_50h": "week_50h_min",
    "scheduled": "scheduled_open_min",
    "stated": "stated_min",
    "operating": "operating_min",
    "table": "table_min",
    "room_before": "room_before_min",
    "room": "room_min",
    "used_booked": "used_booked_min",
    "booked": "booked_min",
    "summed": "summed_min",
    "begun": "begun_scan_min",
    "imaged": "imaged_min",
    "acquired": "acquired_min",
}
MORE_COLUMNS = ("after_hours_min", "begun_visits", "turnover_min", "turnovers")


def variant(name: str) -> Variant:
    """Return a variant by its KPI id; raises RefusedError naming those there are."""
    found = next((v for v in VARIANTS if v.id.upper() == name.upper()), None)
    if found is None:
        known = ", ".join(f"{v.id} ({v.label.lower()})" for v in VARIANTS)
        raise RefusedError(f"{name!r} is no variant of utilization in minutes; known: {known}")
    return found


def places_of(sums: pd.Series[Any]) -> dict[str, Fraction]:
    """Return the minutes of every place from the sums of fact_scanner_time's columns."""
    found = {place: _exact(sums[column]) for place, column in COLUMNS.items()}
    found["occupied"] = found["table"] + _exact(sums["after_hours_min"])
    gaps = round(sums["turnovers"])
    mean = _exact(sums["turnover_min"]) / gaps if gaps else Fraction(0)
    found["um"] = found["begun"] + mean * round(sums["begun_visits"])
    return found


def _exact(minutes: float) -> Fraction:
    return Fraction(round(minutes * MINUTE_US), MINUTE_US)


def amounts(sums: pd.Series[Any]) -> dict[str, Amount | None]:
    """Return every variant's minutes by id; None where nothing is in its denominator."""
    at = places_of(sums)
    return {v.id: Amount(v, at[v.numerator], at[v.denominator]) if at[v.denominator] else None for v in VARIANTS}


def waterfall(sums: pd.Series[Any], start: Variant, end: Variant) -> Waterfall:
    """Return the way from `start` to `end` over sums of fact_scanner_time.

    A step of `d` minutes in the numerator adds d times the mean of both variants' 1 / denominator, one in the
    denominator takes d times the mean of both numerators over the product of the denominators: so the steps add up
    whatever their order, and the way back is the same with the signs turned. Raises RefusedError where one of the
    two has nothing in its denominator.
    """
    at = places_of(sums)
    ends = [Amount(v, at[v.numerator], at[v.denominator]) for v in (start, end)]
    for amount in ends:
        if not amount.denominator:
            raise RefusedError(f"{amount.variant.id} has no minutes to divide by in this period and filter")
    first, last = ends
    per_min = (1 / first.denominator + 1 / last.denominator) / 2
    taken = -(first.numerator + last.numerator) / (2 * first.denominator * last.denominator)
    steps = [
        Step(side, text, minutes, minutes * each)
        for side, each, way in (
            ("numerator", per_min, (start.numerator, end.numerator)),
            ("denominator", taken, (start.denominator, end.denominator)),
        )
        for text, minutes in _steps(at, *way)
    ]
    return Waterfall(first, last, tuple(step for step in steps if step.minutes))


def _steps(at: dict[str, Fraction], start: str, end: str) -> list[tuple[str, Fraction]]:
    up, down = _ancestors(start), _ancestors(end)
    meeting = next(place for place in up if place in down)
    way = [*up[: up.index(meeting) + 1], *reversed(down[: down.index(meeting)])]
    found = []
    for here, there in pairwise(way):
        text = TREE[there].there if there in TREE and TREE[there].parent == here else TREE[here].back
        found.append((text, at[there] - at[here]))
    return found


def _ancestors(place: str) -> list[str]:
    found = [place]
    while found[-1] != ROOT:
        found.append(TREE[found[-1]].parent)
    return found
