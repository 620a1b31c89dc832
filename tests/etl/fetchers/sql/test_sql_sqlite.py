"""SQLite as a second dialect, and what settings must not hold."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from etl.errors import ConfigurationError, PeerError
from etl.fetchers.ris_sql import RisSql
from etl.settings import Feed, Settings, Site

NOW = datetime(2026, 6, 1, 16, tzinfo=UTC)
Fetch = Callable[..., tuple[list[str], Any]]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Twenty rows, a minute apart from 11:41 New York time on; times are texts, as SQLite keeps them."""
    path = tmp_path / "ris.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE exam (id INTEGER PRIMARY KEY, acc TEXT, changed TEXT)")
        rows = [
            (n, f"A{n}", f"2026-06-01 11:{40 + n:02}:00.5" if n < 20 else "2026-06-01 12:00:00.5") for n in range(1, 21)
        ]
        connection.executemany("INSERT INTO exam VALUES (?, ?, ?)", rows)
        connection.commit()
    return path


@pytest.fixture
def fetch(tmp_path: Path, database: Path) -> Fetch:
    """Runs a fetch with the given options and returns the ids that came and the last cursor."""
    settings = Settings(base=tmp_path, sites=(Site(code="N", name="N", zone="America/New_York"),))

    def run(cursor: dict[str, Any] | None = None, **changes: Any) -> tuple[list[str], Any]:
        options = {
            "kind": "sql", "url": f"sqlite:///{database.name}", "query": "SELECT * FROM exam", "watermark": "changed",
            "key": "id", "page_rows": 6,
        } | changes  # fmt: skip
        feed = Feed(key="f", kind="ris_csv", site="N", fetch={k: v for k, v in options.items() if v is not None})
        pages = list(RisSql().pages(feed, settings, cursor or {}, NOW))
        texts = [io.StringIO(p.decode(), newline="") for page in pages for p in page.payloads]
        return [row["id"] for text in texts for row in csv.DictReader(text)], pages[-1].cursor if pages else {}

    return run


def test_a_text_watermark_is_read_again_over_its_lag(fetch: Fetch) -> None:
    found, cursor = fetch()
    assert found == [str(n) for n in range(1, 21)]
    assert cursor == {"after": ["text", "2026-06-01 11:45:00"], "key": []}
    assert fetch(cursor)[0] == [str(n) for n in range(5, 21)]
    assert fetch(lag_min=0)[1] == {"after": ["text", "2026-06-01 12:00:00.5"], "key": [["int", "20"]]}


def test_a_number_as_watermark_is_read_again_by_its_ids(fetch: Fetch) -> None:
    found, cursor = fetch(watermark="id", key="acc", lag_ids=3)
    assert found == [str(n) for n in range(1, 21)]
    assert fetch(cursor, watermark="id", key="acc")[0] == ["17", "18", "19", "20"]
    assert fetch(watermark="id", key="acc", since=18)[0] == ["18", "19", "20"]


def test_a_query_is_read_from_its_file(fetch: Fetch, tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text("SELECT * FROM exam WHERE id > 17 -- ours\n;")
    assert fetch(query=None, query_file="q.sql")[0] == ["18", "19", "20"]
    with pytest.raises(ConfigurationError, match=r"query_file .* cannot be read"):
        fetch(query=None, query_file="other.sql")


def test_a_missing_database_is_not_made(fetch: Fetch, tmp_path: Path) -> None:
    with pytest.raises(PeerError, match="does not answer as it should"):
        fetch(url="sqlite:///other.sqlite")
    assert not (tmp_path / "other.sqlite").exists()


def test_a_query_without_end_is_given_up(fetch: Fetch) -> None:
    endless = "WITH RECURSIVE n(id, changed) AS (SELECT 1, '' UNION ALL SELECT id + 1, '' FROM n) SELECT * FROM n"
    with pytest.raises(PeerError, match=r"a page took longer than 0\.2 s"):
        fetch(query=endless, timeout_s=0.2)


def test_a_column_that_is_not_there_is_named(fetch: Fetch) -> None:
    with pytest.raises(PeerError, match=r"refused the query: no such column: site_query\.nosuch"):
        fetch(watermark="nosuch")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "postgresql+pg8000://ris:secret@db/ris"}, "no user or password in a URL"),
        ({"url": "mssql+pyodbc:///?odbc_connect=PWD%3Dsecret"}, "no odbc_connect in a URL"),
        ({"url": "postgresql+pg8000://db/ris?password=secret"}, "no password in a URL"),
        ({"url": "not a url"}, "no SQLAlchemy URL"),
        ({"url": "oracle+oracledb://db/ris"}, "needs the driver oracledb, which is not installed; pip install"),
        ({"url": "mysql://db/ris"}, "needs the driver MySQLdb, which is not installed; pip install mysqlclient"),
        ({"url": "nosuch://db/ris"}, "no dialect 'nosuch' is installed"),
        ({"user": "u", "password": "hunter2"}, "a secret is named as"),
        ({"query_file": "q.sql"}, "give either query or query_file"),
        ({"query": None}, "give either query or query_file"),
        ({"key": []}, "name the columns"),
        ({"key": None}, "fetch.key: Field required"),
        ({"page_rows": 0}, "fetch.page_rows"),
        ({"nosuch": 1}, "fetch option ['nosuch'] is not one of"),
        ({"tls_ca": "ca.pem"}, "fetch.tls_ca is for postgresql"),
        ({"url": "postgresql+pg8000://db/ris", "tls_ca": "ca.pem"}, "holds no certificates in PEM form"),
    ],
)  # fmt: skip
def test_wrong_settings_say_what_is_allowed(fetch: Fetch, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        fetch(**options)
    assert said in str(refusal.value)
    assert "secret@" not in str(refusal.value)
    assert "hunter2" not in str(refusal.value)
