"""Quarantine: refused items are kept, listed, replayed from their sealed copies, and purged."""

from __future__ import annotations

import stat
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from etl.errors import Reason, RefusedError
from etl.records import Read, Refused, SourceItem
from etl.settings import Settings
from etl.staging import Batch, Pseudonymiser, stage, unpack
from etl.warehouse.load import RunCounts, load
from etl.warehouse.quarantine import held, listed, mark_replayed, purge, sealed_copies
from etl.warehouse.tables import quarantine

Stage = Callable[..., list[Batch]]
AT = datetime(2026, 9, 10, tzinfo=UTC)


def _folder(settings: Settings) -> Path:
    return settings.at(settings.quarantine_folder)


@pytest.fixture
def refused(warehouse: Any, items: Sequence[SourceItem], batches: Stage) -> list[str]:
    """The ids of four refused items in the warehouse."""
    _load(warehouse, batches(items))
    with warehouse.engine.connect() as connection:
        return [row.quarantine_id for row in listed(connection)]


def _load(warehouse: Any, staged: list[Batch], run_key: str = "r1") -> RunCounts:
    own = warehouse.settings
    with warehouse.engine.begin() as connection:
        return load(connection, own.feeds[0], staged, run_key, AT, quarantine_folder=_folder(own))


def test_refused_items_are_listed_with_reason_and_redacted_detail(warehouse: Any, refused: list[str]) -> None:
    with warehouse.engine.connect() as connection:
        rows = listed(connection, feed="north_hl7", limit=3)
        assert listed(connection, feed="another") == []
        assert len(rows) == 3
        assert held(connection) == len(refused) == 4
    assert {(r.reason, r.detail, r.replayed_at) for r in rows} == {("truncated", "no OBR segment", None)}


def test_copies_are_private_files_that_show_nothing(warehouse: Any, refused: list[str]) -> None:
    files = sorted(_folder(warehouse.settings).iterdir())
    assert [f.name for f in files] == sorted(f"{i}.sealed" for i in refused)
    assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}
    assert not any(b"MSH" in f.read_bytes() for f in files)


def test_the_same_item_refused_again_counts_but_is_kept_once(
    warehouse: Any, refused: list[str], items: Sequence[SourceItem], batches: Stage
) -> None:
    again = _load(warehouse, batches(items), "r2")
    assert again.quarantined == 4
    with warehouse.engine.connect() as connection:
        assert held(connection) == 4


def test_a_copy_opens_to_the_bytes_that_were_refused(
    warehouse: Any, refused: list[str], pseudonymiser_in_use: Pseudonymiser
) -> None:
    sealer = pseudonymiser_in_use.sealer()
    with warehouse.engine.connect() as connection:
        copies = sealed_copies(connection, _folder(warehouse.settings))
    opened = {c.source_ref: sealer.open(c.quarantine_id, c.sealed) for c in copies}
    assert opened == {f"x.hl7#{n}": ("raw", b"MSH|broken%d" % n) for n in range(4)}


def test_an_item_staging_refused_replays_without_its_source(
    warehouse: Any, items: Sequence[SourceItem], pseudonymiser_in_use: Pseudonymiser
) -> None:
    own, feed = warehouse.settings, warehouse.settings.feeds[0]
    opening = next(i for i in items if i.source_ref == "o.csv#0")
    without = own.model_copy(update={"scanners": own.scanners[1:]})
    batch = stage([opening], feed, without, pseudonymiser_in_use)
    assert _load(warehouse, [batch]).quarantined == 1
    with warehouse.engine.connect() as connection:
        (copy,) = sealed_copies(connection, _folder(own))
    kind, content = pseudonymiser_in_use.sealer().open(copy.quarantine_id, copy.sealed)
    assert kind == "records"
    replayed = _load(warehouse, [stage([unpack(content)], feed, own, pseudonymiser_in_use)], "r2")
    assert (replayed.loaded, replayed.events) == (1, 1)
    with warehouse.engine.begin() as connection:
        mark_replayed(connection, [copy.quarantine_id], AT)
        assert held(connection) == 0
        assert len(listed(connection, replayed=True)) == 1


def test_an_unknown_or_purged_item_cannot_be_replayed(warehouse: Any, refused: list[str]) -> None:
    folder = _folder(warehouse.settings)
    with warehouse.engine.connect() as connection:
        with pytest.raises(RefusedError, match="not in quarantine"):
            sealed_copies(connection, folder, ["no such id"])
        (folder / f"{refused[0]}.sealed").unlink()
        with pytest.raises(RefusedError, match=r"offer x\.hl7"):
            sealed_copies(connection, folder, [refused[0]])
        assert len(sealed_copies(connection, folder)) == 3


def test_retention_deletes_copies_but_not_the_record_of_them(warehouse: Any, refused: list[str]) -> None:
    folder = _folder(warehouse.settings)
    (folder / "orphan.sealed").write_bytes(b"of a run that failed")
    with warehouse.engine.begin() as connection:
        assert purge(connection, folder, now_at=datetime.now(UTC) + timedelta(days=29), days=30) == 1
        mark_replayed(connection, refused[:1], AT)
        assert purge(connection, folder, now_at=datetime.now(UTC), days=30) == 1
        assert purge(connection, folder, now_at=datetime.now(UTC) + timedelta(days=31), days=30) == 3
        assert held(connection) == 3
        assert set(connection.execute(select(quarantine.c.raw_file)).scalars()) == {None}
    assert list(folder.iterdir()) == []


def test_an_item_without_a_copy_is_kept_without_a_file(warehouse: Any, pseudonymiser_in_use: Pseudonymiser) -> None:
    item = Refused("gone.dcm", Reason.READ_ERROR, "Permission denied")
    batch = stage([item], warehouse.settings.feeds[0], warehouse.settings, pseudonymiser_in_use)
    _load(warehouse, [batch])
    with warehouse.engine.connect() as connection:
        (row,) = listed(connection)
    assert row.raw_file is None


def test_kept_records_of_another_version_are_refused_clearly() -> None:
    for content in (b"{}", b"not json", b'{"source_ref":"a","control_id":null,"records":[["Gone",{}]]}'):
        with pytest.raises(RefusedError, match="offer the source again"):
            unpack(content)
    assert unpack(b'{"source_ref":"a","control_id":null,"records":[]}') == Read("a", ())
