"""A TCP or TLS endpoint for listeners: its settings, its certificates, and how many may talk at once."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar

import structlog
from pydantic import Field, ValidationError, model_validator

from etl.errors import ConfigurationError
from etl.settings import Feed, Part, Settings

HANDSHAKE_S = 10.0
log = structlog.get_logger()

Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Endpoint(Part):
    """Where to listen, by which certificates, and how patient to be.

    `tls_cert` and `tls_key` (PEM) turn TLS on; `tls_ca` asks every sender for a certificate signed by one of its.
    """

    host: str = "127.0.0.1"
    port: int = Field(ge=1, le=65535)
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_ca: Path | None = None
    max_bytes: int = Field(default=16 * 1024**2, ge=1024, le=64 * 1024**2)
    idle_s: float = Field(default=60.0, gt=0)
    max_connections: int = Field(default=500, ge=1)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None) or (self.tls_ca and not self.tls_cert):
            raise ValueError("tls_cert and tls_key belong together, tls_ca needs both")
        return self


_E = TypeVar("_E", bound=Part)


def endpoint(model: type[_E], feed: Feed, given: dict[str, Any]) -> _E:
    """Return a feed's listen options checked; raises ConfigurationError with one line for each bad one."""
    try:
        return model(**given)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc'])) or 'listen'}: {e['msg']}" for e in error.errors()]
        raise ConfigurationError(f"feed {feed.key}: listen: " + "; ".join(lines)) from error


def tls_context(where: Endpoint, settings: Settings) -> ssl.SSLContext | None:
    """Return the server's TLS context (1.2 or newer), None without certificate.

    Raises ConfigurationError for a file that cannot be read or a key that others may read.
    """
    if where.tls_cert is None or where.tls_key is None:
        return None
    cert, key = settings.at(where.tls_cert), settings.at(where.tls_key)
    try:
        if key.stat().st_mode & 0o077:
            raise ConfigurationError(f"{key} may be read by others; run: chmod 600 {key}")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(cert, key)
        if where.tls_ca:
            context.load_verify_locations(settings.at(where.tls_ca))
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as error:  # ssl.SSLError is one
        raise ConfigurationError(f"TLS of port {where.port}: {error.strerror or error} ({cert}, {key})") from error
    return context


async def serve_tcp(
    where: Endpoint,
    settings: Settings,
    converse: Conversation,
    ready: asyncio.Event,
    stopping: asyncio.Event,
    grace_s: float = 0.0,
) -> None:
    """Hold a conversation with everyone who connects until `stopping` is set, and `grace_s` longer with who is there.

    One connection too many is closed at once. Raises ConfigurationError when the port cannot be had.
    """
    crowd = _Crowd(converse, where.max_connections)
    context = tls_context(where, settings)
    handshake_s = min(HANDSHAKE_S, where.idle_s) if context else None
    try:
        server = await asyncio.start_server(
            crowd.meet, where.host, where.port, ssl=context, backlog=256, ssl_handshake_timeout=handshake_s
        )
    except OSError as error:
        raise ConfigurationError(f"cannot listen on {where.host}:{where.port}: {error.strerror or error}") from error
    try:
        ready.set()
        await stopping.wait()
    finally:
        server.close()
        await crowd.leave(grace_s)


class _Crowd:
    """The connections that are open; a conversation that fails ends alone."""

    def __init__(self, converse: Conversation, limit: int) -> None:
        self._converse, self._limit = converse, limit
        self._tasks: set[asyncio.Task[None]] = set()

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hold one conversation and close its connection."""
        if len(self._tasks) >= self._limit:
            log.warning("connection refused", reason="max_connections", count=self._limit)
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio's streams run us in a task of our own
        self._tasks.add(task)
        try:
            await self._converse(reader, writer)
        except (OSError, TimeoutError) as error:
            log.info("connection lost", error=type(error).__name__)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._tasks.discard(task)
            await _close(writer)

    async def leave(self, grace_s: float) -> None:
        """End every conversation, those that go on after `grace_s` where they are."""
        if self._tasks and grace_s:
            await asyncio.wait(self._tasks, timeout=grace_s)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _close(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, TimeoutError):
        writer.close()
        await asyncio.wait_for(writer.wait_closed(), 2.0)


def peer_of(writer: asyncio.StreamWriter) -> str:
    """Return the address a connection comes from."""
    name = writer.get_extra_info("peername")
    return str(name[0]) if name else "unknown"
