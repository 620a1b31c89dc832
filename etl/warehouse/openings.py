"""The operating calendar: when scanners are open, closed and down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from etl.records import OpeningKind
from etl.warehouse.intervals import Intervals, intersect, subtract, union
from etl.warehouse.local_time import microseconds
from etl.warehouse.parameters import Parameters
from etl.warehouse.scanners import modality_of, places_of, scanner_of


@dataclass(frozen=True, slots=True)
class OperatingTime:
    """Unions by scanner, numbered as in `parameters.scanners`."""

    scheduled: Intervals  # open minus closures
    down: Intervals  # declared downtime inside it
    unplanned_down: Intervals
    operating: Intervals  # scheduled minus downtime


def derive_openings(openings: pd.DataFrame, parameters: Parameters) -> pd.DataFrame:
    """Return fact_opening rows."""
    scanner = scanner_of(openings["site_code"], openings["scanner_code"], parameters)
    rows = pd.DataFrame(
        {
            "site_code": openings["site_code"],
            "scanner_code": scanner,
            "modality": modality_of(scanner, parameters),
            "kind": openings["kind"],
            "begin_at": openings["occurred_at"],
            "end_at": openings["end_at"],
            "local_date": openings["local_date"],
            "reason_code": openings["reason_code"],
        }
    )
    return rows[rows["scanner_code"].notna()].drop_duplicates(ignore_index=True)


def operating_time(rows: pd.DataFrame, parameters: Parameters) -> OperatingTime:
    """Return the operating time that fact_opening rows make."""
    scanner = places_of(rows["scanner_code"], parameters)
    begin, end = microseconds(rows["begin_at"]), microseconds(rows["end_at"])
    everything = rows["kind"].to_numpy(dtype=object)

    def of(*kinds: OpeningKind) -> Intervals:
        mine = np.isin(everything, [str(kind) for kind in kinds]) & (scanner >= 0)
        return union(Intervals.of(scanner[mine], begin[mine], end[mine]))

    scheduled = subtract(of(OpeningKind.OPEN), of(OpeningKind.CLOSURE))
    down = of(OpeningKind.DOWNTIME_PLANNED, OpeningKind.DOWNTIME_UNPLANNED)
    return OperatingTime(
        scheduled=scheduled,
        down=intersect(down, scheduled),
        unplanned_down=intersect(of(OpeningKind.DOWNTIME_UNPLANNED), scheduled),
        operating=subtract(scheduled, down),
    )
