"""The registry of fetchers: one file and one line here connect one more kind of system."""

from __future__ import annotations

from etl.errors import ConfigurationError
from etl.fetchers.base import Fetcher
from etl.fetchers.cfind import CFind
from etl.fetchers.fhir import FhirFetcher
from etl.fetchers.folder import Folder
from etl.fetchers.qido import QidoFetcher
from etl.fetchers.ris_sql import RisSql
from etl.fetchers.wado_reports import WadoReports
from etl.fetchers.worklist import WorklistFetcher
from etl.settings import Feed

_ALL: tuple[Fetcher, ...] = (
    CFind(),
    FhirFetcher(),
    Folder(),
    QidoFetcher(),
    RisSql(),
    WadoReports(),
    WorklistFetcher(),
)
FETCHERS: dict[str, Fetcher] = {fetcher.kind: fetcher for fetcher in _ALL}


def fetcher_of(feed: Feed) -> Fetcher:
    """Return the fetcher of a feed that has `fetch`; raises ConfigurationError naming the kinds there are."""
    kind = (feed.fetch or {}).get("kind")
    try:
        return FETCHERS[str(kind)]
    except KeyError:
        raise ConfigurationError(f"feed {feed.key}: fetch.kind {kind!r} is not one of {', '.join(FETCHERS)}") from None
