"""Sends syslog messages to another system over TCP (RFC 6587, octet counting) or TLS (RFC 5425)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from etl.errors import ConfigurationError, PeerError

TIMEOUT_S = 30.0
PORT = 6514  # RFC 5425


@dataclass(frozen=True, slots=True)
class SyslogPeer:
    """Where to send; `tls_ca` (PEM) turns TLS on, `tls_cert` and `tls_key` show who we are."""

    host: str
    port: int = PORT
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def send(self, messages: Iterable[bytes]) -> None:
        """Send all and wait until the peer has closed its side; raises PeerError, ConfigurationError.

        Syslog has no acknowledgement: after a failure nobody knows how many arrived. Sending a span again is safe
        for a reader that drops repeated events, as ours does.
        """
        context = self._context()
        try:
            with socket.create_connection((self.host, self.port), timeout=TIMEOUT_S) as raw:
                connection = context.wrap_socket(raw, server_hostname=self.host) if context else raw
                for message in messages:
                    connection.sendall(b"%d %s" % (len(message), message))
                _finish(connection)
        except OSError as error:
            raise PeerError(f"syslog peer {self.host}:{self.port}: {error.strerror or error}") from error

    def _context(self) -> ssl.SSLContext | None:
        if self.tls_ca is None:
            return None
        try:
            context = ssl.create_default_context(cafile=self.tls_ca)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if self.tls_cert:
                context.load_cert_chain(self.tls_cert, self.tls_key)
        except OSError as error:
            raise ConfigurationError(f"TLS to {self.host}:{self.port}: {error.strerror or error}") from error
        return context


def _finish(connection: socket.socket) -> None:
    """Say that no more comes and wait for the peer's close: what it read before that has arrived."""
    if isinstance(connection, ssl.SSLSocket):
        with suppress(OSError):
            connection.unwrap()
        return
    connection.shutdown(socket.SHUT_WR)
    with suppress(TimeoutError):
        while connection.recv(4096):
            pass


def peer_of(address: str) -> tuple[str, int]:
    """Return host and port of ``host:port`` or ``host``; raises ConfigurationError."""
    host, colon, port = address.rpartition(":")
    if not colon:
        return address, PORT
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ConfigurationError(f"{address!r} is not host:port")
    return host.strip("[]"), int(port)
