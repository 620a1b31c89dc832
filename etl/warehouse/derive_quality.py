"""Facts about the data itself: feeds, quarantine, runs and missing milestones (I03, I04)."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
from sqlalchemy import Connection, Select, Table, and_, case, func, or_, select

from etl.warehouse.append import read_frame
from etl.warehouse.derive_entry import NAMED_BY
from etl.warehouse.event_set import UNMAPPED, type_code
from etl.warehouse.keys import NO_EXAM
from etl.warehouse.parameters import FeedRule, Parameters
from etl.warehouse.patient_events import update_codes
from etl.warehouse.performed_steps import unclosed_steps
from etl.warehouse.tables import (
    EVENT_TABLES,
    event,
    event_dose,
    event_entry,
    event_series,
    fact_entry,
    fact_exam,
    link,
    quarantine,
    run,
)

RUNS_KEPT = 2000
MILESTONES = (
    "order_entered_at",
    "arrived_at",
    "in_room_at",
    "exam_begin_at",
    "exam_end_at",
    "first_acquisition_at",
    "last_acquisition_at",
    "images_available_at",
    "read_opened_at",
    "dictated_at",
    "first_prelim_at",
    "first_final_at",
)


def derive_feeds(connection: Connection, parameters: Parameters, data_at: datetime) -> pd.DataFrame:
    """Return fact_feed rows of the configured feeds."""
    held = pd.concat([read_frame(connection, _held(t, data_at)) for t in EVENT_TABLES])
    held = held.groupby("feed_key").agg(events=("events", "sum"), data_until_at=("until", "max"))
    updates = update_codes(connection, parameters)
    alone = [_unlinked(t, updates) for t in (event, event_series, event_dose)]
    unlinked = pd.concat([read_frame(connection, query) for query in (*alone, _unlinked_entries())])
    frame = pd.DataFrame(
        [(f.key, f.site, f.kind, f.expected_every_min) for f in parameters.feeds],
        columns=["feed_key", "site_code", "kind", "expected_every_min"],
    )
    loaded = read_frame(
        connection, select(run.c.feed_key, func.max(run.c.finished_at).label("loaded_at")).group_by(run.c.feed_key)
    )
    refused = read_frame(
        connection,
        select(quarantine.c.feed_key, func.count().label("quarantined"))
        .where(quarantine.c.replayed_at.is_(None))
        .group_by(quarantine.c.feed_key),
    )
    frame = frame.join(held, on="feed_key").merge(loaded, how="left", on="feed_key")
    frame = frame.merge(refused, how="left", on="feed_key")
    frame["unlinked"] = frame["feed_key"].map(unlinked.groupby("feed_key")["n"].sum())
    frame["unmapped"] = frame["feed_key"].map(_unmapped(connection, parameters))
    unclosed = read_frame(connection, unclosed_steps(parameters, data_at))
    frame["unclosed"] = frame["feed_key"].map(unclosed.set_index("feed_key")["n"])
    counts = ["events", "quarantined", "unmapped", "unlinked", "unclosed"]
    return frame.assign(**{name: frame[name].fillna(0).astype("int64") for name in counts})


def _held(table: Table, data_at: datetime) -> Select[tuple[str, int, datetime]]:
    known = func.coalesce(table.c.known_at, table.c.occurred_at)
    plausible = func.max(case((known <= data_at, known)))
    return select(table.c.feed_key, func.count().label("events"), plausible.label("until")).group_by(table.c.feed_key)


def _unlinked(table: Table, updates: list[str]) -> Select[tuple[str, int]]:
    alone = and_(link.c.event_id == table.c.event_id, link.c.exam_key == NO_EXAM)
    query = select(table.c.feed_key, func.count().label("n")).join(link, alone).group_by(table.c.feed_key)
    if table is event:  # a merge or update belongs to a patient, not to an exam
        return query.where(event.c.prior_patient_token.is_(None), event.c.local_code.not_in(updates))
    return query


def _unlinked_entries() -> Select[tuple[str, int]]:
    """Select by feed the entries that name an exam and lead to none."""
    e = event_entry.c
    named = or_(*[e[name].is_not(None) for name in NAMED_BY])
    lost = and_(fact_entry.c.event_id == e.event_id, fact_entry.c.exam_key == NO_EXAM, named)
    return select(e.feed_key, func.count().label("n")).join(fact_entry, lost).group_by(e.feed_key)


def _unmapped(connection: Connection, parameters: Parameters) -> dict[str, int]:
    """Return by feed how many workflow events have a local status, priority or patient class without a map."""
    told = [event.c[n] for n in ("feed_key", "local_code", "priority_code", "patient_class_code")]
    rows = read_frame(connection, select(*told, func.count().label("n")).group_by(*told))
    feeds = {feed.key: feed for feed in parameters.feeds}
    counts: dict[str, int] = {}
    for feed_key, code, priority, patient_class, n in rows.itertuples(index=False):
        feed = feeds.get(feed_key)
        known = feed is not None and _is_mapped(feed, code, priority, patient_class, parameters)
        counts[feed_key] = counts.get(feed_key, 0) + (0 if known else int(n))
    return counts


def _is_mapped(
    feed: FeedRule, local_code: str, priority: object, patient_class: object, parameters: Parameters
) -> bool:
    def translated(code: object, mapping: object) -> bool:
        return not isinstance(code, str) or code.strip().upper() in mapping  # type: ignore[operator]  # a Mapping

    return (
        type_code(parameters.status_rules, feed.kind, feed.preset, local_code, feed.key) != UNMAPPED
        and translated(priority, parameters.priorities)
        and translated(patient_class, parameters.patient_classes)
    )


def derive_completeness(connection: Connection) -> pd.DataFrame:
    """Return fact_completeness rows: of exams that took place, by site, modality and day, how many have a milestone."""
    done = and_(
        fact_exam.c.aborted_at.is_(None),
        or_(
            fact_exam.c.exam_end_at.is_not(None),
            fact_exam.c.first_prelim_at.is_not(None),
            fact_exam.c.first_final_at.is_not(None),
        ),
    )
    day = func.coalesce(fact_exam.c.end_local_date, fact_exam.c.begin_local_date).label("local_date")
    keys = [fact_exam.c.site_code, fact_exam.c.modality, day]
    present = [func.count(fact_exam.c[name]).label(name) for name in MILESTONES]
    query = select(*keys, func.count().label("expected"), *present).where(done, day.is_not(None)).group_by(*keys)
    wide = read_frame(connection, query)
    return wide.melt(
        id_vars=["site_code", "modality", "local_date", "expected"], value_vars=list(MILESTONES),
        var_name="milestone", value_name="present",
    )  # fmt: skip


def derive_quarantine(connection: Connection, parameters: Parameters) -> pd.DataFrame:
    """Return fact_quarantine rows."""
    q = quarantine.c
    rows = read_frame(
        connection,
        select(q.feed_key, q.reason, func.count().label("items"), func.max(q.refused_at).label("last_refused_at"))
        .where(q.replayed_at.is_(None))
        .group_by(q.feed_key, q.reason),
    )
    return rows.assign(site_code=rows["feed_key"].map({f.key: f.site for f in parameters.feeds}))


def derive_runs(connection: Connection, parameters: Parameters) -> pd.DataFrame:
    """Return fact_run rows: the last runs."""
    newest = select(run).order_by(run.c.started_at.desc(), run.c.run_key.desc(), run.c.feed_key).limit(RUNS_KEPT)
    rows = read_frame(connection, newest)
    return rows.assign(site_code=rows["feed_key"].map({f.key: f.site for f in parameters.feeds}))
