"""What every fetch keeps: whole pages, the cursor behind them, and the others' turn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from etl.doctor import examine
from etl.errors import ConfigurationError, PeerError
from etl.fetchers.base import Cursor, Page, land, read_cursor
from etl.landing import SEALED, frames
from etl.settings import Feed, Settings, Site

NOW = datetime(2026, 9, 10, tzinfo=UTC)
FEED = Feed(key="f", kind="hl7v2", site="S", path=Path("in"), fetch={"kind": "counting"})


class Counting:
    """A peer with five pages that breaks off before page `breaks_at`."""

    kind = "counting"
    options: frozenset[str] = frozenset()

    def __init__(self, breaks_at: int | None = None) -> None:
        self.breaks_at = breaks_at

    def pages(self, feed: Feed, settings: Settings, cursor: Cursor, now_at: datetime) -> Iterator[Page]:
        for number in range(cursor.get("next", 1), 6):
            if number == self.breaks_at:
                raise PeerError("the peer broke off")
            yield Page((b"page %d" % number,), {"next": number + 1})

    def check(self, feed: Feed, settings: Settings) -> str:
        return "five pages"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "in"


def settings(tmp_path: Path, **more: Any) -> Settings:
    return Settings(base=tmp_path, sites=(Site(code="S", name="S", zone="Europe/London"),), **more)


def landed(folder: Path) -> list[bytes]:
    return [f.payload for path in sorted(folder.glob(f"*{SEALED}")) for f in frames(path)]


def test_a_fetch_that_breaks_off_keeps_whole_pages_and_goes_on_behind_them(tmp_path: Path, folder: Path) -> None:
    first = land(Counting(breaks_at=4), FEED, settings(tmp_path), NOW)
    assert (first.pages, first.failed, first.more) == (3, "the peer broke off", False)
    assert read_cursor(folder) == {"next": 4}
    second = land(Counting(), FEED, settings(tmp_path), NOW)
    assert (second.pages, second.failed) == (2, None)
    assert sorted(landed(folder)) == [b"page %d" % n for n in range(1, 6)]


def test_a_long_history_comes_in_stretches_and_nothing_twice(tmp_path: Path, folder: Path) -> None:
    results = [land(Counting(), FEED, settings(tmp_path), NOW, patience=timedelta(0)) for _ in range(6)]
    assert [r.pages for r in results] == [1, 1, 1, 1, 1, 0]
    assert [r.more for r in results] == [True] * 5 + [False]
    assert sorted(landed(folder)) == [b"page %d" % n for n in range(1, 6)]


def test_a_damaged_cursor_stops_with_what_to_do(tmp_path: Path, folder: Path) -> None:
    folder.mkdir()
    (folder / ".cursor.json").write_text("{", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="delete it"):
        land(Counting(), FEED, settings(tmp_path), NOW)


@pytest.mark.parametrize(
    ("transport", "named"),
    [
        ({"fetch": {"kind": "cfind", "hots": "pacs"}}, "hots"),
        ({"listen": {"kind": "mllp", "prot": 1}}, "prot"),
        ({"fetch": {"kind": "ftp"}}, "ftp"),
    ],
)
def test_doctor_names_an_option_nobody_knows(tmp_path: Path, transport: dict[str, Any], named: str) -> None:
    feed = Feed(key="f", kind="dicomweb", site="S", path=Path("in"), **transport)
    found = examine(settings(tmp_path, feeds=(feed,)))
    assert any(named in finding.text for finding in found if finding.area == "feeds" and not finding.ok)
