"""Workflow events of a few kinds with the exam they belong to, for facts that are made across exams."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import ColumnElement, Connection, and_, or_, select

from etl.records import EventType
from etl.settings import OWN_FEED
from etl.warehouse.append import read_frame
from etl.warehouse.event_set import TYPE_CODE, event_types, feed_kinds, typed
from etl.warehouse.keys import NO_EXAM, Ints
from etl.warehouse.local_time import NO_TIME
from etl.warehouse.parameters import Parameters
from etl.warehouse.tables import event, link

USED = (
    "event_id", "feed_key", "site_code", "local_code", "clock_key", "occurred_at", "known_at", "reader_token",
    "result_code", "reason_code",
)  # fmt: skip


def happenings(connection: Connection, parameters: Parameters, kinds: tuple[EventType, ...]) -> pd.DataFrame:
    """Return the linked events of some kinds: what was sent, `kind`, `at` and `known` (microseconds), exam_key.

    Of several kinds of feeds that tell one kind of event of an exam, the one believed first is kept, with what people
    did in the dashboard. Sorted by exam, time, knowledge and event_id, so that the order does not depend on arrival.
    """
    wanted = _codes(connection, parameters, kinds)
    columns = [event.c[name] for name in USED]
    query = select(*columns, link.c.exam_key).join(link, link.c.event_id == event.c.event_id)
    rows = read_frame(connection, query.where(wanted, link.c.exam_key != NO_EXAM))
    rows = typed(rows, parameters)
    names = {TYPE_CODE[kind]: str(kind) for kind in kinds}
    rows["kind"] = rows["type"].map(names)
    rows["rank"] = feed_kinds(rows, parameters)
    own = rows["feed_key"] == OWN_FEED  # what people do here stands beside what feeds tell, whichever is believed
    best = rows[~own].groupby(["exam_key", "kind"])["rank"].transform("min").reindex(rows.index)
    return rows[own | (rows["rank"] == best)].sort_values(["exam_key", "at", "known", "event_id"], ignore_index=True)


def _codes(connection: Connection, parameters: Parameters, kinds: tuple[EventType, ...]) -> ColumnElement[bool]:
    """Return the condition that an event's feed and local code mean one of the kinds."""
    pairs = read_frame(connection, select(event.c.feed_key, event.c.local_code).distinct())
    numbers = [TYPE_CODE[kind] for kind in kinds]
    meant = pairs[pd.Series(event_types(pairs, parameters), index=pairs.index).isin(numbers)]
    return or_(
        event.c.event_id.is_(None),  # nothing, where no feed tells of it
        *(
            and_(event.c.feed_key == feed, event.c.local_code.in_(sorted(codes)))
            for feed, codes in meant.groupby("feed_key")["local_code"]
        ),
    )


def first_times(rows: pd.DataFrame, by: list[str], kinds: tuple[EventType, ...]) -> pd.DataFrame:
    """Return by key the first time of each kind (microseconds, NO_TIME where there is none), one column a kind."""
    times = rows.groupby([*by, "kind"])["at"].min().unstack("kind")
    return times.reindex(columns=[str(kind) for kind in kinds]).fillna(NO_TIME).astype("int64")


def earliest(frame: pd.DataFrame) -> Ints:
    """Return the earliest time of each row, NO_TIME where it has none."""
    known: Ints = frame.where(frame != NO_TIME).min(axis=1).fillna(NO_TIME).to_numpy(dtype="int64")
    return known
