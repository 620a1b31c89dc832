"""Clock skew of devices against the RIS, found from the exams both clocks timed (kpis.md K0.1, T13).

A technologist begins an exam `lead` before the first image and ends it `tail` after the last. A device clock that
is `s` ahead turns them into `lead + s` and `tail - s`. The lead measures a skew against scanners of the same
modality (the shift between the two distributions, Hodges and Lehmann 1963); the tail does not, for many devices do
not state how long their last series took. What proves a skew: a median that is negative, which clocks that agree
cannot give, or a lead unlike that of the others. A trend of the leads is a drift, and the skew is that of now.

Performed procedure steps are a third clock. `step` is their begin minus the RIS's: one person starts both, so it
varies less than the lead, and it hardly depends on the modality. Where steps and images agree and the RIS differs
from both, the device is off; where only one of the two differs from the RIS, that one is.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from etl.warehouse.intervals import Bools, Floats
from etl.warehouse.local_time import DAY_US, microseconds
from etl.warehouse.parameters import Parameters, Rules

PEERS_FOR_PROOF = 2
LEAST_DAYS = 10
SIGNIFICANT = 4.0  # standard deviations of Kendall's S
LEAST_CHANGE_MIN = 1.0  # over the days seen
MOST_POINTS = 400  # more exams are thinned out for what grows with their square
ENOUGH = 100  # exams of the short window; with fewer a drifting clock is judged by the long one
ROBUST_SD = 1.4826  # standard deviation over median absolute deviation (normal distribution)


def derive_clocks(exams: pd.DataFrame, parameters: Parameters, data_at: int) -> pd.DataFrame:
    """Return fact_clock rows of all configured scanners.

    `exams` has scanner_code, exam_begin_at, begin_offset_min and end_offset_min of exams with both clocks, and may
    have step_lead_min (performed procedure step's begin minus RIS begin); positive offsets and drifts mean that the
    device is ahead. offset_min is NULL where nothing but the scanner's own habits could tell (no other scanner of
    its modality). A department without configured scanners has no clocks.
    """
    if not parameters.scanners:
        return pd.DataFrame()
    rules = parameters.rules
    both = exams.dropna(subset=["begin_offset_min", "end_offset_min"])
    age = (data_at - microseconds(both["exam_begin_at"])) / DAY_US
    step = both.get("step_lead_min", np.nan)
    both = both.assign(lead=-both["begin_offset_min"], tail=both["end_offset_min"], age=age, step=step)
    frame = pd.DataFrame(
        {
            "site_code": [s.site for s in parameters.scanners],
            "scanner_code": [s.code for s in parameters.scanners],
            "modality": [s.modality for s in parameters.scanners],
            "clock_keys": [" ".join(s.station_names or (s.code,))[:400] for s in parameters.scanners],
        }
    )
    seen = dict(iter(both.groupby("scanner_code")))
    none = both.iloc[:0]
    measured = [_measured(seen.get(code, none), rules) for code in frame["scanner_code"]]
    frame = pd.concat([frame, pd.DataFrame(measured)], axis=1)
    known = frame["n"] >= rules.clock_least_exams
    offset, proven = _offsets(frame[known], rules)
    frame["offset_min"] = offset.reindex(frame.index)
    frame["evidence"] = ["peers" if told else None for told in frame["offset_min"].notna()]
    skewed = proven.reindex(frame.index, fill_value=False).to_numpy(dtype=bool) | _by_steps(
        frame, known.to_numpy(dtype=bool), rules
    )
    frame["error_min"] = np.where(frame["offset_min"].notna(), frame["error_min"], np.nan)
    drifting = frame["drifting"].to_numpy(dtype=bool)
    frame["verdict"] = np.select([~known, drifting, skewed], ["unknown", "drifting", "skewed"], default="ok")
    return frame.drop(columns=["modality", "lead", "tail", "leads", "steps", "drifting"])


def _measured(rows: pd.DataFrame, rules: Rules) -> dict[str, object]:
    """Return what one scanner's exams tell, as it is now: a drift is taken out of what is older."""
    recent = rows[rows["age"].between(0, rules.clock_window_days)]
    long = rows[rows["age"].between(0, rules.drift_window_days)]
    by_step = recent["step"].notna().sum() >= rules.clock_least_exams
    slope, drifting = _drift(long, "step" if by_step else "lead", rules)
    used = long if drifting and len(recent) < ENOUGH else recent
    moved = used["age"].to_numpy(dtype=np.float64) * (slope if drifting else 0.0)
    leads, steps = used["lead"].to_numpy(dtype=np.float64) + moved, used["step"].to_numpy(dtype=np.float64) + moved
    steps = steps[~np.isnan(steps)]
    spread = median_deviation(pd.Series(steps if by_step else leads))
    return {
        "n": len(recent),
        "lead": float(np.median(leads)) if len(leads) else np.nan,
        "tail": float(np.median(used["tail"] - moved)) if len(leads) else np.nan,
        "leads": leads,
        "steps": steps if by_step else np.empty(0),
        "offset_mad_min": spread,
        "error_min": ROBUST_SD * spread * (2 if drifting else 1) / np.sqrt(max(len(used), 1)),
        "drift_min_per_day": slope,
        "drifting": drifting,
    }


def _offsets(frame: pd.DataFrame, rules: Rules) -> tuple[pd.Series, pd.Series]:
    """Return by row the skew in minutes and whether it is proven and large enough to say so."""
    in_order = ((frame["lead"] >= 0) & (frame["tail"] >= 0)).to_numpy()
    share, usual = _lead_share(frame[in_order]), float(frame.loc[in_order, "lead"].median()) if in_order.any() else 0.0
    offset = np.full(len(frame), np.nan)
    proven = np.zeros(len(frame), dtype=bool)
    told = zip(frame["modality"], frame["lead"], frame["tail"], in_order, strict=True)
    for row, (modality, lead, tail, ordered) in enumerate(told):
        others = np.arange(len(frame)) != row
        alike = frame[in_order & (frame["modality"] == modality).to_numpy() & others]
        proof = not ordered or len(alike) >= PEERS_FOR_PROOF
        if len(alike):
            typical = float(alike["lead"].median())
            offset[row] = float(np.median([shift(frame["leads"].iloc[row], peer) for peer in alike["leads"]]))
            # of two that differ, the one unlike all other scanners is the wrong one
            proof = proof or abs(lead - usual) - abs(typical - usual) >= rules.skew_verdict_min
        elif not ordered:
            offset[row] = lead - share * (lead + tail)
        proven[row] = proof and bool(abs(offset[row]) >= rules.skew_verdict_min)
    return pd.Series(offset, index=frame.index), pd.Series(proven, index=frame.index)


def _by_steps(frame: pd.DataFrame, known: Bools, rules: Rules) -> Bools:
    """Put what steps tell in the place of what leads tell, in `frame`; return which skews they prove.

    It takes two other scanners with steps: what is usual between a step's begin and the RIS's is a habit too. An
    image clock that agrees with the RIS clears the device: then only the clock of its steps is off.
    """
    steps = list(frame["steps"])
    stepping = [row for row, told in enumerate(steps) if known[row] and len(told)]
    proven = np.zeros(len(frame), dtype=bool)
    if len(stepping) <= PEERS_FOR_PROOF:
        return proven
    offset, evidence = frame["offset_min"].to_numpy(dtype=np.float64).copy(), list(frame["evidence"])
    for row in stepping:
        by_step = float(np.median([shift(steps[row], steps[peer]) for peer in stepping if peer != row]))
        by_lead, far = float(offset[row]), rules.skew_verdict_min
        differ = abs(by_step - by_lead) >= far  # never where no lead could tell
        if differ and abs(by_lead) < far:
            evidence[row] = "steps off"
        elif differ and abs(by_step) < far:
            evidence[row], proven[row] = "images off", True
        else:
            offset[row], evidence[row], proven[row] = by_step, "steps", abs(by_step) >= far
    frame["offset_min"], frame["evidence"] = offset, evidence
    return proven


def shift(left: Floats, right: Floats) -> float:
    """Return by how much the left values lie above the right ones: the median of all differences."""
    left, right = _thinned(left), _thinned(right)
    return float(np.median(left[:, None] - right[None, :]))


def _thinned(values: Floats) -> Floats:
    return values[:: max(1, -(-len(values) // MOST_POINTS))]


def _lead_share(frame: pd.DataFrame) -> float:
    """Return which part of the time around the images usually lies before them."""
    around = frame["lead"] + frame["tail"]
    shares = (frame["lead"] / around)[around > 0]
    return float(shares.median()) if len(shares) else 0.5


def _drift(exams: pd.DataFrame, measure: str, rules: Rules) -> tuple[float, bool]:
    """Return the slope of the leads in minutes a day (NaN: too few days) and whether it is a drift.

    Few exams are compared one by one, many by their daily medians.
    """
    used = exams.dropna(subset=[measure])
    daily = used[measure].groupby(np.floor(-used["age"])).median()
    if len(daily) < LEAST_DAYS:
        return float("nan"), False
    if len(used) <= MOST_POINTS:
        used = used.sort_values("age", ascending=False)
        day, value = -used["age"].to_numpy(dtype=np.float64), used[measure].to_numpy(dtype=np.float64)
    else:
        day, value = daily.index.to_numpy(dtype=np.float64), daily.to_numpy(dtype=np.float64)
    slope, score = theil_sen(day, value)
    change = abs(slope) * float(day[-1] - day[0])
    steep = abs(slope) >= rules.drift_verdict_min_per_day and change >= LEAST_CHANGE_MIN
    return slope, steep and abs(score) >= SIGNIFICANT


def theil_sen(x: Floats, y: Floats) -> tuple[float, float]:
    """Return the median slope over all pairs of points and Kendall's S over its standard deviation."""
    left, right = np.triu_indices(len(x), 1)
    run = x[right] - x[left]
    slopes = (y[right] - y[left])[run > 0] / run[run > 0]
    n = len(x)
    spread = np.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    return float(np.median(slopes)), float(np.sign(slopes).sum() / spread)


def median_deviation(values: pd.Series) -> float:
    """Return the median absolute deviation from the median."""
    return float((values - values.median()).abs().median())
