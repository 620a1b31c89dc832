"""The wall board: signed and expiring links, aggregates only, dimmed when old."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from app.board import board_route
from etl import board_links
from etl.access import DEMO
from etl.board_links import make_link, open_link, withdraw_links
from etl.errors import RefusedError
from etl.kpis import Query, compute
from etl.settings import Settings, load_settings
from etl.state import AuditLog
from etl.warehouse.engine import reader_engine

DAY = timedelta(days=1)


@pytest.fixture
def installation(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The synthetic installation with a key of its own."""
    monkeypatch.setattr(board_links, "_key_path", lambda _settings: tmp_path / "board.key")
    return load_settings(config)


@pytest.fixture
def client(installation: Settings, client_of: Callable[[Any], Any]) -> Any:
    return client_of(Starlette(routes=[Route("/board/{token}", board_route, methods=["GET"])]))


def test_a_board_shows_the_queues_as_the_kpis_have_them(client: Any, installation: Settings) -> None:
    got = client.get(f"/board/{make_link(installation, ('NORTH',), DAY, 'ada')}")
    assert got.status_code == 200
    engine, day = reader_engine(installation), datetime(2026, 11, 24, tzinfo=UTC).date()
    for name in ("U21", "U21b"):
        result = compute(engine, Query(name, day, day + DAY, (), {"site": ("NORTH",)}), DEMO)
        assert result.meta.absent or f"<b>{int(result.frame['count'].iloc[0])}</b>" in got.text
    assert "SOUTH" not in got.text


def test_a_board_has_no_script_no_rows_and_is_never_stored(client: Any, installation: Settings) -> None:
    got = client.get(f"/board/{make_link(installation, (), DAY, 'ada')}")
    assert "<script" not in got.text
    assert not re.search(r"[0-9a-f]{16}", got.text), "no pseudonym"
    assert "patient since" not in got.text
    assert got.headers["cache-control"] == "no-store"


def test_old_data_is_dimmed_and_said(client: Any, installation: Settings) -> None:
    """The synthetic department ends in November: by the wall clock everything in it is old."""
    got = client.get(f"/board/{make_link(installation, (), DAY, 'ada')}")
    assert 'class="old"' in got.text
    assert "nothing newer than" in got.text


@pytest.mark.parametrize("token", ["x", "x.y", "eyJzIjpbIk5PUlRIIl19.forged"])
def test_a_link_not_signed_here_stays_closed(client: Any, installation: Settings, token: str) -> None:
    make_link(installation, (), DAY, "ada")
    got = client.get(f"/board/{token}")
    assert got.status_code == 403
    assert "closed" in got.text


def test_a_changed_link_and_one_past_its_end_stay_closed(installation: Settings) -> None:
    token = make_link(installation, ("NORTH",), DAY, "ada")
    link = open_link(installation, token, datetime.now(UTC))
    assert link.sites == ("NORTH",)
    with pytest.raises(RefusedError, match="ended on"):
        open_link(installation, token, datetime.now(UTC) + 2 * DAY)
    payload, signature = token.rsplit(".", 1)
    with pytest.raises(RefusedError, match="not made here"):
        open_link(installation, f"{payload}A.{signature}", datetime.now(UTC))


def test_withdrawing_closes_every_link(installation: Settings) -> None:
    token = make_link(installation, (), DAY, "ada")
    assert withdraw_links(installation)
    assert not withdraw_links(installation)
    with pytest.raises(RefusedError, match="withdrawn"):
        open_link(installation, token, datetime.now(UTC))


def test_making_a_link_is_recorded_and_bounded(installation: Settings) -> None:
    make_link(installation, ("NORTH",), DAY, "ada")
    record = AuditLog(installation.at(installation.state_file)).records(1)[0]
    assert (record["action"], record["actor"], record["filters"]) == ("BOARD_LINK", "ada", "site=NORTH")
    with pytest.raises(RefusedError, match="NORTH, SOUTH"):
        make_link(installation, ("EAST",), DAY, "ada")
    with pytest.raises(RefusedError, match="366 days"):
        make_link(installation, (), 400 * DAY, "ada")
