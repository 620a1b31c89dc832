"""Landing: what was synced is read again, whatever happened; what was not is cut away."""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from etl.errors import BusyError
from etl.landing import SEALED, LandingWriter, TornSegmentError, frames, purge, recover

AT = datetime(2026, 9, 10, 12, 0, 0, 5, tzinfo=UTC)
PAYLOADS = [b"MSH|1", b"", b"\0" * 5000, "Müller".encode()]


def landed(folder: Path) -> list[bytes]:
    return [f.payload for path in sorted(folder.glob(f"*{SEALED}")) for f in frames(path)]


def test_sealed_frames_come_back_with_time_note_and_number(tmp_path: Path) -> None:
    with LandingWriter(tmp_path) as writer:
        for payload in PAYLOADS:
            writer.append(payload, AT, "application/dicom")
    (path,) = tmp_path.glob(f"*{SEALED}")
    found = list(frames(path))
    assert [f.payload for f in found] == PAYLOADS
    assert [f.number for f in found] == [1, 2, 3, 4]
    assert {(f.received_at, f.note) for f in found} == {(AT, "application/dicom")}


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "landing"
    with LandingWriter(folder) as writer:
        writer.append(b"x", AT)
    (path,) = folder.glob(f"*{SEALED}")
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("seed", range(40))
def test_recovery_after_a_cut_anywhere_keeps_every_whole_frame_and_nothing_else(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test's own dice
    writer = LandingWriter(tmp_path)
    ends = []
    for payload in PAYLOADS:
        writer.append(payload, AT)
        ends.append(os.path.getsize(next(tmp_path.glob("*.part"))))
    growing = next(tmp_path.glob("*.part"))
    cut = chance.randrange(ends[-1] + 1)
    os.truncate(growing, cut)
    recover(tmp_path)
    assert landed(tmp_path) == PAYLOADS[: sum(end <= cut for end in ends)]


def test_a_changed_byte_is_seen_and_what_lies_before_it_is_read(tmp_path: Path) -> None:
    with LandingWriter(tmp_path) as writer:
        for payload in (b"one", b"two", b"three"):
            writer.append(payload, AT)
    (path,) = tmp_path.glob(f"*{SEALED}")
    data = bytearray(path.read_bytes())
    data[data.index(b"two")] ^= 1
    path.write_bytes(data)
    found = []
    with pytest.raises(TornSegmentError) as torn:
        found.extend(f.payload for f in frames(path))
    assert torn.value.after == 1


def test_a_segment_is_sealed_when_old_or_large_and_the_next_frame_begins_another(tmp_path: Path) -> None:
    with LandingWriter(tmp_path, seal_bytes=1000, seal_age=timedelta(seconds=5)) as writer:
        writer.append(b"x", AT)
        assert writer.seal_if_due(AT + timedelta(seconds=4)) is None
        assert writer.seal_if_due(AT + timedelta(seconds=5)) is not None
        writer.append(b"y" * 1000, AT)
        assert writer.seal_if_due(AT) is not None
        assert writer.seal_if_due(AT) is None
    assert landed(tmp_path) == [b"x", b"y" * 1000]


def test_a_second_writer_is_told_that_the_folder_is_busy(tmp_path: Path) -> None:
    with LandingWriter(tmp_path), pytest.raises(BusyError):
        LandingWriter(tmp_path)


def test_only_old_segments_that_were_read_are_purged(tmp_path: Path) -> None:
    with LandingWriter(tmp_path) as writer:
        for payload in (b"a", b"b", b"c"):
            writer.append(payload, AT)
            writer.seal()
    first, second, third = sorted(tmp_path.glob(f"*{SEALED}"))
    for path in (first, second):
        os.utime(path, (0, 0))
    assert purge(tmp_path, datetime.now(UTC) - timedelta(days=30), {first.name, third.name}) == 1
    assert sorted(tmp_path.glob(f"*{SEALED}")) == [second, third]
