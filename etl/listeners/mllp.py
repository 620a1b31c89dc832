"""Listener `mllp`: HL7 v2 over the minimal lower layer protocol, on TCP or TLS (HL7 v2.5.1 appendix C.4.3).

A message is made durable, then acknowledged. Messages that arrive together share an fsync, so one sender's burst
costs the others one turn of the disk. A sender that never finishes, never speaks or never listens is cut off and
delays nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import structlog
from pydantic import Field

from etl.landing import LandingWriter
from etl.listeners.base import options_of
from etl.listeners.commit import GroupCommit
from etl.listeners.mllp_ack import NOT_KEPT, TOO_LONG, Answer, Verdict, acknowledgement, header_of, judged
from etl.listeners.mllp_frames import END, START, Blocks, Cut, TooLongError
from etl.listeners.tcp import Endpoint, endpoint, peer_of, serve_tcp
from etl.settings import Feed, Settings

READ_BYTES = 64 * 1024
LINGER_S = 5.0
log = structlog.get_logger()


class MllpOptions(Endpoint):
    """`message_s` bounds one message from first byte to last, `held_bytes` all unfinished ones together."""

    processing_ids: frozenset[str] = frozenset({"P"})  # HL7 table 0103; T and D are training and debugging
    message_s: float = Field(default=300.0, gt=0)
    held_bytes: int = Field(default=256 * 1024**2, ge=1024**2)


class Mllp:
    """Lands each message as a frame of its own, as it was sent."""

    kind = "mllp"
    options = frozenset(MllpOptions.model_fields)

    async def serve(
        self, feed: Feed, settings: Settings, landing: LandingWriter, ready: asyncio.Event, stopping: asyncio.Event
    ) -> None:
        """Accept until `stopping` is set; raises ConfigurationError for a port or certificate a person must mend."""
        options = endpoint(MllpOptions, feed, options_of(feed, self))
        async with GroupCommit(landing) as commit:
            room = _Room(options, feed, commit)
            await serve_tcp(options, settings, room.converse, ready, stopping)


class _Room:
    """All conversations of a feed, and how much they hold together."""

    def __init__(self, options: MllpOptions, feed: Feed, commit: GroupCommit) -> None:
        self._options, self._feed, self._commit = options, feed, commit
        self._open: dict[asyncio.StreamWriter, Blocks] = {}

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take messages until the sender leaves, is silent for too long or sends one without end."""
        blocks = self._open[writer] = Blocks(self._options.max_bytes)
        try:
            await self._messages(reader, writer, blocks)
        except TooLongError:
            self._note(TOO_LONG)
            await self._send(writer, [acknowledgement(header_of(blocks.head), TOO_LONG)])
            await _linger(reader, writer)
        finally:
            del self._open[writer]

    async def _messages(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, blocks: Blocks) -> None:
        clock = asyncio.get_running_loop().time
        begun_at = clock()
        while data := await self._read(reader, blocks.pending, begun_at + self._options.message_s - clock()):
            cuts = list(blocks.feed(data))
            if cuts:
                begun_at = clock()
                await self._send(writer, await self._answers(cuts, peer_of(writer)))
            elif blocks.pending <= len(data):
                begun_at = clock()
            self._make_room()
        if (rest := blocks.rest()) is not None:
            await self._send(writer, await self._answers([rest], peer_of(writer)))

    async def _read(self, reader: asyncio.StreamReader, pending: int, left_s: float) -> bytes:
        """Return what came, nothing when the sender is gone or has used up its time."""
        patience_s = min(self._options.idle_s, left_s) if pending else self._options.idle_s
        try:
            return await asyncio.wait_for(reader.read(READ_BYTES), max(patience_s, 0.001))
        except TimeoutError:
            return b""

    async def _answers(self, cuts: Iterable[Cut], peer: str) -> list[bytes | None]:
        return list(await asyncio.gather(*(self._answer(cut, peer) for cut in cuts)))

    async def _answer(self, cut: Cut, peer: str) -> bytes | None:
        header, answer = judged(cut.payload, cut.complete, self._options.processing_ids)
        if answer.keep:
            answer = await self._kept(cut, answer, peer)
        self._note(answer)
        return acknowledgement(header, answer)

    async def _kept(self, cut: Cut, answer: Answer, peer: str) -> Answer:
        payload = cut.payload if cut.complete else START + cut.payload  # the source knows a torn one by it
        try:
            await self._commit.keep(payload, f"application/hl7-v2 from {peer}")
        except OSError as error:
            log.error("message not stored", feed=self._feed.key, error=str(error.strerror))
            return NOT_KEPT
        return answer

    async def _send(self, writer: asyncio.StreamWriter, answers: Iterable[bytes | None]) -> None:
        writer.write(b"".join(START + answer + END for answer in answers if answer is not None))
        await asyncio.wait_for(writer.drain(), self._options.idle_s)

    def _make_room(self) -> None:
        """Cut off whoever holds most when all together hold too much."""
        if sum(blocks.pending for blocks in self._open.values()) <= self._options.held_bytes:
            return
        writer = max(self._open, key=lambda w: self._open[w].pending)
        log.warning("connection cut off", feed=self._feed.key, reason="held_bytes", count=len(self._open))
        with suppress(OSError):
            writer.transport.abort()

    def _note(self, answer: Answer) -> None:
        if answer.verdict is not Verdict.ACCEPT:
            log.warning("message answered", feed=self._feed.key, reason=answer.text, code=f"A{answer.verdict}")


async def _linger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read on for a moment, for nothing: a connection closed on unread bytes takes its last answer with it."""
    if writer.can_write_eof():
        writer.write_eof()
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            while await reader.read(READ_BYTES):
                pass
