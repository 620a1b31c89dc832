"""One number's uses over time: which of its events belong to the same order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

DAY_US = 86_400_000_000
LONG_US = 730 * DAY_US  # an order is placed up to a year ahead and amended after months; two years of silence end it
RESTED_US = 30 * DAY_US  # silence after which another patient's number is another order, not a corrected patient


class Told(NamedTuple):
    """An event that carries the number; times in microseconds, `patient` after merges (None: not said)."""

    event_id: str
    feed: str
    patient: str | None
    at: int
    known: int
    is_new: bool  # a new order


@dataclass
class Use:
    """One order the number was given to."""

    first_at: int
    last_at: int
    last_known: int
    patients: dict[str, set[str]] = field(default_factory=dict)  # by feed: two feeds may number patients differently

    def take(self, told: Told) -> None:
        """Count an event in."""
        self.last_at = max(self.last_at, told.at)
        self.last_known = max(self.last_known, told.known)
        if told.patient is not None:
            self.patients.setdefault(told.feed, set()).add(told.patient)

    def holds(self, patient: str | None) -> bool:
        """Return whether any feed names this patient for it."""
        return patient is not None and any(patient in said for said in self.patients.values())

    def ends_before(self, told: Told) -> bool:
        """Return whether an event is of another order: silence for long, or another patient's new order.

        Both its own time and when it was known must lie far off: a stamp of the wrong year is no new order.
        """
        silence = min(told.at - self.last_at, told.known - self.last_known)
        if silence > LONG_US:
            return True
        is_other = bool(self.patients.get(told.feed)) and told.patient is not None and not self.holds(told.patient)
        return is_other and (told.is_new or silence > RESTED_US)

    def distance(self, at: int) -> int:
        """Return how far an instant lies from the use."""
        return max(self.first_at - at, at - self.last_at, 0)


def uses_of(orders: Sequence[Told], devices: Sequence[Told]) -> dict[str, int]:
    """Return the use (0, 1, ... in time) of each event (event_id), nothing when there is but one.

    `orders` come in their order and make the uses; `devices` belong to the use of their patient, else the nearest.
    """
    uses: list[Use] = []
    found: dict[str, int] = {}
    for told in orders:
        # the last order of the event's own patient first: reports of one come after the next was placed
        mine = next((n for n in reversed(range(len(uses))) if uses[n].holds(told.patient)), len(uses) - 1)
        if not uses or uses[mine].ends_before(told):
            uses.append(Use(told.at, told.at, told.known))
            mine = len(uses) - 1
        uses[mine].take(told)
        found[told.event_id] = mine
    if len(uses) < 2:
        return {}
    for told in devices:
        theirs = [n for n, use in enumerate(uses) if use.holds(told.patient)] or list(range(len(uses)))
        found[told.event_id] = min(theirs, key=lambda n: (uses[n].distance(told.at), -n))
    return found
