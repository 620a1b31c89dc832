"""Fetcher `fhir`: what changed on a FHIR R4 server since the last fetch, a resource type at a time, for sources `fhir`.

Each type is searched by ``_lastUpdated=ge<where it stood>`` and sorted by it (FHIR R4 3.1.1.4). Pages of a server that
honours both are asked for by time again instead of by its ``next`` link, so that a resource which moves to the end
while pages are read pushes no other out of sight; of any other server the links are followed, within its own origin
and never twice. The cursor is the server's own time, less an overlap: our clock does not matter.

A page lands with the resources it refers to and does not hold (two hops of orders, visits, studies and patients), so
that a report finds its order's accession number although the order was changed a month ago.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from etl.errors import ConfigurationError, PeerError
from etl.fetchers.base import Cursor, Page, options_of
from etl.fetchers.fhir_context import FOLLOWED, Context, objects
from etl.fetchers.http_options import COMMON, positive
from etl.settings import Feed, Settings

if TYPE_CHECKING:
    from etl.fetchers.http import Peer

FHIR_JSON = "application/fhir+json"
RESOURCES = ("ServiceRequest", "Appointment", "Procedure", "ImagingStudy", "DiagnosticReport", "Task")
MOST_PAGES = 100_000
FIRST_DAYS = 30
LARGEST = 60 << 20  # what a source reads as one payload


@dataclass(slots=True)
class Search:
    """One search of one resource type: `type` and its own parameters (``DiagnosticReport?category=RAD``)."""

    key: str
    type: str
    params: list[tuple[str, str]]
    since_at: datetime | None = None
    seen: set[str] = field(default_factory=set)
    by_time: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """One page: its Bundle as sent, its resources, the times they were updated, and its ``next`` link."""

    body: bytes
    resources: list[dict[str, Any]]
    updated: list[datetime]
    next_url: str | None

    @property
    def digest(self) -> str:
        """What tells this page from another: the resources and their versions, not the Bundle around them."""
        names = [[r.get("resourceType"), r.get("id"), r.get("meta")] for r in self.resources]
        return blake2b(json.dumps(names, sort_keys=True).encode(), digest_size=16).hexdigest()


class FhirFetcher:
    """Searches a FHIR server for what is new."""

    kind = "fhir"
    options = COMMON | {"resources", "since", "overlap_min", "page_size", "follow", "sort"}

    def pages(self, feed: Feed, settings: Settings, cursor: Cursor, now_at: datetime) -> Iterator[Page]:
        """Yield the pages of every resource type, each one payload with what it refers to; raises PeerError."""
        from etl.fetchers.http import Peer

        options = options_of(feed, self)
        overlap = timedelta(minutes=positive(options, "overlap_min", 10, f"feed {feed.key}"))
        size = int(positive(options, "page_size", 200, f"feed {feed.key}"))
        stood = dict(cursor.get("since") or {})
        searches = [_search(text, options, stood, now_at, feed) for text in _resources(options, feed)]
        with Peer(feed, settings, options) as peer:
            context = Context(peer, tuple(options.get("follow", FOLLOWED)))
            for search in searches:
                for found, reached_at in _Run(peer, search, size, bool(options.get("sort", True))).pages():
                    if reached_at is not None:
                        stood[search.key] = _text(reached_at - overlap)
                    yield Page(_payloads(found, context), {"since": dict(stood)}, FHIR_JSON)

    def check(self, feed: Feed, settings: Settings) -> str:
        """Return what the server says it is and searches; raises PeerError."""
        from etl.fetchers.http import Peer

        options = options_of(feed, self)
        with Peer(feed, settings, options) as peer:
            said, _ = peer.json("metadata", accept=FHIR_JSON, what="its CapabilityStatement")
        if not isinstance(said, dict) or said.get("resourceType") != "CapabilityStatement":
            raise PeerError(f"{peer.base} answers, but not with a CapabilityStatement")
        return f"{peer.base} is {_software(said)}, FHIR {said.get('fhirVersion')}; {_advice(said, options, feed)}"


def _software(said: Mapping[str, Any]) -> str:
    software = said.get("software")
    found = [str(software.get(k)) for k in ("name", "version") if software.get(k)] if isinstance(software, dict) else []
    return " ".join(found)[:80] or "a server without a name"


def _advice(said: Mapping[str, Any], options: Mapping[str, Any], feed: Feed) -> str:
    """Return which of the asked types the server does not search, or does not search by `_lastUpdated`."""
    known: dict[str, set[str]] = {}
    for rest in objects(said.get("rest")):
        for one in objects(rest.get("resource")):
            known[str(one.get("type"))] = {str(param.get("name")) for param in objects(one.get("searchParam"))}
    asked = [text.partition("?")[0] for text in _resources(options, feed)]
    absent = [kind for kind in asked if kind not in known]
    untimed = [kind for kind in asked if kind in known and known[kind] and "_lastUpdated" not in known[kind]]
    notes = [f"has no {', '.join(absent)}"] if absent else []
    notes += [f"does not list _lastUpdated for {', '.join(untimed)}"] if untimed else []
    return "; ".join(notes) or f"searches {', '.join(asked)}"


def _resources(options: Mapping[str, Any], feed: Feed) -> list[str]:
    given = options.get("resources", list(RESOURCES))
    if not isinstance(given, list) or not given or not all(isinstance(one, str) and one[:1].isupper() for one in given):
        raise ConfigurationError(f"feed {feed.key}: fetch.resources is a list like ['DiagnosticReport?category=RAD']")
    return given


def _search(text: str, options: Mapping[str, Any], stood: Mapping[str, str], now_at: datetime, feed: Feed) -> Search:
    kind, _, query = text.partition("?")
    since = stood.get(text) or options.get("since") or (now_at - timedelta(days=FIRST_DAYS)).isoformat()
    try:
        since_at = datetime.fromisoformat(str(since))
    except ValueError as error:
        raise ConfigurationError(f"feed {feed.key}: fetch.since must be a date like 2026-01-31") from error
    since_at = since_at if since_at.tzinfo else since_at.replace(tzinfo=UTC)
    return Search(text, kind, parse_qsl(query), since_at)


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _payloads(found: Found, context: Context) -> tuple[bytes, ...]:
    """Return the page as one payload: the Bundle as sent, and beside it what it refers to."""
    if not found.resources:
        return ()
    beside = context.around(found.resources)
    if beside is None or len(found.body) + len(beside) > LARGEST:
        return (found.body,)
    return (b"[" + found.body + b"," + beside + b"]",)


class _Run:
    """The pages of one search."""

    def __init__(self, peer: Peer, search: Search, size: int, sort: bool) -> None:
        self._peer, self._search, self._size, self._sort = peer, search, size, sort
        self._what = f"a search for {search.type}"

    def pages(self) -> Iterator[tuple[Found, datetime | None]]:
        """Yield each page with the time up to which everything came, None while that is not known."""
        search = self._search
        url, params = search.type, self._asked(search.since_at)
        instead: str | None = None  # the link to follow where asking by time turns out not to work
        reached_at: datetime | None = None
        for _ in range(MOST_PAGES):
            found = self._page(url, params)
            if instead and not _begins_at(found, search.since_at):
                url, params, instead, search.by_time = instead, [], None, False
                continue
            self._refuse_repetition(found, url, params)
            by_time = self._honours_time(found, reached_at or search.since_at)
            reached_at = max([*found.updated, *([reached_at] if reached_at else [])], default=None)
            yield found, reached_at if by_time or found.next_url is None else None
            if found.next_url is None:
                return
            link = self._peer.absolute(found.next_url, self._what)
            if by_time and found.updated and found.updated[0] < found.updated[-1]:
                search.since_at, instead = found.updated[-1], link
                url, params = search.type, self._asked(search.since_at)
            else:
                url, params, instead = link, [], None
        raise PeerError(f"{self._what} does not end within {MOST_PAGES} pages")

    def _asked(self, since_at: datetime | None) -> list[tuple[str, str]]:
        at = [("_lastUpdated", f"ge{_text(since_at)}")] if since_at else []
        order = [("_sort", "_lastUpdated")] if self._sort else []
        return [*self._search.params, *at, *order, ("_count", str(self._size))]

    def _honours_time(self, found: Found, since_at: datetime | None) -> bool:
        """Return whether the server has filtered and sorted by time so far; once it has not, links are followed."""
        complete = len(found.updated) == len(found.resources)
        ordered = all(a <= b for a, b in zip(found.updated, found.updated[1:], strict=False))
        self._search.by_time = self._search.by_time and complete and ordered and _begins_at(found, since_at)
        return self._search.by_time

    def _refuse_repetition(self, found: Found, url: str, params: list[tuple[str, str]]) -> None:
        names = {url} if not params else set()
        names |= {found.digest} if found.resources else set()
        if names & self._search.seen:
            raise PeerError(f"the server repeats a page of {self._what}, or its next links go round in a circle")
        self._search.seen |= names

    def _page(self, url: str, params: list[tuple[str, str]]) -> Found:
        said, body = self._peer.json(url, params, accept=FHIR_JSON, what=self._what)
        if not isinstance(said, dict) or said.get("resourceType") != "Bundle":
            raise PeerError(f"the answer to {self._what} is no Bundle")
        listed = [entry["resource"] for entry in objects(said.get("entry")) if isinstance(entry.get("resource"), dict)]
        matches = [resource for resource in listed if resource.get("resourceType") == self._search.type]
        times = [at for resource in matches if (at := updated_at(resource)) is not None]
        return Found(body, matches, times, next_link(said))


def _begins_at(found: Found, since_at: datetime | None) -> bool:
    return not found.updated or since_at is None or found.updated[0] >= since_at - timedelta(seconds=1)


def updated_at(resource: Mapping[str, Any]) -> datetime | None:
    """Return a resource's `meta.lastUpdated`, None where it has none that can be read."""
    meta = resource.get("meta")
    try:
        at = datetime.fromisoformat(str(meta.get("lastUpdated"))) if isinstance(meta, dict) else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None


def next_link(bundle: Mapping[str, Any]) -> str | None:
    """Return the URL of a Bundle's next page."""
    for link in objects(bundle.get("link")):
        if link.get("relation") == "next" and isinstance(link.get("url"), str):
            return str(link["url"])
    return None
