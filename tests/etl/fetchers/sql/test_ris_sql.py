"""A site's query brings every row of a real PostgreSQL once, whatever happens meanwhile, and changes nothing there."""

from __future__ import annotations

import csv
import io
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from etl import pipeline
from etl.errors import ConfigurationError, PeerError
from etl.fetchers.base import Cursor, Page, land, read_cursor
from etl.fetchers.ris_sql import RisSql
from etl.landing import frames
from etl.reading import stage_files
from etl.settings import Feed
from etl.sources.status_map import shipped_event_type
from etl.staging import load_key

pytestmark = pytest.mark.postgresql
N = 1500
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
KEY = "accession_number"


@pytest.fixture(scope="module")
def quiet(make_ris: Callable[..., Any]) -> Any:
    """A RIS that no test of this module changes."""
    return make_ris(N)


@pytest.fixture(scope="module")
def small(make_ris: Callable[..., Any]) -> Any:
    return make_ris(60)


@pytest.fixture
def busy(small: Any) -> Iterator[Any]:
    """A small RIS that the test may change."""
    yield small
    small.as_new()
    shutil.rmtree(small.base / "in", ignore_errors=True)


def rows_of(payload: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(payload.decode(), newline="")))


def rows(pages: Iterator[Page] | list[Page]) -> list[dict[str, str]]:
    return [row for page in pages for payload in page.payloads for row in rows_of(payload)]


def pages(
    fetcher: RisSql, ris: Any, cursor: Cursor | None = None, now_at: datetime = NOW, **options: Any
) -> list[Page]:
    return list(fetcher.pages(ris.feed(**options), ris.settings, cursor or {}, now_at))


def event_ids(ris: Any, feed: Feed) -> list[str]:
    found = sorted(ris.settings.at(feed.path).glob("*.seg"))
    batch = stage_files(found, feed, ris.settings, load_key(ris.settings)).batch
    outcomes = set(batch.items["outcome"].to_pylist())
    assert outcomes == {"read"}
    return sorted(batch.tables["event"]["event_id"].to_pylist())


def test_every_row_comes_once_in_the_order_of_its_watermark(quiet: Any, fetcher: RisSql) -> None:
    got = pages(fetcher, quiet)
    found = rows(got)
    assert len(got) == N // 500 + 1 - (N % 500 == 0)
    assert [row["exam_id"] for row in found] == [str(n) for n in range(1, N + 1)]
    assert found[0] == {
        "accession_number": "A000000001", "placer_order_number": "O1", "patient_id": "MRN0000002",
        "birth_date": "1930-01-03", "sex": "F", "modality": "DX", "station_name": "NCT2", "procedure_code": "P2",
        "procedure_text": 'Procedure 2, "plain"', "priority_code": "S", "ordering_person": "DR1",
        "appointment_at": "2025-01-06T07:40:00", "planned_duration_min": "35", "order_entered": "2025-01-06T07:10:00",
        "patient_arrived": "2025-01-06T07:30:00", "exam_begin": "2025-01-06T07:45:07.250000",
        "exam_end": "2025-01-06T08:00:00", "prelim": "", "final": "2025-01-06T14:10:00.500000+00:00",
        "known_at": "2025-01-06T09:10:00.123456", "exam_id": "1",
    }  # fmt: skip


def test_the_same_events_whatever_the_pages(quiet: Any, fetcher: RisSql) -> None:
    told = []
    for page_rows in (N, 77):
        feed = quiet.feed(page_rows=page_rows).model_copy(update={"path": f"in/cut{page_rows}"})
        feed = Feed(**feed.model_dump())
        assert land(fetcher, feed, quiet.settings, NOW).failed is None
        told.append(event_ids(quiet, feed))
    assert told[0] == told[1]
    reports = quiet.run("SELECT count(preliminary_at) + count(verified_at) FROM ris.report")[0][0]
    assert len(set(told[0])) == len(told[0]) == N * 4 + reports  # ordered, arrived, begun and ended each


def test_a_second_fetch_reads_only_the_last_minutes_again(quiet: Any, fetcher: RisSql) -> None:
    last = datetime(2025, 1, 6, 12, tzinfo=UTC) + N * timedelta(minutes=10) + timedelta(hours=2)  # 07:00 New York
    now_at = last + timedelta(minutes=4)
    first = pages(fetcher, quiet, now_at=now_at, lag_min=60)
    again = pages(fetcher, quiet, first[-1].cursor, now_at=now_at, lag_min=60)
    assert [row["exam_id"] for row in rows(again)] == [str(n) for n in range(N - 6, N + 1)]
    later = pages(fetcher, quiet, again[-1].cursor, now_at=now_at + timedelta(days=1), lag_min=60)
    assert [row["exam_id"] for row in rows(later)] == [str(n) for n in range(N - 6, N + 1)]
    assert pages(fetcher, quiet, later[-1].cursor, now_at=now_at + timedelta(days=1), lag_min=60) == []


def test_rows_of_one_watermark_cross_page_borders(busy: Any, fetcher: RisSql) -> None:
    busy.run("UPDATE ris.exam SET updated_at = '2025-03-01' WHERE exam_id BETWEEN 5 AND 50")
    got = pages(fetcher, busy, page_rows=7)
    assert [row["exam_id"] for row in rows(got)] == [str(n) for n in (1, 2, 3, 4, *range(51, 61), *range(5, 51))]


def test_a_key_of_several_columns_orders_within_a_watermark(busy: Any, fetcher: RisSql) -> None:
    query = "SELECT date '2025-01-01' AS day, device_id, exam_id, accession_number FROM ris.exam"
    got = pages(fetcher, busy, query=query, watermark="day", key=["device_id", "exam_id"], page_rows=4)
    assert [(int(r["device_id"]), int(r["exam_id"])) for r in rows(got)] == sorted((1 + n % 8, n) for n in range(1, 61))


def test_a_row_changed_during_the_fetch_comes_again_as_it_is_then(busy: Any, fetcher: RisSql) -> None:
    reading = fetcher.pages(busy.feed(page_rows=20), busy.settings, {}, NOW)
    found = rows([next(reading)])
    busy.run("UPDATE ris.exam SET ended_at = '2025-01-06 09:09', updated_at = '2025-06-01' WHERE exam_id IN (3, 33)")
    found += rows(reading)
    seen = [row["exam_id"] for row in found]
    assert seen.count("3") == 2  # once as it was, once as it is
    assert seen.count("33") == 1
    assert [row["exam_end"] for row in found if row["exam_id"] in ("3", "33")][1:] == ["2025-01-06T09:09:00"] * 2


def test_a_late_commit_inside_the_lag_window_is_not_lost(busy: Any, fetcher: RisSql) -> None:
    now_at = datetime(2025, 2, 1, 12, tzinfo=UTC)  # 07:00 in New York
    with busy.admin.connect() as slow:
        slow.execute(text("UPDATE ris.exam SET updated_at = '2025-02-01 06:50' WHERE exam_id = 1"))
        busy.run("UPDATE ris.exam SET updated_at = '2025-02-01 06:58' WHERE exam_id = 2")
        first = pages(fetcher, busy, now_at=now_at)
        slow.commit()
    again = pages(fetcher, busy, first[-1].cursor, now_at=now_at + timedelta(minutes=5))
    assert [row["exam_id"] for row in rows(again)] == ["1", "2"]
    without = pages(fetcher, busy, now_at=now_at, lag_min=0)
    assert pages(fetcher, busy, without[-1].cursor, now_at=now_at, lag_min=0) == []


def test_a_watermark_in_the_future_does_not_hide_what_comes_after_it(busy: Any, fetcher: RisSql) -> None:
    busy.run("UPDATE ris.exam SET updated_at = '2036-01-01' WHERE exam_id = 9")
    now_at = datetime(2025, 2, 1, 12, tzinfo=UTC)
    first = pages(fetcher, busy, now_at=now_at)
    busy.run("UPDATE ris.exam SET updated_at = '2025-02-01 07:10' WHERE exam_id = 4")
    again = pages(fetcher, busy, first[-1].cursor, now_at=now_at + timedelta(minutes=20))
    assert [row["exam_id"] for row in rows(again)] == ["4", "9"]


def test_a_fetch_of_many_rows_is_taken_in_portions(quiet: Any, fetcher: RisSql) -> None:
    cursor: Cursor = {}
    portions = []
    while got := pages(fetcher, quiet, cursor, max_rows=450):
        portions.append([row["exam_id"] for row in rows(got)])
        cursor = got[-1].cursor
    assert [len(p) for p in portions] == [500, 500, 500]
    assert [n for p in portions for n in p] == [str(n) for n in range(1, N + 1)]


def test_since_leaves_out_what_is_older(quiet: Any, fetcher: RisSql) -> None:
    got = pages(fetcher, quiet, since=datetime.fromisoformat("2025-01-06T09:25"))
    assert rows(got)[0]["exam_id"] == "3"


def test_a_connection_lost_between_pages_is_made_again(busy: Any, fetcher: RisSql) -> None:
    reading = fetcher.pages(busy.feed(page_rows=20), busy.settings, {}, NOW)
    found = rows([next(reading)])
    assert _end_sessions(busy) == 1
    found += rows(reading)
    assert [row["exam_id"] for row in found] == [str(n) for n in range(1, 61)]


def test_a_connection_lost_in_mid_page_is_made_again(busy: Any, fetcher: RisSql) -> None:
    slow = "SELECT e.*, pg_sleep(0.02)::text AS nap FROM ris.exam e"
    ended: list[int] = []
    killer = threading.Thread(target=lambda: ended.append(_end_sessions(busy, at_work=True)))
    killer.start()
    found = rows(pages(fetcher, busy, query=slow, watermark="updated_at"))
    killer.join()
    assert ended == [1]
    assert [row["exam_id"] for row in found] == [str(n) for n in range(1, 61)]


def test_a_peer_that_stays_away_keeps_the_pages_before(busy: Any, fetcher: RisSql) -> None:
    feed = busy.feed(page_rows=20)
    cutting = _Cutting(fetcher, busy)
    result = land(cutting, feed, busy.settings, NOW)
    assert (result.pages, result.failed) == (1, "feed ris: the database does not answer as it should (SQLSTATE 28000)")
    assert read_cursor(busy.settings.at(feed.path))["key"] == [["int", "20"]]
    busy.run(f"ALTER ROLE {busy.reader} LOGIN")
    assert land(fetcher, feed, busy.settings, NOW).pages == 2
    segments = sorted(busy.settings.at(feed.path).glob("*.seg"))
    found = [row["exam_id"] for path in segments for frame in frames(path) for row in rows_of(frame.payload)]
    assert found == [str(n) for n in range(1, 61)]


class _Cutting:
    """The fetcher, with the RIS closing its doors after the first page."""

    kind, options = RisSql.kind, RisSql.options

    def __init__(self, fetcher: RisSql, ris: Any) -> None:
        self._fetcher, self._ris = fetcher, ris

    def pages(self, *arguments: Any) -> Iterator[Page]:
        for number, page in enumerate(self._fetcher.pages(*arguments)):
            yield page
            if number == 0:
                self._ris.run(f"ALTER ROLE {self._ris.reader} NOLOGIN")
                _end_sessions(self._ris)

    def check(self, feed: Feed, settings: Any) -> str:
        return self._fetcher.check(feed, settings)


def _end_sessions(ris: Any, *, at_work: bool = False) -> int:
    """End the reader's sessions, waiting until one is in the midst of the slow query if asked to."""
    condition = f"usename = '{ris.reader}' AND datname = current_database()"
    if at_work:
        condition += " AND state = 'active' AND query LIKE '%pg_sleep%'"
    for _ in range(200):
        query = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {condition}"  # noqa: S608 - ours
        ended = ris.run(query)[0][0]
        if ended or not at_work:
            return int(ended)
        time.sleep(0.02)
    return 0


def test_a_statement_over_its_time_limit_is_given_up(busy: Any, fetcher: RisSql) -> None:
    started = time.monotonic()
    with pytest.raises(PeerError, match=r"a page took longer than 0.3 s; add an index on \(watermark, key\)"):
        pages(fetcher, busy, query="SELECT e.*, pg_sleep(9) FROM ris.exam e", watermark="updated_at", timeout_s=0.3)
    assert time.monotonic() - started < 3
    assert busy.run(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(9)%' AND pid <> pg_backend_pid()"
    )[0] == (0,)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT ris.mistake() AS exam_id, now() AS known_at", "cannot execute INSERT in a read-only transaction"),
        ("SELECT nextval('ris.counter') AS exam_id, now() AS known_at", "cannot execute nextval"),
        ("DELETE FROM ris.exam RETURNING exam_id, updated_at AS known_at", "syntax error"),
        (
            "WITH gone AS (DELETE FROM ris.exam RETURNING *) SELECT exam_id, updated_at AS known_at FROM gone",
            "data-modifying statement must be at the top level",
        ),
        ("SELECT 1 AS exam_id, now() AS known_at) q; DELETE FROM ris.exam; SELECT (1", "multiple commands"),
        ("SELECT exam_id FROM ris.exam", 'column "known_at" does not exist|column site_query.known_at does not exist'),
    ],
)
def test_a_query_that_would_write_is_refused(busy: Any, fetcher: RisSql, query: str, said: str) -> None:
    with pytest.raises(PeerError, match=f"the database refused the query: .*({said})"):
        pages(fetcher, busy, query=query)
    assert busy.run("SELECT count(*) FROM ris.exam")[0][0] == 60
    assert busy.run("SELECT count(*) FROM ris.written_by_mistake")[0][0] == 0
    assert busy.run("SELECT is_called FROM ris.counter")[0][0] is False


def test_what_a_failure_says_holds_no_value_of_a_row(busy: Any, fetcher: RisSql) -> None:
    query = "SELECT accession_number::int AS n, exam_id, updated_at AS known_at FROM ris.exam"
    with pytest.raises(PeerError) as failure:
        pages(fetcher, busy, query=query)
    assert str(failure.value) == "feed ris: the database does not answer as it should (SQLSTATE 22P02)"


def test_colons_percents_and_a_comment_at_the_end_are_the_querys_own(busy: Any, fetcher: RisSql) -> None:
    query = """SELECT exam_id, updated_at::timestamp AS known_at, 'a:b :c 10%' AS odd,
        to_char(updated_at, 'HH24:MI') AS clock FROM ris.exam WHERE accession_number LIKE '%9' -- :all"""
    found = rows(pages(fetcher, busy, query=query, page_rows=4))
    assert [row["exam_id"] for row in found] == ["9", "19", "29", "39", "49", "59"]
    assert (found[0]["odd"], found[0]["clock"]) == ("a:b :c 10%", "10:30")


def test_aware_times_have_one_text_and_casts_are_the_feeds_wall_clock(busy: Any, fetcher: RisSql) -> None:
    query = "SELECT verified_at AS known_at, verified_at::timestamp AS wall, exam_id FROM ris.report"
    found = rows(pages(fetcher, busy, query=query))[0]
    assert found["known_at"] == "2025-01-06T14:10:00.500000+00:00"
    assert found["wall"] == "2025-01-06T09:10:00.500000"


def test_times_that_no_calendar_has_come_as_they_are_told(busy: Any, fetcher: RisSql) -> None:
    query = """SELECT exam_id, updated_at AS known_at, 'infinity'::timestamp AS never,
        '0044-03-15 BC'::timestamp AS ides, timestamptz '2025-07-01 12:00:00.25+05:30' AS aware,
        timestamp '1900-01-01' AS old FROM ris.exam"""
    found = rows(pages(fetcher, busy, query=query))[0]
    assert [found[name] for name in ("never", "ides", "aware", "old")] == [
        "infinity", "0044-03-15 00:00:00 BC", "2025-07-01T06:30:00.250000+00:00", "1900-01-01T00:00:00",
    ]  # fmt: skip


def test_an_aware_watermark_pages_like_any_other(busy: Any, fetcher: RisSql) -> None:
    query = "SELECT verified_at AS known_at, exam_id FROM ris.report"
    found = rows(pages(fetcher, busy, query=query, page_rows=9))
    assert [row["exam_id"] for row in found] == [str(n) for n in range(1, 61) if n % 50]


def test_a_null_key_stops_the_feed_instead_of_losing_rows(busy: Any, fetcher: RisSql) -> None:
    query = "SELECT updated_at AS known_at, NULL::int AS exam_id FROM ris.exam"
    with pytest.raises(PeerError, match="a key column is NULL; COALESCE it"):
        pages(fetcher, busy, query=query)


def test_check_names_the_columns_and_moves_nothing(quiet: Any, fetcher: RisSql) -> None:
    feed = quiet.feed()
    assert fetcher.check(feed, quiet.settings).startswith("21 columns, a first row: accession_number, placer_order_")
    assert read_cursor(quiet.settings.at(feed.path)) == {}


def test_a_history_of_status_changes_becomes_one_event_a_row(quiet: Any, fetcher: RisSql, history_query: str) -> None:
    feed = quiet.feed(query=history_query, key="history_id", page_rows=999)
    feed = Feed(**feed.model_dump() | {"path": "in/history", "options": {"mapping": "status_history"}})
    assert land(fetcher, feed, quiet.settings, NOW).failed is None
    batch = stage_files(
        sorted(quiet.settings.at(feed.path).glob("*.seg")), feed, quiet.settings, load_key(quiet.settings)
    ).batch
    codes = batch.tables["event"]["local_code"].to_pylist()
    meant = {shipped_event_type("ris_csv", code, "status_history") for code in codes}
    assert meant == {"patient_arrived", "exam_begin", "exam_end", "final"}
    assert {c: codes.count(c) for c in set(codes)} == dict.fromkeys(
        (
            "csv:status_at/WAITING FOR EXAM",
            "csv:status_at/IN_PROGRESS",
            "csv:status_at/EXAMINED",
            "csv:status_at/COMPLETE",
        ),
        N,
    )


def test_a_password_is_taken_by_reference_and_never_said(
    quiet: Any, fetcher: RisSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = Path(quiet.run("SHOW hba_file")[0][0])
    before = rules.read_text()
    rules.write_text(f"local all {quiet.reader} scram-sha-256\n{before}")
    quiet.run("SELECT pg_reload_conf()")
    quiet.run(f"ALTER ROLE {quiet.reader} PASSWORD 'open-sesame'")
    monkeypatch.setenv("RIS_RIGHT", "open-sesame")
    monkeypatch.setenv("RIS_WRONG", "wrong-4711")
    try:
        assert len(rows(pages(fetcher, quiet, password="env:RIS_RIGHT"))) == N  # noqa: S106 - a reference
        for given in ("env:RIS_WRONG", None):
            with pytest.raises(PeerError, match=r"does not answer as it should \(SQLSTATE 28P01\)"):
                pages(fetcher, quiet, password=given)
    finally:
        rules.write_text(before)
        quiet.run("SELECT pg_reload_conf()")
    with pytest.raises(ConfigurationError, match="RIS_MISSING is not set"):
        pages(fetcher, quiet, password="env:RIS_MISSING")  # noqa: S106 - a reference, and what is refused
    with pytest.raises(ConfigurationError, match="never written into the settings"):
        pages(fetcher, quiet, password="secret-4711")  # noqa: S106 - a reference, and what is refused


def test_fetched_rows_load_once_and_add_up(quiet: Any) -> None:
    feed = quiet.feed(since=datetime.fromisoformat("2025-01-16T00:00")).model_copy(update={"path": Path("in/load")})
    settings = quiet.settings.model_copy(update={"feeds": (feed,)})
    with pipeline.writer(settings) as engine:
        [first] = pipeline.ingest(settings, engine)
        quiet.settings.at(feed.path).joinpath(".cursor.json").unlink()  # as if the fetch had died before it was kept
        [again] = pipeline.ingest(settings, engine)
    expected = quiet.run("SELECT count(*) FROM ris.exam WHERE updated_at >= '2025-01-16'")[0][0]
    assert (first.stopped, first.counts.offered, first.counts.loaded) == (None, expected, expected)
    assert (again.counts.offered, again.counts.loaded, again.counts.unchanged) == (expected, 0, expected)
