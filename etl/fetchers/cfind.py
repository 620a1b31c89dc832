"""C-FIND of an archive, study root, by day of study: what was acquired, series by series (PS3.4 C.6.2).

A slice is one StudyDate, or a range of StudyTime within it where a day has too many studies. The cursor is the last
day that was brought whole, and what was seen of the days around it: the latest days are asked again for late
arrivals, and of a study that has not changed only its study-level answer is fetched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog

from etl.errors import ConfigurationError, PeerError
from etl.fetchers.base import Cursor, Page, options_of
from etl.fetchers.dimse import (
    OPTIONS,
    DataSet,
    Peer,
    TooManyError,
    associated,
    day_in_parts,
    digest,
    echo,
    find,
    peer_of,
    retried,
)
from etl.fetchers.study_days import days_due
from etl.settings import Feed, Settings

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from pynetdicom.association import Association

STUDY_ROOT = "1.2.840.10008.5.1.4.1.2.2.1"
LEVELS = ("study", "series")
STUDY_UID, STUDY_INSTANCES = "0020000D", "00201208"
QUERY_ONLY = frozenset({"00080052", "00080054", "00080005"})  # level, AE title, character set
MOST_SERIES = 5000
NOTE = "application/dicom+json"
STUDY_KEYS = (
    *("StudyInstanceUID", "StudyDate", "StudyTime", "AccessionNumber", "ModalitiesInStudy"),
    *("PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex"),
    *("NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances"),
)
SERIES_KEYS = (
    *("SeriesInstanceUID", "SeriesNumber", "SeriesDate", "SeriesTime", "Modality", "NumberOfSeriesRelatedInstances"),
    "InstanceAvailability",
    *("StationName", "Manufacturer", "ManufacturerModelName", "ProtocolName", "BodyPartExamined"),
    *("PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime"),
    *("PerformedProcedureStepEndDate", "PerformedProcedureStepEndTime", "RequestAttributesSequence"),
)
Seen = dict[str, dict[str, str]]  # day -> study (hashed) -> its answer (hashed)
log = structlog.get_logger()


class CFind:
    """Fetcher `cfind`."""

    kind = "cfind"
    options = OPTIONS | {"level", "since", "overlap_days"}

    def pages(self, feed: Feed, settings: Settings, cursor: Cursor, now_at: datetime) -> Iterator[Page]:
        """Yield a page a slice, from the days before the last one that was brought whole until today."""
        options = options_of(feed, self)
        peer, level = peer_of(feed, settings, options), _level(feed, options)
        due = days_due(options, cursor, now_at, settings.zone_of(feed), f"feed {feed.key}")
        seen: Seen = {day: known for day, known in cursor.get("seen", {}).items() if day >= due[0].isoformat()}
        answered: set[str] = set()
        last = cursor.get("through")
        for day in due:
            known = seen.setdefault(day.isoformat(), {})
            for studies in day_in_parts(peer, partial(_ask, peer, level, day, known)):
                answered |= _answered(studies)
                payloads = tuple(json.dumps(found, ensure_ascii=False).encode() for found in studies)
                yield Page(payloads, {"through": last, "seen": seen}, NOTE)
            last = max(filter(None, (last, day.isoformat())))
            yield Page((), {"through": last, "seen": seen})
        _say_lacking(feed, level, answered)

    def check(self, feed: Feed, settings: Settings) -> str:
        """Return what answered a C-ECHO."""
        options = options_of(feed, self)
        _level(feed, options)
        return echo(peer_of(feed, settings, options), STUDY_ROOT)


def _level(feed: Feed, options: dict[str, Any]) -> str:
    level = str(options.get("level", "series"))
    if level not in LEVELS:
        raise ConfigurationError(f"feed {feed.key}: fetch.level {level!r} is not one of {', '.join(LEVELS)}")
    return level


def _ask(peer: Peer, level: str, day: date, known: dict[str, str], times: str) -> list[list[DataSet]]:
    """Return the slice's studies that are new or changed, each as its series, and note them in `known`."""
    found = retried(peer, lambda: _slice(peer, level, day, times, known))
    known |= {study: answer for study, answer, _ in found}
    return [series for _, _, series in found if series]


def _slice(
    peer: Peer, level: str, day: date, times: str, known: dict[str, str]
) -> list[tuple[str, str, list[DataSet]]]:
    with associated(peer, STUDY_ROOT) as association:
        studies = find(association, peer, STUDY_ROOT, _study_query(day, times))
        fresh = []
        for study in studies:
            name, answer = digest(study.get(STUDY_UID)), digest(study)
            if known.get(name) != answer or not study.get(STUDY_INSTANCES, {}).get("Value"):
                fresh.append((name, answer, [study] if level == "study" else _series(association, peer, study)))
        return fresh


def _series(association: Association, peer: Peer, study: DataSet) -> list[DataSet]:
    """Return a study's series, each with what only the study's answer says."""
    uid = next(iter(study.get(STUDY_UID, {}).get("Value", [])), None)
    if not uid:
        return []
    patient = replace(peer, limit=max(peer.limit, MOST_SERIES))
    try:
        series = find(association, patient, STUDY_ROOT, _series_query(str(uid)))
    except TooManyError as error:
        raise PeerError(f"{peer.name} has, or allows, too few answers for the series of one study") from error
    of_study = {tag: element for tag, element in study.items() if tag not in QUERY_ONLY}
    return [of_study | {tag: e for tag, e in one.items() if e.get("Value") and tag not in QUERY_ONLY} for one in series]


def _study_query(day: date, times: str) -> Dataset:
    query = _query("STUDY", STUDY_KEYS)
    query.StudyDate, query.StudyTime = f"{day:%Y%m%d}", times
    return query


def _series_query(study_uid: str) -> Dataset:
    query = _query("SERIES", SERIES_KEYS)
    query.StudyInstanceUID = study_uid
    return query


def _query(level: str, keywords: tuple[str, ...]) -> Dataset:
    from pydicom.dataset import Dataset

    query = Dataset()
    query.QueryRetrieveLevel = level
    for keyword in keywords:
        setattr(query, keyword, [] if keyword.endswith("Sequence") else "")
    return query


def _answered(studies: list[list[DataSet]]) -> set[str]:
    return {tag for found in studies for data_set in found for tag, element in data_set.items() if element.get("Value")}


def _say_lacking(feed: Feed, level: str, answered: set[str]) -> None:
    """Say which attributes no answer of a fetch had: what is computed from them will be missing."""
    from pydicom.datadict import tag_for_keyword

    asked = STUDY_KEYS if level == "study" else (*STUDY_KEYS, *SERIES_KEYS)
    lacking = [keyword for keyword in asked if f"{tag_for_keyword(keyword) or 0:08X}" not in answered]
    if answered and lacking:
        log.warning("peer does not answer some attributes", feed=feed.key, attributes=lacking)
