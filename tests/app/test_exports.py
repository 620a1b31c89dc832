"""The export route: once, within a minute, audited, and the same bytes as the command line's."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from app import data, exports
from app.explain import python_text
from app.exports import LIFETIME_S, Part, Ticket, Tickets, export_route
from etl.access import DEMO, Principal, Role
from etl.exports import export_file
from etl.kpis import Query, compute
from etl.kpis.export import to_csv
from etl.settings import load_settings
from etl.state import AuditLog
from etl.warehouse.engine import reader_engine

QUERY = Query("report_tat", date(2026, 11, 1), date(2026, 11, 24), ("modality", "day"), {"site": ("NORTH",)})
TICKET = Ticket(DEMO, QUERY, "v1", "csv")


class Clock:
    """A clock that moves when told."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tickets(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Tickets:
    store = Tickets(clock)
    monkeypatch.setattr(exports, "TICKETS", store)
    return store


@pytest.fixture
def client(config: Path, tickets: Tickets, client_of: Callable[[Any], Any]) -> Any:
    return client_of(Starlette(routes=[Route("/exports/{token}", export_route, methods=["GET"])]))


def _audit(config: Path) -> AuditLog:
    settings = load_settings(config)
    return AuditLog(settings.at(settings.state_file))


def test_bytes_equal_to_csv_and_the_command_lines_file(
    client: Any, tickets: Tickets, config: Path, tmp_path: Path
) -> None:
    got = client.get(f"/exports/{tickets.issue(TICKET)}")
    settings = load_settings(config)
    direct = to_csv(compute(reader_engine(settings), QUERY, DEMO))
    export_file(settings, QUERY, "analyst", tmp_path / "out.csv", bom=False)
    assert got.status_code == 200
    assert got.content == direct.csv == (tmp_path / "out.csv").read_bytes()
    assert got.content.count(b"\r\n") > 20


def test_byte_order_mark_only_when_asked(client: Any, tickets: Tickets) -> None:
    plain = client.get(f"/exports/{tickets.issue(TICKET)}").content
    marked = client.get(f"/exports/{tickets.issue(replace(TICKET, bom=True))}").content
    assert marked == b"\xef\xbb\xbf" + plain


def test_description_comes_as_its_own_file(client: Any, tickets: Tickets) -> None:
    got = client.get(f"/exports/{tickets.issue(replace(TICKET, part='about'))}")
    assert got.json()["kpi_id"] == "T16"
    assert got.json()["filters"] == {"site": ["NORTH"]}
    assert "radpulse_report_tat_2026-11-01_2026-11-24.about.json" in got.headers["content-disposition"]


def test_second_use_is_refused_and_recorded(client: Any, tickets: Tickets, config: Path) -> None:
    token = tickets.issue(TICKET)
    assert client.get(f"/exports/{token}").status_code == 200
    again = client.get(f"/exports/{token}")
    assert again.status_code == 410
    assert "works once" in again.text
    assert _audit(config).records(1)[0]["action"] == "EXPORT_DENIED"


@pytest.mark.parametrize(("waited", "status"), [(LIFETIME_S - 0.01, 200), (LIFETIME_S, 410)])
def test_link_lives_one_minute(client: Any, tickets: Tickets, clock: Clock, waited: float, status: int) -> None:
    token = tickets.issue(TICKET)
    clock.now += waited
    assert client.get(f"/exports/{token}").status_code == status


def test_unknown_token_is_not_found_and_leaves_no_record(client: Any, config: Path) -> None:
    before = len(_audit(config).records(10_000))
    assert client.get("/exports/guessed").status_code == 404
    assert len(_audit(config).records(10_000)) == before


def test_audit_record_names_who_what_and_the_fingerprint(client: Any, tickets: Tickets, config: Path) -> None:
    got = client.get(f"/exports/{tickets.issue(TICKET)}")
    log = _audit(config)
    record = log.records(1)[0]
    assert record["id"] == got.headers["x-audit-record"]
    assert record["sha256"] == hashlib.sha256(got.content).hexdigest()
    assert (record["actor"], record["role"], record["action"]) == ("demo", "analyst", "EXPORT")
    assert "report_tat" in record["object"]
    assert "site=NORTH" in record["filters"]
    assert record["rows"] == got.content.count(b"\r\n") - 1
    assert log.verify() > 0


def test_nothing_is_sent_when_the_audit_cannot_be_written(
    client: Any, tickets: Tickets, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_kw: object) -> str:
        raise OSError("disk full")

    monkeypatch.setattr(AuditLog, "record", broken)
    with pytest.raises(OSError, match="disk full"):
        client.get(f"/exports/{tickets.issue(TICKET)}")


def test_head_request_does_not_use_the_link_up(client: Any, tickets: Tickets) -> None:
    token = tickets.issue(TICKET)
    assert client.ask("HEAD", f"/exports/{token}").status_code == 405
    assert client.get(f"/exports/{token}").status_code == 200


def test_other_sites_cannot_open_a_link(client: Any, tickets: Tickets) -> None:
    token = tickets.issue(TICKET)
    assert client.get(f"/exports/{token}", sec_fetch_site="cross-site").status_code == 403
    assert client.get(f"/exports/{token}", sec_fetch_site="same-origin").status_code == 200


def test_newer_data_refuses_the_file_instead_of_differing_from_the_screen(client: Any, tickets: Tickets) -> None:
    got = client.get(f"/exports/{tickets.issue(replace(TICKET, data_version='v0'))}")
    assert got.status_code == 422
    assert "newer data was published" in got.text


def test_role_without_data_gets_no_file(client: Any, tickets: Tickets, config: Path) -> None:
    admin = Principal("root", Role.ADMIN)
    got = client.get(f"/exports/{tickets.issue(replace(TICKET, principal=admin))}")
    assert got.status_code == 422
    assert _audit(config).records(1)[0]["actor"] == "root"
    assert _audit(config).records(1)[0]["outcome"] == 4


def test_export_equals_the_screens_result(config: Path) -> None:
    who = data.Asker(DEMO, "v1")
    shown = data.ask(who, QUERY)
    assert to_csv(shown).csv == to_csv(data.exported(DEMO, "v1", QUERY)).csv


@pytest.mark.parametrize("part", ["csv", "xlsx", "parquet"])
def test_every_format_equals_the_command_lines_file(
    client: Any, tickets: Tickets, config: Path, tmp_path: Path, part: Part
) -> None:
    got = client.get(f"/exports/{tickets.issue(replace(TICKET, part=part))}")
    output = tmp_path / f"out.{part}"
    export_file(load_settings(config), QUERY, "analyst", output, bom=False)
    assert got.content == output.read_bytes()
    assert got.headers["content-disposition"].endswith(f'.{part}"')


def test_the_python_text_asks_the_same_question(config: Path) -> None:
    told: dict[str, Any] = {}
    exec(python_text(QUERY), told)  # noqa: S102 - our own text: what the screen offers must run
    pd.testing.assert_frame_equal(told["frame"], data.exported(DEMO, "v1", QUERY).frame)


def test_forgotten_tokens_do_not_pile_up(clock: Clock) -> None:
    store = Tickets(clock)
    first = store.issue(TICKET)
    clock.now += 2 * LIFETIME_S + 1
    store.issue(TICKET)
    assert store.redeem(first) == (None, False)
