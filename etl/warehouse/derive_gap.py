"""Gaps between visits: which are turnover, which stood idle, and which would have held another patient (U08, U09)."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
from sqlalchemy import Connection, select

from etl.records import OpeningKind
from etl.warehouse.append import read_frame
from etl.warehouse.intervals import MINUTE_US, Floats, Intervals, intersect
from etl.warehouse.keys import Ints
from etl.warehouse.local_time import microseconds
from etl.warehouse.openings import operating_time
from etl.warehouse.parameters import Parameters
from etl.warehouse.scanners import places_of
from etl.warehouse.tables import fact_opening, fact_visit

NAMED = ("site_code", "scanner_code", "modality", "shift", "local_date", "local_hour")


def derive_gaps(connection: Connection, parameters: Parameters, data_at: datetime) -> pd.DataFrame:
    """Return fact_gap rows of all gaps that fact_visit tells of."""
    columns = (*NAMED, "begin_at", "gap_before_min", "gap_kind", "idle_in_hours_min")
    visits = read_frame(
        connection, select(*[fact_visit.c[n] for n in columns]).where(fact_visit.c.gap_kind.is_not(None))
    )
    openings = read_frame(connection, select(fact_opening))
    scanner = places_of(visits["scanner_code"], parameters)
    end = microseconds(visits["begin_at"])
    gap = visits["gap_before_min"].to_numpy(dtype=np.float64)
    longest = _longest(scanner, end - np.rint(gap * MINUTE_US).astype(np.int64), end, openings, parameters)
    slot = visits["scanner_code"].map(_modal_slots(openings)).to_numpy(dtype=np.float64, na_value=np.nan)
    turnover = visits["gap_before_min"].where(visits["gap_kind"] == "turnover")
    usual = turnover.groupby(visits["scanner_code"]).transform("median").fillna(0.0)
    idle = (visits["gap_kind"] == "idle").to_numpy()
    return visits[list(NAMED)].assign(
        begin_at=visits["begin_at"] - pd.to_timedelta(np.rint(gap * MINUTE_US), unit="us"),
        end_at=visits["begin_at"],
        kind=visits["gap_kind"],
        gap_min=gap,
        idle_min=visits["idle_in_hours_min"],
        longest_min=longest,
        slot_min=slot,
        turnover_min=usual,
        is_usable=idle & (longest >= slot + usual.to_numpy()),
    )


def _longest(scanner: Ints, begin: Ints, end: Ints, openings: pd.DataFrame, parameters: Parameters) -> Floats:
    """Return the longest stretch of operating time within each interval, in minutes."""
    operating = operating_time(openings, parameters).operating
    found = np.zeros(len(begin))
    # gaps of one scanner never overlap, so a piece of operating time lies in the one gap that begins last before it
    pieces = intersect(Intervals.of(scanner, begin, end), operating)
    gaps = pd.DataFrame({"scanner": scanner, "begin": begin, "row": np.arange(len(begin))})
    for code, mine in gaps.sort_values(["scanner", "begin"]).groupby("scanner"):
        own = pieces.where(pieces.group == code)
        at = np.searchsorted(mine["begin"].to_numpy(), own.begin, side="right") - 1
        np.maximum.at(found, mine["row"].to_numpy()[at], own.minutes())
    return found


def _modal_slots(openings: pd.DataFrame) -> dict[str, float]:
    """Return each scanner's most frequent slot length in minutes, the shorter of equally frequent ones."""
    slots = openings[openings["kind"] == str(OpeningKind.SLOT)]
    length = (microseconds(slots["end_at"]) - microseconds(slots["begin_at"])) / MINUTE_US
    counted = pd.DataFrame({"scanner": slots["scanner_code"], "length": length}).value_counts().reset_index(name="n")
    counted = counted.sort_values(["scanner", "n", "length"], ascending=[True, False, True])
    return dict(counted.drop_duplicates("scanner").set_index("scanner")["length"])
