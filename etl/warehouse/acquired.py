"""How much of a visit was acquisition, where the images tell how long each series took (U07)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from etl.warehouse.intervals import MINUTE_US, Floats, Intervals, covered_before, union
from etl.warehouse.local_time import NO_TIME, microseconds


def acquired_min(parts: pd.DataFrame, visit: pd.Series, acquired: pd.DataFrame) -> Floats:
    """Return by part (visit, begin, end) the minutes its series cover; NaN where they do not tell.

    `visit` is by exam_key. A visit tells when each of its series of several instances has a length and one has; a
    single instance without a length (a localizer, a radiograph) counts as nothing.
    """
    unknown = np.full(len(parts), np.nan)
    if acquired.empty or parts.empty:
        return unknown
    series = acquired[acquired["acquired"] & acquired["exam_key"].isin(visit.index)]
    group = visit.reindex(series["exam_key"]).to_numpy()
    begin, end = microseconds(series["begin_at"]), microseconds(series["end_at"])
    long = end > begin
    silent = ~long & (series["instances"].fillna(2) > 1).to_numpy()
    told = np.setdiff1d(group[long], group[silent])
    merged = union(Intervals.of(group[long], begin[long], end[long]))
    since, until = parts["begin"].to_numpy(), parts["end"].to_numpy()
    place = parts["visit"].to_numpy()
    known = np.isin(place, told) & (until != NO_TIME)
    until = np.where(known, until, since)
    covered = covered_before(merged, place, until) - covered_before(merged, place, since)
    return np.where(known, covered / MINUTE_US, np.nan)
