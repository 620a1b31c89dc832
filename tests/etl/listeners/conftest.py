"""A real `radpulse listen` process to send to, and certificates to send with."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from etl.landing import SEALED, Frame, frames, recover
from etl.settings import Feed, Settings, load_settings
from etl.staging import make_key

TOML = """\
[[sites]]
code = "NORTH"
name = "North"
zone = "America/New_York"

[[feeds]]
key = "f"
kind = "{kind}"
site = "NORTH"
path = "landing"
listen = {listen}
"""


def free_port() -> int:
    """A port nobody listens on, for both TCP and UDP."""
    with socket.socket() as tcp:
        tcp.bind(("127.0.0.1", 0))
        return int(tcp.getsockname()[1])


@dataclass
class Listening:
    """An installation with one listening feed; `start` and `kill` as often as a test likes."""

    folder: Path
    kind: str
    listen: str
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        listen = self.listen.replace("PORT", str(self.port))
        (self.folder / "radpulse.toml").write_text(TOML.format(kind=self.kind, listen=listen))
        make_key(self.folder / "pseudonym.key")

    @property
    def settings(self) -> Settings:
        return load_settings(self.folder / "radpulse.toml")

    @property
    def feed(self) -> Feed:
        return self.settings.feeds[0]

    def start(self, *, wait: bool = True) -> Listening:
        script = "from etl.cli import main; main()"
        arguments = [sys.executable, "-c", script, "listen", "--config", str(self.folder / "radpulse.toml")]
        with (self.folder / "stderr.txt").open("ab") as errors:
            self.process = subprocess.Popen(arguments, stderr=errors)
        if wait:
            self.wait()
        return self

    def wait(self) -> None:
        log = self.folder / "radpulse.log.jsonl"
        seen = log.stat().st_size if log.exists() else 0
        for _ in range(1500):
            assert self.process is not None
            assert self.process.poll() is None, (self.folder / "stderr.txt").read_text()
            if log.exists() and '"listening"' in log.read_text()[seen:]:
                return
            time.sleep(0.01)
        raise AssertionError("the listener did not come up within 15 s")

    def forked(self) -> Forked:
        """A parent that has everything imported and forks listener processes: starting one takes no time."""
        return Forked(self)

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(15)
        self.process = None
        return code

    def landed(self) -> list[Frame]:
        """All frames, once the process is gone."""
        landing = self.folder / "landing"
        recover(landing)
        return [frame for path in sorted(landing.glob(f"*{SEALED}")) for frame in frames(path)]

    def log(self) -> str:
        return (self.folder / "radpulse.log.jsonl").read_text()

    def connect(self, timeout: float = 10) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)


FORKING = """
import os, sys
from pathlib import Path
from etl.listeners import listening, run_listeners
from etl.logs import configure_logs
from etl.settings import load_settings
settings = load_settings(Path(sys.argv[1]))
for line in sys.stdin:
    child = os.fork()
    if not child:
        configure_logs(settings.at(settings.log_file))
        run_listeners(settings, listening(settings))
        os._exit(0)
    print(child, flush=True)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""


class Forked:
    """Starts and kills listener processes a few times a second; what runs in them is what `radpulse listen` runs."""

    def __init__(self, server: Listening) -> None:
        arguments = [sys.executable, "-c", FORKING, str(server.folder / "radpulse.toml")]
        self._parent = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def _line(self) -> str:
        assert self._parent.stdout is not None
        return self._parent.stdout.readline().strip()

    def start(self) -> None:
        assert self._parent.stdin is not None
        self._parent.stdin.write("\n")
        self._parent.stdin.flush()
        self._child = int(self._line())

    def kill(self) -> None:
        os.kill(self._child, signal.SIGKILL)
        assert self._line() == "gone"

    def close(self) -> None:
        assert self._parent.stdin is not None
        self._parent.stdin.close()
        self._parent.wait(10)


Start = Callable[..., Listening]


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Start]:
    """Starts a listener of a kind with the inline TOML of `listen` (PORT is filled in); stopped at the end."""
    started: list[Listening] = []

    def start(listen: str, kind: str = "hl7v2", *, run: bool = True, folder: Path = tmp_path) -> Listening:
        folder.mkdir(exist_ok=True)
        made = Listening(folder, kind, listen)
        started.append(made)
        return made.start() if run else made

    yield start
    for made in started:
        if made.process is not None:
            with contextlib.suppress(ProcessLookupError):
                made.process.kill()
            made.process.wait(15)


@dataclass(frozen=True)
class Certificates:
    """An authority, certificates it signed for server and client, and a client's of another authority."""

    folder: Path

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def client(self, name: str | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.path("ca.pem"))
        if name:
            context.load_cert_chain(self.path(f"{name}.pem"), self.path(f"{name}.key"))
        return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _signed(
    folder: Path, name: str, issuer: tuple[x509.Name, ec.EllipticCurvePrivateKey] | None, usage: x509.ObjectIdentifier
) -> tuple[x509.Name, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    by_name, by_key = issuer or (_name(name), key)
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(by_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by_key.public_key()), critical=False)
    )
    if issuer is None:
        flags = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
             "decipher_only"), False,
        )  # fmt: skip
        usages = x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **flags)
        built = built.add_extension(usages, critical=True)
    else:
        built = built.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    certificate = built.sign(by_key, hashes.SHA256())
    (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / f"{name}.key").write_bytes(private)
    (folder / f"{name}.key").chmod(0o600)
    return _name(name), key


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates valid for a day."""
    folder = tmp_path_factory.mktemp("certificates")
    server, client = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
    authority = _signed(folder, "ca", None, server)
    _signed(folder, "server", authority, server)
    _signed(folder, "client", authority, client)
    stranger = _signed(folder, "other-ca", None, server)
    _signed(folder, "stranger", stranger, client)
    return Certificates(folder)
