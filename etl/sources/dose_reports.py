"""Radiation dose reports: one item a file, one record an irradiation event, units normalised.

A report is what its title says (113701 X-ray, 113500 radiopharmaceutical), under any SOP class and any template
identifier: projection and mammography (TID 10001), CT (TID 10011), nuclear medicine (TID 10021). Filtered: images
and other objects (feed kind dicom_files), other structured reports, reports that state no irradiation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from etl.errors import FilterReason, ItemRefused, Reason
from etl.records import DoseRecord, Filtered, Read, Refused, SourceItem
from etl.settings import Feed, Settings
from etl.sources.base import masked
from etl.sources.dicom_elements import Dataset, Plan
from etl.sources.dicom_files import DicomFiles, file_texts, raw_copy, read_header, source_ref
from etl.sources.dicom_header import (
    CODE_VALUE,
    HEADER_TAGS,
    MEDIA_DIRECTORY,
    REQUEST_TAGS,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    STRUCTURED_REPORT,
    STUDY_UID,
    TITLE,
    identifiers,
    uid,
)
from etl.sources.dicom_part10 import WINDOWS, looks_like_dicom, read_part10
from etl.sources.dicom_text import clean, texts_of
from etl.sources.dose_concepts import concepts
from etl.sources.dose_content import CONTENT, SCHEME, Content, concept_of, content_plan, walk
from etl.sources.dose_records import PATIENT_NAME, Around, dose_records, is_patient, modality_of
from etl.sources.dose_totals import DECLARED, UNITEMISED, totals

REFERENCED_REQUEST = 0x0040A370
_TEXTS = HEADER_TAGS | {PATIENT_NAME}
_HEAD_PLAN = Plan(_TEXTS | {CODE_VALUE, SCHEME}, frozenset({TITLE}))
_PLAN = content_plan(_TEXTS, frozenset({REFERENCED_REQUEST}))
_SHOWN = tuple(
    field.name
    for field in fields(DoseRecord)
    if field.name.endswith(("_mgy", "_mgy_cm", "_gy", "_gy_m2", "_mbq", "_time_s"))
    or field.name in ("phantom_cm", "laterality", "dose_check", "protocol_name", "target_region", "acquisition_type")
)


@dataclass(frozen=True, slots=True)
class Report:
    """A read dose report: its UID and its records."""

    uid: str
    records: list[DoseRecord]


class DoseReports:
    """Source `dose_reports`: folders of dose reports.

    Option `not_patient`: a list of patterns (fnmatch) of patient ids and names that mean a phantom.
    """

    kind = "dose_reports"

    def files(self, feed: Feed, settings: Settings) -> list[Path]:
        """Return the feed's files, sorted by relative path."""
        return DicomFiles().files(feed, settings)

    def read(self, path: Path, feed: Feed, settings: Settings) -> Iterator[SourceItem]:
        """Yield the one item of a file."""
        patterns = tuple(str(pattern) for pattern in feed.options.get("not_patient", ()))
        yield read_item(path, source_ref(path, settings.at(feed.path)), settings.zone_of(feed), patterns)

    def recognises(self, path: Path, head: bytes) -> bool:
        """Return whether the file is DICOM with the title of a dose report."""
        if not looks_like_dicom(head):
            return False
        try:
            return read_header(path).title in concepts().titles
        except ItemRefused:
            return False

    def inspect(self, path: Path) -> dict[str, Any]:
        """Return events and totals; raises ItemRefused."""
        found = read_report(path, ZoneInfo("UTC"))
        if isinstance(found, FilterReason):
            return {"kind": self.kind, "filtered": str(found), "events": [], "totals": {}}
        first = found.records[0]
        return {
            "kind": self.kind,
            "report": {
                "sop_instance_uid": masked(found.uid),
                "accession_number": masked(first.ids.accession_number),
                "modality": first.modality,
                "station_name": first.station_name,
                "manufacturer": first.manufacturer,
                "model_name": first.model_name,
                "is_patient": first.is_patient,
            },
            "events": [_shown(record) for record in found.records if _is_itemised(record)],
            "totals": totals(found.records),
        }


def read_item(path: Path, ref: str, zone: ZoneInfo, not_patient: tuple[str, ...] = ()) -> SourceItem:
    """Return the item one file becomes."""
    try:
        found = read_report(path, zone, not_patient)
    except ItemRefused as refusal:
        return Refused(ref, refusal.reason, refusal.detail, raw_copy(path))
    if isinstance(found, FilterReason):
        return Filtered(ref, found)
    return Read(ref, tuple(found.records), control_id=found.uid)


def read_report(path: Path, zone: ZoneInfo, not_patient: tuple[str, ...] = ()) -> Report | FilterReason:
    """Return a report, or why the file is left out.

    Raises ItemRefused: the reasons of `read_part10`, MISSING_IDENTIFIER, MISSING_TIME, BAD_STRUCTURE.
    """
    head = read_part10(path, _HEAD_PLAN)
    reason = _left_out(file_texts(head, _TEXTS), head.dataset)
    if reason is not None:
        return reason
    file = read_part10(path, _PLAN, windows=WINDOWS[-1:])
    root, texts = file.dataset, file_texts(file, _TEXTS)
    report_uid = uid(texts.get(SOP_INSTANCE_UID, ""))
    if report_uid is None:
        raise ItemRefused(Reason.MISSING_IDENTIFIER, "no SOPInstanceUID")
    if not root.sequences.get(CONTENT):
        raise ItemRefused(Reason.BAD_STRUCTURE, "a dose report without content")
    around = _around(texts, root, walk(root), report_uid, zone, not_patient)
    records = dose_records(around)
    return Report(report_uid, records) if _irradiated(around.content, records) else FilterReason.NO_IRRADIATION


def _left_out(texts: dict[int, str], root: Dataset) -> FilterReason | None:
    if concept_of(root) in concepts().titles:
        return None
    sop_class = texts.get(SOP_CLASS_UID, "")
    if sop_class == MEDIA_DIRECTORY:
        return FilterReason.MEDIA_DIRECTORY
    if sop_class.startswith(STRUCTURED_REPORT) or (not sop_class and root.sequences.get(TITLE)):
        return FilterReason.NOT_A_DOSE_REPORT
    if not sop_class:
        raise ItemRefused(Reason.MISSING_IDENTIFIER, "neither SOPClassUID nor a report's title")
    return FilterReason.OTHER_FEED


def _around(
    texts: dict[int, str],
    root: Dataset,
    content: Content,
    report_uid: str,
    zone: ZoneInfo,
    not_patient: tuple[str, ...],
) -> Around:
    request = root.first(REFERENCED_REQUEST)
    asked = texts_of(request, REQUEST_TAGS) if request is not None else {}
    if STUDY_UID not in texts and "study_uid" in content.report.texts:
        texts[STUDY_UID] = content.report.texts["study_uid"]
    ids = identifiers(texts, asked)
    if not (ids.study_instance_uid or ids.accession_number or ids.patient_id):
        raise ItemRefused(Reason.MISSING_IDENTIFIER, "neither StudyInstanceUID nor AccessionNumber nor PatientID")
    patient = is_patient(texts, content.report, not_patient)
    return Around(texts, ids, report_uid, zone, patient, modality_of(content), content)


def _irradiated(content: Content, records: list[DoseRecord]) -> bool:
    return (
        bool(content.events)
        or any(value > 0 for value in totals(records).values())
        or any(record.fluoro_time_s for record in records)
    )


def _is_itemised(record: DoseRecord) -> bool:
    name = record.irradiation_event_uid
    return UNITEMISED not in name and DECLARED not in name


def _shown(record: DoseRecord) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in _SHOWN}
    return {
        "irradiation_event_uid": record.irradiation_event_uid,
        "started": clean(record.raw_time),
        **{name: value for name, value in values.items() if value is not None},
    }
