"""Listener `syslog`: RFC 5424 messages over UDP (RFC 5426), TCP (RFC 6587) or TLS (RFC 5425).

Syslog has no acknowledgement: what a sender has handed to TCP and this machine has not yet synced is lost when it
dies. Reading stops while a connection's messages are on their way to disk, so that a slow disk slows the senders.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Literal, Self

import structlog
from pydantic import Field, model_validator

from etl.errors import ConfigurationError
from etl.landing import LandingWriter
from etl.listeners.base import options_of
from etl.listeners.commit import GroupCommit
from etl.listeners.syslog_frames import SyslogFrames
from etl.listeners.tcp import Endpoint, endpoint, peer_of, serve_tcp
from etl.settings import Feed, Settings

READ_BYTES = 64 * 1024
GRACE_S = 1.0  # what a sender has handed over and we have not read yet is lost with us: it will not send it again
UDP_BUFFER_BYTES = 8 * 1024**2  # what arrives while we are elsewhere
UDP_WAITING_BYTES = 64 * 1024**2
log = structlog.get_logger()


class SyslogOptions(Endpoint):
    """`transport` names what is opened on the port; certificates are for TCP alone, and then UDP stays shut."""

    transport: frozenset[Literal["tcp", "udp"]] = frozenset({"tcp"})
    idle_s: float = Field(default=600.0, gt=0)  # events are far between at night
    max_bytes: int = Field(default=1024**2, ge=2048, le=16 * 1024**2)

    @model_validator(mode="after")
    def _nothing_in_the_clear(self) -> Self:
        if not self.transport or (self.tls_cert and "udp" in self.transport):
            raise ValueError('transport is ["tcp"], ["udp"] or both; with certificates it is ["tcp"]')
        return self


class Syslog:
    """Lands each message as a frame of its own, whatever its APP-NAME: the source tells them apart."""

    kind = "syslog"
    options = frozenset(SyslogOptions.model_fields)

    async def serve(
        self, feed: Feed, settings: Settings, landing: LandingWriter, ready: asyncio.Event, stopping: asyncio.Event
    ) -> None:
        """Accept until `stopping` is set; raises ConfigurationError for a port or certificate a person must mend."""
        options = endpoint(SyslogOptions, feed, options_of(feed, self))
        async with GroupCommit(landing) as commit:
            inbox = _Inbox(options, feed, commit)
            datagrams = await _open_udp(options, inbox) if "udp" in options.transport else None
            try:
                if "tcp" in options.transport:
                    await serve_tcp(options, settings, inbox.converse, ready, stopping, GRACE_S)
                else:
                    ready.set()
                    await stopping.wait()
            finally:
                if datagrams is not None:
                    datagrams.close()
                await inbox.emptied()


class _Inbox:
    """Takes messages of all transports to the landing."""

    def __init__(self, options: SyslogOptions, feed: Feed, commit: GroupCommit) -> None:
        self._options, self._feed, self._commit = options, feed, commit
        self._datagrams: set[asyncio.Task[None]] = set()
        self._waiting_bytes = 0

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the messages of one connection; one that cannot be cut into messages ends it."""
        cut, peer = SyslogFrames(self._options.max_bytes), peer_of(writer)
        while data := await asyncio.wait_for(reader.read(READ_BYTES), self._options.idle_s):
            await asyncio.gather(*(self._keep(message, peer) for message in cut.feed(data)))
            if cut.broken:
                log.warning("connection cut off", feed=self._feed.key, reason="no end of a message in sight")
                return
        if rest := cut.rest():
            await self._keep(rest, peer)

    def datagram(self, data: bytes, peer: str) -> None:
        """Take a datagram, which is one message; those beyond what can wait for the disk are dropped and logged."""
        if self._waiting_bytes + len(data) > UDP_WAITING_BYTES:
            log.error("datagram dropped", feed=self._feed.key, reason="the disk is too slow")
            return
        self._waiting_bytes += len(data)
        task = asyncio.get_running_loop().create_task(self._keep_datagram(data, peer))
        self._datagrams.add(task)
        task.add_done_callback(self._datagrams.discard)

    async def emptied(self) -> None:
        """Return once the datagrams taken are on disk."""
        await asyncio.gather(*self._datagrams)

    async def _keep_datagram(self, data: bytes, peer: str) -> None:
        try:
            await self._keep(data.rstrip(b"\r\n\0"), peer)
        except OSError:
            return  # said in the log; UDP has nobody to tell
        finally:
            self._waiting_bytes -= len(data)

    async def _keep(self, message: bytes, peer: str) -> None:
        try:
            await self._commit.keep(message, f"application/syslog from {peer}")
        except OSError as error:  # over TCP it ends the connection: a sender that queues will try again
            log.error("message not stored", feed=self._feed.key, error=str(error.strerror))
            raise


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, inbox: _Inbox) -> None:
        self._inbox = inbox

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Hand it on; an empty datagram is nothing."""
        if data:
            self._inbox.datagram(data, addr[0])


async def _open_udp(options: SyslogOptions, inbox: _Inbox) -> asyncio.DatagramTransport:
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(inbox), local_addr=(options.host, options.port)
        )
    except OSError as error:
        where = f"{options.host}:{options.port}/udp"
        raise ConfigurationError(f"cannot listen on {where}: {error.strerror or error}") from error
    opened: socket.socket = transport.get_extra_info("socket")
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UDP_BUFFER_BYTES)
    return transport
