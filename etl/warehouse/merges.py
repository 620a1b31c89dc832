"""Merges and links of patients replayed in the order they happened: who is one patient, and what contradicts it.

HL7 v2.5.1 chapter 3: a merge (A40 and its older forms) retires an identifier for good, a link (A24) joins two that
both live on, and only A37 takes either back. Order is (when it happened, when it was known, event_id), never arrival,
so the same set of messages gives the same patients whatever order they came in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from etl.records import EventType
from etl.warehouse.event_set import TYPE_CODE

MERGED = TYPE_CODE[EventType.PATIENT_MERGED]
LINKED = TYPE_CODE[EventType.PATIENT_LINKED]
UNMERGED = TYPE_CODE[EventType.PATIENT_UNMERGED]
ABOUT_PATIENTS = (MERGED, LINKED, UNMERGED)


class Statement(NamedTuple):
    """One message's word on two patient tokens: `type` of ABOUT_PATIENTS, `prior` merged into (or beside) `into`."""

    event_id: str
    type: int
    prior: str
    into: str


Neighbours = dict[str, set[str]]


def _neighbours() -> Neighbours:
    return defaultdict(set)


class _Sets:
    """Tokens ever joined, as disjoint sets that only grow: most merges need no search for a circle."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def lowest(self, token: str) -> str:
        """Return what stands for the token's set."""
        path = []
        while (above := self._parent.get(token, token)) != token:
            path.append(token)
            token = above
        self._parent.update(dict.fromkeys(path, token))
        return token

    def join(self, a: str, b: str) -> None:
        """Make the sets of two tokens one, under the lower of what stands for them."""
        low, high = sorted((self.lowest(a), self.lowest(b)))
        self._parent[high] = low

    def same(self, a: str, b: str) -> bool:
        """Return whether two tokens were ever joined."""
        return self.lowest(a) == self.lowest(b)


@dataclass
class Identities:
    """The merges and links in force after the statements said so far, and the merges that go in a circle."""

    into: Neighbours = field(default_factory=_neighbours)  # merged-away token -> what it was merged into
    beside: Neighbours = field(default_factory=_neighbours)  # both ends of every merge and link in force
    together: _Sets = field(default_factory=_Sets)  # whatever was ever one patient
    cycles: list[str] = field(default_factory=list)

    def say(self, statement: Statement) -> None:
        """Take one statement; statements must come in their order."""
        _, kind, prior, into = statement
        if kind == UNMERGED:
            self._separate(prior, into)
            return
        if kind == MERGED and into not in self.into[prior]:
            if self.together.same(prior, into) and prior in _reached(self.into, into):
                self.cycles.append(statement.event_id)  # the last of its circle; the others made them one already
                return
            self.into[prior].add(into)
        self.beside[prior].add(into)
        self.beside[into].add(prior)
        self.together.join(prior, into)

    def _separate(self, one: str, other: str) -> None:
        """Undo what joins two patients: their own merge, else the merges of the one merged away on the path.

        Where neither was merged into the other but both into a third, which of the two was wrong is not said, so
        both are undone: two patients too many are found more easily than one too few.
        """
        if not self.together.same(one, other):
            return
        away = [a for a, b in ((one, other), (other, one)) if b in _reached(self.into, a)]
        undone = [(token, n) for token in away or [one, other] for n in self._joining(token, {one, other} - {token})]
        for a, b in undone + [(b, a) for a, b in undone]:
            self.into[a].discard(b)
            self.beside[a].discard(b)

    def _joining(self, token: str, rest: set[str]) -> list[str]:
        """Return the neighbours through which a token is joined to the rest."""
        return [n for n in self.beside[token] if rest & _reached(self.beside, n, without=token)]


def _reached(edges: Neighbours, start: str, without: str | None = None) -> set[str]:
    """Return `start` and all tokens that edges lead to from it, not through `without`."""
    found, ahead = {start}, [start]
    while ahead:
        fresh = edges.get(ahead.pop(), set()) - found - {without}
        found |= fresh
        ahead += fresh
    return found


def replayed(statements: Iterable[Statement]) -> Identities:
    """Return the identities after all statements, which come in their order."""
    identities = Identities()
    for statement in statements:
        identities.say(statement)
    return identities


def patients_of(identities: Identities, tokens: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return for each token the smallest of its patient's, and the smallest that was ever one patient with it."""
    now: dict[str, str] = {}
    for token in sorted(tokens):
        if token not in now:
            now |= dict.fromkeys(_reached(identities.beside, token), token)
    return now, {token: identities.together.lowest(token) for token in now}
