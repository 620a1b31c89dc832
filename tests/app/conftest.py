"""Fixtures: the synthetic installation, and the app's configuration pointing at it."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from starlette.datastructures import Headers


def _load(name: str) -> ModuleType:
    """Load a file beside this one, for the next to import; in importlib mode tests are no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The settings file of the synthetic installation, built once."""
    _load("synthetic")
    _load("synthetic_priors")
    return Path(_load("synthetic_warehouse").build(tmp_path_factory.mktemp("synthetic")))


@pytest.fixture
def config(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, with RADPULSE_CONFIG pointing at it."""
    monkeypatch.setenv("RADPULSE_CONFIG", str(warehouse))
    return warehouse


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status_code: int
    headers: Headers
    content: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode()

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.content)


class Client:
    """Asks an ASGI application without a network or a server."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def get(self, path: str, **headers: str) -> Answer:
        """GET a path; header names use _ for -."""
        return self.ask("GET", path, headers)

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None) -> Answer:
        """Send one request and collect the answer."""
        named = {"host": "localhost"} | {k.replace("_", "-"): v for k, v in (headers or {}).items()}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "state": {},
            "headers": [(k.encode(), v.encode()) for k, v in named.items()],
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 80),
        }
        sent: list[Any] = []

        asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive() -> dict[str, Any]:
            message = next(asked, None)
            if message is None:  # streaming answers listen for the disconnect meanwhile
                await asyncio.Event().wait()
            return message or {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self._app(scope, receive, send))
        start = next(m for m in sent if m["type"] == "http.response.start")
        body = b"".join(m.get("body", b"") for m in sent if m["type"] == "http.response.body")
        return Answer(start["status"], Headers(raw=start["headers"]), body)


@pytest.fixture(scope="session")
def client_of() -> Callable[[Any], Client]:
    """Make a client for an ASGI application."""
    return Client
