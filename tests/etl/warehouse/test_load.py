"""Loading: once, in any order, and nothing lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import Engine, delete, func, select

from etl.errors import RadpulseError
from etl.records import EventRecord, Read, SeriesRecord, SourceItem
from etl.settings import Settings
from etl.staging import Batch
from etl.warehouse.derive import derive
from etl.warehouse.dump import canonical_dump_hash
from etl.warehouse.engine import writer_engine
from etl.warehouse.load import ConservationError, RunCounts, known_files, load
from etl.warehouse.parameters import load_parameters
from etl.warehouse.tables import (
    EVENT_TABLES,
    event,
    event_series,
    fact_acquisition,
    quarantine,
    receipt,
    run,
    touched,
    watermark,
)

Stage = Callable[..., list[Batch]]
BEGAN_AT = datetime(2026, 9, 10, tzinfo=UTC)
OFFERED = 24 * 6 + 6 + 6 + 5 + 5 + 4 + 3


@dataclass(frozen=True)
class Stamp:
    source: str
    size_bytes: int = 10
    mtime_ns: int = 1_700_000_000_000_000_000


def _load(engine: Engine, settings: Settings, batches: Iterable[Batch], run_key: str = "r1", **kw: Any) -> RunCounts:
    with engine.begin() as connection:
        return load(connection, settings.feeds[0], batches, run_key, BEGAN_AT, **kw)


def _count(engine: Engine, table: Any) -> int:
    with engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_a_load_keeps_every_event_once_and_accounts_for_every_item(
    warehouse: Any, items: Sequence[SourceItem], batches: Stage
) -> None:
    counts = _load(warehouse.engine, warehouse.settings, batches(items))
    assert counts.offered == OFFERED == counts.loaded + counts.unchanged + counts.quarantined + counts.filtered
    assert (counts.quarantined, counts.filtered) == (4, 3)
    assert counts.events == 24 * 6 + 5
    assert [_count(warehouse.engine, t) for t in EVENT_TABLES] == [24 * 4, 24, 24, 5, 0]
    assert _count(warehouse.engine, receipt) == OFFERED - 7
    assert _count(warehouse.engine, touched) == counts.events


def test_loading_the_same_again_changes_nothing(warehouse: Any, items: Sequence[SourceItem], batches: Stage) -> None:
    _load(warehouse.engine, warehouse.settings, batches(items))
    before = canonical_dump_hash(warehouse.engine, EVENT_TABLES)
    again = _load(warehouse.engine, warehouse.settings, batches(items), "r2")
    assert (again.loaded, again.events, again.unchanged) == (0, 0, OFFERED - 7)
    assert canonical_dump_hash(warehouse.engine, EVENT_TABLES) == before
    assert _count(warehouse.engine, quarantine) == 4
    assert _count(warehouse.engine, run) == 2


def test_the_earlier_known_arrival_of_an_event_is_kept_whichever_comes_first(
    warehouse: Any, items: Sequence[SourceItem], batches: Stage
) -> None:
    late = [i for i in items if i.source_ref.startswith("c.hl7")]
    early = [i for i in items if i.source_ref.startswith("a.hl7")]
    _load(warehouse.engine, warehouse.settings, batches(late), "r1")
    counts = _load(warehouse.engine, warehouse.settings, batches(early), "r2")
    assert counts.loaded == len(early)  # six of them by replacing
    assert counts.events == len(early) - len(late)
    with warehouse.engine.connect() as connection:
        assert set(connection.execute(select(event.c.station_name)).scalars()) == {"NCT1"}


def _null_known(item: SourceItem) -> SourceItem:
    assert isinstance(item, Read)
    records = tuple(replace(r, known_at=None) for r in item.records if isinstance(r, EventRecord))
    return replace(item, records=records)


def test_an_arrival_of_unknown_time_gives_way_to_one_of_known_time(
    warehouse: Any, items: Sequence[SourceItem], batches: Stage
) -> None:
    some = [i for i in items if i.source_ref.startswith("a.hl7")][:8]
    unknown = [_null_known(i) for i in some]
    assert _load(warehouse.engine, warehouse.settings, batches(unknown)).events == 8
    counts = _load(warehouse.engine, warehouse.settings, batches(some), "r2")
    assert (counts.loaded, counts.events) == (8, 0)
    assert _load(warehouse.engine, warehouse.settings, batches(unknown), "r3").unchanged == 8


def _emptied(engine: Engine) -> None:
    with engine.begin() as connection:
        for table in (*EVENT_TABLES, receipt, touched, quarantine, run):
            connection.execute(delete(table))


def test_any_order_repetition_and_batching_gives_one_dump(
    settings: Settings, items: Sequence[SourceItem], batches: Stage
) -> None:
    engine = writer_engine(settings)
    hashes = set()
    for seed in range(20):
        _emptied(engine)
        repeated = list(items) * (1 + seed % 3)
        for part in batches(repeated, seed=seed, size=len(repeated) // (1 + seed % 2) + 1):
            _load(engine, settings, [part], f"r{seed}")
        hashes.add(canonical_dump_hash(engine, EVENT_TABLES))
    engine.dispose()
    assert len(hashes) == 1


@pytest.mark.postgresql
def test_both_engines_hold_the_same(
    settings: Settings,
    postgresql_settings: Settings,
    items: Sequence[SourceItem],
    batches: Stage,
) -> None:
    found = []
    for own in (settings, postgresql_settings):
        engine = writer_engine(own)
        _load(engine, own, batches(items))
        found.append(canonical_dump_hash(engine, EVENT_TABLES))
        engine.dispose()
    assert found[0] == found[1]


def test_the_watermark_remembers_what_was_read_when_the_rows_are_committed(
    warehouse: Any, items: Sequence[SourceItem], batches: Stage
) -> None:
    _load(warehouse.engine, warehouse.settings, batches(items), files=[Stamp("a.hl7"), Stamp("b.hl7")])
    _load(warehouse.engine, warehouse.settings, [], "r2", files=[Stamp("b.hl7", size_bytes=11)])
    with warehouse.engine.connect() as connection:
        known = known_files(connection, warehouse.settings.feeds[0])
    assert known == {"a.hl7": (10, Stamp("").mtime_ns), "b.hl7": (11, Stamp("").mtime_ns)}
    assert _count(warehouse.engine, watermark) == 2


def test_a_stopped_feed_leaves_its_reason_in_the_run(warehouse: Any, batches: Stage) -> None:
    _load(warehouse.engine, warehouse.settings, [], stopped=lambda: "column 'begin' is gone")
    with warehouse.engine.connect() as connection:
        row = connection.execute(select(run)).one()
    assert (row.outcome, row.message) == ("stopped", "column 'begin' is gone")


@dataclass(frozen=True)
class Tampered:
    """A batch that lost track of an item."""

    tables: dict[str, pa.Table]
    items: pa.Table


def test_items_that_do_not_add_up_stop_the_load_and_nothing_is_kept(
    warehouse: Any, items: Sequence[SourceItem], batches: Stage
) -> None:
    (whole,) = batches(items)
    at = whole.items.column_names.index("outcome")
    lost = whole.items.set_column(at, "outcome", pa.array(["vanished"] * whole.items.num_rows))
    with pytest.raises(ConservationError):
        _load(warehouse.engine, warehouse.settings, [Tampered({}, lost)])
    with pytest.raises(ConservationError):
        _load(warehouse.engine, warehouse.settings, [Tampered(whole.tables, lost)])
    assert [_count(warehouse.engine, t) for t in (*EVENT_TABLES, run, receipt)] == [0] * 7


def test_a_failure_half_way_leaves_nothing(
    warehouse: Any, items: Sequence[SourceItem], batches: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Iterable[Batch]:
        yield from batches(items)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        _load(warehouse.engine, warehouse.settings, broken(), files=[Stamp("a.hl7")])
    assert [_count(warehouse.engine, t) for t in (*EVENT_TABLES, run, receipt, watermark)] == [0] * 8
    assert _load(warehouse.engine, warehouse.settings, batches(items), "r2").events == 24 * 6 + 5


def test_a_quarantine_folder_that_cannot_be_written_fails_the_run_and_says_so(
    warehouse: Any, items: Sequence[SourceItem], batches: Stage
) -> None:
    blocked = warehouse.settings.base / "file"
    blocked.write_text("in the way")
    with pytest.raises(RadpulseError, match="nothing of this run was kept"):
        _load(warehouse.engine, warehouse.settings, batches(items), quarantine_folder=blocked)
    assert _count(warehouse.engine, event) == 0


def test_run_record_holds_the_counts(warehouse: Any, items: Sequence[SourceItem], batches: Stage) -> None:
    counts = _load(warehouse.engine, warehouse.settings, batches(items), files=[Stamp("a.hl7")])
    with warehouse.engine.connect() as connection:
        row = connection.execute(select(run)).one()
    assert (row.offered, row.loaded, row.events, row.files) == (OFFERED, counts.loaded, counts.events, 1)
    assert row.started_at == BEGAN_AT < row.finished_at + timedelta(days=1)


@pytest.mark.parametrize("counts", [(12, 40), (40, 12)])
def test_a_series_asked_for_while_it_grows_has_its_largest_count_in_any_order(
    warehouse: Any, items: Sequence[SourceItem], batches: Stage, counts: tuple[int, ...]
) -> None:
    answer = next(r for item in items if isinstance(item, Read) for r in item.records if isinstance(r, SeriesRecord))
    answers = [Read(f"{n}.json#1", (replace(answer, number_of_instances=n),)) for n in counts]
    for number, item in enumerate([*answers, answers[0]]):
        _load(warehouse.engine, warehouse.settings, batches([item]), f"r{number}")
    with warehouse.engine.begin() as connection:
        derive(connection, load_parameters(warehouse.settings))
    with warehouse.engine.connect() as connection:
        assert connection.execute(select(fact_acquisition.c.instances)).scalars().all() == [40]
    assert _count(warehouse.engine, event_series) == 2
