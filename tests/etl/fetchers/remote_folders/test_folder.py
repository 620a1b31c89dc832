"""The fetcher `folder` on a local path: what is brought, when, under which names, and what goes wrong."""

from __future__ import annotations

import os
import random
import re
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from etl import jobs, pipeline
from etl.errors import ConfigurationError
from etl.fetchers.base import CURSOR_FILE, Fetched, land, read_cursor
from etl.fetchers.folder import Folder, _Run, _Wanted
from etl.fetchers.remote import Entry
from etl.fetchers.spool import SPOOLED, path_digest, spool_name
from etl.settings import Feed, Settings, Site, Warehouse
from etl.staging import make_key

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
OLD = NOW - timedelta(hours=1)


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    folder = tmp_path / "remote"
    folder.mkdir()
    return folder


def feed_of(remote: Path, kind: str = "hl7v2", **fetch: Any) -> Feed:
    return Feed(
        key="f", kind=kind, site="S", path=Path("in"), fetch={"kind": "folder", "url": f"file://{remote}", **fetch}
    )


def settings_of(tmp_path: Path, feed: Feed) -> Settings:
    return Settings(
        base=tmp_path, warehouse=Warehouse(memory_limit="500MB"), feeds=(feed,), landing_days=1,
        sites=(Site(code="S", name="S", zone="America/New_York"),),
    )  # fmt: skip


def put(remote: Path, name: str, data: bytes = b"x", at: datetime = OLD) -> Path:
    path = remote / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


@pytest.fixture
def fetch(tmp_path: Path, remote: Path) -> Callable[..., Fetched]:
    def run(now_at: datetime = NOW, **options: Any) -> Fetched:
        feed = feed_of(remote, **options)
        return land(Folder(), feed, settings_of(tmp_path, feed), now_at)

    return run


def landed(tmp_path: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted((tmp_path / "in").iterdir()) if not p.name.startswith(".")}


def test_each_file_comes_once_and_again_when_it_changed(tmp_path: Path, remote: Path, fetch: Any) -> None:
    put(remote, "a.hl7", b"one")
    put(remote, "sub/b.hl7", b"two")
    assert fetch().payloads == 2
    assert sorted(landed(tmp_path).values()) == [b"one", b"two"]
    assert fetch().payloads == 0
    put(remote, "a.hl7", b"ONE!", OLD + timedelta(minutes=1))
    assert fetch().payloads == 1
    assert sorted(landed(tmp_path).values()) == [b"ONE!", b"two"]


def test_only_what_the_pattern_takes_comes_and_nothing_unfinished_or_hidden(remote: Path, fetch: Any) -> None:
    for name in ("a.hl7", "b.csv", "c.hl7.part", "d.tmp", ".e.hl7", ".hidden/f.hl7", "deep/er/g.hl7"):
        put(remote, name)
    assert fetch(pattern="**/*.hl7").payloads == 2
    assert fetch(pattern="*.hl7").payloads == 0  # a.hl7 is known already


@pytest.mark.parametrize("since", [date(2026, 9, 30), datetime(2026, 9, 30, tzinfo=UTC), 1])
def test_since_leaves_older_files_where_they_are(since: Any, remote: Path, fetch: Any) -> None:
    put(remote, "new.hl7")
    put(remote, "old.hl7", at=NOW - timedelta(days=40))
    assert fetch(since=since).payloads == 1


def test_a_file_that_may_still_grow_waits(tmp_path: Path, remote: Path, fetch: Any) -> None:
    put(remote, "a.hl7", b"half", NOW - timedelta(seconds=5))
    assert fetch().payloads == 0
    put(remote, "a.hl7", b"half and half", NOW + timedelta(seconds=20))
    assert fetch(NOW + timedelta(seconds=30)).payloads == 0
    assert fetch(NOW + timedelta(seconds=51)).payloads == 1
    assert list(landed(tmp_path).values()) == [b"half and half"]


def test_a_server_whose_clock_runs_ahead_delays_a_file_only_until_it_was_seen_unchanged(
    remote: Path, fetch: Any
) -> None:
    put(remote, "a.hl7", at=NOW + timedelta(days=400))
    assert fetch().payloads == 0
    assert fetch(NOW + timedelta(seconds=31)).payloads == 1


def test_the_cursor_forgets_what_is_gone_and_names_no_path(tmp_path: Path, remote: Path, fetch: Any) -> None:
    for n in range(50):
        put(remote, f"DOE_JANE_{n}.hl7")
    fetch()
    assert len(read_cursor(tmp_path / "in")["known"]) == 50
    for n in range(49):
        (remote / f"DOE_JANE_{n}.hl7").unlink()
    fetch()
    assert len(read_cursor(tmp_path / "in")["known"]) == 1
    assert "DOE" not in (tmp_path / "in" / CURSOR_FILE).read_text()


def test_a_file_closed_to_us_or_gone_is_said_and_the_others_come(
    tmp_path: Path, remote: Path, fetch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fsspec.implementations.local import LocalFileSystem

    for n in range(5):
        put(remote, f"{n}.hl7", str(n).encode())
    real = LocalFileSystem._open

    def closed(self: Any, path: str, *args: Any, **kwargs: Any) -> Any:  # root may open anything
        if path.endswith("2.hl7"):
            raise PermissionError(13, "Permission denied")
        if path.endswith("3.hl7"):
            Path(path).unlink()
        return real(self, path, *args, **kwargs)

    monkeypatch.setattr(LocalFileSystem, "_open", closed)
    result = fetch()
    assert result.payloads == 3
    assert result.failed == "1 files could not be had: gone; 1 files could not be had: permission denied"
    assert sorted(landed(tmp_path).values()) == [b"0", b"1", b"4"]
    monkeypatch.undo()
    assert fetch().payloads == 1  # the one that was closed


def test_a_file_that_changes_while_it_is_read_leaves_nothing_behind(
    tmp_path: Path, remote: Path, fetch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from etl.fetchers.remote import RemoteFolder

    path = put(remote, "a.hl7", b"x" * 3_000_000)
    real = RemoteFolder.parts

    def growing(self: Any, *args: Any, **kwargs: Any) -> Any:
        for part in real(self, *args, **kwargs):
            assert len(part) <= 1024**2
            with path.open("ab") as file:
                file.write(b"y")
            yield part

    monkeypatch.setattr(RemoteFolder, "parts", growing)
    assert fetch().failed == "1 files could not be had: changed while it was read"
    assert [p.name for p in (tmp_path / "in").iterdir() if "~" in p.name] == []


def test_what_a_fetch_that_died_left_hidden_is_swept_away(tmp_path: Path, remote: Path, fetch: Any) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / ".a~0123456789abcdef.hl7.tmp").write_bytes(b"half")
    put(remote, "a.hl7")
    fetch()
    assert not list((tmp_path / "in").glob(".*.tmp"))


def test_a_link_in_a_circle_ends(remote: Path, fetch: Any) -> None:
    put(remote, "sub/a.hl7")
    (remote / "sub" / "again").symlink_to(remote)
    assert fetch().payloads == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "ftp://host/x"}, "does not begin with"),
        ({"url": "sftp://user:secret-9@host/x"}, "no user or password in a URL"),
        ({"url": "file://relative/x"}, "absolute"),
        ({"patern": "*"}, "is not one of"),
        ({"pattern": "a**b"}, "no pattern"),
        ({"since": "yesterday"}, "neither a date"),
        ({"settle_s": "soon"}, "no number"),
        ({"headers_only": True}, "is for feeds of kind dicom_files"),
    ],
)
def test_wrong_settings_are_named(options: dict[str, Any], said: str, fetch: Any) -> None:
    with pytest.raises(ConfigurationError, match=said) as refusal:
        fetch(**options)
    assert "secret-9" not in str(refusal.value)


def test_a_folder_that_is_not_there_is_a_failed_fetch(tmp_path: Path, fetch: Any) -> None:
    result = fetch(url=f"file://{tmp_path}/nowhere")
    assert result.failed is not None
    assert "No such file" in result.failed


def test_check_lists_without_reading_or_moving_the_cursor(tmp_path: Path, remote: Path) -> None:
    put(remote, "a.hl7")
    put(remote, "b.csv")
    feed = feed_of(remote, pattern="*.hl7")
    settings = settings_of(tmp_path, feed)
    (line,) = pipeline.try_connections(settings)
    assert line.startswith("ok")
    assert "1 files to fetch" in line
    assert "2026-10-01 11:00 UTC" in line
    assert not (tmp_path / "in").exists()


NAMES = (
    "..", "../../x.hl7", "/etc/passwd", "C:\\x\\CON", "\\\\host\\share\\x", "nul.hl7", "CON", "LPT1.csv", "a\0b.hl7",
    "\u202egpj.exe", "\u05d0\u05d1.hl7", "x" * 300 + ".hl7", ".bashrc", "-rf", "a b\tc\nd.csv", "..\u2025", "%2e%2e%2f",
    "a.seg", "b.part", "c.tmp", "d.lock", "~", "e.hl7~", "$(x).csv", "\ud800.hl7", "naïve Zürich.CSV", "",
)  # fmt: skip


def test_names_of_any_kind_become_safe_and_stay_apart(tmp_path: Path) -> None:
    chance = random.Random(20261125)  # noqa: S311 - a test's dice
    alphabet = [*"./\\:~%\0\n\u202e\u05d0é😀 aZ09-_", "..", "CON", "\ud800"]
    names = {*NAMES, *("".join(chance.choices(alphabet, k=chance.randint(1, 40))) for _ in range(500))}
    canary = tmp_path / "canary"
    folder = tmp_path / "canary" / "in"
    folder.mkdir(parents=True)
    made = {spool_name(name, is_personal=chance.random() < 0.5) for name in sorted(names)}
    assert len(made) == len(names)
    for name in made:
        assert SPOOLED.fullmatch(name), name
        assert len(name) <= 100
        assert Path(name).suffix not in (".seg", ".tmp", ".part", ".lock")
        (folder / name).write_bytes(b"x")
    assert {p.parent for p in canary.rglob("*") if p.is_file()} == {folder}
    assert len(list(folder.iterdir())) == len(made)


def test_a_feed_whose_paths_may_name_patients_gets_no_readable_stem() -> None:
    assert spool_name("x/DOE_JANE.csv", is_personal=False).startswith("DOE-JANE~")
    assert spool_name("x/DOE_JANE.dcm", is_personal=True).startswith("~")


def order(n: int) -> bytes:
    lines = [
        f"MSH|^~\\&|RIS|S|||20261001100000||ORM^O01|{n}|P|2.5.1",
        f"PID|1||PAT{n}^^^N^MR",
        f"ORC|NW|P{n}|||||||20261001100000",
    ]
    return "\r".join(lines).encode()


def test_fetched_files_are_read_and_purged_once_old_but_not_fetched_again(tmp_path: Path, remote: Path) -> None:
    feed = feed_of(remote)
    settings = settings_of(tmp_path, feed)
    make_key(tmp_path / "pseudonym.key")
    for n in range(3):
        put(remote, f"{n}.hl7", order(n))
    with pipeline.writer(settings) as engine:
        (run,) = pipeline.ingest(settings, engine)
    assert (run.counts.loaded, run.stopped) == (3, None)
    spooled = [p for p in (tmp_path / "in").iterdir() if p.suffix == ".hl7"]
    (tmp_path / "in" / "placed-by-hand.hl7").write_bytes(order(9))
    for path in spooled[:2]:
        os.utime(path, (OLD.timestamp() - 10 * 86400,) * 2)
    with pipeline.writer(settings) as engine:
        pipeline.ingest(settings, engine)  # the changed stamp is read again and changes nothing
    jobs._retention_job(settings, NOW)
    left = {p.name for p in (tmp_path / "in").iterdir() if p.suffix == ".hl7"}
    assert left == {spooled[2].name, "placed-by-hand.hl7"}
    with pipeline.writer(settings) as engine:
        (run,) = pipeline.ingest(settings, engine)
    assert run.counts.offered == 0


def test_a_hundred_thousand_known_files_cost_little_memory(tmp_path: Path) -> None:
    class Listing:
        settles = True

        def entries(self) -> Any:
            return (Entry(f"/r/{n}.hl7", f"{n}.hl7", 100, OLD) for n in range(100_000))

    listing: Any = Listing()
    wanted = _Wanted(re.compile(".*"), None, timedelta(seconds=30), False, False)
    known = {"known": {path_digest(e.relative): e.version for e in listing.entries()}}
    tracemalloc.start()
    begun = time.process_time()
    assert list(_Run(listing, wanted, tmp_path, known, NOW).pages()) == []
    assert time.process_time() - begun < 10
    assert tracemalloc.get_traced_memory()[1] < 60_000_000
    tracemalloc.stop()
