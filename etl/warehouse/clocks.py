"""Clock skew of devices against the RIS, found from the exams both clocks timed (kpis.md K0.1, T13).

A technologist begins an exam `lead` before the first image and ends it `tail` after the last. A device clock that
is `s` ahead turns them into `lead + s` and `tail - s`. The median lead measures a skew against scanners of the
same modality; the tail does not, for many devices do not state how long their last series took. What proves a skew:
a median that is negative, which clocks that agree cannot give, or a lead unlike that of the others. A trend of the
daily median leads is a drift.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from etl.warehouse.intervals import Floats
from etl.warehouse.local_time import DAY_US, microseconds
from etl.warehouse.parameters import Parameters, Rules

PEERS_FOR_PROOF = 2
LEAST_DAYS = 10
SIGNIFICANT = 4.0  # standard deviations of Kendall's S
LEAST_CHANGE_MIN = 1.0  # over the days seen


def derive_clocks(exams: pd.DataFrame, parameters: Parameters, data_at: int) -> pd.DataFrame:
    """Return fact_clock rows of all configured scanners.

    `exams` has scanner_code, exam_begin_at, begin_offset_min and end_offset_min of exams with both clocks; positive
    offsets and drifts mean that the device is ahead. offset_min is NULL where nothing but the scanner's own habits
    could tell (no other scanner of its modality).
    """
    rules = parameters.rules
    both = exams.dropna(subset=["begin_offset_min", "end_offset_min"])
    age = (data_at - microseconds(both["exam_begin_at"])) / DAY_US
    both = both.assign(lead=-both["begin_offset_min"], tail=both["end_offset_min"], age=age)
    recent = both[both["age"].between(0, rules.clock_window_days)]
    frame = pd.DataFrame(
        {
            "site_code": [s.site for s in parameters.scanners],
            "scanner_code": [s.code for s in parameters.scanners],
            "modality": [s.modality for s in parameters.scanners],
        }
    )
    by = recent.groupby("scanner_code")
    frame = frame.join(by[["lead", "tail"]].median(), on="scanner_code").join(by.size().rename("n"), on="scanner_code")
    frame["n"] = frame["n"].fillna(0).astype("int64")
    known = frame["n"] >= rules.clock_least_exams
    offset, proven = _offsets(frame[known], rules)
    frame["offset_min"] = offset.reindex(frame.index)
    frame["offset_mad_min"] = frame["scanner_code"].map(by["lead"].agg(median_deviation))
    trends = [_drift(both[both["scanner_code"] == code], rules) for code in frame["scanner_code"]]
    frame["drift_min_per_day"] = [slope for slope, _ in trends]
    drifting = np.array([d for _, d in trends], dtype=bool)
    skewed = proven.reindex(frame.index, fill_value=False).to_numpy(dtype=bool)
    frame["verdict"] = np.select([~known, drifting, skewed], ["unknown", "drifting", "skewed"], default="ok")
    return frame.drop(columns=["modality", "lead", "tail"])


def _offsets(frame: pd.DataFrame, rules: Rules) -> tuple[pd.Series, pd.Series]:
    """Return by row the skew in minutes and whether it is proven and large enough to say so."""
    in_order = ((frame["lead"] >= 0) & (frame["tail"] >= 0)).to_numpy()
    share, usual = _lead_share(frame[in_order]), float(frame.loc[in_order, "lead"].median()) if in_order.any() else 0.0
    offset = np.full(len(frame), np.nan)
    proven = np.zeros(len(frame), dtype=bool)
    told = zip(frame["modality"], frame["lead"], frame["tail"], in_order, strict=True)
    for row, (modality, lead, tail, ordered) in enumerate(told):
        others = np.arange(len(frame)) != row
        alike = frame.loc[in_order & (frame["modality"] == modality).to_numpy() & others, "lead"]
        proof = not ordered or len(alike) >= PEERS_FOR_PROOF
        if len(alike):
            typical = float(alike.median())
            offset[row] = lead - typical
            # of two that differ, the one unlike all other scanners is the wrong one
            proof = proof or abs(lead - usual) - abs(typical - usual) >= rules.skew_verdict_min
        elif not ordered:
            offset[row] = lead - share * (lead + tail)
        proven[row] = proof and bool(abs(offset[row]) >= rules.skew_verdict_min)
    return pd.Series(offset, index=frame.index), pd.Series(proven, index=frame.index)


def _lead_share(frame: pd.DataFrame) -> float:
    """Return which part of the time around the images usually lies before them."""
    around = frame["lead"] + frame["tail"]
    shares = (frame["lead"] / around)[around > 0]
    return float(shares.median()) if len(shares) else 0.5


def _drift(exams: pd.DataFrame, rules: Rules) -> tuple[float, bool]:
    """Return the slope of the daily median leads in minutes a day (NaN: too few days) and whether it is a drift."""
    used = exams[exams["age"].between(0, rules.drift_window_days)]
    daily = used["lead"].groupby(np.floor(-used["age"])).median()
    if len(daily) < LEAST_DAYS:
        return float("nan"), False
    day, value = daily.index.to_numpy(dtype=np.float64), daily.to_numpy(dtype=np.float64)
    slope, score = theil_sen(day, value)
    change = abs(slope) * float(day[-1] - day[0])
    steep = abs(slope) >= rules.drift_verdict_min_per_day and change >= LEAST_CHANGE_MIN
    return slope, steep and abs(score) >= SIGNIFICANT


def theil_sen(x: Floats, y: Floats) -> tuple[float, float]:
    """Return the median slope over all pairs of points and Kendall's S over its standard deviation."""
    left, right = (np.array(side) for side in zip(*combinations(range(len(x)), 2), strict=True))
    slopes = (y[right] - y[left]) / (x[right] - x[left])
    n = len(x)
    spread = np.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    return float(np.median(slopes)), float(np.sign(slopes).sum() / spread)


def median_deviation(values: pd.Series) -> float:
    """Return the median absolute deviation from the median."""
    return float((values - values.median()).abs().median())
