"""Peers of the fetchers' tests: a real Orthanc with its DICOMweb plugin, and a server that misbehaves on purpose."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from etl.settings import Feed, Settings, Site

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus"


@dataclass
class Request:
    """What a client sent."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    """What a server says; `drip_s` is a pause between single bytes, `cut` ends the connection after so many."""

    status: int = 200
    content_type: str = "application/json"
    body: bytes = b"[]"
    headers: dict[str, str] = field(default_factory=dict)
    drip_s: float = 0.0
    cut: int | None = None


App = Callable[[Request], Answer]
Fault = Callable[[Request, Answer], Answer]


class Server:
    """Answers with `app`; each fault of `faults` spoils one answer, in order (None: leaves it whole)."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.faults: list[Fault | None] = []
        self.always: Fault | None = None
        self.requests: list[Request] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                request = Request(self.command, parts.path, parse_qs(parts.query), dict(self.headers), body)
                server.requests.append(request)
                server._send(self, server._answer(request))

            do_GET = do_POST = _serve  # noqa: N815 - names http.server looks for

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def _answer(self, request: Request) -> Answer:
        answer = self.app(request)
        fault = self.faults.pop(0) if self.faults else self.always
        return fault(request, answer) if fault else answer

    def _send(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        handler.send_response(answer.status)
        handler.send_header("Content-Type", answer.content_type)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        try:
            if answer.drip_s:
                for byte in answer.body:
                    handler.wfile.write(bytes([byte]))
                    handler.wfile.flush()
                    time.sleep(answer.drip_s)
            handler.wfile.write(answer.body[: answer.cut] if not answer.drip_s else b"")
        except OSError:
            handler.close_connection = True
        if answer.cut is not None:
            handler.close_connection = True

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[[App], Server]]:
    """Starts servers on free ports and stops them."""
    servers: list[Server] = []

    def start(app: App) -> Server:
        servers.append(Server(app))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def status(code: int, **headers: str) -> Fault:
    """Answers with a status instead."""
    return lambda request, answer: Answer(
        code, "text/plain", b"no", {k.replace("_", "-"): v for k, v in headers.items()}
    )


def half(request: Request, answer: Answer) -> Answer:
    """Sends the first half of the body as if it were all."""
    return Answer(answer.status, answer.content_type, answer.body[: len(answer.body) // 2], answer.headers)


def broken_off(request: Request, answer: Answer) -> Answer:
    """Ends the connection in the middle of the body."""
    return Answer(answer.status, answer.content_type, answer.body, answer.headers, cut=len(answer.body) // 2)


def web_page(request: Request, answer: Answer) -> Answer:
    """Sends a login page with status 200, as portals do."""
    return Answer(200, "text/html", b"<html>Please log in</html>")


def drip(request: Request, answer: Answer) -> Answer:
    """Sends a byte every 50 ms, each within any read timeout."""
    return Answer(answer.status, answer.content_type, answer.body, answer.headers, drip_s=0.05)


def installation(folder: Path, *feeds: Feed) -> Settings:
    """Settings of one site in New York with these feeds."""
    return Settings(base=folder, sites=(Site(code="S", name="S", zone="America/New_York"),), feeds=feeds)


def web_feed(kind: str, source: str, url: str, **fetch: Any) -> Feed:
    """A feed fetched over HTTP, with hardly any wait between tries."""
    options = {"kind": kind, "url": url, "retry_wait_s": 0.01, "timeout_s": 2.0} | fetch
    return Feed(key="web", kind=source, site="S", path=Path("landing"), fetch=options)


@dataclass(frozen=True)
class Orthanc:
    """A running Orthanc: its REST root."""

    root: str

    @property
    def dicomweb(self) -> str:
        return f"{self.root}/dicom-web"

    def store(self, data: bytes) -> None:
        request = urllib.request.Request(f"{self.root}/instances", data=data)  # noqa: S310 - our own loopback server
        urllib.request.urlopen(request).read()  # noqa: S310

    def clear(self) -> None:
        for study in json.loads(urllib.request.urlopen(f"{self.root}/studies").read()):  # noqa: S310
            request = urllib.request.Request(f"{self.root}/studies/{study}", method="DELETE")  # noqa: S310
            urllib.request.urlopen(request).read()  # noqa: S310

    def app(self, request: Request) -> Answer:
        """Forwards what `Server` gets, so that faults can be put between."""
        query = "&".join(f"{name}={value}" for name, values in request.query.items() for value in values)
        url = f"{self.root}{request.path}?{query}"
        sent = urllib.request.Request(url, headers={"Accept": request.headers.get("Accept", "*/*")})  # noqa: S310
        try:
            with urllib.request.urlopen(sent) as response:  # noqa: S310
                return Answer(response.status, response.headers.get("Content-Type", ""), response.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, "text/plain", b"")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def orthanc_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """An Orthanc of our own with the DICOMweb plugin."""
    program = shutil.which("Orthanc")
    if program is None or not PLUGIN.exists():
        pytest.skip("Orthanc with its DICOMweb plugin is not installed (Debian: orthanc, orthanc-dicomweb)")
    folder, port = tmp_path_factory.mktemp("orthanc"), free_port()
    settings = {
        "StorageDirectory": str(folder / "db"), "IndexDirectory": str(folder / "db"), "HttpPort": port,
        "DicomServerEnabled": False, "RemoteAccessAllowed": False, "AuthenticationEnabled": False,
        "Plugins": [str(PLUGIN)], "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }  # fmt: skip
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, str(folder / "orthanc.json")], stdout=log, stderr=log)
    found = Orthanc(f"http://127.0.0.1:{port}")
    _wait_for(f"{found.root}/system", process)
    yield found
    process.terminate()
    process.wait(10)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(url).read()  # noqa: S310
            return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.05)
    pytest.fail("Orthanc did not start")


@pytest.fixture
def orthanc(orthanc_server: Orthanc) -> Orthanc:
    """The Orthanc, empty."""
    orthanc_server.clear()
    return orthanc_server
