"""Fetcher `wado_reports`: the dose reports of recent days by WADO-RS, for sources `dose_reports`.

Structured reports are found by QIDO-RS (modality SR) and retrieved when their SOP class may hold a radiation dose
report; whether one does, its source says. A report a server holds twice, or an overlap asks for again, counts once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from etl.errors import PeerError
from etl.fetchers.base import Cursor, Page, options_of
from etl.fetchers.dicomweb import (
    INSTANCE_UID,
    MODALITY,
    SERIES_UID,
    SOP_CLASS,
    STUDY_INSTANCES,
    STUDY_SERIES,
    STUDY_UID,
    WINDOW,
    Qido,
    Refetch,
    days_due,
    first,
    local_day,
    number,
    state_of,
    uid,
)
from etl.fetchers.http_options import COMMON, positive
from etl.settings import Feed, Settings

if TYPE_CHECKING:
    from etl.fetchers.http import Peer

REPORTS = "1.2.840.10008.5.1.4.1.1.88."
# Key objects, procedure logs, CAD results, plans and protocols are no dose reports (PS3.4 B.5)
NEVER_DOSE = frozenset({f"{REPORTS}{n}" for n in (40, 50, 59, 65, 69, 70, 71, 72, 73, 74, 75, 76)})
GONE = frozenset({404, 410})
PART10_TYPE = "application/dicom"


class WadoReports:
    """Retrieves what a DICOMweb server holds of structured reports, day by day."""

    kind = "wado_reports"
    options = COMMON | WINDOW

    def pages(self, feed: Feed, settings: Settings, cursor: Cursor, now_at: datetime) -> Iterator[Page]:
        """Yield a page for each page of studies with reports: one payload a report; raises PeerError."""
        from etl.fetchers.http import Peer

        options = options_of(feed, self)
        days = days_due(options, cursor, local_day(now_at, settings.zone_of(feed)), f"feed {feed.key}")
        size = int(positive(options, "page_size", 100, f"feed {feed.key}"))
        with Peer(feed, settings, options) as peer:
            yield from _Run(peer, size, cursor).pages(days)

    def check(self, feed: Feed, settings: Settings) -> str:
        """Return whether the server answers a query for reports; raises PeerError."""
        from etl.fetchers.http import Peer

        with Peer(feed, settings, options_of(feed, self)) as peer:
            found = Qido(peer, 1).sample(("ModalitiesInStudy", "SR"))
            return f"QIDO-RS at {peer.base} answers; {'has' if found else 'no'} studies with structured reports"


class _Run:
    """One fetch of reports."""

    def __init__(self, peer: Peer, page_size: int, cursor: Cursor) -> None:
        self._qido = Qido(peer, page_size)
        self._kept = Refetch(cursor)
        self._done = cursor.get("through")
        self._refused: list[str] = []

    def pages(self, days: list[date]) -> Iterator[Page]:
        for day in days:
            for studies in self._qido.studies(day, ("ModalitiesInStudy", "SR")):
                payloads = tuple(report for study in studies.objects for report in self._study(study, day))
                yield Page(payloads, self._cursor(days[0]), PART10_TYPE)
            if not self._refused:
                self._done = max(self._done or "", day.isoformat())
                yield Page((), self._cursor(days[0]), PART10_TYPE)
        if self._refused:
            raise PeerError(f"{len(self._refused)} studies were not answered, the first: {self._refused[0]}")

    def _cursor(self, since: date) -> Cursor:
        seen = self._kept.since(since)
        return {"through": self._done, "seen": seen} if self._done else {"seen": seen}

    def _study(self, found: Any, day: date) -> list[bytes]:
        from etl.fetchers.http import RefusalError

        study = uid(found, STUDY_UID)
        state = state_of(found, STUDY_SERIES, STUDY_INSTANCES)
        if study is None or (state is not None and self._kept.knows(state)):
            return []
        try:
            reports = list(self._reports(study, number(found, STUDY_SERIES)))
        except RefusalError as refusal:
            if refusal.status not in GONE:
                self._refused.append(str(refusal))
            return []
        if state is not None:
            self._kept.note(state, day)
        return reports

    def _reports(self, study: str, expected: int | None) -> Iterator[bytes]:
        for page in self._qido.series(study, expected):
            for one in page.objects:
                series = uid(one, SERIES_UID)
                if series is not None and first(one, MODALITY) == "SR":
                    yield from self._retrieved(study, series)

    def _retrieved(self, study: str, series: str) -> Iterator[bytes]:
        for page in self._qido.reports(study, series):
            for one in page.objects:
                instance, sop_class = uid(one, INSTANCE_UID), str(first(one, SOP_CLASS) or REPORTS)
                if instance is not None and sop_class.startswith(REPORTS) and sop_class not in NEVER_DOSE:
                    yield from self._qido.retrieve(study, series, instance)
