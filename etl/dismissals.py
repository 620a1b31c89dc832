"""Follow-ups dismissed in the dashboard on their way from the state store into the warehouse, as events.

The dashboard never writes the warehouse, and KPIs read nothing else: so each run brings what people dismissed, and what
they took back, as events of the feed `dashboard`, with the author's pseudonym and the reason's code. An event is found
by the identifiers of the recommendation it answers, so it stays with it when orders are merged or facts derived anew.
"""

from __future__ import annotations

from datetime import UTC, datetime

import structlog
from sqlalchemy import Connection, Engine

from etl.records import Attributes, EventRecord, Identifiers
from etl.settings import OWN_FEED, Feed, Settings
from etl.staging import Pseudonymiser, load_key
from etl.staging.dashboard import OwnEvent, stage_own
from etl.state import DismissalChange, Dismissals
from etl.warehouse.dashboard_events import Recommendation, recommendations, taken_in
from etl.warehouse.load import RunCounts, load

log = structlog.get_logger()


def take_dismissals(settings: Settings, engine: Engine, run_key: str) -> RunCounts | None:
    """Load the dismissals and undoings that the warehouse does not hold yet, None without any.

    One whose recommendation the facts do not show now (a warehouse being filled anew) waits for a later run.
    """
    path = settings.at(settings.state_file)
    changes = Dismissals(path).changes() if path.exists() else []
    if not changes:
        return None
    pseudonymiser = Pseudonymiser(load_key(settings), settings.identity.key_epoch)
    with engine.begin() as connection:
        events = _events(connection, changes)
        if not events:
            return None
        batch = stage_own(events, pseudonymiser)
        feed = Feed.model_construct(key=OWN_FEED, kind=OWN_FEED, site="")
        return load(connection, feed, [batch], run_key, datetime.now(UTC))


def _events(connection: Connection, changes: list[DismissalChange]) -> list[OwnEvent]:
    """Return the changes the warehouse does not hold; an undoing goes where its dismissal went."""
    held = taken_in(connection)
    fresh = [change for change in changes if change.source_ref not in held]
    asked = {change.followup_key for change in fresh if change.of_ref not in held}
    known = recommendations(connection, asked) if asked else {}
    found = [(change, held.get(change.of_ref) or known.get(change.followup_key)) for change in fresh]
    waiting = sum(recommendation is None for _, recommendation in found)
    if waiting:
        log.warning("dismissals wait for their recommendation", count=waiting)
    return [_event(change, recommendation) for change, recommendation in found if recommendation is not None]


def _event(change: DismissalChange, of: Recommendation) -> OwnEvent:
    at = datetime.fromisoformat(change.at_utc)
    record = EventRecord(
        ids=Identifiers(),
        local_code="dashboard:followup/dismissed" if change.reason else "dashboard:followup/reopened",
        raw_time=change.at_utc,
        occurred_at=at,
        utc_offset_min=0,
        known_at=at,
        clock=OWN_FEED,
        ordinal=int(change.of_ref.rpartition("#")[2]),  # dismissed, undone and dismissed again are three events
        attributes=Attributes(reader=change.author, reason_code=change.reason, result_code=of.result_code),
    )
    return OwnEvent(change.source_ref, of.site_code, record, of.tokens)
