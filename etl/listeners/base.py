"""The promise every listener keeps: what it acknowledges lies on disk, and that is all it does."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from etl.errors import ConfigurationError
from etl.landing import LandingWriter
from etl.settings import Feed, Settings


class Listener(Protocol):
    """Serves one kind of sender; `options` are the keys `listen = {...}` of a feed may have beside `kind`."""

    kind: str
    options: frozenset[str]

    async def serve(
        self, feed: Feed, settings: Settings, landing: LandingWriter, ready: asyncio.Event, stopping: asyncio.Event
    ) -> None:
        """Accept until `stopping` is set; set `ready` once connections are accepted.

        Nothing is acknowledged before `landing.sync()` has returned. Raises ConfigurationError for settings a person
        must mend (a port in use, a certificate that cannot be read).
        """
        ...


def options_of(feed: Feed, listener: Listener) -> dict[str, Any]:
    """Return a feed's listen options without `kind`; raises ConfigurationError for one the listener does not know."""
    given = {name: value for name, value in (feed.listen or {}).items() if name != "kind"}
    unknown = given.keys() - listener.options
    if unknown:
        raise ConfigurationError(
            f"feed {feed.key}: listen option {sorted(unknown)} is not one of {sorted(listener.options)}"
        )
    return given
