"""A03 and A04 as an analysis: what flagging does to waits once the queue and the hour are accounted for.

The registry's A03 and A04 are simple stratified medians; this is the regression beside them. The model, in minutes and
for work and off hours apart: wait = stratum (algorithm, priority, patient class) + hour of day + queue + queue^2 +
treated + later + flagged + unflagged + rest. Treated are exams of sites an algorithm is in use at (before and after),
later are exams since it came into use (at all sites), so with a control group flagged and unflagged are differences in
differences: what became of those waits beyond what became of the control's. Without a control group, or without exams
before, only what can be told is told. Intervals come from 400 bootstrap draws of whole days, because waits of one
day hang together.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
DRAWS = 400
FEWEST = 10  # exams of a group below which nothing is said of it
COLUMNS = (
    "site_code", "algorithm", "ai_use", "hours", "priority", "patient_class", "local_date", "local_hour", "result",
    "unread_wait_min", "queue",
)  # fmt: skip
QUEUE_UNIT = 10.0
EFFECTS = ("flagged_vs_unflagged", "flagged_vs_before", "unflagged_vs_before")


@dataclass(frozen=True, slots=True)
class Effect:
    """A difference of waits in minutes with its 95 % interval; NaN where the groups for it are not there."""

    hours: str  # work, off
    name: str  # one of EFFECTS
    minutes: float
    low: float
    high: float
    n: int  # exams of the group the effect is about
    has_control: bool

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves nought out."""
        return self.low > 0 or self.high < 0


def triage_effects(waits: pd.DataFrame, seed: int = 1) -> list[Effect]:
    """Return the effects in work and off hours from rows of fact_ai_result (COLUMNS); open waits are left out.

    The same rows and seed give the same numbers.
    """
    known = waits[waits["unread_wait_min"].ge(0) & waits["queue"].notna() & waits["ai_use"].ne("unlisted")]
    grouped = _grouped(known)
    return [e for hours in ("work", "off") for e in _effects(grouped[grouped["hours"] == hours], hours, seed)]


def _grouped(waits: pd.DataFrame) -> pd.DataFrame:
    """Return waits with their group: flagged, unflagged, before, and whether they lie after the algorithm's start."""
    in_use = waits["ai_use"].eq("in_use")
    flagged = waits["result"].eq("positive").fillna(False)
    start = waits[in_use].groupby("algorithm")["local_date"].min()
    later = pd.to_datetime(waits["local_date"]) >= pd.to_datetime(waits["algorithm"].map(start))
    return waits.assign(
        flagged=(in_use & flagged).astype(float),
        unflagged=(in_use & ~flagged).astype(float),
        before=waits["ai_use"].eq("before"),
        control=waits["ai_use"].eq("control"),
        later=later.astype(float),
    )


def _effects(waits: pd.DataFrame, hours: str, seed: int) -> list[Effect]:
    many = {name: int(waits[name].sum()) for name in ("flagged", "unflagged", "before")}
    has_control = min((int((waits["control"] & waits["later"].eq(k)).sum()) for k in (0, 1)), default=0) >= FEWEST
    waits = waits if has_control else waits[~waits["control"]]
    waits = waits if many["before"] >= FEWEST else waits[~waits["before"] & ~waits["control"]]
    has_control &= many["before"] >= FEWEST
    can = {
        "flagged_vs_unflagged": min(many["flagged"], many["unflagged"]) >= FEWEST,
        "flagged_vs_before": min(many["flagged"], many["before"]) >= FEWEST,
        "unflagged_vs_before": min(many["unflagged"], many["before"]) >= FEWEST,
    }
    drawn = _bootstrap(_design(waits, has_control), waits, seed) if any(can.values()) else {}
    return [
        Effect(hours, name, *(drawn[name] if can[name] else (nan, nan, nan)), many[name.split("_")[0]], has_control)
        for name in EFFECTS
    ]


def _design(waits: pd.DataFrame, has_control: bool) -> Floats:
    """Return the regressors, `flagged` and `unflagged` first."""
    queue = waits["queue"].astype("float64").to_numpy() / QUEUE_UNIT
    columns = [waits["flagged"].to_numpy(), waits["unflagged"].to_numpy(), queue, queue**2]
    if has_control:
        columns += [1.0 - waits["control"].to_numpy(dtype=float), waits["later"].to_numpy()]
    stratum = waits["algorithm"].astype(str) + "|" + waits["priority"].astype(str) + "|"
    for name in (stratum + waits["patient_class"].astype(str), waits["local_hour"]):
        columns += list(pd.get_dummies(name, dtype=float).to_numpy().T)
    return np.column_stack(columns)


def _bootstrap(design: Floats, waits: pd.DataFrame, seed: int) -> dict[str, tuple[float, float, float]]:
    """Return each effect with its percentile interval over draws of days.

    A draw's normal equations are sums of its days' ones, so a draw costs no pass over the exams.
    """
    day = pd.factorize(waits["local_date"])[0]
    wait = waits["unread_wait_min"].to_numpy(dtype=float)
    days = int(day.max()) + 1
    rows = [np.flatnonzero(day == d) for d in range(days)]
    gram = np.stack([design[r].T @ design[r] for r in rows])
    moment = np.stack([design[r].T @ wait[r] for r in rows])
    random = np.random.default_rng(seed)
    weights = np.vstack([np.ones(days), random.multinomial(days, np.full(days, 1 / days), DRAWS)])
    grams = (weights @ gram.reshape(days, -1)).reshape(-1, *gram.shape[1:])  # all draws in one product
    solved = np.array([_solve(*drawn) for drawn in zip(grams, weights @ moment, strict=True)])
    flagged, unflagged = solved[:, 0], solved[:, 1]
    found = dict(zip(EFFECTS, (flagged - unflagged, flagged, unflagged), strict=True))
    return {name: (float(draws[0]), *_interval(draws[1:])) for name, draws in found.items()}


def _interval(draws: Floats) -> tuple[float, float]:
    low, high = np.quantile(draws, (0.025, 0.975))
    return float(low), float(high)


def _solve(gram: Floats, moment: Floats) -> Floats:
    """Return the least-squares solution of least norm: dummies of one factor sum to one."""
    solution: Floats = np.linalg.lstsq(gram, moment, rcond=1e-10)[0].astype(np.float64)
    return solution
