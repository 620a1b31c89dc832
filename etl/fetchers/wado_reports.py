"""Fetcher `wado_reports`: the dose reports of recent days by WADO-RS, for sources `dose_reports`.

Structured reports are found by QIDO-RS (modality SR) and retrieved when their SOP class may hold a radiation dose
report; whether one does, its source says. A report a server holds twice, or an overlap asks for again, counts once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from etl.fetchers.base import Cursor, Page, options_of
from etl.fetchers.dicomweb import (
    INSTANCE_UID,
    MODALITY,
    SERIES_INSTANCES,
    SERIES_UID,
    SOP_CLASS,
    STUDY_SERIES,
    Qido,
    first,
    number,
    uid,
)
from etl.fetchers.http_options import COMMON, positive
from etl.fetchers.study_days import WINDOW, StudyDays, days_due
from etl.settings import Feed, Settings

REPORTS = "1.2.840.10008.5.1.4.1.1.88."
# Key objects, procedure logs, CAD results, plans and protocols are no dose reports (PS3.4 B.5)
NEVER_DOSE = frozenset({f"{REPORTS}{n}" for n in (40, 50, 59, 65, 69, 70, 71, 72, 73, 74, 75, 76)})
PART10_TYPE = "application/dicom"
WITH_REPORTS = ("ModalitiesInStudy", "SR")


class WadoReports:
    """Retrieves what a DICOMweb server holds of structured reports, day by day."""

    kind = "wado_reports"
    options = COMMON | WINDOW

    def pages(self, feed: Feed, settings: Settings, cursor: Cursor, now_at: datetime) -> Iterator[Page]:
        """Yield a page for each page of studies with reports: one payload a report; raises PeerError."""
        from etl.fetchers.http import Peer

        options, where = options_of(feed, self), f"feed {feed.key}"
        days = days_due(options, cursor, now_at, settings.zone_of(feed), where)
        with Peer(feed, settings, options) as peer:
            qido = Qido(peer, int(positive(options, "page_size", 100, where)))
            run = StudyDays(qido, cursor, days, _Reports(qido).study, PART10_TYPE, (WITH_REPORTS,))
            yield from run.pages()

    def check(self, feed: Feed, settings: Settings) -> str:
        """Return whether the server answers a query for reports; raises PeerError."""
        from etl.fetchers.http import Peer

        with Peer(feed, settings, options_of(feed, self)) as peer:
            found = Qido(peer, 1).sample(WITH_REPORTS)
            return f"QIDO-RS at {peer.base} answers; {'has' if found else 'no'} studies with structured reports"


class _Reports:
    """Asks for the reports of a study."""

    def __init__(self, qido: Qido) -> None:
        self._qido = qido

    def study(self, study: str, found: Any) -> Iterator[bytes]:
        """Yield the reports of a study."""
        for page in self._qido.series(study, number(found, STUDY_SERIES)) if study else ():
            for one in page.objects:
                series = uid(one, SERIES_UID)
                if series is not None and first(one, MODALITY) == "SR":
                    yield from self._retrieved(study, series, number(one, SERIES_INSTANCES))

    def _retrieved(self, study: str, series: str, expected: int | None) -> Iterator[bytes]:
        for page in self._qido.reports(study, series, expected):
            for one in page.objects:
                instance, sop_class = uid(one, INSTANCE_UID), str(first(one, SOP_CLASS) or REPORTS)
                if instance is not None and sop_class.startswith(REPORTS) and sop_class not in NEVER_DOSE:
                    yield from self._qido.retrieve(study, series, instance)
