"""Fetcher `qido`: DICOM JSON of every series (or instance) of the studies of recent days, for sources `dicomweb`.

How deep it asks is the option `detail`. ``series``: one query a study; visit times are as good as what the server
tells at series level. ``instances``: one query a study for all its instances with their acquisition times; the same
facts as scanning every file, where the server answers `includefield`. ``ends``: WADO-RS metadata of the first and the
last instance of every series by number. ``metadata``: of every instance; the same facts from any server, at the price
of reading every header. `relational` asks at series level for a whole day at once, where the server answers that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog

from etl.errors import ConfigurationError
from etl.fetchers.base import Cursor, Page, options_of
from etl.fetchers.dicomweb import (
    DICOM_JSON,
    INSTANCE_NUMBER,
    INSTANCE_UID,
    SERIES_UID,
    STUDY_INSTANCES,
    STUDY_SERIES,
    STUDY_UID,
    Answered,
    Qido,
    lacking,
    number,
    uid,
)
from etl.fetchers.http_options import COMMON, one_of, positive
from etl.fetchers.study_days import WINDOW, StudyDays, days_due
from etl.settings import Feed, Settings

if TYPE_CHECKING:
    pass

DETAILS = ("series", "instances", "ends", "metadata")
PAYLOAD_BYTES = 8 << 20

log = structlog.get_logger()


class QidoFetcher:
    """Asks a DICOMweb server for the studies of each day since the last fetch, and again for the overlap."""

    kind = "qido"
    options = COMMON | WINDOW | {"detail", "relational"}

    def pages(self, feed: Feed, settings: Settings, cursor: Cursor, now_at: datetime) -> Iterator[Page]:
        """Yield a page for each page of studies: one payload a study, unchanged studies left out; raises PeerError."""
        from etl.fetchers.http import Peer

        options, where = options_of(feed, self), f"feed {feed.key}"
        days = days_due(options, cursor, now_at, settings.zone_of(feed), where)
        detail, relational = one_of(options, "detail", DETAILS, where), bool(options.get("relational"))
        if relational and detail != DETAILS[0]:
            raise ConfigurationError(f"{where}: fetch.relational goes with detail = 'series'")
        with Peer(feed, settings, options) as peer:
            asker = _Asker(Qido(peer, int(positive(options, "page_size", 100, where))), detail)
            run = StudyDays(asker.qido, cursor, days, asker.study, DICOM_JSON)
            yield from run.series_pages() if relational else run.pages()
        if asker.missing:
            log.warning("attributes missing at series level", feed=feed.key, attributes=sorted(asker.missing))

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


class _Asker:
    """Asks for what belongs to a study, as deep as wanted; `missing` is what no series had."""

    def __init__(self, qido: Qido, detail: str) -> None:
        self.qido, self._detail = qido, detail
        self.missing: set[str] | None = None

    def study(self, study: str, found: Any) -> Iterator[bytes]:
        """Yield the payloads of a study; what has no UID goes as it is, to be refused where a person can see it."""
        if not study:
            yield json.dumps([found]).encode()
        elif self._detail == "instances":
            yield from (page.body for page in self.qido.instances(study, number(found, STUDY_INSTANCES)))
        elif self._detail == "ends":
            yield from _packed(self._ends(study, number(found, STUDY_INSTANCES)))
        else:
            for page in self.qido.series(study, number(found, STUDY_SERIES)):
                yield from self._series(study, page)

    def _series(self, study: str, page: Answered) -> Iterator[bytes]:
        if self._detail == "series":
            missing = set(lacking(page.objects))
            self.missing = missing if self.missing is None else self.missing & missing
            yield page.body
            return
        for one in page.objects:
            series = uid(one, SERIES_UID)
            yield from _packed([one] if series is None else self.qido.metadata(study, series))

    def _ends(self, study: str, expected: int | None) -> list[Any]:
        """Return each series with its number of instances, and the metadata of its first and last instance."""
        by_series: dict[str, list[Any]] = {}
        for page in self.qido.instances(study, expected):
            for one in page.objects:
                by_series.setdefault(uid(one, SERIES_UID) or "", []).append(one)
        found = [one for page in self.qido.series(study, len(by_series)) for one in page.objects]
        for series, instances in by_series.items():
            ordered = sorted(instances, key=lambda one: number(one, INSTANCE_NUMBER) or 0)
            names = dict.fromkeys(filter(None, (uid(one, INSTANCE_UID) for one in (ordered[0], ordered[-1]))))
            for name in names if series else ():
                found += self.qido.metadata(study, series, name)
        return found


def _packed(objects: list[Any]) -> Iterator[bytes]:
    """Yield objects as arrays of bounded size, so that a series of thousands of headers is many payloads."""
    part: list[bytes] = []
    for one in map(json.dumps, objects):
        if part and sum(map(len, part)) + len(one) > PAYLOAD_BYTES:
            yield b"[" + b",".join(part) + b"]"
            part = []
        part.append(one.encode())
    if part:
        yield b"[" + b",".join(part) + b"]"
