"""Which clock's begin and end an exam has (decision 8), and how far the runner-up is away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from etl.warehouse.intervals import MINUTE_US, Bools, Floats
from etl.warehouse.keys import Ints
from etl.warehouse.local_time import NO_DAY, NO_TIME, local_days
from etl.warehouse.parameters import Parameters, PrecedenceRule
from etl.warehouse.reference import ANY
from etl.warehouse.reference_match import EPOCH

Texts = npt.NDArray[np.object_]
DEFAULT_ORDER = ("ris", "mpps", "dicom")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The time chosen, the clock it is from (None: no time), and chosen minus runner-up in minutes (NaN: alone)."""

    at: Ints
    source: Texts
    difference_min: Floats


def choose(milestone: str, told: Mapping[str, Ints], site: Texts, parameters: Parameters) -> Chosen:
    """Choose by exam between what the clocks (`told`: ris, mpps, dicom) say of a milestone (begin, end, available)."""
    size = len(site)
    result = Chosen(np.full(size, NO_TIME), np.full(size, None, dtype=object), np.full(size, np.nan))
    day = _first_day(told, site, parameters)
    orders = _orders(milestone, site, day, parameters)
    for order in sorted(set(orders)):
        _choose_in_order(order, told, np.array([o == order for o in orders], dtype=bool), result)
    return result


def _first_day(told: Mapping[str, Ints], site: Texts, parameters: Parameters) -> Ints:
    stacked = np.stack(list(told.values()))
    first = np.where(stacked == NO_TIME, np.iinfo(np.int64).max, stacked).min(axis=0)
    first = np.where(first == np.iinfo(np.int64).max, NO_TIME, first)
    return local_days(first, site, parameters.zones)[0]


def _orders(milestone: str, site: Texts, day: Ints, parameters: Parameters) -> list[tuple[str, ...]]:
    """Return each exam's order of clocks: of its site's latest valid rule, else of the latest rule for all."""
    orders: list[tuple[str, ...]] = [DEFAULT_ORDER] * len(site)
    rules = [r for r in parameters.precedence if r.milestone == milestone]
    for rule in sorted(rules, key=_weight):
        for place in np.flatnonzero(_holds(rule, site, day)):
            orders[place] = rule.order
    return orders


def _weight(rule: PrecedenceRule) -> tuple[bool, int]:
    return rule.site != ANY, (rule.valid_from - EPOCH).days if rule.valid_from else -1


def _holds(rule: PrecedenceRule, site: Texts, day: Ints) -> Bools:
    holds = np.full(len(site), True) if rule.site == ANY else np.asarray(site == rule.site, dtype=bool)
    if rule.valid_from is not None:
        holds = holds & (day != NO_DAY) & (day >= (rule.valid_from - EPOCH).days)
    return holds


def _choose_in_order(order: tuple[str, ...], told: Mapping[str, Ints], mine: Bools, result: Chosen) -> None:
    """Fill the exams of `mine` in place."""
    for clock in order:
        if clock not in told:  # no scanner tells when the archive had it
            continue
        known = mine & (told[clock] != NO_TIME)
        fresh = known & (result.at == NO_TIME)
        second = known & ~fresh & np.isnan(result.difference_min)
        result.difference_min[second] = (result.at[second] - told[clock][second]) / MINUTE_US
        result.at[fresh] = told[clock][fresh]
        result.source[fresh] = clock
