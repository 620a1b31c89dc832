"""How long images wait for a reader, how long the queue was before them, and how like exams waited."""

from __future__ import annotations

import numpy as np
import pandas as pd

from etl.warehouse.keys import Ints
from etl.warehouse.local_time import microseconds

LIKE = ["algorithm", "section", "priority", "patient_class", "hours", "band"]
BANDS = (0, 2, 5, 10, 20)  # unread exams in the section: 0-1, 2-4, 5-9, 10-19, 20 and more
FEWEST = 3  # like exams; a median of fewer says nothing


def with_queue(rows: pd.DataFrame, exams: pd.DataFrame) -> pd.DataFrame:
    """Return rows with `queue`: exams of the section, at all sites, whose images wait unread at that instant.

    The exam itself is not among them; NULL where its images' time is not known.
    """
    waiting = exams[exams["images_available_at"].notna()]
    queue = pd.Series(pd.NA, index=rows.index, dtype="Int64")
    for section, mine in rows[rows["images_available_at"].notna()].groupby("section", dropna=True):
        known = waiting[waiting["section"] == section]
        at = microseconds(mine["images_available_at"])
        came = np.sort(microseconds(known["images_available_at"]))
        opened = known["read_opened_at"].notna()
        # a read opened before its images came was never in the queue: it leaves as it comes
        left = np.sort(np.maximum(*(microseconds(known.loc[opened, name]) for name in LEAVES)))
        queue.loc[mine.index] = _below(came, at) - _below(left, at)
    return rows.assign(queue=queue)


LEAVES = ("read_opened_at", "images_available_at")


def _below(sorted_at: Ints, at: Ints) -> Ints:
    return np.searchsorted(sorted_at, at, side="left")


def with_differences(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the wait's difference to the median of like exams: not flagged, and before the algorithm.

    Like are exams of one algorithm, section, priority, patient class, work or off hours, and band of queue length;
    those the AI did not flag are compared within the calendar quarter.
    """
    band = np.digitize(rows["queue"].astype("float64").fillna(0.0), BANDS[1:])
    quarter = pd.PeriodIndex(pd.to_datetime(rows["local_date"]), freq="Q").astype(str)
    keyed = rows.assign(band=band, quarter=quarter)
    in_use, flagged = keyed["ai_use"].eq("in_use"), keyed["result"].eq("positive").fillna(False)
    unflagged = _median(keyed, in_use & ~flagged, [*LIKE, "quarter"])
    before = _median(keyed, keyed["ai_use"].eq("before"), LIKE)
    wait = rows["unread_wait_min"]
    return rows.assign(
        flagged_difference_min=(wait - unflagged).where(in_use & flagged),
        before_difference_min=(wait - before).where(in_use),
    )


def _median(rows: pd.DataFrame, which: pd.Series, by: list[str]) -> pd.Series:
    """Return for each row the median wait of the rows `which` that share its `by`, NaN where they are too few."""
    told = rows[which & (rows["unread_wait_min"] >= 0)]
    found = told.groupby(by, dropna=False)["unread_wait_min"].agg(["median", "count"]).reset_index()
    found = found[found["count"] >= FEWEST]
    return rows[by].merge(found, on=by, how="left")["median"].set_axis(rows.index)
