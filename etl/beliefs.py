"""Beliefs: what could be known on a date. Facts are derived again from the events known by then (decision 3) and kept
beside the published versions, so that any past month can be shown as it stood, with the difference to today.

Events of feeds that state no time of knowledge cannot be placed and are left out; the belief names those feeds.
Parameters (maps, targets, openings' rules) are today's: what differs is what had been told.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from sqlalchemy import URL, Connection, Engine, create_engine, select

from etl.access import Principal
from etl.errors import RefusedError
from etl.kpis import compute
from etl.kpis.query import Query, Result
from etl.settings import Settings
from etl.warehouse.append import append, read_frame
from etl.warehouse.data_time import data_time
from etl.warehouse.derive import derive
from etl.warehouse.engine import opened_version, warehouse_folder
from etl.warehouse.parameters import Parameters, load_parameters
from etl.warehouse.publish import write_copy
from etl.warehouse.tables import EVENT_TABLES, metadata
from etl.warehouse.version import record_version

NAMED = "%Y%m%dT%H%MZ"


@dataclass(frozen=True, slots=True)
class Belief:
    """A kept belief: until when it knows, and the feeds it had to leave out."""

    known_at: datetime
    path: Path
    without_feeds: tuple[str, ...]


def beliefs_folder(settings: Settings) -> Path:
    """Return the folder of kept beliefs."""
    return warehouse_folder(settings) / "beliefs"


def keep_belief(settings: Settings, engine: Engine, known_at: datetime) -> Belief:
    """Derive what was knowable at `known_at` and keep it; one that is kept already is made anew.

    Raises RefusedError when nothing was known by then.
    """
    folder = beliefs_folder(settings)
    path = folder / f"{known_at.astimezone(UTC):{NAMED}}.duckdb"
    with TemporaryDirectory(dir=warehouse_folder(settings)) as place, _scratch(Path(place)) as scratch:
        with engine.connect() as source, scratch.begin() as target:
            unplaced = _copy_events(source, target, known_at)
            _derive(target, load_parameters(settings), known_at)
        write_copy(scratch, path)
    (path.with_suffix(".feeds")).write_text("\n".join(unplaced), encoding="utf-8")
    return Belief(known_at, path, unplaced)


@contextmanager
def _scratch(folder: Path) -> Iterator[Engine]:
    """Yield an empty warehouse of its own."""
    engine = create_engine(URL.create("duckdb", database=str(folder / "belief.duckdb")))
    try:
        metadata.create_all(engine)
        yield engine
    finally:
        engine.dispose()


def _copy_events(source: Connection, target: Connection, known_at: datetime) -> tuple[str, ...]:
    """Copy the events known by then and return the feeds whose events do not tell when they became known."""
    unplaced: set[str] = set()
    for table in EVENT_TABLES:
        append(target, table, read_frame(source, select(table).where(table.c.known_at <= known_at)))
        unknown = select(table.c.feed_key).where(table.c.known_at.is_(None)).distinct()
        unplaced |= set(source.execute(unknown).scalars())
    return tuple(sorted(unplaced))


def _derive(target: Connection, parameters: Parameters, known_at: datetime) -> None:
    told_at = data_time(target, parameters.rules)
    if told_at is None:
        raise RefusedError(
            f"nothing was known on {known_at:%Y-%m-%d %H:%M} UTC: no feed's knowledge reaches back so far"
        )
    derive(target, parameters, full=True)
    record_version(target, parameters.hash, told_at)


def kept(settings: Settings) -> list[Belief]:
    """Return the beliefs that are kept, the latest first."""
    return [_belief(path) for path in sorted(beliefs_folder(settings).glob("*.duckdb"), reverse=True)]


def _belief(path: Path) -> Belief:
    known_at = datetime.strptime(path.stem, NAMED).replace(tzinfo=UTC)
    feeds = path.with_suffix(".feeds")
    return Belief(known_at, path, tuple(feeds.read_text(encoding="utf-8").split()) if feeds.exists() else ())


def belief_of(settings: Settings, known_at: datetime) -> Belief:
    """Return the belief kept for an instant; raises RefusedError naming those that are."""
    found = kept(settings)
    for belief in found:
        if belief.known_at == known_at.astimezone(UTC):
            return belief
    listed = ", ".join(f"{b.known_at:%Y-%m-%dT%H:%M}" for b in found) or "none"
    command = f"radpulse belief keep {known_at.astimezone(UTC):%Y-%m-%dT%H:%M}"
    raise RefusedError(f"no belief of {known_at:%Y-%m-%d %H:%M} UTC is kept; kept: {listed}. `{command}` makes it")


def drop_old_beliefs(settings: Settings) -> list[str]:
    """Delete the beliefs beyond the number kept, the oldest first, and return their names."""
    dropped = kept(settings)[settings.warehouse.beliefs_kept :]
    for belief in dropped:
        belief.path.with_suffix(".feeds").unlink(missing_ok=True)
        belief.path.unlink()
    return [belief.path.stem for belief in dropped]


def believed(settings: Settings, belief: Belief, query: Query, principal: Principal) -> Result:
    """Return a KPI's numbers as they could be known then: the belief's own now is the KPI's."""
    engine = opened_version(belief.path, settings)
    try:
        return compute(engine, query, principal)
    finally:
        engine.dispose()


def differences(then: Result, today: Result) -> pd.DataFrame:
    """Return the headline then and today and what was learned since, one row a slice of either.

    Columns: those of `by`, then, today, difference, n_then, n_today. A slice only one side knows has blanks, and zero
    where items are counted.
    """
    by, headline = list(today.meta.by), today.meta.headline
    sides = [r.frame[[*by, headline, *(["n"] if "n" in r.frame else [])]] for r in (then, today)]
    names = {headline: "value"}
    old, new = (side.rename(columns=names) for side in sides)
    if by:
        both = old.merge(new, on=by, how="outer", suffixes=("_then", "_today"))
    else:
        both = pd.concat([old.add_suffix("_then"), new.add_suffix("_today")], axis="columns")
    both = both.rename(columns={"value_then": "then", "value_today": "today"})
    if headline == "count":  # a slice without items on one side had none
        both = both.fillna({"then": 0, "today": 0})
    both["difference"] = both["today"].astype("float64") - both["then"].astype("float64")
    counts = [name for name in ("n_then", "n_today") if name in both]
    return both[[*by, "then", "today", "difference", *counts]]
