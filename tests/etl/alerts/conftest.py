"""Real receivers of messages (HTTP and SMTP on this machine), and installations with an alert file."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from etl.settings import Scanner, Settings, Site

Install = Callable[[str], Settings]


class Receiver(ThreadingHTTPServer):
    """Takes apprise's json:// messages; answers with `status` and keeps what it took."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hook)
        self.status = 200
        self.taken: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        """The address as apprise writes it."""
        return f"json://127.0.0.1:{self.server_port}/hook"


class _Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        server = self.server
        assert isinstance(server, Receiver)
        if server.status == 200:
            server.taken.append(body)
        self.send_response(server.status)
        if server.status == 302:
            self.send_header("location", f"http://127.0.0.1:{server.server_port}/elsewhere")
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An HTTP receiver on a free port."""
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def mailbox() -> Iterator[tuple[int, list[str]]]:
    """An SMTP server on a free port, and the messages it took."""
    loop = asyncio.new_event_loop()
    mails: list[str] = []
    server = loop.run_until_complete(asyncio.start_server(lambda r, w: _smtp(r, w, mails), "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield server.sockets[0].getsockname()[1], mails
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    server.close()
    loop.close()


async def _smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, mails: list[str]) -> None:
    """Speak as much of RFC 5321 as a sender needs."""
    writer.write(b"220 test\r\n")
    while line := (await reader.readline()).decode().strip():
        verb = line.split()[0].upper()
        if verb == "DATA":
            writer.write(b"354 go on\r\n")
            mail = []
            while (part := (await reader.readline()).decode()) != ".\r\n":
                mail.append(part)
            mails.append("".join(mail))
        writer.write(b"221 bye\r\n" if verb == "QUIT" else b"250 ok\r\n")
        await writer.drain()
        if verb == "QUIT":
            break
    writer.close()


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Make an installation of two sites with this alert file."""

    def made(toml: str) -> Settings:
        (tmp_path / "alerts.toml").write_text(toml, encoding="utf-8")
        return Settings(
            base=tmp_path,
            sites=(
                Site(code="LON", name="London", zone="Europe/London"),
                Site(code="NYC", name="New York", zone="America/New_York"),
            ),
            scanners=(Scanner(code="NCT1", site="NYC", modality="CT", name="CT 1"),),
        )

    return made
