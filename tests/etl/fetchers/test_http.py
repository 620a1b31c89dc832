"""The HTTP client: what it tries again, what it bounds, what it never says."""

from __future__ import annotations

import datetime as dt
import json
import logging
import ssl
import time
from collections.abc import Callable
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from etl.errors import ConfigurationError, PeerError
from etl.fetchers import http as http_module
from etl.fetchers.http import Peer, RefusalError
from tests.etl.fetchers.conftest import (
    Answer,
    App,
    Request,
    Server,
    broken_off,
    drip,
    half,
    installation,
    status,
    web_feed,
    web_page,
)

Serve = Callable[[App], Server]
SECRET_QUERY = [("PatientID", "PAT123456")]


def hello(request: Request) -> Answer:
    return Answer(body=b'{"hello": "radiology"}')


def ask(folder: Path, url: str, path: str = "x", **options: Any) -> Any:
    feed = web_feed("qido", "dicomweb", url, **options)
    with Peer(feed, installation(folder, feed), feed.fetch or {}) as peer:
        return peer.json(path, SECRET_QUERY, accept="application/json", what="a greeting")[0]


@pytest.mark.parametrize("fault", [status(429), status(502), status(503), status(504), broken_off])
def test_what_passes_is_tried_again(serve: Serve, tmp_path: Path, fault: Any) -> None:
    server = serve(hello)
    server.faults = [fault, fault]
    assert ask(tmp_path, server.url) == {"hello": "radiology"}
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "fault", [status(400), status(401), status(403), status(404), status(500), status(501), half, web_page]
)
def test_what_does_not_pass_is_said_at_once(serve: Serve, tmp_path: Path, fault: Any) -> None:
    server = serve(hello)
    server.faults = [fault]
    with pytest.raises(PeerError):
        ask(tmp_path, server.url)
    assert len(server.requests) == 1


def test_a_peer_that_stays_away_is_given_up_after_the_configured_tries(serve: Serve, tmp_path: Path) -> None:
    server = serve(hello)
    server.always = status(503)
    with pytest.raises(PeerError, match="tried 3 times"):
        ask(tmp_path, server.url, tries=3)
    assert len(server.requests) == 3


def test_nobody_listening_is_a_peer_error(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match="ConnectError"):
        ask(tmp_path, "http://127.0.0.1:9", tries=2)


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_honoured_in_both_forms(serve: Serve, tmp_path: Path, as_date: bool) -> None:
    server = serve(hello)
    until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2)
    server.faults = [status(429, Retry_After=format_datetime(until, usegmt=True) if as_date else "1")]
    begun = time.monotonic()
    ask(tmp_path, server.url)
    assert time.monotonic() - begun >= 0.9


def test_a_wait_beyond_reason_is_left_to_the_next_fetch(serve: Serve, tmp_path: Path) -> None:
    server = serve(hello)
    server.faults = [status(429, Retry_After="86400")]
    begun = time.monotonic()
    with pytest.raises(PeerError, match="429"):
        ask(tmp_path, server.url)
    assert time.monotonic() - begun < 2


def test_a_dripping_answer_ends_at_its_time_limit_though_every_byte_is_in_time(serve: Serve, tmp_path: Path) -> None:
    server = serve(hello)
    server.always = drip
    begun = time.monotonic()
    with pytest.raises(PeerError, match=r"took more than 0\.4 s"):
        ask(tmp_path, server.url, answer_s=0.4)
    assert time.monotonic() - begun < 1.5


def test_a_silent_peer_ends_at_the_read_timeout(serve: Serve, tmp_path: Path) -> None:
    def silent(request: Request) -> Answer:
        time.sleep(0.6)
        return Answer()

    with pytest.raises(PeerError, match="ReadTimeout"):
        ask(tmp_path, serve(silent).url, timeout_s=0.2, tries=1)


def test_an_endless_answer_ends_at_its_byte_limit(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_module, "LONGEST_PAYLOAD", 100_000)
    with pytest.raises(PeerError, match="more than 100000 bytes"):
        ask(tmp_path, serve(lambda request: Answer(body=b" " * 5_000_000)).url)


def test_redirects_stay_within_the_origin(serve: Serve, tmp_path: Path) -> None:
    other = serve(hello)

    def moving(request: Request) -> Answer:
        target = {"/away": f"{other.url}/x", "/loop": "/loop", "/near": "/x"}.get(request.path)
        return Answer(302, headers={"Location": target}) if target else hello(request)

    server = serve(moving)
    assert ask(tmp_path, server.url, "near") == {"hello": "radiology"}
    with pytest.raises(PeerError, match="another origin"):
        ask(tmp_path, server.url, "away")
    with pytest.raises(PeerError, match="redirects"):
        ask(tmp_path, server.url, "loop")
    assert other.requests == []


def test_no_identifier_and_no_secret_is_in_messages_or_logs(
    serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "token").write_text("very-secret-token")
    (tmp_path / "token").chmod(0o600)
    auth = {"kind": "bearer", "token": "file:token"}
    messages = []
    for fault in (status(404), status(503), half, web_page):
        server = serve(hello)
        server.always = fault
        with pytest.raises(PeerError) as failed:
            ask(tmp_path, server.url, "studies/1.2.3.4", auth=auth, tries=2)
        assert server.requests[0].headers["Authorization"] == "Bearer very-secret-token"
        messages.append(str(failed.value))
    said = "\n".join([*messages, caplog.text, *capsys.readouterr()])
    assert not [word for word in ("PAT123456", "1.2.3.4", "very-secret", "Please log in", "radiology") if word in said]


def test_basic_and_no_authorization(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(hello)
    monkeypatch.setenv("PACS_PASSWORD", "p:w")
    ask(tmp_path, server.url, auth={"kind": "basic", "user": "u", "password": "env:PACS_PASSWORD"})
    ask(tmp_path, server.url)
    assert server.requests[0].headers["Authorization"] == "Basic dTpwOnc="
    assert "Authorization" not in server.requests[1].headers


@pytest.mark.parametrize(
    "options",
    [
        {"url": "http://user:word@127.0.0.1/"},
        {"proxy": "http://user:word@127.0.0.1/"},
        {"url": "ftp://127.0.0.1/"},
        {"url": ""},
        {"url": "http://pacs.example/", "auth": {"kind": "bearer", "token": "env:T"}},  # no TLS
        {"auth": {"kind": "basic", "user": "u"}},
        {"auth": {"kind": "bearer", "token": "the-token-itself"}},
        {"auth": {"kind": "kerberos"}},
        {"auth": {"kind": "bearer", "token": "env:T", "colour": "red"}},
        {"auth": {"kind": "smart_backend", "client_id": "c", "key": "env:K", "algorithm": "HS256"}},
        {"tries": 0},
        {"timeout_s": "long"},
        {"ca": "no-such-file.pem"},
    ],
)
def test_settings_a_person_must_mend_are_said(tmp_path: Path, options: dict[str, Any]) -> None:
    options = {"url": "http://127.0.0.1:9/"} | options
    with pytest.raises(ConfigurationError):
        ask(tmp_path, options.pop("url"), **options)


def key_pair(algorithm: str) -> tuple[bytes, Any]:
    """A private key as PEM, and its public key."""
    key = rsa.generate_private_key(65537, 2048) if algorithm == "RS384" else ec.generate_private_key(ec.SECP384R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem, key.public_key()


class TokenServer:
    """An OAuth 2.0 token endpoint beside a resource that wants its tokens; it checks what SMART asks a server to."""

    def __init__(self, public: Any, algorithm: str) -> None:
        self.public, self.algorithm = public, algorithm
        self.url = ""
        self.granted: list[str] = []
        self.assertions: set[str] = set()
        self.life_s = 300
        self.faults: list[int] = []

    def __call__(self, request: Request) -> Answer:
        if request.path == "/.well-known/smart-configuration":
            return Answer(body=json.dumps({"token_endpoint": f"{self.url}/token"}).encode())
        if request.path == "/token":
            return self.token(request)
        allowed = request.headers.get("Authorization", "").removeprefix("Bearer ") in self.granted[-1:]
        return hello(request) if allowed else Answer(401, "text/plain", b"")

    def token(self, request: Request) -> Answer:
        if self.faults:
            return Answer(self.faults.pop(0))
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        assert form["grant_type"] == "client_credentials"
        if "client_assertion" not in form:
            if request.headers.get("Authorization") != "Basic Y2xpZW50OnMzY3JldA==":  # client:s3cret
                return Answer(401, body=b'{"error": "invalid_client"}')
        elif not self.is_signed(form):
            return Answer(400, body=b'{"error": "invalid_client"}')
        self.granted.append(f"token-{len(self.granted)}")
        return Answer(body=json.dumps({"access_token": self.granted[-1], "expires_in": self.life_s}).encode())

    def is_signed(self, form: dict[str, str]) -> bool:
        assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        assert form["scope"] == "system/*.rs"
        try:
            claims = jwt.decode(
                form["client_assertion"], self.public, [self.algorithm], audience=f"{self.url}/token", issuer="client",
                options={"require": ["exp", "jti", "sub", "iss", "aud"]},
            )  # fmt: skip
        except jwt.PyJWTError:
            return False
        fresh = claims["jti"] not in self.assertions
        self.assertions.add(claims["jti"])
        return fresh and claims["sub"] == "client" and claims["exp"] - time.time() <= 300


@pytest.fixture(params=["RS384", "ES384"])
def smart(request: pytest.FixtureRequest, serve: Serve, tmp_path: Path) -> tuple[TokenServer, dict[str, Any]]:
    """A token server that knows our public key, and the auth option with the private one."""
    pem, public = key_pair(request.param)
    (tmp_path / "smart.pem").write_bytes(pem)
    (tmp_path / "smart.pem").chmod(0o600)
    found = TokenServer(public, request.param)
    found.url = serve(found).url
    auth = {"kind": "smart_backend", "client_id": "client", "key": "file:smart.pem", "algorithm": request.param,
            "scope": "system/*.rs", "kid": "k1"}  # fmt: skip
    return found, auth


def test_smart_backend_client_proves_itself_by_its_signature(
    smart: tuple[TokenServer, dict[str, Any]], tmp_path: Path
) -> None:
    server, auth = smart
    assert ask(tmp_path, server.url, auth=auth) == {"hello": "radiology"}
    assert ask(tmp_path, server.url, auth=auth | {"token_url": f"{server.url}/token"}) == {"hello": "radiology"}
    assert len(server.granted) == len(server.assertions) == 2


def test_a_key_the_server_does_not_know_is_refused(smart: tuple[TokenServer, dict[str, Any]], tmp_path: Path) -> None:
    server, auth = smart
    (tmp_path / "smart.pem").write_bytes(key_pair(server.algorithm)[0])
    with pytest.raises(PeerError, match="400: no token"):
        ask(tmp_path, server.url, auth=auth)


def test_a_file_that_is_no_key_is_a_settings_error(smart: tuple[TokenServer, dict[str, Any]], tmp_path: Path) -> None:
    server, auth = smart
    (tmp_path / "smart.pem").write_text("no key")
    with pytest.raises(ConfigurationError, match="no private key"):
        ask(tmp_path, server.url, auth=auth)


def test_a_token_is_kept_renewed_when_it_ends_and_once_when_it_is_not_taken(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIENT_SECRET", "s3cret")
    server = TokenServer(None, "")
    server.url = serve(server).url
    auth = {"kind": "client_credentials", "client_id": "client", "client_secret": "env:CLIENT_SECRET",
            "token_url": f"{server.url}/token"}  # fmt: skip
    feed = web_feed("qido", "dicomweb", server.url, auth=auth)
    with Peer(feed, installation(tmp_path, feed), feed.fetch or {}) as peer:
        for _ in range(3):
            peer.json("x", accept="*/*", what="it")
        assert len(server.granted) == 1
        server.granted.append("revoked meanwhile")
        peer.json("x", accept="*/*", what="it")
        assert len(server.granted) == 3
    server.faults = [503]
    assert ask(tmp_path, server.url, auth=auth) == {"hello": "radiology"}
    monkeypatch.setenv("CLIENT_SECRET", "wrong")
    with pytest.raises(PeerError, match="401: no token"):
        ask(tmp_path, server.url, auth=auth)


def test_a_resource_that_never_takes_the_token_is_asked_twice_and_no_more(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    (tmp_path / "token").chmod(0o600)
    server = serve(lambda request: Answer(401))
    with pytest.raises(RefusalError):
        ask(tmp_path, server.url, auth={"kind": "bearer", "token": "file:token"})
    assert len(server.requests) == 1


def certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate of localhost and its key, as PEM files."""
    from ipaddress import ip_address

    from cryptography import x509

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "cert.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(pem)
    return folder / "cert.pem", folder / "key.pem"


def test_a_certificate_is_trusted_only_by_the_configured_authority(serve: Serve, tmp_path: Path) -> None:
    server = serve(hello)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(tmp_path))
    server._http.socket = context.wrap_socket(server._http.socket, server_side=True)
    url = server.url.replace("http:", "https:")
    with pytest.raises(PeerError, match="not trusted"):
        ask(tmp_path, url)
    assert ask(tmp_path, url, ca="cert.pem") == {"hello": "radiology"}
