"""DICOM JSON from files: answers of QIDO-RS at any level and WADO-RS metadata, one item an object.

PS3.18 8.6 and annex F (DICOM JSON model). Series- and instance-level objects become series records. A study-level
object is filtered: StudyTime is when a study was opened, and without a series there is neither an acquisition nor
a scanner in it. Counts and other numbers come as strings or as numbers, values as null, tags in either case.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from etl.errors import FilterReason, ItemRefused, Reason
from etl.records import Filtered, Read, Refused, SourceItem
from etl.settings import Feed, Settings
from etl.sources.base import feed_files
from etl.sources.dicom_files import source_ref, summary
from etl.sources.dicom_header import (
    ACCESSION_NUMBER,
    CODE_VALUE,
    HEADER_TAGS,
    INSTANCES,
    REQUEST_ATTRIBUTES,
    SERIES_UID,
    SHOWN_TAGS,
    SOP_INSTANCE_UID,
    STUDY_UID,
    TITLE,
    classify,
    series_record,
    shown,
)
from etl.sources.dicom_text import LONGEST_TEXT, number

LARGEST_FILE = 1 << 25
LONGEST_VALUE = 4096
MOST_INSTANCES = 10_000_000
MODALITIES_IN_STUDY = 0x00080061
_LIKELY_KEYS = (b'"vr"', b'"0020000D"', b'"0020000d"', b'"00080016"', b'"00080060"')


class DicomWeb:
    """Source `dicomweb`: files of DICOM JSON."""

    kind = "dicomweb"

    def files(self, feed: Feed, settings: Settings) -> list[Path]:
        """Return the feed's files, sorted by relative path."""
        return feed_files(feed, settings)

    def read(self, path: Path, feed: Feed, settings: Settings) -> Iterator[SourceItem]:
        """Yield one item per object; a file that is no DICOM JSON is one refused item."""
        ref, zone = source_ref(path, settings.at(feed.path)), settings.zone_of(feed)
        try:
            objects = load_objects(path)
        except ItemRefused as refusal:
            yield Refused(ref, refusal.reason, refusal.detail, _raw(path))
            return
        for number_, found in enumerate(objects, start=1):
            yield read_object(found, f"{ref}#{number_}", zone)

    def recognises(self, path: Path, head: bytes) -> bool:
        """Return whether the file begins like DICOM JSON."""
        start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
        return start[:1] in (b"[", b"{") and (start.rstrip() == b"[]" or any(key in start for key in _LIKELY_KEYS))

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


def load_objects(path: Path) -> list[Any]:
    """Return the objects of a DICOM JSON file; raises ItemRefused (READ_ERROR, OVERSIZED, NOT_THIS_FORMAT)."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ItemRefused(Reason.READ_ERROR, f"cannot read: {error.strerror or 'input/output error'}") from error
    if len(data) > LARGEST_FILE:
        raise ItemRefused(Reason.OVERSIZED, f"more than {LARGEST_FILE} bytes")
    if not data.strip():
        raise ItemRefused(Reason.NOT_THIS_FORMAT, "the file is empty")
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ItemRefused(Reason.BAD_CHARSET, "DICOM JSON is UTF-8, this is not") from error
    except json.JSONDecodeError as error:
        raise ItemRefused(_why_no_json(error), f"no JSON: {error.msg}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, nesting without end
        raise ItemRefused(Reason.BAD_STRUCTURE, "JSON nested too deep or with numbers too long") from error
    if isinstance(content, dict):
        return [content]
    if isinstance(content, list):
        return content
    raise ItemRefused(Reason.NOT_THIS_FORMAT, "neither a JSON object nor an array of them")


def _why_no_json(error: json.JSONDecodeError) -> Reason:
    """Tell an answer that breaks off from a file that is something else."""
    begun = error.doc.lstrip()[:1] in ("[", "{")
    ended = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string")
    return Reason.TRUNCATED if begun and ended else Reason.NOT_THIS_FORMAT


def read_object(found: Any, ref: str, zone: ZoneInfo) -> SourceItem:
    """Return the item one object becomes."""
    try:
        if not isinstance(found, dict):
            raise ItemRefused(Reason.BAD_STRUCTURE, "an array element that is no object")
        tags = _by_tag(found)
        texts = json_texts(tags, HEADER_TAGS)
        reason = FilterReason.NOT_AN_IMAGE if _is_study(tags, texts) else classify(texts, _title(tags))
        if reason is not None:
            return Filtered(ref, reason)
        record = series_record(
            texts, _request(tags), zone, number_of_instances=_instances(texts), size_bytes=None, stored_at=None
        )
    except ItemRefused as refusal:
        return Refused(ref, refusal.reason, refusal.detail, json.dumps(found).encode()[:LARGEST_FILE])
    return Read(ref, (record,), control_id=record.sop_instance_uid)


def json_texts(tags: Mapping[int, Any], wanted: frozenset[int]) -> dict[int, str]:
    """Return the first value of each wanted tag as text; numbers as they are written, null as missing."""
    texts = {}
    for tag in wanted & tags.keys():
        text = _first_text(tags[tag])
        if text:
            texts[tag] = text
    return texts


def _by_tag(found: Mapping[str, Any]) -> dict[int, Any]:
    tags = {}
    for key, element in found.items():
        if len(key) == 8 and isinstance(element, dict):
            try:
                tags[int(key, 16)] = element
            except ValueError:
                continue
    return tags


def _values(element: Any) -> list[Any]:
    values = element.get("Value") if isinstance(element, dict) else None
    return values if isinstance(values, list) else [] if values is None else [values]


def _first_text(element: Any) -> str:
    value = next(iter(_values(element)), None)
    if isinstance(value, str):
        return value[:LONGEST_VALUE].split("\\", 1)[0].strip(" \0")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return repr(value) if abs(value) < 10**LONGEST_TEXT else ""


def _first_item(tags: Mapping[int, Any], tag: int) -> dict[int, Any]:
    item = next(iter(_values(tags.get(tag))), None)
    return _by_tag(item) if isinstance(item, dict) else {}


def _title(tags: Mapping[int, Any]) -> str | None:
    return json_texts(_first_item(tags, TITLE), frozenset({CODE_VALUE})).get(CODE_VALUE)


def _request(tags: Mapping[int, Any]) -> dict[int, str]:
    return json_texts(_first_item(tags, REQUEST_ATTRIBUTES), frozenset({ACCESSION_NUMBER, STUDY_UID}))


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
    header = {"header": shown(json_texts(_by_tag(found), SHOWN_TAGS | {MODALITIES_IN_STUDY}))}
    if isinstance(item, Filtered):
        return header | {"filtered": str(item.reason)}
    return header | {"record": summary(item.records[0])}  # type: ignore[arg-type]  # this source makes no other


def _raw(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(1 << 20)
    except OSError:
        return None
