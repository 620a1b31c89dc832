"""The SPC rule: the last complete bucket against the natural process limits of the buckets before it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pandas as pd

from etl.alerts.finding import Finding, Slice, said
from etl.alerts.rules import SpcRule
from etl.kpis.query import Result
from etl.kpis.spc import Floats, Signal, Xmr, signals, xmr

_WORDS = {
    Signal.OUTSIDE: "beyond its natural limits",
    Signal.SHIFT: "one of seven on one side of the mean",
    Signal.TREND: "one of seven rising or falling",
    Signal.NEAR: "one of two of three near a limit",
}


def charted(rule: SpcRule, result: Result) -> list[Finding]:
    """Return one finding a slice; the limits come from the earlier points alone, so that no point hides itself."""
    found = [_judged(rule, result, parts, frame) for parts, frame in _slices(rule, result.frame)]
    return found or [Finding(rule.key, (), None, "nothing in this period and filter")]


def _slices(rule: SpcRule, frame: pd.DataFrame) -> Iterator[tuple[Slice, pd.DataFrame]]:
    names = sorted(rule.by)
    if not names:
        if not frame.empty:
            yield (), frame
        return
    for values, part in frame.groupby(names, sort=True, dropna=False):
        yield tuple(zip(names, map(str, values), strict=True)), part


def _judged(rule: SpcRule, result: Result, parts: Slice, frame: pd.DataFrame) -> Finding:
    series, counts = _series(rule, result, frame)
    last, n = float(series[-1]), int(counts[-1])
    if np.isnan(last) or n < rule.min_n:
        return Finding(rule.key, parts, None, f"no number on the last complete {rule.grain} (n = {n})", n=n)
    limits = xmr(series[:-1])
    if limits.is_short:
        return Finding(rule.key, parts, None, f"{limits.n} points before it are too few for limits", last, n=n)
    causes = [cause for cause in signals(series, limits)[-1] if cause in rule.rules]
    unit = result.meta.columns[rule.column]
    # a process that never went below nought has no limit there
    low = limits.low if np.nanmin(series) < 0 else max(limits.low, 0.0)
    usual = f"usual {said(low, unit)} to {said(limits.high, unit)}"
    why = ", ".join(_WORDS[cause] for cause in Signal if cause in causes)
    breached = bool(causes) and _counts(rule, result, last, limits)
    text = f"{said(last, unit)}, {usual}" + (f"; {why}" if causes else "")
    return Finding(rule.key, parts, breached, text, last, _limit(last, limits), n)


def _series(rule: SpcRule, result: Result, frame: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return values and n of every bucket of the period, NaN and 0 where nothing was; the last is complete."""
    step = 7 if rule.grain == "week" or rule.same_weekday else 1
    last = result.meta.to_date - timedelta(days=7 if rule.grain == "week" else 1)
    buckets = [pd.Timestamp(last - timedelta(days=step * back)) for back in range(rule.points, -1, -1)]
    whole = frame.set_index(rule.grain).reindex(buckets)
    return whole[rule.column].to_numpy(dtype="float64"), whole["n"].fillna(0).to_numpy(dtype="float64")


def _counts(rule: SpcRule, result: Result, last: float, limits: Xmr) -> bool:
    """Return whether a special cause is of the kind asked for; what has no worse side counts either way."""
    if rule.direction == "any" or result.meta.better == "neutral":
        return True
    return last > limits.centre if result.meta.better == "lower" else last < limits.centre


def _limit(last: float, limits: Xmr) -> float:
    return limits.high if last >= limits.centre else limits.low
