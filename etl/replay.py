"""Reads refused items again from their sealed copies: a mended map or rule lets them in, the source may be gone."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.compute as pc
from sqlalchemy import Engine

from etl.errors import FeedStoppedError, Reason
from etl.pipeline import FeedRun
from etl.reading import source_of
from etl.records import Refused, SourceItem
from etl.settings import Feed, Settings
from etl.staging import Pseudonymiser, load_key, stage, unpack
from etl.warehouse.load import load
from etl.warehouse.quarantine import SealedCopy, mark_replayed, sealed_copies


def replay(settings: Settings, engine: Engine, ids: Sequence[str]) -> list[FeedRun]:
    """Read the quarantined items (all with a copy, when no ids are given) anew and mark those that got in.

    Raises RefusedError for an id that is unknown or has no copy any more.
    """
    folder = settings.at(settings.quarantine_folder)
    with engine.connect() as connection:
        copies = sealed_copies(connection, folder, list(ids) or None)
    by_feed: dict[str, list[SealedCopy]] = defaultdict(list)
    for copy in copies:
        by_feed[copy.feed_key].append(copy)
    feeds = {feed.key: feed for feed in settings.feeds}
    return [_replay_feed(settings, engine, feeds[key], some) for key, some in by_feed.items() if key in feeds]


def _replay_feed(settings: Settings, engine: Engine, feed: Feed, copies: Sequence[SealedCopy]) -> FeedRun:
    pseudonymiser = Pseudonymiser(load_key(settings), settings.identity.key_epoch)
    batches = [stage(_again(copy, feed, settings, pseudonymiser), feed, settings, pseudonymiser) for copy in copies]
    started_at = datetime.now(UTC)
    admitted = [
        copy.quarantine_id
        for copy, batch in zip(copies, batches, strict=True)
        if batch.offered and not pc.any(pc.equal(batch.items["outcome"], "refused")).as_py()
    ]
    with engine.begin() as connection:
        folder = settings.at(settings.quarantine_folder)
        counts = load(connection, feed, batches, uuid.uuid4().hex, started_at, quarantine_folder=folder)
        mark_replayed(connection, admitted, started_at)
    return FeedRun(feed.key, counts, None)


def _again(copy: SealedCopy, feed: Feed, settings: Settings, pseudonymiser: Pseudonymiser) -> Iterator[SourceItem]:
    kind, content = pseudonymiser.sealer().open(copy.quarantine_id, copy.sealed)
    if kind == "records":
        yield unpack(content)
        return
    with TemporaryDirectory() as folder:  # a source reads files; the copy becomes one for as long as that takes
        path = Path(folder) / ("item" + Path(copy.source_ref.split("#")[0]).suffix)
        path.write_bytes(content)
        here = feed.model_copy(update={"path": Path(folder)})
        try:
            for item in source_of(feed).read(path, here, settings):
                # under its old reference a copy refused again stays the same quarantined item
                yield replace(item, source_ref=copy.source_ref)
        except FeedStoppedError as stopped:
            yield Refused(copy.source_ref, Reason.COLUMN_DRIFT, str(stopped), raw=content)
