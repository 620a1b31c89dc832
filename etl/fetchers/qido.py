"""Fetcher `qido`: DICOM JSON of every series (or instance) of the studies of recent days, for sources `dicomweb`.

How deep it asks is the option `detail`. ``series``: one query a study; visit times are as good as what the server
tells at series level. ``instances``: one query a study for all its instances with their acquisition times; the same
facts as scanning every file, where the server answers `includefield`. ``metadata``: WADO-RS metadata of every series;
the same facts from any server, at the price of reading every header.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import structlog

from etl.errors import PeerError
from etl.fetchers.base import Cursor, Page, options_of
from etl.fetchers.dicomweb import (
    DICOM_JSON,
    SERIES_UID,
    STUDY_INSTANCES,
    STUDY_SERIES,
    STUDY_UID,
    WINDOW,
    Qido,
    Refetch,
    days_due,
    lacking,
    local_day,
    number,
    state_of,
    uid,
)
from etl.fetchers.http_options import COMMON, one_of, positive
from etl.settings import Feed, Settings

if TYPE_CHECKING:
    from etl.fetchers.http import Peer

DETAILS = ("series", "instances", "metadata")
PAYLOAD_BYTES = 8 << 20
GONE = frozenset({404, 410})

log = structlog.get_logger()


class QidoFetcher:
    """Asks a DICOMweb server for the studies of each day since the last fetch, and again for the overlap."""

    kind = "qido"
    options = COMMON | WINDOW | {"detail"}

    def pages(self, feed: Feed, settings: Settings, cursor: Cursor, now_at: datetime) -> Iterator[Page]:
        """Yield a page for each page of studies: one payload a study, unchanged studies left out; raises PeerError."""
        from etl.fetchers.http import Peer

        options = options_of(feed, self)
        days = days_due(options, cursor, local_day(now_at, settings.zone_of(feed)), f"feed {feed.key}")
        with Peer(feed, settings, options) as peer:
            yield from _Run(feed, options, peer, cursor).pages(days)

    def check(self, feed: Feed, settings: Settings) -> str:
        """Return what one study of the server says, and what its series lack; raises PeerError."""
        from etl.fetchers.http import Peer

        options = options_of(feed, self)
        with Peer(feed, settings, options) as peer:
            qido = Qido(peer, 10)
            studies = qido.sample()
            study = uid(studies[0], STUDY_UID) if studies else None
            if study is None:
                return f"QIDO-RS at {peer.base} answers; no study to look at"
            series = [one for page in qido.series(study, 1) for one in page.objects]
        return f"QIDO-RS at {peer.base} answers; {_advice(lacking(series), options.get('detail', DETAILS[0]))}"


def _advice(missing: list[str], detail: str) -> str:
    if not missing:
        return "series level has all attributes that times and scanners rest on"
    advice = '; times are coarser than the files\': set fetch.detail = "instances" or "metadata"'
    return f"series level lacks {', '.join(missing)}{advice if detail == DETAILS[0] else ''}"


class _Run:
    """One fetch: what it asks with, what it kept, and what was not answered."""

    def __init__(self, feed: Feed, options: dict[str, Any], peer: Peer, cursor: Cursor) -> None:
        where = f"feed {feed.key}"
        self._feed = feed
        self._detail = one_of(options, "detail", DETAILS, where)
        self._qido = Qido(peer, int(positive(options, "page_size", 100, where)))
        self._kept = Refetch(cursor)
        self._done = cursor.get("through")
        self._refused: list[str] = []
        self._missing: set[str] | None = None

    def pages(self, days: list[date]) -> Iterator[Page]:
        for day in days:
            for studies in self._qido.studies(day):
                payloads = tuple(payload for study in studies.objects for payload in self._study(study, day))
                yield Page(payloads, self._cursor(days[0]), DICOM_JSON)
            if not self._refused:
                self._done = max(self._done or "", day.isoformat())
                yield Page((), self._cursor(days[0]), DICOM_JSON)
        if self._missing:
            log.warning("attributes missing at series level", feed=self._feed.key, attributes=sorted(self._missing))
        if self._refused:
            raise PeerError(f"{len(self._refused)} studies were not answered, the first: {self._refused[0]}")

    def _cursor(self, since: date) -> Cursor:
        seen = self._kept.since(since)
        return {"through": self._done, "seen": seen} if self._done else {"seen": seen}

    def _study(self, found: Any, day: date) -> Iterator[bytes]:
        """Yield what is new of a study; one the server cannot answer for is tried again at the next fetch."""
        from etl.fetchers.http import RefusalError

        study = uid(found, STUDY_UID)
        if study is None:
            yield json.dumps([found]).encode()  # its source refuses it where a person can see it
            return
        state = state_of(found, STUDY_SERIES, STUDY_INSTANCES)
        if state is not None and self._kept.knows(state):
            return
        try:
            yield from list(self._asked(study, number(found, STUDY_SERIES), number(found, STUDY_INSTANCES)))
        except RefusalError as refusal:
            if refusal.status not in GONE:
                self._refused.append(str(refusal))
            return
        if state is not None:
            self._kept.note(state, day)

    def _asked(self, study: str, series: int | None, instances: int | None) -> Iterator[bytes]:
        if self._detail == "instances":
            for page in self._qido.instances(study, instances):
                yield page.body
            return
        for page in self._qido.series(study, series):
            if self._detail == "series":
                self._note_missing(page.objects)
                yield page.body
            else:
                for one in page.objects:
                    yield from self._metadata(study, one)

    def _metadata(self, study: str, found: Any) -> Iterator[bytes]:
        series = uid(found, SERIES_UID)
        objects = [found] if series is None else self._qido.metadata(study, series)
        part: list[bytes] = []
        for one in map(json.dumps, objects):
            if part and sum(map(len, part)) + len(one) > PAYLOAD_BYTES:
                yield b"[" + b",".join(part) + b"]"
                part = []
            part.append(one.encode())
        if part:
            yield b"[" + b",".join(part) + b"]"

    def _note_missing(self, page: list[Any]) -> None:
        missing = set(lacking(page))
        self._missing = missing if self._missing is None else self._missing & missing
