"""Operating calendars: opening hours, holidays, downtime and booking slots of every scanner and day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, lru_cache

import holidays

from etl.simulate.local import clock_of
from etl.simulate.scenario import SCANNERS, SITE, ScannerSpec, Scenario, stream

KEPT_HOLIDAYS = ("New Year", "Memorial", "Independence", "Labor", "Thanksgiving", "Christmas")
PLANNED_H = 3.0
HANDOVERS = (7.0, 15.0, 23.0)  # technologist shifts change
HANDOVER_MIN = 6.0
UNPLANNED_A_WEEK = 0.10
UNPLANNED_REASONS = ("DETECTOR", "COOLING", "SOFTWARE", "TUBE", "NETWORK")


@dataclass(frozen=True)
class Stretch:
    """A stretch of a scanner's calendar in Unix seconds, of a local day."""

    scanner: str
    kind: str  # open, closure, downtime_planned, downtime_unplanned, slot
    day: date
    begin_s: int
    end_s: int
    reason: str = ""


@lru_cache(maxsize=64)
def holiday_names(subdivision: str, year: int) -> dict[date, str]:
    """Return the holidays on which scheduled work stops at a hospital of this US state."""
    listed = holidays.country_holidays("US", subdiv=subdivision, years=year, observed=False)
    return {day: name for day, name in listed.items() if any(kept in name for kept in KEPT_HOLIDAYS)}


def holiday(site: str, day: date) -> str | None:
    """Return the name of the holiday, None on other days."""
    return holiday_names(SITE[site].subdivision, day.year).get(day)


@dataclass(frozen=True)
class Calendar:
    """The calendar of one scanner in one scenario; any day can be asked, and the answer never changes."""

    scenario: Scenario
    spec: ScannerSpec

    def _at(self, day: date, hour: float) -> int:
        return clock_of(SITE[self.spec.site].zone).second(day, hour)

    def open(self, day: date) -> list[Stretch]:
        """Return the opening hours as printed on the door, holidays not looked at."""
        found = []
        for first, last, begin, end in self.spec.hours:
            if first <= day.weekday() <= last:
                found.append(Stretch(self.spec.code, "open", day, self._at(day, begin), self._at(day, end)))
        return found

    def closures(self, day: date) -> list[Stretch]:
        """Return the whole opening time on a holiday, unless the scanner never closes."""
        name = holiday(self.spec.site, day)
        if name is None or self.spec.never_closes or self.spec.modality == "DX":
            return []
        code = "HOLIDAY"
        return [Stretch(self.spec.code, "closure", day, s.begin_s, s.end_s, code) for s in self.open(day)]

    def planned(self, day: date) -> list[Stretch]:
        """Return planned maintenance: one weekday morning a month, before dawn where the scanner never closes."""
        draws = stream(self.scenario.seed, "planned", self.spec.code, day.year, day.month)
        chosen = date(day.year, day.month, 8 + draws.randrange(14))
        while chosen.weekday() > 3 or holiday(self.spec.site, chosen):
            chosen += timedelta(days=1)
        if chosen != day:
            return []
        begin = 3.0 if self.spec.never_closes else min(h[2] for h in self.spec.hours)
        return [self._stretch("downtime_planned", day, begin, begin + PLANNED_H, "MAINTENANCE")]

    def unplanned(self, day: date) -> list[Stretch]:
        """Return breakdowns: rare by chance, and two that belong to the story of the last days."""
        told = STORY_DOWN.get((self.spec.code, (day - self.scenario.anchor).days))
        if told is not None:
            return [self._stretch("downtime_unplanned", day, *told)]
        monday = day - timedelta(days=day.weekday())
        draws = stream(self.scenario.seed, "unplanned", self.spec.code, monday)
        if draws.random() > UNPLANNED_A_WEEK or draws.randrange(6) != day.weekday():
            return []
        begin = 8 + round(draws.random() * 7, 1)
        length = 0.75 + round(draws.random() ** 2 * 3.5, 1)
        return [self._stretch("downtime_unplanned", day, begin, begin + length, draws.choice(UNPLANNED_REASONS))]

    def _stretch(self, kind: str, day: date, begin: float, end: float, reason: str) -> Stretch:
        return Stretch(self.spec.code, kind, day, self._at(day, begin), self._at(day, end), reason)

    def slots(self, day: date) -> list[Stretch]:
        """Return the template slots of the day that neither closure nor planned downtime touches."""
        blocked = [*self.closures(day), *self.planned(day)]
        found = []
        for first, last, begin, end, minutes in self.spec.slots:
            if first <= day.weekday() <= last:
                starts = (self._at(day, begin) + n * minutes * 60 for n in range(int((end - begin) * 60 // minutes)))
                found += [Stretch(self.spec.code, "slot", day, s, s + minutes * 60) for s in starts]
        last_s = self._last_slot_s(day)
        found = [s for s in found if last_s is None or s.begin_s < last_s]
        return [s for s in found if not any(s.begin_s < b.end_s and b.begin_s < s.end_s for b in blocked)]

    def _last_slot_s(self, day: date) -> int | None:
        """Return when the story of the bottleneck has the day's bookable time end."""
        scanner, from_day, hour = STORY_SHORT
        told = self.spec.code == scanner and (day - self.scenario.anchor).days >= from_day
        return self._at(day, hour) if told else None

    def handovers(self, day: date) -> list[Stretch]:
        """Return the minutes at technologist shift change in which no patient is taken."""
        length = HANDOVER_MIN / 60
        return [self._stretch("handover", day, hour, hour + length, "") for hour in HANDOVERS]

    @cached_property
    def is_booked(self) -> bool:
        """Whether patients are booked on this scanner at all."""
        return bool(self.spec.slots)


# (scanner, days after the anchor) -> wall times and reason: what a manager finds on opening the demo
STORY_DOWN: dict[tuple[str, int], tuple[float, float, str]] = {
    ("NCT1", -9): (9.6, 16.1, "TUBE"),
    ("SMR1", -2): (10.0, 14.5, "COOLING"),
}
# scanner, days after the anchor, local hour: from that day on nothing is booked on it later in the day; it stays open
# for emergency and inpatients. Outpatients ask for more than is left, and wait longer week by week
STORY_SHORT = ("NMR1", -70, 15.0)


def calendars(scenario: Scenario) -> dict[str, Calendar]:
    """Return the calendar of every scanner, by code."""
    return {spec.code: Calendar(scenario, spec) for spec in SCANNERS}


def days_between(first: date, last: date) -> Iterator[date]:
    """Yield the days from first to last, both included."""
    for n in range((last - first).days + 1):
        yield first + timedelta(days=n)
