"""Two million rows come at a steady pace in little memory; a part of them goes on into the warehouse and adds up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from etl import pipeline
from etl.fetchers.base import Page, land, read_cursor
from etl.fetchers.ris_sql import RisSql
from etl.landing import frames

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]
N = 2_000_000
LOADED = 100_000
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def resident_mb() -> float:
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


class _Weighed(RisSql):
    """The fetcher, with the process's memory noted at every page."""

    def __init__(self) -> None:
        self.resident: list[float] = []

    def pages(self, *arguments: Any) -> Iterator[Page]:
        for page in super().pages(*arguments):
            self.resident.append(resident_mb())
            yield page


@pytest.mark.timeout(3000)
def test_two_million_rows(
    make_ris: Callable[..., Any], record_property: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    ris = make_ris(N, step=20, histories=0)
    filled_s = time.monotonic() - began

    part = ris.feed(page_rows=5000, max_rows=LOADED).model_copy(update={"path": Path("in/part")})
    settings = ris.settings.model_copy(update={"feeds": (part,)})
    assert land(RisSql(), part, settings, NOW).failed is None
    began = time.monotonic()
    with pipeline.writer(settings) as engine:
        idle = part.model_copy(update={"fetch": None})
        [run] = pipeline.ingest(settings.model_copy(update={"feeds": (idle,)}), engine)
    loaded_s = time.monotonic() - began
    assert (run.counts.offered, run.counts.loaded) == (LOADED, LOADED)

    fetcher, feed = _Weighed(), ris.feed(page_rows=5000, max_rows=10 * N)
    began, busy = time.monotonic(), time.process_time()
    result = land(fetcher, feed, settings, NOW)
    landed_s, busy_s = time.monotonic() - began, time.process_time() - busy
    assert (result.failed, result.pages) == (None, N // 5000)
    assert read_cursor(settings.at(feed.path))["key"] == [["int", str(N)]]
    rows = sum(frame.payload.count(b"\nA") for path in result.segments for frame in frames(path))
    assert rows == N
    early, most = max(fetcher.resident[:20]), max(fetcher.resident)
    with capsys.disabled():
        print(  # noqa: T201 - the figures are the point of the run
            f"\nfilled in {filled_s:.0f} s; landed {N / landed_s:,.0f} rows/s ({landed_s:.0f} s, {busy_s:.0f} s CPU, "
            f"{result.bytes / 2**20:.0f} MiB); memory {early:.0f} MiB over the first 20 pages, {most:.0f} MiB at most; "
            f"loaded {LOADED / loaded_s:,.0f} rows/s ({run.counts.events / loaded_s:,.0f} events/s)"
        )
    assert most < early + 100
