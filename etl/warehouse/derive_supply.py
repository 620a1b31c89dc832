"""Open template slots as they stood each weekday at one local hour: first and third next available (U19)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from etl.warehouse.derive_slot import OPEN_STATES
from etl.warehouse.intervals import Bools, Intervals, covered_before, union
from etl.warehouse.keys import Ints
from etl.warehouse.local_time import NO_DAY, NO_TIME, dates, local_days, microsecond, microseconds, times
from etl.warehouse.parameters import Parameters
from etl.warehouse.template_slots import TemplateSlots, bookings, template_slots

SNAPSHOT_HOUR = 8  # site-local, weekdays: late enough for the night's changes, before the desk opens
SETTLED_DAYS = 28  # before that many days of bookings are known, slots booked earlier look open
STEP = 32  # slots looked at at once
SECOND_US = 1_000_000
COLUMNS = ("site_code", "scanner_code", "modality", "scope", "snapshot_at", "local_date", "first_days", "third_days",
           "third_at")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Held:
    """When each slot was held, as known then: a union by slot, in seconds.

    Every slot is a group of its own, and groups lie one after the other on one axis: years of microseconds, or an end
    that never comes, times a hundred thousand slots, are more than 64 bits hold.
    """

    spans: Intervals

    @classmethod
    def of(cls, slot: Ints, since: Ints, until: Ints, data_at: int) -> Held:
        """Take times in microseconds; what lasts beyond the data's now is cut off after it."""
        last = data_at + SECOND_US
        return cls(union(Intervals.of(slot, since // SECOND_US, -(-np.minimum(until, last) // SECOND_US))))

    def at(self, slot: Ints, instant: Ints) -> Bools:
        """Return whether slots were held at instants (microseconds, of whole seconds)."""
        second = instant // SECOND_US
        before = covered_before(self.spans, slot, second)
        return np.asarray(covered_before(self.spans, slot, second + 1) > before, dtype=bool)


def derive_supply(connection: Connection, parameters: Parameters, data_at: datetime) -> pd.DataFrame:
    """Return fact_slot_supply rows; sites whose feeds do not tell when a booking was known have none."""
    slots = template_slots(connection, parameters)
    booked = bookings(connection, parameters)
    booked = booked[booked["state"].isin(OPEN_STATES) & (booked["since"] != NO_TIME)]
    if not len(slots) or booked.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    scanner, begin, end = (booked[name].to_numpy(dtype=np.int64) for name in ("scanner", "begin", "end"))
    row, slot = slots.meeting(scanner, begin, end)
    held = Held.of(slot, booked["since"].to_numpy()[row], booked["until"].to_numpy()[row], microsecond(data_at))
    found = []
    for scope, site, modality, code, members in _groups(parameters):
        mine = np.flatnonzero(np.isin(slots.scanner, members))
        told = booked.loc[booked["site_code"] == site, "since"]
        if len(mine) and len(told):
            first_day = max(int(slots.day[mine].min()), _local_day(int(told.min()), site, parameters) + SETTLED_DAYS)
            at = _snapshots(first_day, microsecond(data_at), site, parameters)
            rows = _next_available(slots, mine, held, at, site, parameters)
            found.append(rows.assign(scope=scope, site_code=site, modality=modality, scanner_code=code))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(COLUMNS))


def _groups(parameters: Parameters) -> Iterator[tuple[str, str, str, str | None, list[int]]]:
    """Yield (scope, site, modality, scanner or None, scanner positions) of each kind of exam and each scanner."""
    pools: dict[tuple[str, str], list[int]] = {}
    for place, scanner in enumerate(parameters.scanners):
        pools.setdefault((scanner.site, scanner.modality), []).append(place)
        yield "scanner", scanner.site, scanner.modality, scanner.code, [place]
    for (site, modality), members in pools.items():
        yield "modality", site, modality, None, members


def _local_day(at: int, site: str, parameters: Parameters) -> int:
    day, _ = local_days(np.array([at], dtype=np.int64), [site], parameters.zones)
    return int(day[0])


def _snapshots(first_day: int, data_at: int, site: str, parameters: Parameters) -> Ints:
    """Return the snapshot hour of the weekdays from `first_day` (since 1970) up to the data's now."""
    days = np.arange(first_day, _local_day(data_at, site, parameters) + 1, dtype=np.int64)
    days = days[(days + 3) % 7 < 5]  # 1970-01-01 was a Thursday
    wall = pd.DatetimeIndex(days.astype("datetime64[D]").astype("datetime64[us]")) + pd.Timedelta(hours=SNAPSHOT_HOUR)
    zone = parameters.zones.get(site, "UTC")
    local = wall.tz_localize(zone, ambiguous=np.ones(len(wall), dtype=bool), nonexistent="shift_forward")
    at = microseconds(pd.Series(local))
    return at[at <= data_at]


def _next_available(
    slots: TemplateSlots, mine: Ints, held: Held, at: Ints, site: str, parameters: Parameters
) -> pd.DataFrame:
    """Return for each snapshot the days to the first and the third open slot of these, NULL where there is none."""
    mine = mine[np.argsort(slots.begin[mine], kind="stable")]
    first, third = _open_slots(slots, mine, held, at)
    today, _ = local_days(at, np.full(len(at), site, dtype=object), parameters.zones)
    return pd.DataFrame(
        {
            "snapshot_at": times(at),
            "local_date": dates(today),
            "first_days": _days(slots.day, first, today),
            "third_days": _days(slots.day, third, today),
            "third_at": times(np.where(third < 0, NO_TIME, slots.begin[third])),
        }
    )


def _days(day: Ints, slot: Ints, today: Ints) -> pd.Series:
    return pd.Series(day[slot] - today, dtype="float64").mask((slot < 0) | (day[slot] == NO_DAY))


def _open_slots(slots: TemplateSlots, mine: Ints, held: Held, at: Ints) -> tuple[Ints, Ints]:
    """Return the first and the third slot after each instant that nobody held, as known then; -1 where none is."""
    begins = slots.begin[mine]
    place, count = np.searchsorted(begins, at, side="right"), np.zeros(len(at), dtype=np.int64)
    first, third = np.full(len(at), -1, dtype=np.int64), np.full(len(at), -1, dtype=np.int64)
    active = np.flatnonzero(place < len(mine))
    while len(active):
        looked = place[active][:, None] + np.arange(STEP)
        inside = looked < len(mine)
        slot = mine[np.minimum(looked, len(mine) - 1)]
        instant = np.broadcast_to(at[active][:, None], slot.shape)
        is_open = inside & (slots.known[slot] <= instant) & (slots.gone[slot] > instant)
        is_open &= ~held.at(slot.ravel(), instant.ravel()).reshape(slot.shape)
        so_far = count[active][:, None] + np.cumsum(is_open, axis=1)
        for wanted, number in ((first, 1), (third, 3)):
            here = is_open & (so_far == number)
            hit = here.any(axis=1)
            wanted[active[hit]] = slot[hit, here[hit].argmax(axis=1)]
        count[active] = so_far[:, -1]
        place[active] += STEP
        active = active[(third[active] < 0) & (place[active] < len(mine))]
    return first, third
