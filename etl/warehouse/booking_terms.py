"""The terms bookings are told in: bands of lead time, and who called an appointment off."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from etl.warehouse.intervals import Bools, Floats
from etl.warehouse.reference import pattern_key

if TYPE_CHECKING:
    from etl.warehouse.parameters import ReasonRule

Texts = npt.NDArray[np.object_]
DAY_MIN = 24 * 60
BAND_DAYS = (1, 7, 14, 28, 42)
LEAD_BANDS = ("under 1 day", "1 to 7 days", "7 to 14 days", "14 to 28 days", "28 to 42 days", "42 days and more")
ADD_ON = "add-on"  # the band of what was never on a schedule that anyone could keep or call off
ADD_ON_CLASSES = ("E", "I")
UNKNOWN_REASON = "unknown"


def lead_bands(lead_min: Floats, is_addon: Bools) -> Texts:
    """Return the band of each lead time in minutes, half-open `[from, to)`; None where there is none.

    `is_addon` marks appointments of emergency and inpatients made on their own day: they have a band of their own.
    """
    place = np.searchsorted(np.array(BAND_DAYS) * DAY_MIN, np.nan_to_num(lead_min), side="right")
    named = np.array(LEAD_BANDS, dtype=object)[place]
    named[np.isnan(lead_min)] = None
    named[is_addon] = ADD_ON
    return named


def called_off_by(reason: pd.Series, cancelled: Bools, rules: tuple[ReasonRule, ...]) -> pd.Series:
    """Return who called each cancelled appointment off by its reason code: the first rule that fits; None elsewhere."""
    who = {code: _who(str(code), rules) for code in reason.dropna().unique()}
    named = reason.map(who).astype(object).where(reason.notna(), UNKNOWN_REASON)
    return named.where(pd.Series(cancelled, index=reason.index), None)


def _who(code: str, rules: tuple[ReasonRule, ...]) -> str:
    sent = pattern_key(code)
    return next((rule.called_off_by for rule in rules if fnmatchcase(sent, rule.pattern)), UNKNOWN_REASON)
