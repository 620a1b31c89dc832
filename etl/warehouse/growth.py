"""How fast something that is measured once a day grows."""

from __future__ import annotations

import numpy as np

from etl.warehouse.intervals import Floats

LEAST_DAYS = 8  # two weeks that overlap in six days
WEEK = 7


def growth(level: Floats) -> dict[str, float]:
    """Return the robust growth a day of daily levels (NaN: not measured), and of the slowest and fastest week.

    The slope is Theil's and Sen's: the median over all pairs of days, which a day of migration does not move.
    Weeks are any seven days in a row, so that a weekend is in each. NaN where fewer than eight days are known.
    """
    day = np.flatnonzero(~np.isnan(level))
    names = ("bytes_per_day", "slowest_week_per_day", "fastest_week_per_day")
    if len(day) < LEAST_DAYS:
        return dict.fromkeys(names, np.nan)
    first, last = np.triu_indices(len(day), 1)
    known = level[day]
    slope = np.median((known[last] - known[first]) / (day[last] - day[first]))
    weeks = (level[WEEK:] - level[:-WEEK]) / WEEK
    weeks = weeks[~np.isnan(weeks)]
    paces = (float(weeks.min()), float(weeks.max())) if len(weeks) else (np.nan, np.nan)
    return dict(zip(names, (float(slope), *paces), strict=True))
