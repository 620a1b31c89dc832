"""Group commit: one fsync for all that waits, off the event loop, and nobody is told before it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType

from etl.landing import LandingWriter


@dataclass(slots=True)
class _Waiting:
    payload: bytes
    note: str
    done: asyncio.Future[None]
    received_at: datetime


class GroupCommit:
    """Keeps payloads of many connections in one landing; what waits while the disk works is one group."""

    def __init__(self, landing: LandingWriter) -> None:
        self._landing = landing
        self._waiting: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> GroupCommit:
        self._disk = self._stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="landing"))
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_failure: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if self._waiting:  # a sender that gets no acknowledgement will not send it again
            await asyncio.get_running_loop().run_in_executor(self._disk, self._write, self._waiting)
        await self._stack.aclose()

    async def keep(self, payload: bytes, note: str) -> None:
        """Return once the payload is durable; raises OSError when the disk does not take it."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(payload, note, done, datetime.now(UTC)))
        self._wake.set()
        await done

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            group, self._waiting = self._waiting, []
            failures = await loop.run_in_executor(self._disk, self._write, group)
            for waiting, failure in zip(group, failures, strict=True):
                _settle(waiting.done, failure)

    def _write(self, group: list[_Waiting]) -> list[OSError | None]:
        failures = [self._append(waiting) for waiting in group]
        try:
            self._landing.sync()
        except OSError as error:
            return [error for _ in group]
        return failures

    def _append(self, waiting: _Waiting) -> OSError | None:
        try:
            self._landing.append(waiting.payload, waiting.received_at, waiting.note)
        except OSError as error:
            return error
        return None


def _settle(done: asyncio.Future[None], failure: OSError | None) -> None:
    if done.done():  # its connection is gone
        return
    if failure is None:
        done.set_result(None)
    else:
        done.set_exception(failure)
