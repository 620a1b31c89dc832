"""Bands of age and size as reference tables write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import inf

_RANGE = re.compile(r"(\d+(?:\.\d+)?)\s*-\s*(\d+(?:\.\d+)?)")
_FROM = re.compile(r"(\d+(?:\.\d+)?)\s*\+")


@dataclass(frozen=True, slots=True)
class Band:
    """Values from `low` up to, and not with, `high`; everything (unknown values too) where neither bounds it."""

    low: float = -inf
    high: float = inf

    @property
    def is_any(self) -> bool:
        """Whether it takes everything."""
        return self.low == -inf and self.high == inf

    def overlaps(self, other: Band) -> bool:
        """Whether some value lies in both."""
        return self.low < other.high and other.low < self.high


ANY_BAND = Band()


def age_band(text: str) -> Band:
    """Read '*', 'adult', '18+' or '5-9' (whole years, both ends in it); raises ValueError."""
    if text.lower() == "adult":
        return Band(18.0)
    band = _band(text)
    return band if band.high == inf else Band(band.low, band.high + 1.0)


def size_band(text: str) -> Band:
    """Read '*', '29+' or '25-29' (centimetres of diameter, without the upper end); raises ValueError."""
    return _band(text)


def _band(text: str) -> Band:
    if text in ("", "*"):
        return ANY_BAND
    if found := _FROM.fullmatch(text):
        return Band(float(found[1]))
    found = _RANGE.fullmatch(text)
    if found is None or float(found[1]) > float(found[2]):
        raise ValueError(text)
    return Band(float(found[1]), float(found[2]))
