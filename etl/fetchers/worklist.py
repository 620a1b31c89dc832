"""C-FIND of a modality worklist: the schedule of the coming days, and who has arrived (PS3.4 K.6).

Only entries that are new or changed since the last fetch land, with the time they were asked for: a worklist does
not say when something was booked. One that vanished lands nothing: it may have been performed or cancelled.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from etl.errors import ConfigurationError
from etl.fetchers.base import Cursor, Page, options_of
from etl.fetchers.dimse import (
    OPTIONS,
    DataSet,
    Peer,
    associated,
    day_in_parts,
    days,
    digest,
    echo,
    find,
    peer_of,
    retried,
)
from etl.settings import Feed, Settings

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

WORKLIST = "1.2.840.10008.5.1.4.31"
NOTE = "application/dicom+json; worklist"
STEP_SEQUENCE = "00400100"
NAMED_BY = ("0020000D", "00080050", "00401001", "00400009")  # study, accession, requested procedure, scheduled step
KEYS = (
    *("AccessionNumber", "StudyInstanceUID", "RequestedProcedureID", "RequestedProcedureDescription"),
    *("RequestedProcedurePriority", "RequestedProcedureCodeSequence", "PlacerOrderNumberImagingServiceRequest"),
    *("FillerOrderNumberImagingServiceRequest", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex"),
    "AdmissionID",
)
STEP_KEYS = (
    *("Modality", "ScheduledStationAETitle", "ScheduledStationName", "ScheduledProcedureStepStartDate"),
    *("ScheduledProcedureStepStartTime", "ScheduledProcedureStepStatus", "ScheduledProcedureStepID"),
)


class WorklistFetcher:
    """Fetcher `worklist`."""

    kind = "worklist"
    options = OPTIONS | {"days_back", "days_ahead", "modality", "station_ae"}

    def pages(self, feed: Feed, settings: Settings, cursor: Cursor, now_at: datetime) -> Iterator[Page]:
        """Yield a page a day (or part of one) with the entries that are new or changed."""
        options = options_of(feed, self)
        peer = peer_of(feed, settings, options)
        today = now_at.astimezone(settings.zone_of(feed)).date()
        first, last = _window(feed, options, today)
        seen: dict[str, list[str]] = {k: v for k, v in cursor.get("seen", {}).items() if v[1] >= first.isoformat()}
        for day in days(first, last):
            for answers in day_in_parts(peer, partial(_ask, peer, options, day)):
                fresh = _fresh(answers, seen, day)
                payload = {"queried_at": now_at.isoformat(), "answers": fresh}
                payloads = (json.dumps(payload, ensure_ascii=False).encode(),) if fresh else ()
                yield Page(payloads, {"seen": seen}, NOTE)

    def check(self, feed: Feed, settings: Settings) -> str:
        """Return what answered a C-ECHO."""
        return echo(peer_of(feed, settings, options_of(feed, self)), WORKLIST)


def _window(feed: Feed, options: dict[str, Any], today: date) -> tuple[date, date]:
    try:
        back, ahead = (int(options.get(name, default)) for name, default in (("days_back", 0), ("days_ahead", 7)))
        return today - timedelta(days=back), today + timedelta(days=ahead)
    except (TypeError, ValueError, OverflowError) as error:
        raise ConfigurationError(f"feed {feed.key}: fetch.days_back and days_ahead are numbers of days") from error


def _ask(peer: Peer, options: dict[str, Any], day: date, times: str) -> list[DataSet]:
    def ask() -> list[DataSet]:
        with associated(peer, WORKLIST) as association:
            return find(association, peer, WORKLIST, _query(options, day, times))

    return retried(peer, ask)


def _fresh(answers: list[DataSet], seen: dict[str, list[str]], day: date) -> list[DataSet]:
    """Return the answers that say something new, and note them in `seen`: entry -> what it said, and of which day."""
    fresh = []
    for answer in answers:
        step: DataSet = next(iter(answer.get(STEP_SEQUENCE, {}).get("Value", [])), {})
        name = digest([answer.get(tag) or step.get(tag) for tag in NAMED_BY])
        said = [digest(answer), day.isoformat()]
        if seen.get(name) != said:
            fresh.append(answer)
            seen[name] = said
    return fresh


def _query(options: dict[str, Any], day: date, times: str) -> Dataset:
    from pydicom.dataset import Dataset

    step = Dataset()
    for keyword in STEP_KEYS:
        setattr(step, keyword, "")
    step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime = f"{day:%Y%m%d}", times
    step.Modality = str(options.get("modality", ""))
    step.ScheduledStationAETitle = str(options.get("station_ae", ""))
    query = Dataset()
    for keyword in KEYS:
        setattr(query, keyword, [] if keyword.endswith("Sequence") else "")
    query.ScheduledProcedureStepSequence = [step]
    return query
