"""DICOM JSON from files: answers of QIDO-RS at any level and WADO-RS metadata, one item an object.

PS3.18 8.6 and annex F (DICOM JSON model). Series- and instance-level objects become series records. A study-level
object is filtered: StudyTime is when a study was opened, and without a series there is neither an acquisition nor
a scanner in it. Counts and other numbers come as strings or as numbers, values as null, tags in either case.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from etl.errors import FilterReason, ItemRefused, Reason
from etl.records import Filtered, Read, Refused, SourceItem
from etl.settings import Feed, Settings
from etl.sources.availability import INSTANCE_AVAILABILITY, Answer, answer_of
from etl.sources.base import feed_files
from etl.sources.dicom_files import source_ref, summary
from etl.sources.dicom_header import (
    CODE_VALUE,
    HEADER_TAGS,
    INSTANCES,
    REQUEST_ATTRIBUTES,
    REQUEST_TAGS,
    SERIES_UID,
    SHOWN_TAGS,
    SOP_INSTANCE_UID,
    STUDY_UID,
    TITLE,
    classify,
    series_record,
    shown,
)
from etl.sources.dicom_json import (
    LARGEST_FILE,
    by_tag,
    first_item,
    json_texts,
    load_objects,
    looks_like_dicom_json,
    parse_objects,
)
from etl.sources.dicom_text import number

KEPT_BYTES = 1 << 20
MOST_INSTANCES = 10_000_000
MODALITIES_IN_STUDY = 0x00080061


class DicomWeb:
    """Source `dicomweb`: files of DICOM JSON."""

    kind = "dicomweb"

    def files(self, feed: Feed, settings: Settings) -> list[Path]:
        """Return the feed's files, sorted by relative path."""
        return feed_files(feed, settings)

    def read(self, path: Path, feed: Feed, settings: Settings) -> Iterator[SourceItem]:
        """Yield one item per object; a file that is no DICOM JSON is one refused item."""
        ref = source_ref(path, settings.at(feed.path))
        try:
            objects = load_objects(path)
        except ItemRefused as refusal:
            yield Refused(ref, refusal.reason, refusal.detail, _raw(path))
            return
        yield from _items(objects, ref, settings.zone_of(feed))

    def read_answer(
        self, data: bytes, ref: str, feed: Feed, settings: Settings, received_at: datetime
    ) -> Iterator[SourceItem]:
        """Yield one item per object of a landed answer; raises FeedStoppedError for a wrong option."""
        answer = answer_of(feed, received_at)
        try:
            objects = parse_objects(data)
        except ItemRefused as refusal:
            yield Refused(ref, refusal.reason, refusal.detail, data[:KEPT_BYTES])
            return
        yield from _items(objects, ref, settings.zone_of(feed), answer)

    def recognises(self, path: Path, head: bytes) -> bool:
        """Return whether the file begins like DICOM JSON."""
        return looks_like_dicom_json(head)

    def inspect(self, path: Path) -> dict[str, Any]:
        """Return what each object would become; raises ItemRefused when none is read or filtered."""
        objects = load_objects(path)
        answers, refusal = [], None
        for found in objects:
            item = read_object(found, path.name, ZoneInfo("UTC"))
            if isinstance(item, Refused):
                refusal = refusal or ItemRefused(item.reason, item.detail)
            answers.append(_shown(found, item))
        if refusal is not None and all("refused" in answer for answer in answers):
            raise refusal
        return {"kind": self.kind, "objects": answers}


def _items(objects: list[Any], ref: str, zone: ZoneInfo, answer: Answer | None = None) -> Iterator[SourceItem]:
    for position, found in enumerate(objects, start=1):
        yield read_object(found, f"{ref}#{position}", zone, answer)


def read_object(found: Any, ref: str, zone: ZoneInfo, answer: Answer | None = None) -> SourceItem:
    """Return the item one object becomes; an answer tells when it was stored at the latest."""
    try:
        if not isinstance(found, dict):
            raise ItemRefused(Reason.BAD_STRUCTURE, "an array element that is no object")
        tags = by_tag(found)
        texts = json_texts(tags, HEADER_TAGS)
        reason = FilterReason.NOT_AN_IMAGE if _is_study(tags, texts) else classify(texts, _title(tags))
        if reason is not None:
            return Filtered(ref, reason)
        record = series_record(texts, _request(tags), zone, number_of_instances=_instances(texts))
        if answer is not None:
            said = json_texts(tags, frozenset({INSTANCE_AVAILABILITY})).get(INSTANCE_AVAILABILITY, "")
            record = answer.stored(record, said)
    except ItemRefused as refusal:
        return Refused(ref, refusal.reason, refusal.detail, json.dumps(found).encode()[:LARGEST_FILE])
    return Read(ref, (record,), control_id=record.sop_instance_uid)


def _title(tags: Mapping[int, Any]) -> str | None:
    return json_texts(first_item(tags, TITLE), frozenset({CODE_VALUE})).get(CODE_VALUE)


def _request(tags: Mapping[int, Any]) -> dict[int, str]:
    return json_texts(first_item(tags, REQUEST_ATTRIBUTES), frozenset(REQUEST_TAGS))


def _is_study(tags: Mapping[int, Any], texts: Mapping[int, str]) -> bool:
    return STUDY_UID in texts and SERIES_UID not in texts and SOP_INSTANCE_UID not in tags


def _instances(texts: Mapping[int, str]) -> int:
    if SOP_INSTANCE_UID in texts:
        return 1
    value = number(texts.get(INSTANCES, ""))
    return int(value) if value is not None and 0 < value <= MOST_INSTANCES else 1


def _shown(found: Any, item: SourceItem) -> dict[str, Any]:
    if isinstance(item, Refused):
        return {"refused": f"{item.reason}: {item.detail}"}
    header = {"header": shown(json_texts(by_tag(found), SHOWN_TAGS | {MODALITIES_IN_STUDY}))}
    if isinstance(item, Filtered):
        return header | {"filtered": str(item.reason)}
    return header | {"record": summary(item.records[0])}  # type: ignore[arg-type]  # this source makes no other


def _raw(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(KEPT_BYTES)
    except OSError:
        return None
