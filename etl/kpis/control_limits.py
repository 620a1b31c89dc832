"""Control limits by what is counted: values (XmR), shares (p), rates (u), items or days between rare events (g, t).

Sources: Laney 2002, "Improved control charts for attributes" (p' and u', for shares of many items, whose days differ by
more than chance alone); Benneyan 2001 (g); Nelson 1994, "A control chart for parts-per-million" (t, power 1/3.6).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import ceil, log

import numpy as np

from etl.kpis.spc import FEWEST, Floats, mean_moving_range, xmr

SIGMAS = 3.0
D2 = 1.128  # mean range of two standard normal values
NELSON = 3.6  # waiting times to this root are nearly normal
TAIL = 0.00135  # beyond three standard deviations, on one side


class Chart(StrEnum):
    """Kinds of control chart."""

    XMR = "XmR"
    P = "p"
    U = "u"
    G = "g"
    T = "t"


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """Centre and natural limits, one of each a point; NaN where too little is known."""

    centre: Floats
    low: Floats
    high: Floats
    n: int  # known points of the baseline

    @property
    def is_short(self) -> bool:
        """Whether the baseline has too few points to lean on."""
        return self.n < FEWEST


def value_limits(values: Floats, baseline: int) -> Limits:
    """Return XmR limits of the first `baseline` values for all of them."""
    found = xmr(values[:baseline])
    return _constant(len(values), found.centre, found.low, found.high, found.n)


def share_limits(events: Floats, n: Floats, baseline: int) -> Limits:
    """Return p' limits: of shares of `n` items, wider where days differ by more than chance."""
    return _laney(events, n, baseline, binomial=True)


def rate_limits(events: Floats, exposure: Floats, baseline: int) -> Limits:
    """Return u' limits: of events per unit of exposure, wider where days differ by more than chance."""
    return _laney(events, exposure, baseline, binomial=False)


def _laney(events: Floats, n: Floats, baseline: int, *, binomial: bool) -> Limits:
    known = np.flatnonzero(n[:baseline] > 0)
    if not known.size:
        return _constant(len(n), float("nan"), float("nan"), float("nan"), 0)
    centre = float(events[known].sum() / n[known].sum())
    spread = centre * (1 - centre) if binomial else centre
    with np.errstate(divide="ignore", invalid="ignore"):
        sigma = np.where(n > 0, np.sqrt(spread / n), np.nan)
        z = (events / n - centre) / sigma
    beyond = max(1.0, mean_moving_range(list(z[known])) / D2) if known.size > 1 and spread > 0 else 1.0
    reach = SIGMAS * sigma * beyond
    return Limits(np.full(len(n), centre), centre - reach, centre + reach, int(known.size))


def gap_limits(items: Floats, baseline: int) -> Limits:
    """Return g limits: of the items between two events, by the quantiles of the geometric distribution."""
    known = items[:baseline][~np.isnan(items[:baseline])]
    if not known.size:
        return _constant(len(items), float("nan"), float("nan"), float("nan"), 0)
    chance = 1 / (float(known.mean()) + 1)
    low, centre, high = (geometric_quantile(q, chance) for q in (TAIL, 0.5, 1 - TAIL))
    return _constant(len(items), centre, low, high, int(known.size))


def geometric_quantile(q: float, chance: float) -> float:
    """Return the fewest failures before the first success that at least a share `q` of series have."""
    return 0.0 if chance >= 1 else max(0.0, float(ceil(log(1 - q) / log(1 - chance)) - 1))


def wait_limits(days: Floats, baseline: int) -> Limits:
    """Return t limits: of the days between two events, XmR on their 3.6th root."""
    found = xmr(days[:baseline] ** (1 / NELSON))
    centre, low, high = (max(limit, 0.0) ** NELSON for limit in (found.centre, found.low, found.high))
    return _constant(len(days), centre, low, high, found.n)


def _constant(length: int, centre: float, low: float, high: float, n: int) -> Limits:
    return Limits(np.full(length, centre), np.full(length, low), np.full(length, high), n)
