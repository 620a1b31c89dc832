"""What the event table tells of patients rather than of exams: merges and their like, and the latest updates."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Column, Connection, Select, func, select

from etl.warehouse.engine import read_frame
from etl.warehouse.event_set import selected, type_code, typed
from etl.warehouse.parameters import FeedRule, Parameters
from etl.warehouse.patients import SAID, UPDATED, Patients, merged_patients
from etl.warehouse.tables import event


def read_patients(connection: Connection, parameters: Parameters) -> Patients:
    """Return the patients that all events held make."""
    merges = read_frame(connection, selected(event).where(event.c.prior_patient_token.is_not(None)))
    codes = update_codes(connection, parameters)
    updates = [read_frame(connection, _latest(event.c[name], codes)) for name in SAID] if codes else []
    told = pd.concat([merges, *[u.drop(columns="place") for u in updates if len(u)]], ignore_index=True)
    return merged_patients(typed(told, parameters))


def update_codes(connection: Connection, parameters: Parameters) -> list[str]:
    """Return the local codes that a feed's status map takes for an update of the patient."""
    pairs = connection.execute(select(event.c.feed_key, event.c.local_code).distinct()).all()
    feeds = {feed.key: feed for feed in parameters.feeds}
    return sorted({code for key, code in pairs if key in feeds and _type(feeds[key], code, parameters) == UPDATED})


def _type(feed: FeedRule, code: str, parameters: Parameters) -> int:
    return type_code(parameters.status_rules, feed.kind, feed.preset, code, feed.key)


def _latest(column: Column[object], codes: list[str]) -> Select[tuple[object, ...]]:
    """Select of each patient token the update known last that states the column: one row, however many came."""
    known = func.coalesce(event.c.known_at, event.c.occurred_at)
    place = func.row_number().over(partition_by=event.c.patient_token, order_by=(known.desc(), event.c.event_id.desc()))
    stated = selected(event).add_columns(place.label("place")).where(event.c.local_code.in_(codes), column.is_not(None))
    found = stated.where(event.c.patient_token.is_not(None)).subquery()
    return select(found).where(found.c.place == 1)
