"""Is a feed's set of local statuses fit to be measured by? VistA's rule (orders 1, 9 and 0 must exist) generalised."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

import pandas as pd
from sqlalchemy import Connection, func, select

from etl.records import EventType as E
from etl.warehouse.append import read_frame
from etl.warehouse.event_set import TYPES, UNMAPPED, type_code
from etl.warehouse.keys import NO_EXAM
from etl.warehouse.parameters import FeedRule, Parameters, StatusRule
from etl.warehouse.tables import event, link

# in the order in which an exam passes them
LADDER = (
    E.ORDER_ENTERED, E.ORDER_ACCEPTED, E.EXAM_SCHEDULED, E.PATIENT_ARRIVED, E.IN_ROOM, E.PREP_BEGIN, E.EXAM_BEGIN,
    E.EXAM_END, E.IMAGES_AVAILABLE, E.READ_OPENED, E.DICTATED, E.TRANSCRIBED, E.PRELIM, E.FINAL, E.ADDENDUM,
)  # fmt: skip
RANK = {kind: place for place, kind in enumerate(LADDER)}
ENTRY = frozenset({E.ORDER_ENTERED, E.ORDER_ACCEPTED, E.EXAM_SCHEDULED, E.PATIENT_ARRIVED})
NEEDED = (
    (
        "no code enters an order or registers the patient",
        ENTRY,
    ),
    ("no code reaches the final report", frozenset({E.FINAL})),
    ("no code cancels", frozenset({E.ORDER_CANCELLED, E.ORDER_DISCONTINUED, E.APPT_CANCELLED, E.EXAM_DISCONTINUED})),
)
WHOLE_LADDER = 5  # a set that tells fewer steps is part of a workflow, not one that must reach its end
BACKWARDS_SHARE, BACKWARDS_LEAST = 0.5, 10  # of exams with both codes; fewer exams prove nothing
WITNESSES = ("", "~", "~~ ~")  # what a star may stand for


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a feed's statuses: which rule it breaks, how many events or exams, in words."""

    feed: str
    rule: str  # incomplete, shadowed, unmapped, backwards
    n: int
    text: str


def lint_rules(parameters: Parameters, feed: FeedRule) -> list[Finding]:
    """Return what the feed's rows alone show: a missing end of the ladder, rows that can never be reached."""
    rules = [r for r in parameters.status_rules if r.holds_for(feed.kind, feed.preset, feed.key)]
    told = {r.event_type for r in rules if r.event_type}
    found = []
    if len(told & set(LADDER)) >= WHOLE_LADDER:
        found = [Finding(feed.key, "incomplete", 0, text) for text, types in NEEDED if not told & types]
    return found + [Finding(feed.key, "shadowed", 0, text) for text in _shadowed(rules)]


def _shadowed(rules: list[StatusRule]) -> Iterator[str]:
    for place, rule in enumerate(rules):
        for earlier in rules[:place]:
            if earlier.event_type != rule.event_type and covers(earlier.pattern, rule.pattern):
                kind = rule.event_type or "none"
                yield f"{rule.pattern} ({kind}) is never reached: {earlier.pattern} comes before it"
                break


def covers(pattern: str, other: str) -> bool:
    """Return whether everything that fits `other` fits `pattern`, tried on texts that stand for its stars."""
    texts = [other.replace("[*]", "\0").replace("[?]", "\1").replace("?", "~")]
    while any("*" in text for text in texts):
        texts = [text.replace("*", witness, 1) for text in texts for witness in WITNESSES]
    return all(fnmatchcase(text.replace("\0", "*").replace("\1", "?"), pattern) for text in texts)


def lint_events(connection: Connection, parameters: Parameters, feeds: Iterable[FeedRule]) -> list[Finding]:
    """Return what the events held show: codes without a map by volume, codes mapped to a step they come before."""
    found: list[Finding] = []
    for feed in feeds:
        codes = _codes(connection, parameters, feed)
        found += [
            Finding(feed.key, "unmapped", n, f"{code}: {n} events without a map")
            for code, (kind, n) in codes.items()
            if kind is None and n
        ]
        found += _backwards(connection, feed, {code: kind for code, (kind, _) in codes.items() if kind in RANK})
    return found


def _codes(connection: Connection, parameters: Parameters, feed: FeedRule) -> dict[str, tuple[E | None, int]]:
    """Return the feed's local codes, most frequent first, with their type (None: unmapped) and number of events.

    Codes that mean nothing on purpose are left out.
    """
    n = func.count().label("n")
    query = select(event.c.local_code, n).where(event.c.feed_key == feed.key).group_by(event.c.local_code)
    found: dict[str, tuple[E | None, int]] = {}
    for code, count in connection.execute(query.order_by(n.desc(), event.c.local_code)):
        kind = type_code(parameters.status_rules, feed.kind, feed.preset, code, feed.key)
        if kind >= 0 or kind == UNMAPPED:
            found[code] = (TYPES[kind] if kind >= 0 else None, int(count))
    return found


def _backwards(connection: Connection, feed: FeedRule, ladder: dict[str, E | None]) -> Iterator[Finding]:
    """Yield codes that, in most exams with both, come before a code of an earlier step."""
    ordered = sorted(((RANK[kind], code) for code, kind in ladder.items() if kind is not None), key=lambda p: p)
    if len(ordered) < 2:
        return
    first = _first_times(connection, feed, [code for _, code in ordered])
    for place, (rank, code) in enumerate(ordered):
        for earlier_rank, earlier in ordered[:place]:
            if earlier_rank < rank and code in first and earlier in first:
                both = first[[earlier, code]].dropna()
                n = int((both[code] < both[earlier]).sum())
                if n >= BACKWARDS_LEAST and n > BACKWARDS_SHARE * len(both):
                    text = f"{code} ({ladder[code]}) comes before {earlier} ({ladder[earlier]})"
                    yield Finding(feed.key, "backwards", n, f"{text} in {n} of {len(both)} exams")


def _first_times(connection: Connection, feed: FeedRule, codes: list[str]) -> pd.DataFrame:
    query = (
        select(link.c.exam_key, event.c.local_code, func.min(event.c.occurred_at).label("at"))
        .join(link, link.c.event_id == event.c.event_id)
        .where(event.c.feed_key == feed.key, event.c.local_code.in_(codes), link.c.exam_key != NO_EXAM)
        .group_by(link.c.exam_key, event.c.local_code)
    )
    return read_frame(connection, query).pivot_table(index="exam_key", columns="local_code", values="at", aggfunc="min")
