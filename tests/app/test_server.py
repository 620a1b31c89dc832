"""The server: headers on everything, closed paths, health, and error pages without values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.runtime.pages_manager import PagesManager

from app import server
from app.headers import content_security_policy, security_headers


@pytest.fixture(scope="module")
def client(warehouse: Path, client_of: Callable[[Any], Any]) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RADPULSE_CONFIG", str(warehouse))
        # without the lifespan: Streamlit's runtime is one a process and other tests need it too
        yield client_of(server.app._build_starlette_app())


@pytest.mark.parametrize("path", ["/", "/healthz", "/exports/none", "/_stcore/agent/openapi.json", "/static/none.js"])
def test_every_answer_carries_the_security_headers(client: Any, path: str) -> None:
    headers = client.get(path).headers
    assert {name: headers.get(name) for name in security_headers()} == security_headers()


def test_policy_allows_no_other_origin_and_no_inline_script() -> None:
    policy = content_security_policy()
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "'unsafe-inline'" not in scripts
    assert "http:" not in policy
    assert "https:" not in policy
    assert "frame-ancestors 'none'" in policy


def test_policy_covers_the_inline_scripts_of_the_served_page(client: Any) -> None:
    page = client.get("/").text
    assert page.count("<script>") == content_security_policy().count("'sha256-")


@pytest.mark.parametrize("path", ["/_stcore/agent/openapi.json", "/_stcore/agent/interact", "/_stcore/agent/mcp"])
def test_agent_paths_are_closed(client: Any, path: str) -> None:
    assert client.get(path).status_code == 404
    assert client.ask("POST", path).status_code == 404


def test_other_host_names_are_refused(client: Any) -> None:
    assert client.get("/healthz", host="evil.example").status_code == 400


def test_health_tells_the_version(client: Any) -> None:
    got = client.get("/healthz")
    assert (got.status_code, got.json()) == (200, {"status": "ok", "data_version": "v1"})


def test_health_is_unready_without_settings(client: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RADPULSE_CONFIG", str(tmp_path / "none.toml"))
    got = client.get("/healthz")
    assert got.status_code == 503
    assert "radpulse init" in got.json()["reason"]


def test_pages_folder_is_never_run_around_the_navigation() -> None:
    assert PagesManager.uses_pages_directory is False


def test_error_page_shows_a_reference_and_no_value(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(server.st, "error", lambda text, icon: shown.append(text))
    assert server.on_script_error(ValueError("patient CANARY-4711")) is True
    assert "reference" in shown[0]
    assert "CANARY" not in shown[0] + caplog.text
    assert shown[0].rsplit(" ", 1)[-1].strip(".") in caplog.text
