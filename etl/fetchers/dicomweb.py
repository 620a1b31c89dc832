"""QIDO-RS queries as a fetcher needs them (PS3.18 10.6): days of studies, page by page, and what belongs to each.

A page that is short is no end: servers cap what they return (10.6.1.2.2), so pages go on until one is empty, or as
many objects came as the level above says there are. A full page whose objects came before means a server that repeats
itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from itertools import count
from typing import TYPE_CHECKING, Any

from etl.errors import PeerError
from etl.fetchers.multipart import parts

if TYPE_CHECKING:
    from etl.fetchers.http import Peer  # loads httpx: only where something is fetched

DICOM_JSON = "application/dicom+json"
PART10 = 'multipart/related; type="application/dicom"'  # some servers refuse lists and wildcards here
STUDY_UID, SERIES_UID, INSTANCE_UID = "0020000D", "0020000E", "00080018"
STUDY_INSTANCES, SERIES_INSTANCES, STUDY_SERIES = "00201208", "00201209", "00201206"
RETRIEVE_URL = "00081190"
MODALITY, SOP_CLASS, TITLE, INSTANCE_NUMBER = "00080060", "00080016", "0040A043", "00200013"
STUDY_LEVEL = ("00080020", "00080030", "00080050", "00100020", "00100040")
UID = re.compile(r"[0-9A-Za-z][0-9A-Za-z.]{0,63}", re.ASCII)
MOST_PAGES = 10_000
HEADER = (
    "00080012", "00080013", "00080021", "00080031", "00080022", "00080032", "00080023", "00080033", "0008002A",
    "00080056", "00080201", "00080070", "00081010", "00081090", "00100021", "00100030", "00100040", "00180015",
    "00181030", "00189073", "00201209", "00400244", "00400245", "00400250", "00400251", "00400275",
)  # fmt: skip
# what visit times and scanners rest on, and the keyword to name it by; one tag of each is enough
NEEDED = {
    "AcquisitionDateTime or AcquisitionTime": ("0008002A", "00080032"),
    "StationName": ("00081010",),
    "NumberOfSeriesRelatedInstances": ("00201209",),
    "SeriesTime": ("00080031",),
}
Found = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answered:
    """The objects of one answer and its bytes as sent (written anew only where some of them came before)."""

    objects: list[Any]
    body: bytes


def first(found: Any, tag: str) -> Any:
    """Return the first value of an element of a DICOM JSON object, None where there is none."""
    element = found.get(tag) or found.get(tag.lower()) if isinstance(found, dict) else None
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if isinstance(values, list) and values else None


def uid(found: Any, tag: str) -> str | None:
    """Return a UID fit for a path, or None."""
    value = first(found, tag)
    return value if isinstance(value, str) and UID.fullmatch(value) else None


def number(found: Any, tag: str) -> int | None:
    """Return a count, sent as a number or as a string, or None."""
    try:
        return int(str(first(found, tag)).strip())
    except ValueError:
        return None


def state_of(found: Found, *counts: str) -> str | None:
    """Return a digest of an object with its counts, None where a count is missing and nothing tells of additions."""
    if any(number(found, tag) is None for tag in counts):
        return None
    shown = {tag: value for tag, value in found.items() if tag != RETRIEVE_URL}
    return blake2b(json.dumps(shown, sort_keys=True).encode(), digest_size=12).hexdigest()


class Qido:
    """QIDO-RS and WADO-RS requests to one peer; raises as the peer does."""

    def __init__(self, peer: Peer, page_size: int) -> None:
        self._peer, self._size = peer, page_size

    def studies(self, day: date, *narrower: tuple[str, str]) -> Iterator[Answered]:
        """Yield the pages of studies of one StudyDate, narrowed by further attributes where the server knows them."""
        fields = [("StudyDate", f"{day:%Y%m%d}"), ("includefield", STUDY_SERIES), ("includefield", STUDY_INSTANCES)]
        yield from self._paged("studies", [*narrower, *fields], STUDY_UID, None, "a day's studies")

    def day_series(self, day: date) -> Iterator[Answered]:
        """Yield the pages of all series of one StudyDate: a relational query, which a server need not answer."""
        fields = [("StudyDate", f"{day:%Y%m%d}"), *_fields((*HEADER, STUDY_UID, *STUDY_LEVEL))]
        yield from self._paged("series", fields, SERIES_UID, None, "a day's series")

    def series(self, study: str, expected: int | None) -> Iterator[Answered]:
        """Yield the pages of a study's series."""
        yield from self._paged(f"studies/{study}/series", _fields(HEADER), SERIES_UID, expected, "a study's series")

    def instances(self, study: str, expected: int | None) -> Iterator[Answered]:
        """Yield the pages of a study's instances."""
        fields = _fields((*HEADER, SERIES_UID, MODALITY, SOP_CLASS, INSTANCE_NUMBER))
        yield from self._paged(f"studies/{study}/instances", fields, INSTANCE_UID, expected, "a study's instances")

    def reports(self, study: str, series: str, expected: int | None) -> Iterator[Answered]:
        """Yield the pages of the instances of a series of reports."""
        fields = _fields((SOP_CLASS, TITLE))
        yield from self._paged(f"studies/{study}/series/{series}/instances", fields, INSTANCE_UID, expected, "reports")

    def retrieve(self, study: str, series: str, instance: str) -> Iterator[bytes]:
        """Yield the Part 10 object of an instance (WADO-RS 10.4)."""
        path = f"studies/{study}/series/{series}/instances/{instance}"
        answer = self._peer.get(path, accept=PART10, what="a report")
        yield from parts(answer.body, answer.content_type, "application/dicom")

    def metadata(self, study: str, series: str, instance: str | None = None) -> list[Any]:
        """Return the metadata of a series' instances, or of one (WADO-RS)."""
        path = f"studies/{study}/series/{series}/{f'instances/{instance}/' if instance else ''}metadata"
        found, _ = self._peer.json(path, accept=DICOM_JSON, what="a series' metadata")
        return _array(found, "a series' metadata")

    def sample(self, *narrower: tuple[str, str]) -> list[Any]:
        """Return at most one study, whichever the server likes."""
        found, _ = self._peer.json("studies", [*narrower, ("limit", "1")], accept=DICOM_JSON, what="one study")
        return _array(found, "one study")

    def _paged(
        self, path: str, fields: list[tuple[str, str]], key: str, expected: int | None, what: str
    ) -> Iterator[Answered]:
        seen: set[str] = set()
        offset = 0
        for number_ in count():
            params = [*fields, ("limit", str(self._size)), ("offset", str(offset))]
            found, body = self._peer.json(path, params, accept=DICOM_JSON, what=what)
            page = _array(found, what)
            fresh = [one for one in page if _name(one, key) not in seen]
            if page and not fresh:
                _repeats(len(page), self._size, what)
            if not fresh:
                return
            seen.update(_name(one, key) for one in fresh)
            yield Answered(fresh, body if len(fresh) == len(page) else json.dumps(fresh).encode())
            offset += len(page)
            if expected is not None and len(seen) >= expected:
                return
            if number_ >= MOST_PAGES:
                raise PeerError(f"{what}: more than {MOST_PAGES} pages")


def _name(found: Any, key: str) -> str:
    """Return what tells one object from another: its UID, or its content where that is missing."""
    return uid(found, key) or json.dumps(found, sort_keys=True)


def _repeats(came: int, asked: int, what: str) -> None:
    """Refuse a page that came before; a server that pages not at all sends fewer or more than it was asked for."""
    if came == asked:
        raise PeerError(f"the server repeats a page of {what}")


def _fields(tags: tuple[str, ...]) -> list[tuple[str, str]]:
    return [("includefield", tag) for tag in tags]


def _array(found: Any, what: str) -> list[Any]:
    if not isinstance(found, list):
        raise PeerError(f"the answer to {what} is no array")
    return found


def lacking(series: list[Any]) -> list[str]:
    """Return what no series of an answer has of the attributes that visit times and scanners rest on."""
    return [
        name for name, tags in NEEDED.items() if not any(first(one, tag) is not None for one in series for tag in tags)
    ]
