"""DICOM image headers from any folder tree: one item a file, pixels never read.

Read: images of every modality, secondary captures among them. Filtered: a DICOMDIR (the files it lists are
offered themselves); dose reports (feed kind dose_reports); whatever holds no acquired image, see `classify`.
Refused: no DICOM, damaged before the header's end, or without an identifier and a time. Readable though odd is
read: wrong VRs, over-long or hostile texts (cut, control characters removed), missing preamble or meta
information, a wrong group length, an unknown transfer syntax, damage after the pixel data begin.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from etl.errors import FilterReason, ItemRefused
from etl.records import Filtered, Read, Refused, SeriesRecord, SourceItem
from etl.settings import Feed, Settings
from etl.sources.base import feed_files
from etl.sources.dicom_elements import Dataset, NeedMoreError, Plan
from etl.sources.dicom_header import (
    CODE_VALUE,
    HEADER_TAGS,
    REQUEST_ATTRIBUTES,
    REQUEST_TAGS,
    SHOWN_TAGS,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    TITLE,
    classify,
    series_record,
    shown,
)
from etl.sources.dicom_part10 import (
    MEDIA_SOP_CLASS_UID,
    MEDIA_SOP_INSTANCE_UID,
    WINDOWS,
    DicomFile,
    looks_like_dicom,
    parse_part10,
    read_part10,
)
from etl.sources.dicom_text import CHARSET, clean, decode, number_of, texts_of
from etl.sources.dicom_times import ACQUISITION_DURATION
from etl.sources.dose_content import Block
from etl.sources.dose_images import image_doses, image_records, with_doses
from etl.sources.dose_records import PATIENT_NAME, is_patient

KEPT_RAW_BYTES = 1 << 20  # a refused file up to this size goes whole into quarantine
DICOMDIR = "DICOMDIR"
DIRECTORY_RECORDS = 0x00041220
REFERENCED_FILE = 0x00041500
_SEQUENCES = frozenset({REQUEST_ATTRIBUTES, TITLE})
_DOUBLES = frozenset({ACQUISITION_DURATION, 0x00189345})  # written as FD
_READ_TAGS = HEADER_TAGS | {PATIENT_NAME}  # the name tells phantoms from patients and goes no further
_PLAN = with_doses(Plan(_READ_TAGS | {CHARSET, CODE_VALUE}, _SEQUENCES))
_SHOWN_PLAN = with_doses(Plan(SHOWN_TAGS | {CHARSET, CODE_VALUE}, _SEQUENCES))
_DIRECTORY_PLAN = Plan(frozenset({REFERENCED_FILE}), frozenset({DIRECTORY_RECORDS}), budget=2_000_000)


@dataclass(frozen=True, slots=True)
class Header:
    """A header as first values by tag, its request attributes, a report's title code, the file's size."""

    texts: dict[int, str]
    request: dict[int, str]
    title: str | None
    size: int
    dataset: Dataset


class DicomFiles:
    """Source `dicom_files`: folders of DICOM images, and the doses their headers state.

    Option `not_patient`: a list of patterns (fnmatch) of patient ids and names that mean a phantom.
    """

    kind = "dicom_files"

    def files(self, feed: Feed, settings: Settings) -> list[Path]:
        """Return the feed's files and those its DICOMDIRs list, sorted by relative path."""
        root = settings.at(feed.path)
        found = set(feed_files(feed, settings))
        for directory in root.rglob(DICOMDIR):
            found.update(listed_files(directory, root))
        return sorted(found, key=lambda path: path.relative_to(root).as_posix())

    def read(self, path: Path, feed: Feed, settings: Settings) -> Iterator[SourceItem]:
        """Yield the one item of a file."""
        patterns = tuple(str(pattern) for pattern in feed.options.get("not_patient", ()))
        yield read_item(path, source_ref(path, settings.at(feed.path)), settings.zone_of(feed), patterns)

    def recognises(self, path: Path, head: bytes) -> bool:
        """Return whether the file is DICOM and no dose report."""
        if not looks_like_dicom(head):
            return False
        try:
            header = read_header(path)
        except ItemRefused:
            return True  # ours to refuse
        return classify(header.texts, header.title) is not FilterReason.OTHER_FEED

    def inspect(self, path: Path) -> dict[str, Any]:
        """Return the masked header and what is read from it; raises ItemRefused."""
        header = read_header(path, _SHOWN_PLAN)
        answer: dict[str, Any] = {"kind": self.kind, "header": shown(header.texts), **image_doses(header.dataset)}
        reason = classify(header.texts, header.title)
        if reason is not None:
            return answer | {"filtered": str(reason)}
        return answer | {"record": summary(_record(header, ZoneInfo("UTC")))}


def source_ref(path: Path, root: Path) -> str:
    """Return a file's path relative to its feed's folder as clean text."""
    try:
        relative = path.relative_to(root).as_posix()
    except ValueError:
        relative = path.name
    return clean(relative.encode("utf-8", "backslashreplace").decode("utf-8"), longest=280)


def read_item(path: Path, ref: str, zone: ZoneInfo, not_patient: tuple[str, ...] = ()) -> SourceItem:
    """Return the item one file becomes."""
    try:
        header = read_header(path)
        reason = classify(header.texts, header.title)
        if reason is not None:
            return Filtered(ref, reason)
        record = _record(header, zone)
        patient = is_patient(header.texts, Block("report"), not_patient)
        doses = image_records(header.dataset, header.texts, record, zone, patient)
    except ItemRefused as refusal:
        return Refused(ref, refusal.reason, refusal.detail, raw_copy(path))
    return Read(ref, (record, *doses), control_id=record.sop_instance_uid)


def read_header(path: Path, plan: Plan = _PLAN) -> Header:
    """Return the header of a file; raises ItemRefused as `read_part10`."""
    file = read_part10(path, plan)
    texts = file_texts(file, plan.values & (SHOWN_TAGS | {PATIENT_NAME}))
    request = file.dataset.first(REQUEST_ATTRIBUTES)
    title = file.dataset.first(TITLE)
    return Header(
        texts=texts,
        request=texts_of(request, REQUEST_TAGS) if request else {},
        title=texts_of(title, (CODE_VALUE,)).get(CODE_VALUE) if title else None,
        size=file.size,
        dataset=file.dataset,
    )


def prefix_lengths(parts: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Yield a file's first bytes as `parts` brings them until they hold all that is read of it.

    They end where a window of `read_part10` does, so that the source sees in them what it would see in the whole. A
    file it will refuse comes whole where quarantine keeps it.
    """
    data, windows = b"", [window for window in WINDOWS if window < size]
    for part in parts:
        data += part
        while windows and len(data) >= windows[0]:
            window = windows.pop(0)
            if _is_enough(data[:window], size):
                yield data[:window]
                return
    yield data


def _is_enough(prefix: bytes, size: int) -> bool:
    try:
        parse_part10(prefix, size, _PLAN)
    except NeedMoreError:
        return len(prefix) >= WINDOWS[-1]
    except ItemRefused:
        return size > KEPT_RAW_BYTES
    return True


def raw_copy(path: Path) -> bytes | None:
    """Return the bytes of a refused file for quarantine, or None where it is too large or gone."""
    try:
        if os.path.getsize(path) > KEPT_RAW_BYTES:
            return None
        return path.read_bytes()[:KEPT_RAW_BYTES]
    except OSError:
        return None


def summary(record: SeriesRecord) -> dict[str, Any]:
    """Return what a header's record holds beside identifiers, times read as UTC where no offset is given."""
    return {
        "modality": record.modality,
        "begin_at": record.begin_at.isoformat(),
        "end_at": record.end_at.isoformat() if record.end_at else None,
        "time_source": record.time_source,
        "raw_time": record.raw_time,
        "station_name": record.station_name,
        "number_of_instances": record.number_of_instances,
    }


def listed_files(directory: Path, root: Path) -> set[Path]:
    """Return the files a DICOMDIR lists that exist inside the feed's folder (PS3.10 8.6, (0004,1500))."""
    try:
        records = read_part10(directory, _DIRECTORY_PLAN).dataset.sequences.get(DIRECTORY_RECORDS, [])
    except ItemRefused:
        return set()  # the DICOMDIR is offered as a file itself and refused there
    found = set()
    for record in records:
        parts = decode(record.values.get(REFERENCED_FILE, b""), ()).split("\\")
        path = directory.parent.joinpath(*(part.strip(" \0") for part in parts))
        if _is_inside(path, root) and path.is_file():
            found.add(path)
    return found


def _is_inside(path: Path, root: Path) -> bool:
    return "\0" not in str(path) and ".." not in path.parts and path.is_relative_to(root)


def file_texts(file: DicomFile, tags: frozenset[int]) -> dict[int, str]:
    """Return the first value of each tag as text; class and UID of the object may come from group 2."""
    texts = texts_of(file.dataset, tags - _DOUBLES)
    meta = texts_of(file.meta, (MEDIA_SOP_CLASS_UID, MEDIA_SOP_INSTANCE_UID))
    for tag, meta_tag in ((SOP_CLASS_UID, MEDIA_SOP_CLASS_UID), (SOP_INSTANCE_UID, MEDIA_SOP_INSTANCE_UID)):
        if tag not in texts and meta_tag in meta:
            texts[tag] = meta[meta_tag]
    for tag in _DOUBLES & file.dataset.values.keys():
        value = number_of(file.dataset, tag)
        if value is not None:
            texts[tag] = repr(value)
    return texts


def _record(header: Header, zone: ZoneInfo) -> SeriesRecord:
    return series_record(header.texts, header.request, zone, size_bytes=header.size)
