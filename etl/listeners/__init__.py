"""The registry of listeners, and the one process that runs all that are configured.

Nothing here imports the warehouse: a listener must start in a moment and never wait for a run.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import UTC, datetime

import structlog

from etl.errors import ConfigurationError
from etl.landing import LandingWriter
from etl.listeners.base import Listener
from etl.listeners.dicom import DicomListener
from etl.listeners.mllp import Mllp
from etl.listeners.syslog import Syslog
from etl.settings import Feed, Settings

_ALL: tuple[Listener, ...] = (Mllp(), Syslog(), DicomListener())
LISTENERS: dict[str, Listener] = {listener.kind: listener for listener in _ALL}
SEAL_EVERY_S = 1.0
log = structlog.get_logger()


def listener_of(feed: Feed) -> Listener:
    """Return the listener of a feed that has `listen`; raises ConfigurationError naming the kinds there are."""
    kind = (feed.listen or {}).get("kind")
    try:
        return LISTENERS[str(kind)]
    except KeyError:
        raise ConfigurationError(
            f"feed {feed.key}: listen.kind {kind!r} is not one of {', '.join(LISTENERS)}"
        ) from None


def listening(settings: Settings, keys: Iterable[str] = ()) -> list[Feed]:
    """Return the feeds with `listen`, or those named by `keys`; raises ConfigurationError when there are none."""
    wanted = set(keys)
    feeds = [f for f in settings.feeds if f.listen and (not wanted or f.key in wanted)]
    if not feeds or wanted - {f.key for f in feeds}:
        known = [f.key for f in settings.feeds if f.listen]
        raise ConfigurationError(f"no feed to listen for among {sorted(wanted) or 'all'}; feeds with `listen`: {known}")
    return feeds


async def listen(settings: Settings, feeds: Iterable[Feed], stopping: asyncio.Event, ready: asyncio.Event) -> None:
    """Run the listeners of `feeds` until `stopping` is set, sealing what they land; one that fails ends all."""
    with ExitStack() as stack:
        pairs = [(f, stack.enter_context(LandingWriter(settings.at(f.path)))) for f in feeds]
        opened = [asyncio.Event() for _ in pairs]
        try:
            async with asyncio.TaskGroup() as group:
                for (feed, landing), up in zip(pairs, opened, strict=True):
                    group.create_task(listener_of(feed).serve(feed, settings, landing, up, stopping))
                group.create_task(_seal([landing for _, landing in pairs], stopping))
                group.create_task(_announce(opened, ready))
        except* ConfigurationError as failed:
            raise failed.exceptions[0] from None


async def _announce(opened: list[asyncio.Event], ready: asyncio.Event) -> None:
    for up in opened:
        await up.wait()
    ready.set()
    log.info("listening", feeds=len(opened))


async def _seal(landings: list[LandingWriter], stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        for landing in landings:
            await asyncio.to_thread(landing.seal_if_due, datetime.now(UTC))  # it waits for the disk, we do not
        try:
            await asyncio.wait_for(stopping.wait(), SEAL_EVERY_S)
        except TimeoutError:
            continue


def run_listeners(settings: Settings, feeds: list[Feed]) -> None:
    """Listen until SIGTERM or SIGINT."""

    async def main() -> None:
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopping.set)
        await listen(settings, feeds, stopping, asyncio.Event())

    asyncio.run(main())
